"""Gone by the pipeline's own retention is not lost; gone any other way is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.scenes import make_scene, make_text_scene
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from deployments.sandbox.pipeline.varied import clean_up
from deployments.sandbox.storage.store import ObjectStore
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tests.validation.scene_builder import MemorySource, healthy, report_of
from tests.validation.stored_scene import StoredScene

LAYOUT, INVENTORY = "layout/scene_layout_scaled.json", "seg/inventory.json"


def scene(days: float, upto: str = "genie-sim-import", *, from_text: bool = False) -> SceneFolder:
    store = ObjectStore()
    store.create_bucket("b")
    make = make_text_scene if from_text else make_scene
    return make(store, "b", "s", "kitchen", objects=1, upto=upto, at=datetime.now(UTC) - timedelta(days=days))


def report(folder: SceneFolder, *, dated: bool = True) -> SceneReport:
    return validate_scene(StoredScene(folder, dated=dated), folder.catalogue)


def errors(found: SceneReport) -> set[tuple[str, str]]:
    return {(f.code, f.object) for f in found.findings if f.severity == "error"}


@pytest.mark.parametrize("days", [30.1, 45, 364])
@pytest.mark.parametrize("from_text", [False, True])
def test_what_is_gone_with_its_whole_class_at_its_age_has_expired(days: float, from_text: bool) -> None:
    folder = scene(days, from_text=from_text)
    assert LAYOUT in clean_up(folder, datetime.now(UTC))
    found = report(folder)
    assert found.healthy
    assert found.stages["regen3d"] == "expired"
    assert "output-expired" in {f.code for f in found.findings}


def test_a_copy_in_a_folder_has_no_times_so_the_markers_tell_the_age() -> None:
    folder = scene(45)
    clean_up(folder, datetime.now(UTC))
    assert report(folder, dated=False).stages["regen3d"] == "expired"


def test_a_scene_of_400_days_keeps_only_its_export_and_is_healthy() -> None:
    folder = scene(400)
    clean_up(folder, datetime.now(UTC))
    assert not folder.paths("assets/")
    found = report(folder)
    assert found.healthy
    assert {found.stages[name] for name in ("regen3d", "simready", "usd", "replicator")} == {"expired"}
    assert found.stages["genie-sim-export"] == "complete"


def test_younger_than_the_window_is_lost() -> None:
    folder = scene(29)
    folder.delete(LAYOUT)
    folder.delete(INVENTORY)
    assert errors(report(folder)) == {("output-missing", LAYOUT), ("output-missing", INVENTORY)}


def test_gone_while_others_of_its_class_and_age_are_there_is_lost() -> None:
    folder = scene(45)
    folder.delete(LAYOUT)
    assert errors(report(folder)) == {("output-missing", LAYOUT)}


def test_what_was_made_again_since_is_younger_than_its_first_marker_says() -> None:
    folder = scene(45)
    clean_up(folder, datetime.now(UTC))
    folder.at = datetime.now(UTC) - timedelta(days=3)
    folder.write(folder.marker("regen3d_complete"), folder.read(folder.marker("regen3d_complete")))
    assert ("output-missing", LAYOUT) in errors(report(folder))


def test_a_marker_that_only_an_installation_cleans_up_has_expired() -> None:
    marker = "geniesim/_GENIESIM_EXPORT_COMPLETE"
    scene = {path: data for path, data in healthy().items() if path != marker}
    assert report_of(scene, "documents").stages["genie-sim-export"] == "missing"
    briefly = load_catalogue({"retention": {"signs": {"patterns": [marker], "days": 10}}})
    found = validate_scene(MemorySource(scene), briefly, "documents")
    assert found.stages["genie-sim-export"] == "expired"
    assert found.healthy


def test_what_no_retention_covers_never_expires() -> None:
    folder = scene(400)
    folder.delete("geniesim/scene_graph.json")
    assert ("output-missing", "geniesim/scene_graph.json") in errors(report(folder))


def test_an_old_scene_without_its_last_marker_is_healthy() -> None:
    folder = scene(60, from_text=True)
    clean_up(folder, datetime.now(UTC))
    assert not folder.exists("geniesim/.geniesim_complete")
    assert report(folder).healthy
