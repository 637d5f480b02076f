"""The export as a bundle: its manifest, what it says of its files, where its assets lie, and its completion marker."""

from __future__ import annotations

import yaml

from tasks.validation.bundles.bundle import Bundle, check_files, check_table, own_checksum, sha256, unlisted
from tasks.validation.bundles.export import Export, check_ids
from tasks.validation.documents.json_values import at, entries, mapping, named_vector, number, sequence, text
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.paths import resolve, scene_in
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.scene_under_test import Record, SceneUnderTest

MAX_YAML_BYTES = 1024 * 1024
OWN = "export_manifest.json"


def check_bundle(view: SceneUnderTest, export: Export, manifest: Manifest) -> None:
    """Check everything of the export besides the documents Genie Sim reads."""
    path = export.path(OWN)
    record = view.record(path) if view.has(path) else None
    if record is not None:
        check(view, path, "export_manifest", record)
        _result(view, export, path, record)
        bundle = Bundle(view, path, record)
        check_files(bundle)
        check_table(bundle, at(record, "checksums", "files"), ("checksums", "files"), OWN)
        _own(view, path, record)
        for name in unlisted(bundle, {OWN}):
            if name.endswith((".json", ".yaml", ".usda")) and name != "job.json":
                view.add("inventory-file-unlisted", path, f"{path} does not list {show(name)}.", at=("file_inventory",))
    _usd_paths(view, export)
    _merged(view, export, manifest)
    _provenance(view, export, manifest)
    _config(view, export)


def check_statistics(view: SceneUnderTest, export: Export, path: str, place: tuple[str, ...], stated: object) -> None:
    """Compare counted nodes, edges, assets and tasks with what a document says of them."""
    for key, value in mapping(stated).items():
        count, said = export.counts.get(key), number(value)
        if count is not None and said is not None and said != count:
            message = f"{path} says {said:g} {key}; the export has {count}."
            view.add("count-mismatch", path, message, at=(*place, key))


def _result(view: SceneUnderTest, export: Export, path: str, record: Record) -> None:
    result = mapping(record.get("result"))
    problems = sequence(result.get("errors"))
    if problems:
        message = f"{path}: the export reported {len(problems)} errors, the first being {show(problems[0])}."
        view.add("export-reported-errors", path, message, at=("result", "errors"))
    elif result.get("success") is False:
        message = f"{path}: result.success is false without any error, as in every export."
        view.add("dialect-export-result-false", path, message, at=("result", "success"))
    owner = text(result.get("scene_id"))
    if owner is not None and owner != view.scene_id:
        message = f"{path} is the export of {show(owner)}, not of {view.scene_id}."
        view.add("scene-id-mismatch", path, message, at=("result", "scene_id"))
    check_statistics(view, export, path, ("result", "statistics"), result.get("statistics"))


def _own(view: SceneUnderTest, path: str, record: Record) -> None:
    stated, canonical = own_checksum(record, ("checksums", "files"), OWN)
    place = ("checksums", "files", OWN)
    if stated is None:
        view.add("own-checksum-missing", path, f"{path} holds no checksum of itself.", at=place)
    elif stated.lower() != sha256(canonical):
        message = f"{path} does not fit the checksum it holds of itself; it was changed after the export."
        view.add("own-checksum-mismatch", path, message, at=place)


def _usd_paths(view: SceneUnderTest, export: Export) -> None:
    """Where nodes and assets say their mesh is. The exporter writes paths of the machine it ran on."""
    for name, key, record in (
        ("scene_graph.json", "nodes", export.graph),
        ("asset_index.json", "assets", export.index),
    ):
        path, absolute, nothing = export.path(name), 0, 0
        for place, entry in entries(record, key):
            raw = text(entry.get("usd_path"))
            variation = text(entry.get("asset_id")) in export.variations
            if raw == "" and variation:
                nothing += 1
            elif raw is not None:
                absolute += _usd_path(view, path, (key, place, "usd_path"), raw)
        if absolute:
            message = f"{path}: {absolute} paths are of the machine that made the export."
            view.add("dialect-absolute-usd-path", path, message, at=(key,))
        if nothing:
            message = f"{path}: {nothing} variation assets have no mesh."
            view.add("dialect-empty-usd-path", path, message, at=(key,))


