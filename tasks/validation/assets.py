"""The objects' assets: where the manifest's paths lead."""

from __future__ import annotations

import re

from tasks.validation.manifest import Manifest
from tasks.validation.paths import report_target, resolve, scene_in
from tasks.validation.text import show
from tasks.validation.values import at, entries, mapping, text
from tasks.validation.view import SceneView

_OBJECT_FOLDER = re.compile(r"(?:^|/)obj_([A-Za-z0-9_-]+)/")


def check_assets(view: SceneView, manifest: Manifest) -> None:
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


def check_orphans(view: SceneView, manifest: Manifest) -> None:
    """Report folders of assets whose object the manifest does not list."""
    if not manifest.usable:
        return
    folders = {found.group(1) for path in view.files if (found := re.match(r"assets/obj_([^/]+)/", path))}
    for object_id in sorted(folders - set(manifest.objects)):
        message = f"assets/obj_{object_id}/ belongs to no object of {manifest.path}."
        view.add("asset-orphan", f"assets/obj_{object_id}/", message, stage=view.attribution.stage_of(manifest.path))


def _asset(view: SceneView, manifest: Manifest, object_id: str, place: tuple[str | int, ...], path: str) -> None:
    target = resolve(view, path)
    name = f"{manifest.path}: the asset of object {show(object_id)}"
    if not report_target(view, target, manifest.path, name, place):
        return
    owner = _OBJECT_FOLDER.search(target.path)
    if owner and owner.group(1) != object_id and owner.group(1) in manifest.objects:
        message = f"{name} is the mesh of object {show(owner.group(1))}."
        view.add("asset-of-other-object", manifest.path, message, at=place)
    declared = text(at(manifest.objects[object_id][1], "asset", "format"))
    if declared and not target.path.lower().endswith(f".{declared.lower().lstrip('.')}"):
        message = f"{name} is declared as {show(declared)} but is {show(target.path)}."
        view.add("asset-format-differs", manifest.path, message, at=(*place[:-1], "format"))
