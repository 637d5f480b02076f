"""Generated scenes: their bytes are what real readers accept, and what the catalogue asks of a healthy scene."""

import ast
import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import expand, matches
from blocks.trial_mesh import glb_box
from blocks.trial_scene import Kind, object_ids
from deployments.sandbox.pipeline.formats import canonical_sha256, glb_size
from deployments.sandbox.pipeline.scenes import LINE, make_scene
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from deployments.sandbox.storage.store import ObjectStore

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)


def new_store() -> ObjectStore:
    store = ObjectStore()
    store.create_bucket("scenes")
    return store


@pytest.fixture(scope="module")
def whole() -> SceneFolder:
    """A scene with every stage of the line."""
    return make_scene(new_store(), "scenes", "kitchen_001", "kitchen", upto=LINE[-1], at=NOON)


def content(folder: SceneFolder) -> dict[str, bytes]:
    return {path: folder.read(path) for path in folder.paths()}


def download(folder: SceneFolder, target: Path) -> Path:
    for path, data in content(folder).items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return target


@pytest.mark.parametrize("stage", LINE)
def test_every_output_and_marker_that_the_catalogue_asks_for_is_there(whole: SceneFolder, stage: str) -> None:
    catalogue, paths = load_catalogue(), whole.paths()
    ids = [entry["id"] for entry in whole.read_object("assets/scene_manifest.json")["objects"]]
    job_id = whole.read_object("geniesim/job.json")["job_id"]
    spec = catalogue.stages[stage]
    for output in (output for output in spec.outputs if output.required):
        for pattern in expand(output.path, ids, job_id):
            assert any(matches(pattern, path) and whole.read(path) for path in paths), pattern
    for name in spec.markers:
        if catalogue.markers[name].required:
            assert whole.has_marker(name), name


@pytest.mark.parametrize(("kind", "objects"), [("kitchen", 1), ("office", 9), ("warehouse", 30)])
def test_openusd_opens_the_stage_and_resolves_every_reference(tmp_path: Path, kind: Kind, objects: int) -> None:
    usd, geom = pytest.importorskip("pxr.Usd"), pytest.importorskip("pxr.UsdGeom")
    folder = make_scene(new_store(), "scenes", f"{kind}_1", kind, objects=objects)
    root = download(folder, tmp_path)
    for name in ("usd/scene.usda", "geniesim/usd/scene.usda"):
        stage = usd.Stage.Open(str(root / name))
        assert not stage.GetCompositionErrors()
        assert stage.GetDefaultPrim().GetName() == "World"
        assert (geom.GetStageUpAxis(stage), geom.GetStageMetersPerUnit(stage)) == ("Y", 1.0)
        kinds = [str(prim.GetTypeName()) for prim in stage.Traverse()]
        assert kinds.count("Mesh") == objects + 1  # the background, too
        assert kinds.count("PhysicsScene") == 1
        collider = stage.GetPrimAtPath(f"/World/Objects/obj_{object_ids(kind, 1)[0]}/Collider")
        assert "PhysicsCollisionAPI" in collider.GetAppliedSchemas()


def test_a_usdz_package_is_stored_and_aligned_to_64_bytes(whole: SceneFolder) -> None:
    packages = [path for path in whole.paths("assets/obj_") if path.endswith(".usdz")]
    assert len(packages) == 9
    for path in packages:
        data = whole.read(path)
        with zipfile.ZipFile(BytesIO(data)) as package:
            for entry in package.infolist():
                name, extra = struct.unpack_from("<2H", data, entry.header_offset + 26)
                assert entry.compress_type == zipfile.ZIP_STORED
                assert (entry.header_offset + 30 + name + extra) % 64 == 0


@pytest.mark.parametrize("object_bytes", [2_000, 4_096, 1_000_001])
def test_a_mesh_file_is_as_long_as_asked_and_as_its_header_says(object_bytes: int) -> None:
    folder = make_scene(new_store(), "scenes", "s", "office", objects=3, object_bytes=object_bytes, upto="regen3d")
    for path in (path for path in folder.paths() if path.endswith(".glb")):
        data = folder.read(path)
        magic, version, length, json_length = struct.unpack_from("<4s3I", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        assert 0 <= length - object_bytes < 4
        gltf = json.loads(data[20 : 20 + json_length])
        bin_length, kind = struct.unpack_from("<I4s", data, 20 + json_length)
        assert (kind, 20 + json_length + 8 + bin_length) == (b"BIN\0", length)
        assert gltf["buffers"][0]["byteLength"] == bin_length


def test_a_mesh_that_cannot_hold_a_box_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1220 bytes"):
        glb_box((1.0, 1.0, 1.0), 100)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0",
        lambda data: b"xxxx" + data[4:],
        lambda data: b"",
        lambda data: data[:20] + b"[" + data[21:],
        lambda data: data[:12] + struct.pack("<2I", 10**6, 0x4E4F534A) + data[20:],
    ],
)
def test_a_mesh_that_is_not_whole_is_recognised(spoil: Callable[[bytes], bytes]) -> None:
    good = glb_box((1.0, 2.0, 3.0))
    assert glb_size(good) == (1.0, 2.0, 3.0)
    with pytest.raises(ValueError, match="glTF"):
        glb_size(spoil(good))


def test_documents_hold_neither_null_nor_numbers_that_are_not_finite(whole: SceneFolder) -> None:
    def refuse(word: str) -> float:
        raise AssertionError(word)

    for name in ("assets/scene_manifest.json", "layout/scene_layout_scaled.json", "seg/inventory.json"):
        json.loads(whole.read(name), parse_constant=refuse)
    assert b"null" not in whole.read("assets/scene_manifest.json")