def _usd_path(view: SceneUnderTest, path: str, place: tuple[str | int, ...], raw: str) -> bool:
    """Report one path that leads nowhere; whether it is of the known absolute kind."""
    absolute = raw.startswith("/")
    inside = raw.rpartition(f"/scenes/{view.scene_id}/")[2] if absolute else raw
    if absolute and scene_in(raw) not in (None, view.scene_id):
        view.add("path-of-other-scene", path, f"{path}: {show(raw)} belongs to another scene.", at=place)
        return False
    if not inside:
        view.add("path-dangling", path, f"{path}: there is no path.", at=place)
        return False
    # the exporter takes the manifest's paths for paths below usd/
    folder = path.rpartition("/")[0]
    targets = [resolve(view, inside), resolve(view, inside.removeprefix("usd/")), resolve(view, inside, folder)]
    if all(target.code for target in targets):
        told = next((t for t in targets if t.code in ("path-expired", "path-unlisted")), targets[0])
        view.add(told.code, path, f"{path}: {told.message}.", at=place)
        return False
    return absolute


def _merged(view: SceneUnderTest, export: Export, manifest: Manifest) -> None:
    path = export.path("merged_scene_manifest.json")
    record = view.record(path) if view.has(path) else None
    if record is None or not manifest.usable:
        return
    check_ids(view, path, record, "objects", export.variations)
    merged = {text(entry.get("id")): (place, entry) for place, entry in entries(record, "objects")}
    for name, (place, entry) in merged.items():
        if name not in manifest.objects and name not in export.variations:
            message = f"{path} has object {show(name)}, which {manifest.path} does not list."
            view.add("export-outdated", path, message, at=("objects", place, "id"))
        elif name in manifest.objects:
            here, there = manifest.objects[name][1].get("transform"), entry.get("transform")
            if named_vector(at(here, "position")) != named_vector(at(there, "position")):
                message = f"object {show(name)} has moved in {manifest.path} since the export."
                view.add("export-outdated", path, message, at=("objects", place, "transform", "position"))
    for name in manifest.objects:
        if name not in merged:
            message = f"{path} lacks object {show(name)} of {manifest.path}."
            view.add("export-outdated", path, message, at=("objects",))


def _provenance(view: SceneUnderTest, export: Export, manifest: Manifest) -> None:
    path = export.path("legal/asset_provenance.json")
    record = view.record(path) if view.has(path) else None
    if record is None:
        return
    blockers = sequence(at(record, "license", "blockers"))
    if blockers:
        message = f"{path}: the licences of {len(blockers)} assets are not known, as for every reconstructed mesh."
        view.add("dialect-license-blockers", path, message, at=("license", "blockers"))
    bundle = Bundle(view, f"{manifest.path.partition('/')[0]}", {})
    for place, asset in entries(record, "assets"):
        raw, stated = text(asset.get("asset_path")), text(at(asset, "verification", "content_hash"))
        target = resolve(view, raw) if raw else None
        if target is None or target.code or not stated or not view.deep:
            continue
        actual = bundle.hash_of(target.path)
        if actual is not None and actual != stated.lower():
            message = f"{target.path} is not the file that was exported; its content has changed since."
            where = ("assets", place, "verification", "content_hash")
            view.add("asset-changed-since-export", path, message, at=where)


def _config(view: SceneUnderTest, export: Export) -> None:
    path = export.path("scene_config.yaml")
    if not view.has(path) or view.files[path].size > MAX_YAML_BYTES:
        return
    data = view.data(path) or b""
    try:
        config = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        view.add("yaml-damaged", path, f"{path} is not YAML ({type(error).__name__}).")
        return
    if not isinstance(config, dict):
        view.add("yaml-damaged", path, f"{path} holds no settings.")
        return
    owner = at(config, "scene", "id")
    if owner is not None and owner != view.scene_id:
        message = f"{path} is the configuration of {show(owner)}, not of {view.scene_id}."
        view.add("scene-id-mismatch", path, message, at=("scene", "id"))
