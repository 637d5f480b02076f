"""One scene as the checks see it: its listing, its documents (each read and parsed once) and the findings so far."""

from __future__ import annotations

from functools import cached_property
from typing import Literal
from unicodedata import normalize

from blocks.catalogue import Catalogue
from tasks.validation.documents.documents import MAX_DOCUMENT_BYTES, Document, parse_json
from tasks.validation.documents.json_values import entry_name
from tasks.validation.documents.quoting import json_path
from tasks.validation.files.pieces import Pieces
from tasks.validation.finding_codes import CODES
from tasks.validation.findings import Findings
from tasks.validation.kept_source import SMALL_BYTES, KeptSource
from tasks.validation.source import SceneSource, Vanished
from tasks.validation.stages.attribution import Attribution
from tasks.validation.stages.retention import Expiry

Depth = Literal["documents", "full"]
OWNERS = ("scene_id", "environment_type")
"""What is remembered of a document that is read once and not kept: whose it is."""
Record = dict[str, object]


class SceneUnderTest:
    """What the checks read from and report to."""

    def __init__(self, source: SceneSource, catalogue: Catalogue, depth: Depth) -> None:
        """Lists the scene once."""
        self.source = KeptSource(source)
        self.catalogue = catalogue
        self.deep = depth == "full"
        self.scene_id = source.scene_id
        self.files = self.source.files()
        self.findings = Findings()
        self.attribution = Attribution.of(catalogue)
        self.expired = Expiry(self.source, catalogue)
        self.writers: dict[str, str] = {}
        """Who wrote an object that more than one stage may write, as the object itself shows it."""
        self._documents: dict[str, Document] = {}
        self._lowered: dict[str, str] | None = None
        self._composed: dict[str, str] | None = None
        self.told_once: set[tuple[str, str]] = set()
        """(code, object) of findings that are made once an object."""
        self.lines_read: set[str] = set()
        """JSON Lines files that were read, and whose findings were made."""
        self.packed: dict[str, frozenset[str] | None] = {}
        """The files in packages that were looked into, None for a package that cannot be."""

    def add(
        self, code: str, object_path: str, message: str, *, at: tuple[str | int, ...] | None = None, stage: str = ""
    ) -> None:
        """Note a finding about an object, or about the place `at` inside it, in the stage it belongs to."""
        owner = stage or self.stage_of(object_path)
        if not owner and CODES[code].severity == "error" and not self.attribution.is_part(object_path):
            code, message = "other-file-damaged", f"{object_path} is no part of the pipeline's line: {message}"
        self.findings.add(code, object_path, message, path="" if at is None else json_path(at), stage=owner)

    def stage_of(self, path: str) -> str:
        """The stage an object belongs to; empty for extras, and for what a former job of the simulation has left."""
        job = self.attribution.job_of(path)
        if job and self.current_job and job != self.current_job:
            return ""
        return self.writers.get(path) or self.attribution.stage_of(path)

    @cached_property
    def current_job(self) -> str:
        """The id that the record of the simulation's job gives, empty without one. Not a check of that record."""
        path = next(
            (o.path for s in self.catalogue.stages.values() for o in s.outputs if o.path.endswith("job.json")), ""
        )
        if not path or not self.has(path) or self.files[path].size > SMALL_BYTES:
            return ""
        try:
            record = parse_json(self.source.read(path)).value
        except Vanished:
            return ""
        name = record.get("job_id") if isinstance(record, dict) else None
        return name if isinstance(name, str) else ""

    def absent(self, path: str) -> bool:
        """Whether an object is certainly not there: where the listing was cut short, nobody can tell."""
        return path not in self.files and not self.source.unlisted(path)

    def has(self, path: str) -> bool:
        """Whether the object is there with something in it."""
        file = self.files.get(path)
        return file is not None and file.size > 0 and not file.oddity

    def in_any_case(self, path: str) -> str | None:
        """The object whose path differs from `path` in capital letters only."""
        if self._lowered is None:
            self._lowered = {known.lower(): known for known in self.files}
        return self._lowered.get(path.lower())

    def in_any_form(self, path: str) -> str | None:
        """The object whose path differs from `path` only in how Unicode composes its letters."""
        if path.isascii():
            return None
        if self._composed is None:
            self._composed = {normalize("NFC", known): known for known in self.files if not known.isascii()}
        return self._composed.get(normalize("NFC", path))

    def data(self, path: str, end: int | None = None) -> bytes | None:
        """An object's bytes (the first `end` of them), None when it is not there or cannot be read."""
        if not self.has(path):
            return None
        if end is None and self.files[path].size > MAX_DOCUMENT_BYTES:
            limit = MAX_DOCUMENT_BYTES // (1024 * 1024)
            message = f"{path} has {self.files[path].size:,} bytes; documents over {limit} MiB are not read."
            self.add("document-too-large", path, message)
            return None
        try:
            return self.source.read(path, 0, end)
        except Vanished as problem:
            self.add("object-unreadable", path, f"{problem}.")
            return None

    def pieces(self, path: str) -> Pieces:
        """An object that is there, to be read at places. Reading it may raise `Vanished`."""
        return Pieces(lambda start, end: self.source.read(path, start, end), self.files[path].size)

    def document(self, path: str) -> Document:
        """An object as JSON, kept for the checks that follow. What is wrong with it is reported the first time."""
        if path not in self._documents:
            self._documents[path] = self._read(path)
        return self._documents[path]

    def passing(self, path: str) -> Document:
        """An object as JSON that no other check needs. Of what it says no more than whose it is stays in memory."""
        known = self._documents.get(path)
        document = known or self._read(path)
        if not known:
            value = document.value
            said = {key: value[key] for key in OWNERS if key in value} if isinstance(value, dict) else None
            self._documents[path] = Document(said, document.usable, document.problems)
        return document

    def _read(self, path: str) -> Document:
        data = self.data(path)
        document = Document() if data is None else parse_json(data)
        for problem in document.problems:
            name = entry_name(document.value, problem.path)
            self.add(problem.code, path, f"{path}: {name}{problem.message}.", at=problem.path)
        return document

    def parsed(self, path: str) -> bool:
        """Whether the object was already read as JSON."""
        return path in self._documents

    def record(self, path: str) -> Record | None:
        """An object as a JSON object, None (and reported) when it is anything else."""
        document = self.document(path)
        if not document.usable:
            return None
        if isinstance(document.value, dict):
            return document.value
        kind = type(document.value).__name__
        names = {"list": "a list", "str": "a text", "NoneType": "null", "bool": "true or false"}
        message = f"{path} is {names.get(kind, 'a number')}, where the pipeline writes an object."
        self.add("document-wrong-type", path, message, at=())
        self._documents[path] = Document(problems=document.problems)
        return None