def test_the_documents_of_a_scene_name_the_same_objects(whole: SceneFolder) -> None:
    manifest, layout = (whole.read_object(f) for f in ("assets/scene_manifest.json", "layout/scene_layout_scaled.json"))
    inventory, graph = (whole.read_object(f) for f in ("seg/inventory.json", "geniesim/scene_graph.json"))
    ids = {entry["id"] for entry in manifest["objects"]}
    assert {entry["id"] for entry in layout["objects"]} == ids
    assert (
        {entry["id"] for entry in inventory["objects"]} == ids - {"scene_background"} == set(object_ids("kitchen", 8))
    )
    assert inventory["total_objects"] == 8
    nodes = {node["asset_id"] for node in graph["nodes"]}
    assert nodes == {entry["asset_id"] for entry in whole.read_object("geniesim/asset_index.json")["assets"]} <= ids
    assert all({edge["source"], edge["target"]} <= nodes for edge in graph["edges"])
    tasks = whole.read_object("geniesim/task_config.json")["suggested_tasks"]
    assert {task["target_object"] for task in tasks} <= nodes
    assert whole.read_object("assets/.simready_complete")["count"] == len(ids)


def without(document: dict[str, Any], section: str, name: str) -> tuple[dict[str, Any], str]:
    copy = json.loads(json.dumps(document))
    return copy, copy["checksums"][section].pop(name)["sha256"]


def test_the_export_manifest_lists_every_file_with_its_size_and_checksum(whole: SceneFolder) -> None:
    manifest = whole.read_object("geniesim/export_manifest.json")
    listed = {entry["path"]: entry["size_bytes"] for entry in manifest["file_inventory"]}
    written = {path.removeprefix("geniesim/") for path in whole.paths("geniesim/")}
    assert listed.keys() == {p for p in written if not p.startswith((".", "_"))} - {"export_manifest.json", "job.json"}
    rest, own = without(manifest, "files", "export_manifest.json")
    assert own == canonical_sha256(rest)
    for path, entry in rest["checksums"]["files"].items():
        data = whole.read(f"geniesim/{path}")
        assert (entry["sha256"], entry["size_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert listed[path] == len(data)


def test_the_import_manifest_lists_every_file_with_its_size_and_checksum(whole: SceneFolder) -> None:
    base = f"episodes/geniesim_{whole.read_object('geniesim/job.json')['job_id']}/"
    manifest = whole.read_object(f"{base}import_manifest.json")
    listed = {entry["path"]: entry["size_bytes"] for entry in manifest["file_inventory"]}
    written = {path.removeprefix(base) for path in whole.paths(base)}
    assert listed.keys() == written - {"import_manifest.json", "config/run_config.json"}
    assert all(len(whole.read(base + path)) == size for path, size in listed.items())
    rest, own = without(manifest, "metadata", "import_manifest.json")
    assert own == canonical_sha256(rest)
    package = whole.read(base + manifest["package"]["path"])
    assert hashlib.sha256(package).hexdigest() == manifest["package"]["sha256"]
    assert manifest["episodes"]["downloaded"] == len(manifest["checksums"]["episodes"]) == 4


def test_every_python_file_is_valid(whole: SceneFolder) -> None:
    files = [path for path in whole.paths() if path.endswith(".py")]
    assert len(files) >= 8
    for path in files:
        ast.parse(whole.read(path), path)


def test_equal_arguments_give_equal_bytes_and_another_seed_another_scene() -> None:
    first, again, other = (
        content(make_scene(new_store(), "scenes", "s", "warehouse", upto=LINE[-1], at=NOON, seed=seed))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first["assets/scene_manifest.json"] != other["assets/scene_manifest.json"]


def test_at_is_when_the_last_stage_ended_and_earlier_stages_ended_earlier(whole: SceneFolder) -> None:
    order = ("regen3d_complete", "simready_complete", "isaac_lab_complete", "geniesim_complete", "dream2flow_complete")
    found = [whole.store.get("scenes", whole.prefix + whole.marker(name)) for name in order]
    times = [version.updated for version in found if version is not None]
    assert len(times) == len(order) and times == sorted(times)
    assert times[-1] == NOON and times[0] == NOON - timedelta(minutes=len(LINE) - 1)


def test_only_a_scene_that_is_not_quiet_is_heard_of() -> None:
    store, heard = new_store(), list[str]()
    store.on_finalize(lambda bucket, version: heard.append(version.name))
    make_scene(store, "scenes", "silent", "kitchen", upto="usd")
    assert heard == []
    make_scene(store, "scenes", "loud", "kitchen", upto="usd", quiet=False)
    assert "scenes/loud/assets/.regen3d_complete" in heard


def test_a_scene_ends_at_the_stage_that_was_asked_for() -> None:
    inputs = make_scene(new_store(), "scenes", "s", "kitchen", upto="inputs")
    assert {path.split("/")[0] for path in inputs.paths()} == {"regen3d"}
    usd = make_scene(new_store(), "scenes", "s", "kitchen", upto="usd")
    assert usd.exists("usd/scene.usda") and not usd.paths("replicator/")


def test_wrong_arguments_are_refused_before_anything_is_written() -> None:
    store = new_store()
    for arguments in ({"upto": "polish"}, {"objects": 0}, {"scene_id": "../x"}, {"kind": "garden"}):
        with pytest.raises(ValueError, match=r"upto|object|scene id|kind"):
            make_scene(store, "scenes", **({"scene_id": "s", "kind": "kitchen"} | arguments))  # type: ignore[arg-type]
    assert list(store.list("scenes")) == []
