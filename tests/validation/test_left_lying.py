"""What people, tools and file systems leave in a scene's folder, and what a stage writes that is empty."""

from __future__ import annotations

import pytest

from tasks.validation.files.other_files import check_listing, check_others, check_owners
from tasks.validation.kept_source import KeptSource
from tasks.validation.source import Listed, SceneFile
from tests.validation.quick import codes, told, view_of
from tests.validation.scene_builder import SCENE_ID, MemorySource, Scene, dump, errors_of, healthy

APPLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X"
POLICY = "replicator/policies/pick.py"


@pytest.mark.usefixtures("without_openusd")
def test_the_notes_that_macos_leaves_beside_files_are_no_files_of_the_scene() -> None:
    scene = healthy()
    beside = {f"{path.rpartition('/')[0]}/._{path.rpartition('/')[2]}": APPLE for path in scene}
    assert errors_of(scene | beside) == []


def test_they_are_not_taken_for_what_they_lie_beside() -> None:
    assert list(KeptSource(MemorySource({"usd/._scene.usda": APPLE, "a/.hidden": b"x"})).files()) == ["a/.hidden"]


def test_a_listing_without_them_is_cut_where_it_was() -> None:
    cut = Listed()
    cut.add(SceneFile("a/._x", 1))
    cut.cut.add("a")
    assert Listed.seen(cut).cut == {"a"}
    assert Listed.seen(cut) == {}
    assert "a/._x" in cut


@pytest.mark.parametrize("path", [
    "assets/asset.glb_.gstmp", "assets/obj_mug_0/asset.glb.ab12.partial", "usd/scene.usda.crdownload", "usd/scene.usda.bak",
    "assets/scene_manifest.json~", "assets/.scene_manifest.json.swp", "usd/desktop.ini", "isaac_lab/__pycache__/env_cfg.cpython-310.pyc",
    "isaac_lab/.ipynb_checkpoints/env_cfg-checkpoint.py", "geniesim/.nfs0000001", "replicator/core.1234", "seg/.~lock.inventory.json#",
])  # fmt: skip
@pytest.mark.usefixtures("without_openusd")
def test_what_a_tool_left_half_done_is_no_error(path: str) -> None:
    assert errors_of(healthy("usd") | {path: b"half of {"}) == []


def others(scene: Scene) -> list[str]:
    """What is told of files that no other check looks into."""
    view = view_of(scene)
    check_others(view, lambda path: False)
    return codes(view)


@pytest.mark.parametrize(("path", "data", "wanted"), [
    (POLICY, b"\n\n", ["object-empty"]), (POLICY, b"# nothing yet\n", []), (POLICY, b" \t\r\n", ["object-empty"]),
    ("isaac_lab/train_cfg.yaml", b"\n", ["object-empty"]), ("isaac_lab/__init__.py", b"\n", []), ("own/notes.py", b"\n", []),
    ("assets/interactive/obj_a/a.urdf", b"\n", ["object-empty"]), (POLICY, b"def (", ["script-damaged"]),
])  # fmt: skip
def test_a_script_of_a_stage_says_something(path: str, data: bytes, wanted: list[str]) -> None:
    assert others({path: data}) == wanted


@pytest.mark.parametrize(("path", "empty"), [
    (POLICY, True), ("isaac_lab/__init__.py", False), ("assets/.regen3d_complete", False), ("locks/usd-assembly.lock", False),
    ("geniesim/.failed", False), ("geniesim/.canary_rollback", False), ("replicator/.gitkeep", False), ("usd/scene.usda", True),
    ("replicator/README.md", True),
])  # fmt: skip
def test_an_object_of_no_bytes_is_told_unless_its_being_there_says_it_all(path: str, empty: bool) -> None:
    view = view_of({path: b""})
    check_listing(view)
    assert codes(view) == (["object-empty"] if empty else [])


@pytest.mark.parametrize(("record", "wanted"), [
    ({"scene_id": SCENE_ID, "environment_type": "kitchen"}, []), ({"scene_id": "other"}, [("scene-id-mismatch", "$.scene_id")]),
    ({"scene_id": None}, [("scene-id-mismatch", "$.scene_id")]), ({"environment_type": "office"}, [("environment-differs", "$.environment_type")]),
    ({"environment_type": 7}, []), ({}, []), ([{"scene_id": "other"}], []),
])  # fmt: skip
def test_whatever_names_a_scene_names_this_one(record: object, wanted: list[tuple[str, str]]) -> None:
    view = view_of({"replicator/configs/pick.json": dump(record)})
    view.document("replicator/configs/pick.json")
    check_owners(view, "kitchen")
    assert told(view) == wanted
