"""Really opens a scene's USD files with OpenUSD (usd-core), on a copy in a temporary folder and in another process."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.json_values import mapping, sequence, text
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.quoting import sentence
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.source import Vanished
from tasks.validation.usd.check import ADAPTER_ROOT, UsdFacts, check_binary
from tasks.validation.usd.physics import check_wrapper
from tasks.validation.usd.text import USD_ENDINGS

MAX_FILES = 5_000
MAX_BYTES = 512 * 1024 * 1024
"""USD files of one scene that are copied and opened; a scene with more is checked as text only."""
COPY_BYTES = 8 * 1024 * 1024
CPU_SECONDS, CPU_SECONDS_PER_MIB, CPU_SECONDS_PER_FILE, MAX_CPU_SECONDS = 3, 1.0, 0.02, 120
"""Processor time that opening them may take: in proportion to what there is to open."""
TIMEOUT_SECONDS = 300
"""Time on the clock, for a machine that has much else to do."""
NOT_STARTED = "usd-core is installed but does not work, so USD files were only checked as text."
GEOMETRY = (
    ("mesh", "mesh-damaged", "the faces of a mesh do not fit its points, in"),
    ("flat", "usd-transform-flat", "nothing has a size after the transform"),
    ("not_finite", "usd-not-finite", "there is no finite number in"),
)
"""What the probe tells of a layer's geometry."""
DAMAGE_CODES = ("usd-bad-header", "usd-truncated", "usdz-damaged", "document-not-utf8")

REMEMBERED = 32
"""Scenes of which is known what OpenUSD said, in this process."""
MOST_ANSWERS = 500
"""A scene with more of them is not remembered: a cache must not grow with what it caches."""

_KNOWN: dict[str, list[dict[str, object]]] = {}
_REMEMBERING = threading.Lock()
_INTRODUCED_BY = re.compile(r"introduced by @([^@]+)@")


@dataclass
class _Work:
    """What is opened, in this order."""

    layers: list[str]
    stages: list[str]
    wrappers: list[str]
    cpu_seconds: int
    answers: list[dict[str, object]] = field(default_factory=list)
    at: str = ""
    """The file that was last begun with; empty when all were done."""


def open_usd(view: SceneUnderTest, places: Places, manifest: Manifest, facts: UsdFacts) -> None:
    """Open every USD file that is not known to be damaged or to lead out of the scene."""
    damaged = {finding.object for finding in view.findings.kept if finding.code in DAMAGE_CODES}
    paths = [path for path in _openable(view) if path not in facts.unsafe | damaged]
    if not paths:
        return
    if find_spec("pxr") is None:
        message = "usd-core is not installed, so USD files were only checked as text."
        view.add("usd-not-opened", places.scene_usd, message)
        return
    size = sum(view.files[path].size for path in paths)
    if len(paths) > MAX_FILES or size > MAX_BYTES:
        view.add("usd-not-opened", places.scene_usd, "The scene has too many USD files to open them all.")
        return
    seconds = CPU_SECONDS + size / 1024**2 * CPU_SECONDS_PER_MIB + len(paths) * CPU_SECONDS_PER_FILE
    with TemporaryDirectory(prefix="scene-usd-") as folder:
        seen = hashlib.sha256()
        copied = [path for path in paths if _copy(view, path, Path(folder), seen)]
        together = not facts.unsafe and len(copied) == len(paths)  # from a part nothing can be put together
        work = _Work(
            [*copied, *(inner for path in copied for inner in facts.inner.get(path, ()))],
            [path for path in copied if path == places.scene_usd and together],
            [path for path in _wrappers(places, manifest) if path in set(copied) and together],
            min(round(seconds), MAX_CPU_SECONDS),
        )
        problem = _remembered(Path(folder), work, seen.hexdigest())
    if problem:
        view.add(problem[0], work.at or places.scene_usd, problem[1])
    _report(view, work, manifest, facts)


def _wrappers(places: Places, manifest: Manifest) -> Iterator[str]:
    if places.simready:
        yield from (places.simready.replace("{object_id}", name) for name in manifest.objects)


def _openable(view: SceneUnderTest) -> Iterable[str]:
    """USD files whose paths are safe to use on a disk."""
    for path in view.files:
        parts = PurePosixPath(path).parts
        tidy = str(PurePosixPath(path)) == path and ".." not in parts and not path.startswith("/")
        if path.lower().endswith(USD_ENDINGS) and tidy and view.has(path):
            yield path


