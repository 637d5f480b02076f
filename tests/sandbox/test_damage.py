"""Each damage changes what it says, and nothing else."""

import json
import math

import pytest

from blocks.trial_scene import object_ids
from deployments.sandbox.pipeline.damage import DAMAGES, damage
from deployments.sandbox.pipeline.formats import glb_size
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from deployments.sandbox.storage.store import ObjectStore

REPLICATOR = {
    "README.md",
    "bundle_metadata.json",
    "configs/dish_loading.json",
    "configs/table_clearing.json",
    "placement_regions.usda",
    "policies/dish_loading.py",
    "policies/table_clearing.py",
    "replicator_master.py",
    "variation_assets/manifest.json",
}
ISAAC = {
    "__init__.py",
    "env_cfg.py",
    "generation_metadata.json",
    "randomizations.py",
    "reward_functions.py",
    "task_dish_loading.py",
    "train_cfg.yaml",
}
WRAPPERS = {f"assets/obj_{oid}/simready.usda" for oid in [*object_ids("kitchen", 8), "scene_background"]}

# Damage -> paths that must be gone, paths that must be other than before (or new).
EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "export_missing": (
        {f"geniesim/{name}.json" for name in ("scene_graph", "asset_index", "task_config", "export_manifest")},
        set(),
    ),
    "export_corrupt": (set(), {"geniesim/scene_graph.json"}),
    "export_failed_marker": (set(), {"geniesim/.failed", "geniesim/.geniesim_failed"}),
    "manifest_truncated": (set(), {"assets/scene_manifest.json"}),
    "manifest_nan": (set(), {"assets/scene_manifest.json"}),
    "layout_nan": (set(), {"layout/scene_layout_scaled.json"}),
    "layout_missing": ({"layout/scene_layout_scaled.json"}, set()),
    "inventory_missing": ({"seg/inventory.json"}, set()),
    "usd_missing": ({"usd/scene.usda"}, set()),
    "usd_truncated": (set(), {"usd/scene.usda"}),
    "simready_missing": (WRAPPERS, set()),
    "simready_partial": ({"assets/obj_bowl_0/simready.usda"}, set()),
    "glb_truncated": (set(), {"assets/obj_bowl_0/asset.glb"}),
    "input_mesh_truncated": (set(), {"regen3d/objects/bowl_0/mesh.glb"}),
    "stale_lock": (set(), {"locks/usd-assembly.lock"}),
    "live_lock": (set(), {"locks/usd-assembly.lock"}),
    "failed_marker": (set(), {"assets/.failed", "assets/.regen3d_failed"}),
    "marker_empty": (set(), {"assets/.regen3d_complete"}),
    "marker_missing": ({"assets/.regen3d_complete"}, set()),
    "replicator_missing": ({f"replicator/{name}" for name in REPLICATOR}, set()),
    "isaac_missing": ({f"isaac_lab/{name}" for name in ISAAC}, set()),
}
LOUD = {"export_failed_marker", "failed_marker", "job_failed"}


@pytest.fixture
def scene() -> SceneFolder:
    store = ObjectStore()
    store.create_bucket("scenes")
    make_scene(store, "scenes", "untouched", "kitchen", upto="usd")
    return make_scene(store, "scenes", "s1", "kitchen")


def content(scene: SceneFolder) -> dict[str, bytes]:
    return {found.name: found.data for found in scene.store.list("scenes")}


def expected(scene: SceneFolder, name: str) -> tuple[set[str], set[str]]:
    if name in EXPECTED:
        return EXPECTED[name]
    base = f"episodes/geniesim_{scene.read_object('geniesim/job.json')['job_id']}/"
    if name == "import_manifest_missing":
        return {f"{base}import_manifest.json"}, set()
    if name == "variation_missing":
        return {path for path in scene.paths("variation_assets/") if "/." not in path}, set()
    assert name == "job_failed"
    gone = {*scene.paths(base), "geniesim/.geniesim_import_complete", "geniesim/.geniesim_complete"}
    return gone, {"geniesim/job.json", "geniesim/.failed", "geniesim/.geniesim_failed"}


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_a_damage_changes_what_it_says_and_nothing_else(scene: SceneFolder, name: str) -> None:
    gone, changed = expected(scene, name)
    heard: list[str] = []
    scene.store.on_finalize(lambda bucket, version: heard.append(version.name))
    before = content(scene)
    told = damage(scene.store, "scenes", "s1", name, execution_id="e-7")
    after = content(scene)
    prefix = "scenes/s1/"
    assert {path.removeprefix(prefix) for path in before.keys() - after.keys()} == gone
    differing = {path.removeprefix(prefix) for path in after if before.get(path) != after[path]}
    assert differing == changed
    assert set(told) == gone | changed
    assert {path.removeprefix(prefix) for path in heard} == (
        {p for p in changed if "failed" in p} if name in LOUD else set()
    )
    assert DAMAGES[name].__doc__


def test_every_damage_has_its_test() -> None:
    assert DAMAGES.keys() == EXPECTED.keys() | {"import_manifest_missing", "variation_missing", "job_failed"}


@pytest.mark.parametrize("name", ["export_corrupt", "manifest_truncated", "usd_truncated", "glb_truncated"])
def test_a_truncated_file_is_the_beginning_of_the_whole_one(scene: SceneFolder, name: str) -> None:
    before = content(scene)
    (path,) = damage(scene.store, "scenes", "s1", name)
    data, whole = scene.read(path), before[scene.prefix + path]
    assert whole.startswith(data) and 0 < len(data) < len(whole)
    if path.endswith(".json"):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(data)
    if path.endswith(".glb"):
        with pytest.raises(ValueError, match="truncated"):
            glb_size(data)


def test_a_number_that_is_not_one_is_the_only_thing_wrong_with_its_document(scene: SceneFolder) -> None:
    whole = scene.read_object("assets/scene_manifest.json")
    damage(scene.store, "scenes", "s1", "manifest_nan")
    broken = scene.read_object("assets/scene_manifest.json")
    assert math.isnan(broken["objects"][0]["transform"]["position"]["x"])
    broken["objects"][0]["transform"]["position"]["x"] = whole["objects"][0]["transform"]["position"]["x"]
    assert broken == whole


def test_a_failure_marker_is_newer_than_the_completion_marker(scene: SceneFolder) -> None:
    damage(scene.store, "scenes", "s1", "failed_marker")
    failed, complete = (
        scene.store.get("scenes", scene.prefix + path) for path in ("assets/.failed", "assets/.regen3d_complete")
    )
    assert failed is not None and complete is not None and failed.updated > complete.updated


def test_the_locks_name_their_holder(scene: SceneFolder) -> None:
    damage(scene.store, "scenes", "s1", "live_lock", execution_id="e-7")
    assert scene.read_object("locks/usd-assembly.lock")["execution_id"] == "e-7"
    damage(scene.store, "scenes", "s1", "stale_lock")
    assert scene.read_object("locks/usd-assembly.lock")["execution_id"].startswith("00000000")


def test_what_cannot_be_damaged_is_said_and_left_alone(scene: SceneFolder) -> None:
    before = content(scene)
    for name, scene_id, why in (
        ("rust", "s1", "is no damage"),
        ("usd_missing", "nobody", "404 No such object"),
        ("import_manifest_missing", "untouched", "there is no"),
        ("replicator_missing", "untouched", "there is nothing below"),
        ("live_lock", "s1", "needs execution_id"),
    ):
        with pytest.raises(ValueError, match=why):
            damage(scene.store, "scenes", scene_id, name)
    assert content(scene) == before
