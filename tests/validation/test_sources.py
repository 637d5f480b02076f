"""Where scenes are read from: folders and buckets, hostile ones included; nothing is ever written."""

from __future__ import annotations

import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.pipeline.scene_view import SceneView
from tasks.validation.documents import documents
from tasks.validation.kept_source import KeptSource
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth
from tasks.validation.source import BucketSource, FolderSource, Listed, Vanished
from tests.validation.scene_builder import LAYOUT, MANIFEST, MemorySource, Scene, errors_of, healthy, report_of
from tests.validation.scene_changes import put

BUCKET = "sandbox-scenes"


def folder(root: Path, scene: Scene) -> Path:
    """Write a scene into a folder."""
    for path, data in scene.items():
        target = root / "kitchen_7" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root / "kitchen_7"


def test_a_folder_gives_the_same_report_as_the_same_bytes_in_memory(tmp_path: Path) -> None:
    scene = healthy()
    put(MANIFEST, ("version",), 1)(scene)
    report = validate_scene(FolderSource(folder(tmp_path, scene)), load_catalogue())
    assert report == report_of(scene)


def test_readers_in_threads_share_one_listing_and_no_read_makes_it_anew(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    class Counting(SceneView):
        shown = 0

        def files(self) -> Listed:
            self.shown += 1
            return super().files()

    source = Counting(environment.storage, BUCKET, kitchen, f"scenes/{kitchen}/")
    sandbox.requests.reset()
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(source.read, [MANIFEST] * 16))
    assert len(set(read)) == 1
    assert source.shown == 0
    assert sandbox.requests.count("storage", "objects.list") == 1


def test_looking_at_a_folder_changes_nothing_in_it(tmp_path: Path) -> None:
    root = folder(tmp_path, healthy())
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.rglob("*")}
    validate_scene(FolderSource(root), load_catalogue())
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.rglob("*")} == before


def test_a_link_out_of_the_scene_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"scene_id": "kitchen_7"}')
    root = folder(tmp_path, healthy("regen3d"))
    (root / MANIFEST).unlink()
    (root / MANIFEST).symlink_to(tmp_path / "secret.json")
    (root / "regen3d" / "outside").symlink_to(tmp_path)
    report = validate_scene(FolderSource(root), load_catalogue())
    linked = {f.object: f.code for f in report.findings if "leads out of the scene" in f.message}
    assert linked == {MANIFEST: "symlink-outside-scene", "regen3d/outside": "other-file-damaged"}
    with pytest.raises(Vanished):
        FolderSource(root).read(MANIFEST)


def test_a_link_within_the_scene_is_read(tmp_path: Path) -> None:
    root = folder(tmp_path, healthy("regen3d"))
    (root / MANIFEST).rename(root / "assets" / "real.json")
    (root / MANIFEST).symlink_to(root / "assets" / "real.json")
    assert validate_scene(FolderSource(root), load_catalogue()).healthy


def test_pipes_and_links_in_a_circle_are_never_opened(tmp_path: Path) -> None:
    root = folder(tmp_path, healthy("regen3d"))
    os.mkfifo(root / "assets" / "pipe.json")
    (root / "assets" / "loop").symlink_to(root / "assets" / "loop")
    report = validate_scene(FolderSource(root), load_catalogue())
    told = {f.object for f in report.findings if f.severity == "warning" and "is not looked into" in f.message}
    assert told == {"assets/pipe.json", "assets/loop"}


def test_an_object_that_vanishes_while_it_is_read_is_one_finding() -> None:
    report = report_of(healthy("regen3d"), vanished={LAYOUT})
    assert [f.object for f in report.findings if f.code == "object-unreadable"] == [LAYOUT]


def test_a_document_over_the_bound_is_one_finding_and_is_not_read() -> None:
    scene = healthy("regen3d")
    scene[LAYOUT] = b" " * (documents.MAX_DOCUMENT_BYTES + 1)
    source = MemorySource(scene)
    tracemalloc.start()
    report = validate_scene(source, load_catalogue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [f.code for f in report.findings if f.object == LAYOUT] == ["document-too-large"]
    assert LAYOUT not in source.reads
    assert peak < documents.MAX_DOCUMENT_BYTES


def test_many_findings_of_one_kind_are_counted_and_not_listed() -> None:
    scene = healthy("regen3d")
    put(MANIFEST, ("objects",), [None] * 3000)(scene)
    found = [f for f in errors_of(scene) if f.code == "field-wrong-type"]
    assert len(found) == 21
    assert "more findings" in found[-1].message


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "usd//x.usda", "usd/../../x.usda", "a\x00b.usda"])
def test_a_hostile_name_of_an_object_does_no_harm(name: str) -> None:
    scene = healthy("usd")
    scene[name] = b"#usda 1.0\n"
    assert report_of(scene).stages["usd"] == "complete"


