"""The 3D reconstruction the scene is made from. The adapter silently invents what is missing, so it is looked at here.

Source: fixtures/contracts/regen3d_*.schema.json of the pipeline.
"""

from __future__ import annotations

import posixpath
import re

from blocks.catalogue import Output
from blocks.patterns import matches, widen
from tasks.validation.documents.json_values import close, distance, length, named_vector, sequence, vector
from tasks.validation.documents.layout import check_box
from tasks.validation.documents.manifest import Manifest, check_quaternion
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.documents.times import parse_time
from tasks.validation.scene_under_test import Record, SceneUnderTest

KINDS = ("scene_info", "pose", "bounds", "material", "intrinsics", "extrinsics")


def check_inputs(view: SceneUnderTest, manifest: Manifest, scale_factor: float) -> None:
    """Check the inputs that stages have for each object, where there are any at all."""
    _whole_input(view)
    for name, stage in view.catalogue.stages.items():
        templates = [output for output in stage.inputs if "{object_id}" in output.path]
        if not templates:
            continue
        root = templates[0].path.partition("{object_id}")[0]
        found = sorted({path[len(root) :].partition("/")[0] for path in view.files if path.startswith(root)})
        if not found:
            continue
        shell = posixpath.dirname(root.rstrip("/")) + "/background/" if manifest.shell() else None
        for output in stage.inputs:
            _present(view, name, output, found, shell)
        _siblings(view, name, found)
        for object_id in manifest.foreground():
            # Only what was converted once can have lost its input; any other id is a mistake of the manifest.
            folder = view.catalogue.asset_folder.replace("{object_id}", object_id) + "/"
            converted = any(path.startswith(folder) for path in view.files)
            if object_id not in found and converted and not view.source.unlisted(f"{root}{object_id}/**"):
                message = f"{root}{object_id}/ is not there, though {manifest.path} lists the object."
                view.add("input-missing", f"{root}{object_id}/", message, stage=name)
        if view.deep:
            _contents(view, posixpath.dirname(root.rstrip("/")), manifest, scale_factor)


def _whole_input(view: SceneUnderTest) -> None:
    """A stage that ran and of whose input nothing at all is left: whole now, but it can never be made again."""
    for name, stage in view.catalogue.stages.items():
        wanted = [path for output in stage.inputs if output.required for path in (output.path, *output.or_paths)]
        if not wanted or stage.optional or not any(view.attribution.maker_of(path) == name for path in view.files):
            continue
        left = any(matches(widen(pattern), path) for pattern in wanted for path in view.files)
        if not left and not any(view.source.unlisted(widen(pattern)) for pattern in wanted):
            message = (
                f"nothing of the input of {name} is there ({wanted[0]} and the rest), so the scene cannot be made "
            )
            message += "again from its beginning."
            view.add("inputs-gone", wanted[0], message, stage=name)


def _present(view: SceneUnderTest, stage: str, output: Output, found: list[str], shell: str | None) -> None:
    """The room's own inputs are only asked for when the manifest has a room."""
    if not output.required and not (shell and output.path.startswith(shell)):
        return
    for object_id in found if "{object_id}" in output.path else [""]:
        names = [path.replace("{object_id}", object_id) for path in (output.path, *output.or_paths)]
        there = [path for path in names if path in view.files] or [
            path for name in names if "*" in name for path in view.files if matches(name, path)
        ]
        if not there and not all(view.absent(name) and not view.expired(name, stage) for name in names):
            continue
        if not there:
            view.add("input-missing", names[0], f"{names[0]} is not there.", stage=stage)
        elif not any(view.has(path) for path in there):
            view.add("object-empty", there[0], f"{there[0]} has 0 bytes.", stage=stage)


def _siblings(view: SceneUnderTest, stage: str, found: list[str]) -> None:
    """Optional inputs of which some of a folder's are there and some are not, or those of some objects."""
    folders: dict[str, list[str]] = {}
    for output in view.catalogue.stages[stage].inputs:
        if output.always and not output.required:
            known = folders.setdefault(posixpath.dirname(output.path), [])
            known += [output.path.replace("{object_id}", one) for one in (found if "{" in output.path else [""])]
    for paths in folders.values():
        lost = [path for path in paths if view.absent(path)]
        for path in lost if len(lost) < len(paths) else []:
            view.add("input-not-there", path, f"{path} is not there, though others like it are.", stage=stage)


def _contents(view: SceneUnderTest, root: str, manifest: Manifest, scale_factor: float) -> None:
    for path in [path for path in view.files if path.startswith(f"{root}/") and path.endswith(".json")]:
        kind = posixpath.basename(path).removesuffix(".json")
        record = view.record(path) if view.has(path) else None
        if record is None or kind not in KINDS:
            continue
        check(view, path, kind, record)
        if kind == "scene_info" and isinstance(record.get("generated_at"), str):
            _time(view, path, record)
        if kind == "bounds":
            check_box(view, path, "the object", (), record)
        elif kind == "pose":
            quaternion = vector(record.get("rotation_quaternion"), 4)
            check_quaternion(view, path, "the object", ("rotation_quaternion",), quaternion)
            _matrix(view, path, record)
            _place(view, path, vector(record.get("translation")), manifest, scale_factor)


def _time(view: SceneUnderTest, path: str, record: Record) -> None:
    if parse_time(record["generated_at"]) is None:
        message = f"{path}: generated_at is {show(record['generated_at'])}, not a time."
        view.add("time-malformed", path, message, at=("generated_at",))


def _matrix(view: SceneUnderTest, path: str, record: Record) -> None:
    rows = [vector(row, 4) for row in sequence(record.get("transform_matrix"))]
    translation, scale = vector(record.get("translation")), vector(record.get("scale"))
    matrix = [row for row in rows if row is not None]
    if len(matrix) != 4 or translation is None or scale is None or min(scale) <= 0:
        return
    moved = tuple(row[3] for row in matrix[:3])
    columns = tuple(length(tuple(row[axis] for row in matrix[:3])) for axis in range(3))
    wrong = matrix[3] != (0.0, 0.0, 0.0, 1.0) or distance(moved, translation) > 0.01 + 1e-3 * length(translation)
    if wrong or not all(close(a, b, 0.01) for a, b in zip(columns, scale, strict=True)):
        message = f"{path}: the matrix does not agree with the pose's own translation or scale."
        view.add("pose-inconsistent", path, message, at=("transform_matrix",))


def _place(
    view: SceneUnderTest, path: str, translation: tuple[float, ...] | None, manifest: Manifest, scale_factor: float
) -> None:
    found = re.search(r"/objects/([^/]+)/", path)
    known = manifest.objects.get(found.group(1)) if found else None
    transform = known[1].get("transform") if known else None
    position = named_vector(transform.get("position")) if isinstance(transform, dict) else None
    if found is None or translation is None or position is None:
        return
    scaled = tuple(part * scale_factor for part in translation)
    if min(distance(position, translation), distance(position, scaled)) > 0.01 + 1e-3 * length(position):
        message = f"object {show(found.group(1))} was reconstructed elsewhere than {manifest.path} puts it."
        view.add("input-place-differs", path, message, at=("translation",))
