"""The objects' assets: where the manifest's paths lead."""

from __future__ import annotations

from blocks.catalogue_query import writes
from blocks.patterns import matches
from tasks.validation.documents.json_values import at, entries, mapping, text
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.paths import report_target, resolve, scene_in
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest


def check_assets(view: SceneUnderTest, manifest: Manifest) -> None:
    """Follow every asset path of the manifest."""
    root = text(at(manifest.record, "assets", "asset_root"))
    if root is not None and scene_in(root) not in (None, view.scene_id):
        message = f"{manifest.path}: the assets' root {show(root)} is another scene's."
        view.add("path-of-other-scene", manifest.path, message, at=("assets", "asset_root"))
    for object_id, (index, entry) in manifest.objects.items():
        asset = mapping(entry.get("asset"))
        path = text(asset.get("path"))
        if path:
            _asset(view, manifest, object_id, ("objects", index, "asset", "path"), path)
        for number, candidate in entries(asset, "candidates"):
            raw = text(candidate.get("asset_path"))
            if raw and resolve(view, raw).code:
                place = ("objects", index, "asset", "candidates", number, "asset_path")
                message = f"{manifest.path}: a candidate asset of object {show(object_id)} is not there."
                view.add("candidate-missing", manifest.path, message, at=place)


def check_orphans(view: SceneUnderTest, manifest: Manifest) -> None:
    """Report folders of assets whose object the manifest does not list."""
    if not manifest.usable:
        return
    template = view.catalogue.asset_folder
    made = [
        path for stage in view.catalogue.stages.values() for path in writes(stage) if path.startswith(f"{template}/")
    ]
    known = {pattern.replace("{object_id}", "*") for pattern in made}
    folders = {
        found
        for path in view.files
        if (found := object_of(view, path)) and any(matches(pattern, path) for pattern in known)
    }
    for object_id in sorted(folders - set(manifest.objects)):
        folder = template.replace("{object_id}", object_id) + "/"
        view.add(
            "asset-orphan",
            folder,
            f"{folder} belongs to no object of {manifest.path}.",
            stage=view.stage_of(manifest.path),
        )


def object_of(view: SceneUnderTest, path: str) -> str:
    """The object in whose folder of assets a path lies; empty outside such folders."""
    before = view.catalogue.asset_folder.removesuffix("{object_id}")
    name, found, _ = path.removeprefix(before).partition("/")
    return name if found and path.startswith(before) else ""


def _asset(view: SceneUnderTest, manifest: Manifest, object_id: str, place: tuple[str | int, ...], path: str) -> None:
    target = resolve(view, path)
    name = f"{manifest.path}: the asset of object {show(object_id)}"
    if not report_target(view, target, manifest.path, name, place):
        return
    owner = object_of(view, target.path)
    if owner and owner != object_id and owner in manifest.objects:
        message = f"{name} is the mesh of object {show(owner)}."
        view.add("asset-of-other-object", manifest.path, message, at=place)
    declared = text(at(manifest.objects[object_id][1], "asset", "format"))
    if declared and not target.path.lower().endswith(f".{declared.lower().lstrip('.')}"):
        message = f"{name} is declared as {show(declared)} but is {show(target.path)}."
        view.add("asset-format-differs", manifest.path, message, at=(*place[:-1], "format"))
