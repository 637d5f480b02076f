"""Everything no other check has looked into: that it is what its name says, and that it belongs to this scene."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterator

from tasks.validation.bundles.lerobot import read_lines
from tasks.validation.documents.documents import Problem
from tasks.validation.documents.json_values import at, sequence, text
from tasks.validation.documents.layout import check_box
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.documents.scripts import MAX_SCRIPT_BYTES, script_problems
from tasks.validation.files.assets import object_of
from tasks.validation.files.files import MAGICS, READERS, TEXTS, file_problems
from tasks.validation.files.meshes import MESH_ENDINGS
from tasks.validation.files.notes import NOTES, note_problems
from tasks.validation.scene_under_test import Record, SceneUnderTest
from tasks.validation.source import Vanished
from tasks.validation.usd.text import USD_ENDINGS

MAX_FILES = 5_000
"""Other files of one scene that are read; recordings of episodes can be many more."""
MAX_ALIKE = 500
"""Files of one kind in one folder that are read before those of other folders: of frames, a part tells."""
SCRIPTS = (".py", ".yaml", ".yml", ".urdf")
LATE = {*READERS, *MAGICS, *TEXTS, *SCRIPTS} - {"", ".gz"}
MAY_BE_EMPTY = ("__init__.py", ".gitkeep", ".keep")
SHAPES = {
    "/bundle_metadata.json": "bundle_metadata",
    "/generation_metadata.json": "generation_metadata",
    "replicator/variation_assets/manifest.json": "variation_manifest",
}
_SKIPPED = ("completion_marker", "failure_marker", "lock", "guard", "idempotency_record")


def check_listing(view: SceneUnderTest) -> None:
    """Report what the listing alone shows: links out of the scene, things that are no files, empty objects."""
    for path, file in view.files.items():
        if file.oddity:
            word = "leads out of the scene's folder" if file.oddity == "symlink-outside-scene" else "is no plain file"
            view.add(file.oddity, path, f"{path} {word}; it is not looked into.")
        elif file.size == 0 and not _may_be_empty(view, path):
            view.add("object-empty", path, f"{path} has 0 bytes.")


def check_others(view: SceneUnderTest, former: Callable[[str], bool]) -> None:
    """Look into what is left, but not into what `former` says an earlier job of the simulation has left."""
    left = [
        path
        for path in view.files
        if view.has(path) and view.attribution.class_of(path) not in _SKIPPED and not former(path)
    ]
    unread = _spread([p for p in left if not (view.parsed(p) or p.lower().endswith((*USD_ENDINGS, *MESH_ENDINGS)))])
    view.source.prefetch(unread[:MAX_FILES])
    for path in unread[:MAX_FILES]:
        _look(view, path)
    if len(unread) > MAX_FILES:
        message = f"{len(unread) - MAX_FILES:,} files were not looked into, {unread[MAX_FILES]} first."
        view.add("not-all-read", unread[MAX_FILES], message)


def _spread(paths: list[str]) -> list[str]:
    """The same paths, those last of which a folder has more than `MAX_ALIKE` of the same kind."""
    seen: Counter[tuple[str, str]] = Counter()
    first, last = list[str](), list[str]()
    for path in paths:
        kind = (posixpath.dirname(path), posixpath.splitext(path)[1])
        seen[kind] += 1
        (first if seen[kind] <= MAX_ALIKE else last).append(path)
    return first + last


def read_late(path: str) -> bool:
    """Whether no other check than `check_others` reads a file of this ending."""
    return posixpath.splitext(path)[1].lower() in LATE


def check_owners(view: SceneUnderTest, environment: str | None) -> None:
    """Whatever names its scene must name this one, and the same environment."""
    for path in view.files:
        record = view.document(path).value if view.parsed(path) else None
        owner = record.get("scene_id", view.scene_id) if isinstance(record, dict) else view.scene_id
        if owner != view.scene_id:
            message = f"{path} is of the scene {show(owner)}, but lies in the folder of {view.scene_id}."
            view.add("scene-id-mismatch", path, message, at=("scene_id",))
        other = text(record.get("environment_type")) if isinstance(record, dict) else None
        if environment and other is not None and other != environment:
            message = f"{path} says the environment is {show(other)}, the manifest says {show(environment)}."
            view.add("environment-differs", path, message, at=("environment_type",))


def _may_be_empty(view: SceneUnderTest, path: str) -> bool:
    return posixpath.basename(path) in MAY_BE_EMPTY or view.attribution.class_of(path) in _SKIPPED


def _look(view: SceneUnderTest, path: str) -> None:
    ending = posixpath.splitext(path)[1].lower()
    if ending == ".json":
        recorded = path.startswith("episodes/") or not view.stage_of(path)
        record = view.passing(path).value if recorded else view.record(path)
        if isinstance(record, dict):
            _record(view, path, record)
    elif ending == ".jsonl":
        if path not in view.lines_read:
            read_lines(view, path)
    elif ending in SCRIPTS:
        _report(view, path, _script(view, path, ending))
    elif ending in NOTES and view.stage_of(path):
        _report(view, path, note_problems(view.pieces(path)))
    else:
        _report(view, path, file_problems(view.pieces(path), path))


def _report(view: SceneUnderTest, path: str, problems: Iterator[Problem]) -> None:
    try:
        for problem in problems:
            view.add(problem.code, path, f"{path}: {problem.message}.")
    except Vanished as gone:
        view.add("object-unreadable", path, f"{gone}.")


def _script(view: SceneUnderTest, path: str, ending: str) -> Iterator[Problem]:
    size = view.files[path].size
    if size > MAX_SCRIPT_BYTES:
        yield Problem("not-all-read", f"it has {size:,} bytes; no more than {MAX_SCRIPT_BYTES:,} are looked into")
    else:
        data = view.pieces(path).at(0, size)
        if not data.strip() and view.stage_of(path) and not _may_be_empty(view, path):
            yield Problem("object-empty", "there is nothing in it but blanks")
        else:
            yield from script_problems(data, ending)


def _record(view: SceneUnderTest, path: str, record: Record) -> None:
    if not record:
        view.add("document-says-nothing", path, f"{path} is an empty object.", at=())
    schema = next((name for ending, name in SHAPES.items() if path.endswith(ending)), None)
    if schema and record:
        check(view, path, schema, record)
    if posixpath.basename(path) == "generation_metadata.json":
        for place, name in enumerate(sequence(record.get("files"))):
            other = posixpath.normpath(f"{posixpath.dirname(path)}/{text(name)}")
            if other not in view.files:
                view.add("path-dangling", path, f"{path} lists {show(name)}, which is not there.", at=("files", place))
    if posixpath.basename(path) == "metadata.json" and (owner := object_of(view, path)):
        check(view, path, "metadata", record)
        check_box(view, path, f"object {owner}", ("mesh_bounds", "export"), at(record, "mesh_bounds", "export"))
        stated = record.get("id")
        if stated is not None and stated != owner:
            message = f"{path} describes object {show(stated)}, not {owner}."
            view.add("object-id-mismatch", path, message, at=("id",))
    if path == "validation_report.json" and record.get("passed") is False:
        view.add("report-not-passed", path, f"{path}: the pipeline's own validation did not pass.", at=("passed",))
    if posixpath.basename(path) == "usd_assembly_manifest.json":
        status = text(record.get("status")) or ""
        if status.lower() not in ("ok", "success", "complete", "completed"):
            message = f"{path}: the assembly says {show(record.get('status'))}."
            view.add("marker-says-failed", path, message, at=("status",))