def test_values_that_would_alter_a_terminal_are_shown_harmlessly() -> None:
    scene = healthy("regen3d")
    put(MANIFEST, ("objects", 0, "id"), "\x1b[31mred\u202e")(scene)
    shown = "".join(f.message + f.path + f.object + f.fix for f in report_of(scene).findings)
    assert shown.isprintable()


def test_what_was_read_once_of_a_small_object_is_not_read_again() -> None:
    source = MemorySource(healthy("regen3d"))
    kept = KeptSource(source)
    assert kept.read(MANIFEST)[:1] == kept.read(MANIFEST, 0, 1)
    assert source.reads == [MANIFEST]


# ------------------------------------------------------------------------------------------------- from a bucket
def look(environment: PipelineEnvironment, scene_id: str, depth: Depth = "full") -> BucketSource:
    """A scene of the sandbox's bucket."""
    return BucketSource(environment.storage, BUCKET, scene_id, f"scenes/{scene_id}/")


@pytest.mark.parametrize("depth", ["documents", "full"])
@pytest.mark.parametrize("kind", ["kitchen", "office", "warehouse"])
def test_generated_scenes_are_healthy(
    sandbox: Sandbox, environment: PipelineEnvironment, kind: str, depth: Depth
) -> None:
    make_scene(sandbox.store, BUCKET, "scene_1", kind, objects=4, upto="dream2flow")  # type: ignore[arg-type]
    report = validate_scene(look(environment, "scene_1"), load_catalogue(), depth)
    assert [f for f in report.findings if f.severity == "error"] == []
    assert {name for name, state in report.stages.items() if state != "complete"} <= {
        "objects", "scale", "interactive", "training"
    }  # fmt: skip


def test_documents_cost_one_listing_and_four_reads(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str
) -> None:
    sandbox.requests.reset()
    report = validate_scene(look(environment, kitchen), load_catalogue(), "documents")
    assert report.healthy
    assert sandbox.requests.snapshot() == {"storage.objects.list": 1, "storage.objects.media": 4}


def test_looking_at_a_bucket_writes_nothing(sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str) -> None:
    sandbox.requests.reset()
    validate_scene(look(environment, kitchen), load_catalogue())
    assert set(sandbox.requests.snapshot()) == {"storage.objects.list", "storage.objects.media"}


DAMAGES = {
    "export_missing": ("genie-sim-export", "missing", "geniesim/scene_graph.json"),
    "manifest_truncated": ("regen3d", "corrupt", MANIFEST),
    "manifest_nan": ("regen3d", "corrupt", MANIFEST),
    "layout_missing": ("regen3d", "missing", LAYOUT),
    "usd_missing": ("usd", "missing", "usd/scene.usda"),
    "usd_truncated": ("usd", "corrupt", "usd/scene.usda"),
    "simready_missing": ("simready", "missing", "assets/obj_cabinet_0/simready.usda"),
    "failed_marker": ("regen3d", "failed", "assets/.failed"),
    "marker_empty": ("regen3d", "corrupt", "assets/.regen3d_complete"),
    "marker_missing": ("regen3d", "missing", "assets/.regen3d_complete"),
    "job_failed": ("genie-sim-run", "failed", "geniesim/job.json"),
}


@pytest.mark.parametrize("depth", ["documents", "full"])
@pytest.mark.parametrize("name", DAMAGES)
def test_the_sandboxes_damages_are_found_at_either_depth(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str, name: str, depth: Depth
) -> None:
    stage, state, path = DAMAGES[name]
    damage(sandbox.store, BUCKET, kitchen, name)
    report = validate_scene(look(environment, kitchen), load_catalogue(), depth)
    assert report.stages[stage] == state
    assert path in {f.object for f in report.findings if f.severity == "error" and f.stage == stage}


def test_markers_are_read_where_the_times_of_the_listing_look_wrong(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str
) -> None:
    """A marker that was restored later than its successors is not stale by what it holds."""
    name = f"scenes/{kitchen}/assets/.regen3d_complete"
    found = sandbox.store.get(BUCKET, name)
    assert found is not None
    sandbox.store.put(BUCKET, name, found.data, quiet=True)
    sandbox.requests.reset()
    assert validate_scene(look(environment, kitchen), load_catalogue(), "documents").healthy
    assert 4 < sandbox.requests.count("storage", "objects.media") <= 20
