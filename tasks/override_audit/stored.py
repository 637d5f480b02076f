"""Where the pipeline's own approval records are: files in the data bucket, and Firestore."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.stored_object import StoredObject
from tasks.override_audit.facts import Decision, Facts, Logged
from tasks.override_audit.records import decision_of, logged_of
from tasks.validation.documents.documents import parse_json

LOG = ".jsonl"
FIRESTORE = "firestore"
MOST_BYTES = 4_000_000
"""Of a report or a record: more is no report of gates."""
PARALLEL = 16
"""Files that are read at the same time."""


@dataclass(slots=True)
class Stored:
    """Records as they were found, before they are compared with each other."""

    decisions: list[Decision] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    broken: list[tuple[str, str, str]] = field(default_factory=list)
    logs: set[str] = field(default_factory=set)
    """Logs that are kept and could be read, even when nothing is in them."""

    def __bool__(self) -> bool:
        return bool(self.decisions or self.logged or self.broken)

    def add(self, other: Stored) -> None:
        """Take what another has."""
        self.decisions += other.decisions
        self.logged += other.logged
        self.broken += other.broken


def read_record(found: Stored, scene_id: str, where: str, body: bytes) -> None:
    """A file of the pipeline's store: a record, an entry of its log, or the log itself with one entry a line."""
    lines = [one for one in body.splitlines() if one.strip()] if where.endswith(LOG) else [body]
    for number, line in enumerate(lines, 1):
        place = f"{where} line {number}" if where.endswith(LOG) else where
        value = parse_json(line).value
        if isinstance(value, dict) and take(found, value, place, f"files of {scene_id}"):
            _check_scene(found, scene_id, place, value)
        else:
            found.broken.append(("record-unreadable", place, f"{place} is no record of an approval that can be read."))


def take(found: Stored, value: Mapping[str, Any], where: str, store: str, rewritten: Any = None) -> bool:
    """Put a record or an entry of the log where it belongs; False when it is neither."""
    if (entry := logged_of(value, where, store, rewritten)) is not None:
        found.logged.append(entry)
        return True
    if (decision := decision_of(value, where)) is not None:
        found.decisions.append(decision)
        return True
    return False


def _check_scene(found: Stored, scene_id: str, where: str, value: Mapping[str, Any]) -> None:
    said = value.get("scene_id")
    if said != scene_id:
        sentence = f"{where} lies with the scene {scene_id} and is about {said!r}: one of the two is wrong."
        found.broken.append(("record-misplaced", where, sentence))


def from_folder(environment: PipelineEnvironment, facts: Facts, found: Stored) -> None:
    """The records in a folder of the bucket outside every scene, with one folder a scene."""
    folder = environment.catalogue.gates.approvals_folder
    if not folder:
        return
    bucket = environment.data_bucket

    def body_of(one: StoredObject) -> bytes | None:
        try:
            return environment.storage.read(bucket, one.name, generation=one.generation)
        except NotFound:
            return None  # it was replaced meanwhile: the next audit sees the new one

    try:
        listed = [one for one in environment.storage.list(bucket, folder) if one.name.endswith((".json", LOG))]
        files = [one for one in listed if one.size <= MOST_BYTES]
        for one in listed:
            if one.size > MOST_BYTES:
                facts.unsure.add(one.name.removeprefix(folder).partition("/")[0])
                facts.unknown.append(f"gs://{bucket}/{one.name} was not read: {one.size:,} bytes are no record.")
        with ThreadPoolExecutor(PARALLEL) as pool:
            for one, body in zip(files, pool.map(body_of, files), strict=True):
                scene_id = one.name.removeprefix(folder).partition("/")[0]
                if body is None:
                    facts.unsure.add(scene_id)
                else:
                    read_record(found, scene_id, f"gs://{bucket}/{one.name}", body)
    except OutsideError as error:
        facts.records_known = False
        facts.unknown.append(f"The approval records in gs://{bucket}/{folder}: {error}")


def from_firestore(environment: PipelineEnvironment, facts: Facts, found: Stored) -> None:
    """The records and their log in Firestore. Firestore itself says whether an entry of the log was changed afterwards."""
    gates = environment.catalogue.gates
    for collection in (gates.collection, gates.log_collection):
        if not collection:
            continue
        try:
            for one in list(environment.override_records.documents(collection)):  # all, or nothing is known
                where = f"Firestore {collection}/{one.id}"
                facts.raw[where] = one.fields
                changed = one.updated if one.created and one.updated and one.updated > one.created else None
                if not take(found, one.fields, where, FIRESTORE, changed):
                    sentence = f"{where} is no record of an approval that can be read."
                    found.broken.append(("record-unreadable", where, sentence))
            if collection == gates.log_collection:
                found.logs.add(FIRESTORE)
        except OutsideError as error:
            facts.records_known = False
            facts.unknown.append(f"Firestore's collection {collection}: {error}")
