"""Healthy is only what was read: a scene whose manifest nobody could read is unknown, and unknown is not broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from deployments.cli_validate import validate
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.recovery.sweep import look
from tasks.validation import source
from tasks.validation.documents import documents
from tasks.validation.source import Listed, SceneFile
from tests.validation.scene_builder import IMPORT, LAYOUT, MANIFEST, MemorySource, Scene, healthy, report_of
from tests.validation.scene_changes import put
from tests.validation.test_sources import BUCKET, folder

EXPORT, MARKER, MESH = "geniesim/export_manifest.json", "assets/.regen3d_complete", "assets/obj_mug_0/asset.glb"
DECIDING = (MANIFEST, LAYOUT, EXPORT, f"{IMPORT}/import_manifest.json", MARKER, MESH, "usd/scene.usda")
DEEP = b'{"a":' * 200 + b"1" + b"}" * 200


@pytest.mark.usefixtures("without_openusd")
@pytest.mark.parametrize("path", DECIDING)
def test_a_deciding_object_that_cannot_be_read_leaves_the_verdict_open(path: str) -> None:
    report = report_of(healthy(), vanished={path})
    assert report.healthy is None
    assert report.undecided == (path,)
    assert report.to_json()["healthy"] is None


@pytest.mark.usefixtures("without_openusd")
@pytest.mark.parametrize("path", ["replicator/README.md", "assets/obj_mug_0/metadata.json"])
def test_one_that_no_reader_needs_does_not(path: str) -> None:
    report = report_of(healthy(), vanished={path})
    assert report.healthy
    assert report.undecided == ()


@pytest.mark.usefixtures("without_openusd")
def test_a_manifest_that_is_too_large_or_too_deep_leaves_the_verdict_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_of(healthy("regen3d") | {LAYOUT: DEEP}).healthy is None
    monkeypatch.setattr("tasks.validation.scene_under_test.MAX_DOCUMENT_BYTES", 1500)
    report = report_of(healthy("regen3d"))
    assert report.healthy is None
    assert MANIFEST in report.undecided


@pytest.mark.usefixtures("without_openusd")
def test_an_error_elsewhere_is_an_error_whatever_could_not_be_read() -> None:
    scene = healthy()
    put(LAYOUT, ("scale_factor",), -1)(scene)
    report = report_of(scene, vanished={EXPORT})
    assert report.healthy is False
    assert report.undecided == (EXPORT,)


class Cut(MemorySource):
    """A scene of which the listing stops right after its first object."""

    def files(self) -> Listed:
        """In order, within the bounds of the source."""
        found = Listed()
        for path, data in sorted(self.data.items()):
            if not found.add(SceneFile(path, len(data))):
                break
        return found


def test_where_the_listing_stops_before_the_manifest_the_verdict_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from blocks.catalogue_load import load_catalogue
    from tasks.validation.scene import validate_scene

    monkeypatch.setattr(source, "MOST_OBJECTS", 5)
    report = validate_scene(Cut(healthy("regen3d")), load_catalogue())
    assert MANIFEST in report.undecided
    assert not report.healthy


def test_what_was_listed_of_a_crowded_folder_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from blocks.catalogue_load import load_catalogue
    from tasks.validation.scene import validate_scene

    monkeypatch.setattr(source, "MAX_OBJECTS", 5)
    monkeypatch.setattr(source, "FEW_OBJECTS", 20)
    crowd = {f"assets/x{number:03d}": b"1" for number in range(60)}
    report = validate_scene(Cut(healthy("regen3d") | crowd), load_catalogue(), "documents")
    assert report.undecided == ()
    assert report.healthy


@pytest.mark.usefixtures("without_openusd")
def test_the_command_answers_2_and_says_which_object_was_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path, healthy("regen3d"))
    monkeypatch.setattr("tasks.validation.scene_under_test.MAX_DOCUMENT_BYTES", 1500)
    assert validate([str(root)], False) == 2
    said = capsys.readouterr()
    assert "unknown" in said.out
    assert "was not read" in said.err
    assert len(said.err.splitlines()) == 1


def test_an_object_that_may_not_be_read_in_a_bucket_is_no_healthy_scene(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=403))
    assert validate([f"gs://{BUCKET}/scenes/{kitchen}"], True, environment) == 2
    said = capsys.readouterr()
    assert '"healthy": true' not in said.out
    assert len(said.err.splitlines()) == 1


def test_the_sweep_calls_such_a_scene_unseen_and_not_broken(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.validation.scene_under_test.MAX_DOCUMENT_BYTES", 1500)
    seen = look(environment, kitchen)
    assert not seen.healthy
    assert seen.unseen.endswith("was not read")
    assert seen.fault == ""


def test_the_bound_of_a_document_is_read_and_one_byte_more_is_not() -> None:
    """The bound itself still counts as read: 32 MiB of a manifest are looked into."""
    scene: Scene = healthy("regen3d")
    filled = scene[LAYOUT] + b" " * (documents.MAX_DOCUMENT_BYTES - len(scene[LAYOUT]))
    assert report_of(scene | {LAYOUT: filled}, "documents").healthy
    assert report_of(scene | {LAYOUT: filled + b" "}, "documents").healthy is None


def test_a_marker_of_the_first_year_ends_no_validation() -> None:
    scene = healthy()
    for path in [path for path in scene if path.endswith("_complete")]:
        scene[path] = b'{"status": "complete", "timestamp": "0001-01-01T00:00:00Z"}'
    assert report_of(scene).healthy is False


@pytest.mark.usefixtures("without_openusd")
def test_the_marker_of_the_workflow_does_not_say_when_the_export_was_made() -> None:
    """It is written after the import, so the run would look older than the export it was made from."""
    report = report_of(healthy(), vanished={"geniesim/_GENIESIM_EXPORT_COMPLETE"})
    assert report.healthy is None
    assert "stage-stale" not in {found.code for found in report.findings}


def test_a_stage_is_not_put_together_from_a_part_of_its_layers() -> None:
    report = report_of(healthy("usd"), vanished={"assets/obj_mug_0/asset.usdz"})
    assert [f.code for f in report.findings if f.severity in ("error", "warning")] == []
