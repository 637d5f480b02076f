"""Everything no other check has looked into: that it is what its name says, and that it belongs to this scene."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable

import yaml

from tasks.validation.assets import object_of
from tasks.validation.documents import parse_json
from tasks.validation.layout import check_box
from tasks.validation.lerobot import read_lines
from tasks.validation.schemas import check
from tasks.validation.source import Vanished
from tasks.validation.text import show
from tasks.validation.usd_text import USD_ENDINGS
from tasks.validation.values import at, sequence, text
from tasks.validation.view import Record, SceneView

MAX_FILES = 5_000
"""Other files of one scene that are read; recordings of episodes can be many more."""
MAX_SCRIPT_BYTES = 1024 * 1024
MAGICS = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".gz": b"\x1f\x8b",
    ".zip": b"PK",
    ".parquet": b"PAR1",
}
PNG_END = b"IEND\xaeB`\x82"
MAY_BE_EMPTY = ("__init__.py", ".gitkeep", ".keep")
SHAPES = {
    "/bundle_metadata.json": "bundle_metadata",
    "/generation_metadata.json": "generation_metadata",
    "replicator/variation_assets/manifest.json": "variation_manifest",
}
_SKIPPED = ("completion_marker", "failure_marker", "lock", "guard", "idempotency_record")


def check_listing(view: SceneView) -> None:
    """Report what the listing alone shows: links out of the scene, things that are no files, empty objects."""
    for path, file in view.files.items():
        if file.oddity:
            word = "leads out of the scene's folder" if file.oddity == "symlink-outside-scene" else "is no plain file"
            view.add(file.oddity, path, f"{path} {word}; it is not looked into.")
        elif file.size == 0 and not _may_be_empty(view, path):
            view.add("object-empty", path, f"{path} has 0 bytes.")


def check_others(view: SceneView, former: Callable[[str], bool]) -> None:
    """Look into what is left, but not into what `former` says an earlier job of the simulation has left."""
    left = [
        path
        for path in view.files
        if view.has(path) and view.attribution.class_of(path) not in _SKIPPED and not former(path)
    ]
    unread = [path for path in left if not (view.parsed(path) or path.lower().endswith((*USD_ENDINGS, ".glb")))]
    for path in unread[:MAX_FILES]:
        _look(view, path)
    if len(unread) > MAX_FILES:
        message = f"{len(unread) - MAX_FILES:,} files were not looked into, {unread[MAX_FILES]} first."
        view.add("not-all-read", unread[MAX_FILES], message)


def check_owners(view: SceneView, environment: str | None) -> None:
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


def _may_be_empty(view: SceneView, path: str) -> bool:
    return posixpath.basename(path) in MAY_BE_EMPTY or view.attribution.class_of(path) in _SKIPPED


def _look(view: SceneView, path: str) -> None:
    ending = posixpath.splitext(path)[1].lower()
    if ending == ".json":
        shaped = bool(view.stage_of(path)) and not path.startswith("episodes/")
        record = view.record(path) if shaped else view.document(path).value
        if isinstance(record, dict):
            _record(view, path, record)
    elif ending == ".jsonl":
        read_lines(view, path)
    elif ending in (".py", ".yaml", ".yml", ".urdf"):
        _source(view, path, ending)
    elif ending in MAGICS:
        head = view.data(path, 16) or b""
        cut = ending == ".png" and head.startswith(MAGICS[ending]) and not _ends(view, path, PNG_END)
        if cut:
            view.add("file-not-what-it-says", path, f"{path} is cut off.")
        elif head and not head.startswith(MAGICS[ending]):
            message = f"{path} is no {ending[1:]} file; it begins with {show(head.decode('latin-1'))}."
            view.add("file-not-what-it-says", path, message)


def _ends(view: SceneView, path: str, ending: bytes) -> bool:
    size = view.files[path].size
    try:
        return view.source.read(path, max(size - len(ending), 0), size) == ending
    except Vanished:
        return True


def _record(view: SceneView, path: str, record: Record) -> None:
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


def _source(view: SceneView, path: str, ending: str) -> None:
    if view.files[path].size > MAX_SCRIPT_BYTES:
        return
    data = view.data(path) or b""
    try:
        script = data.decode("utf-8")
    except UnicodeDecodeError as error:
        view.add("document-not-utf8", path, f"{path}: byte {error.start} is not UTF-8 text.")
        return
    page = parse_json(data).problems if script.lstrip()[:1] in ("<", "{") and ending != ".urdf" else []
    if "document-is-error-page" in {problem.code for problem in page}:
        view.add("document-is-error-page", path, f"{path}: it is an error page.")
        return
    try:
        if ending == ".py":
            ast.parse(script)
        elif ending != ".urdf":
            yaml.safe_load(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        view.add("script-damaged", path, f"{path}{f', line {line}' if line else ''} is not Python.")
    except yaml.YAMLError as error:
        view.add("yaml-damaged", path, f"{path} is not YAML ({type(error).__name__}).")
