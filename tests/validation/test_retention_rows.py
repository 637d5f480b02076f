"""Ages against the windows of the pipeline's clean-up: the day itself counts, and so does everything that is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from tasks.validation.kept_source import KeptSource
from tasks.validation.stages.retention import Expiry, all_expired, newest
from tests.validation.scene_builder import MemorySource, Scene, dump

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LAYOUT, INVENTORY, MARKER = "layout/scene_layout_scaled.json", "seg/inventory.json", "assets/.regen3d_complete"
CATALOGUE = load_catalogue()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def marker(days: float | None) -> bytes:
    """The adapter's marker, so many days old by what it says."""
    return dump({"status": "complete"} | ({} if days is None else {"completed_at": ago(days).isoformat()}))


def expiry(files: dict[str, float | None], said: float | None = None, state: str | None = None) -> Expiry:
    """A scene of these objects, each written so many days ago; None: nobody knows when. `said`: in the marker."""
    data: Scene = {path: marker(said) if path == MARKER else b"{}" for path in files}
    updated = {path: ago(days) for path, days in files.items() if days is not None}
    return Expiry(KeptSource(MemorySource(data, updated=updated)), load_catalogue(state), NOW)


@pytest.mark.parametrize(("path", "days", "expired"), [
    (LAYOUT, 30, True), (LAYOUT, 29.99, False), (INVENTORY, 31, True), (".checkpoints/regen3d.json", 30, True),
    ("assets/scene_manifest.json", 364, False), ("assets/scene_manifest.json", 365, False), ("geniesim/scene_graph.json", 4000, False),
    ("regen3d/scene_info.json", 4000, False),
])  # fmt: skip
def test_an_object_expires_on_the_day_its_class_does(path: str, days: float, expired: bool) -> None:
    assert expiry({MARKER: days}, days)(path, "regen3d") is expired


@pytest.mark.parametrize(("written", "said", "age"), [
    (40.0, 40.0, 40.0), (40.0, 3.0, 3.0), (3.0, 40.0, 3.0), (40.0, None, 40.0), (None, 40.0, 40.0), (None, None, None),
])  # fmt: skip
def test_a_stage_is_as_young_as_the_newest_word_on_it(
    written: float | None, said: float | None, age: float | None
) -> None:
    assert expiry({MARKER: written}, said).age("regen3d") == (None if age is None else timedelta(days=age))


def test_a_stage_without_a_marker_is_as_old_as_what_it_left_or_as_what_came_after_it() -> None:
    assert expiry({"assets/scene_manifest.json": 50, "assets/obj_mug_0/asset.glb": 45}).age("regen3d") == timedelta(
        days=45
    )
    assert expiry({"usd/scene.usda": 60}).age("regen3d") == timedelta(days=60)
    assert expiry({"geniesim/scene_graph.json": 70, "usd/scene.usda": 60}).age("regen3d") == timedelta(days=70)
    assert expiry({"notes.txt": 70}).age("regen3d") is None


@pytest.mark.parametrize(("left", "expired"), [
    ({}, True), ({INVENTORY: 40.0}, False), ({INVENTORY: 5.0}, True), ({INVENTORY: None}, False), ({"layout/own.json": 30.0}, False),
    ({".checkpoints/usd.json": 31.0}, False), ({"assets/x": 400.0}, True),
])  # fmt: skip
def test_what_is_left_of_the_class_and_as_old_shows_that_it_was_lost(
    left: dict[str, float | None], expired: bool
) -> None:
    assert expiry({MARKER: 40, **left}, 40)(LAYOUT, "regen3d") is expired


def test_a_marker_that_is_left_is_of_its_class_too() -> None:
    assert expiry({"geniesim/scene_graph.json": 365})("assets/scene_manifest.json", "regen3d")
    assert not expiry({"geniesim/scene_graph.json": 365, MARKER: 365}, 365)("assets/scene_manifest.json", "regen3d")


def test_who_made_an_object_is_told_or_known() -> None:
    found = expiry({MARKER: 40}, 40)
    assert found(LAYOUT)
    assert not found("layout/anything.json")
    assert found("layout/anything.json", "regen3d")


@pytest.mark.parametrize(("days", "gone"), [(29, False), (31, True)])
def test_markers_expire_in_the_later_state_only(days: float, gone: bool) -> None:
    done = "geniesim/.geniesim_complete"
    assert not expiry({"geniesim/.geniesim_import_complete": days})(done, "genie-sim-import")
    later = expiry({"geniesim/.geniesim_import_complete": days}, state="2026-06")
    assert later(done, "genie-sim-import") is gone


def test_a_stage_has_expired_when_all_that_it_must_have_left_has() -> None:
    old, young = expiry({"usd/scene.usda": 400}), expiry({"usd/scene.usda": 40})
    assert not all_expired(young, CATALOGUE, "replicator")
    assert not all_expired(old, CATALOGUE, "genie-sim-export")
    assert not all_expired(old, CATALOGUE, "upsell")
    assert all_expired(expiry({"geniesim/scene_graph.json": 400}), CATALOGUE, "replicator")


def test_a_stage_whose_marker_would_still_be_there_has_not_expired() -> None:
    marks = {"variation_complete": {"paths": ["marks/.variation_complete"]}}
    clear = {"variation": {"clear": {"markers": ["marks/.variation_complete"]}}}
    elsewhere = load_catalogue({"markers": marks, "stages": clear})
    left = KeptSource(
        MemorySource({"geniesim/scene_graph.json": b"{}"}, updated={"geniesim/scene_graph.json": ago(400)})
    )
    assert all_expired(Expiry(left, CATALOGUE, NOW), CATALOGUE, "variation")
    assert not all_expired(Expiry(left, elsewhere, NOW), elsewhere, "variation")


def test_the_newest_of_no_times_is_none() -> None:
    assert newest([]) is None
    assert newest([None, ago(3), ago(1), None]) == ago(1)