def _copy(view: SceneUnderTest, path: str, folder: Path, seen: hashlib._Hash) -> bool:
    """Copy one file; whether it was read to its end and its name fits on a disk. `seen` hashes what is copied."""
    target, pieces = folder / path, view.pieces(path)
    seen.update(f"{path}\0{pieces.size}\0".encode())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for start in range(0, pieces.size, COPY_BYTES):
                piece = pieces.at(start, COPY_BYTES)
                file.write(piece)
                seen.update(piece)
        return True
    except Vanished as problem:
        view.add("object-unreadable", path, f"{problem}.")
    except (OSError, ValueError):
        message = f"{path} cannot be opened with the rest: its name does not fit on a disk."
        view.add("usd-not-opened", path, message)
    return False


def _remembered(folder: Path, work: _Work, content: str) -> tuple[str, str] | None:
    """As `_probe`; equal files are opened once. A recovery looks at its scene three times, and a process that opens
    USD files costs more than the rest of a small scene."""
    key = f"{content} {work.layers} {work.stages} {work.wrappers}"
    if (known := _KNOWN.get(key)) is not None:
        work.answers = known
        return None
    if (problem := _probe(folder, work)) is None and len(work.answers) <= MOST_ANSWERS:
        with _REMEMBERING:
            while len(_KNOWN) >= REMEMBERED:
                _KNOWN.pop(next(iter(_KNOWN)))
            _KNOWN[key] = work.answers
    return problem


def _probe(folder: Path, work: _Work) -> tuple[str, str] | None:
    """Have OpenUSD open everything; gives (code, sentence) when it did not come to the end."""
    asked = {"layers": work.layers, "stages": work.stages, "wrappers": work.wrappers, "cpu_seconds": work.cpu_seconds}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tasks.validation.usd.probe", str(folder)],
            input=json.dumps(asked),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        said, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output: object = late.stdout
        said, code = output.decode("utf-8", "replace") if isinstance(output, bytes) else "", -signal.SIGKILL
    _take(said, work)
    if code == 0 and not work.at:
        return None
    if not work.answers and not work.at:
        return "usd-not-opened", NOT_STARTED
    return _ended_early(work.at, code)


def _take(said: str, work: _Work) -> None:
    for line in said.splitlines():
        try:
            answer = mapping(json.loads(line))
        except ValueError:
            continue  # the last line of a process that was ended
        if "at" in answer or "done" in answer:
            work.at = text(answer.get("at")) or ""
        else:
            work.answers.append(answer)


def _ended_early(path: str, code: int) -> tuple[str, str]:
    """Too slow is not damaged; a file at which the pipeline's own library crashes is."""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return (
            "usd-not-opened",
            f"{path}: OpenUSD did not get through it in time, so it and what follows was not opened.",
        )
    if code > 0:
        return "usd-not-opened", f"{path}: OpenUSD ran out of memory there, so it and what follows was not opened."
    return "usd-does-not-open", f"{path}: OpenUSD crashes when it opens it, so what follows was not opened."


def _report(view: SceneUnderTest, work: _Work, manifest: Manifest, facts: UsdFacts) -> None:
    for answer in work.answers:
        path = str(answer.get("layer") or answer.get("stage") or answer.get("physics"))
        if "layer" in answer and answer.get("problem") is not None:
            told = path.partition("[")[0]
            message = f"{path}: OpenUSD cannot open it: {sentence(answer['problem'])}."
            view.add("usd-does-not-open", told, message)
            continue
        for key, code, what in GEOMETRY if "layer" in answer else ():
            if (where := text(answer.get(key))) is not None:
                view.add(code, path.partition("[")[0], f"{path}: {what} {sentence(where)}.")
        if "assets" in answer:
            check_binary(view, path, answer, facts)
        elif "physics" in answer:
            check_wrapper(view, path, answer, manifest)
    for answer in work.answers:
        for problem in sequence(answer.get("problems")):
            said = text(problem) or ""
            if not _told(said, facts):
                path = str(answer["stage"])
                view.add("usd-does-not-compose", path, f"{path}: OpenUSD cannot put it together: {sentence(said)}.")


def _told(problem: str, facts: UsdFacts) -> bool:
    """Whether the layer's text has told this already: where a reference leads, and the prim the adapter asks for."""
    found = _INTRODUCED_BY.search(problem)
    if found is None or found.group(1) not in facts.followed:
        return False
    return "Could not open asset" in problem or f"<{ADAPTER_ROOT}>" in problem
