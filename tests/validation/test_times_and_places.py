"""Times and paths inside documents: which are understood, and where a path leads or why it leads nowhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tasks.validation.documents.document_paths import usable_job_id
from tasks.validation.documents.paths import is_outside, resolve, scene_in
from tasks.validation.documents.times import parse_time, payload_time, time_field
from tests.validation.quick import view_of
from tests.validation.scene_builder import SCENE_ID

NINE = datetime(2026, 1, 18, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", [
    "2026-01-18T09:00:00Z", "2026-01-18T09:00:00+00:00", "2026-01-18T09:00:00", "2026-01-18 09:00:00", "2026-01-18T09:00Z",
    "2026-01-18T10:00:00+01:00", "2026-01-18T04:00:00-0500", "2026-01-18T09:00:00.000000Z", "2026-01-18T09:00:00.0Z",
    "Completed at 2026-01-18T09:00:00Z\n", "done (2026-01-18T09:00:00Z), by hand",
])  # fmt: skip
def test_a_time_is_understood_however_it_is_written(text: str) -> None:
    assert parse_time(text) == NINE


def test_a_time_without_an_offset_is_utc_wherever_the_validator_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert parse_time("2026-01-18T09:00:00") == NINE
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("value", [
    None, 1768726800, True, "", "now", "18.01.2026 09:00", "2026-13-01T09:00:00Z", "2026-02-30T09:00:00Z",
    "2026-01-18T25:00:00Z", "2026-01-18", "09:00:00Z", ["2026-01-18T09:00:00Z"], "x" * 1001 + "2026-01-18T09:00:00Z",
    "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-08:00",
])  # fmt: skip
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_time(value) is None


@pytest.mark.parametrize("payload", [
    {"timestamp": "2026-01-18T09:00:00Z"}, {"completed_at": "2026-01-18T09:00:00Z", "timestamp": "2027-01-01T00:00:00Z"},
    {"export_timestamp": "2026-01-18T09:00:00Z"}, {"generated_at": "2026-01-18T09:00:00Z"},
    {"failed_at": "2026-01-18T09:00:00Z"}, {"updated_at": "2026-01-18T09:00:00Z"}, "ok 2026-01-18T09:00:00Z",
])  # fmt: skip
def test_a_payload_says_when_by_its_first_field_of_time(payload: object) -> None:
    assert payload_time(payload) == NINE


@pytest.mark.parametrize("payload", [{}, None, [], 7, {"time": "2026-01-18T09:00:00Z"}, {"timestamp": "soon"}])
def test_a_payload_without_a_time_says_nothing(payload: object) -> None:
    assert payload_time(payload) is None


def test_the_field_of_time_is_named() -> None:
    assert time_field({"timestamp": 1, "completed_at": 2}) == "completed_at"
    assert time_field({"status": "ok"}) is None


MESH = "assets/obj_mug_0/asset.glb"
FILES = {MESH: b"x", "usd/scene.usda": b"x", "assets/Küche.glb": b"x", "a b/c#d.json": b"x"}


@pytest.mark.parametrize(("raw", "folder", "path"), [
    (MESH, "", MESH), (f"scenes/{SCENE_ID}/{MESH}", "", MESH), ("../assets/obj_mug_0/asset.glb", "usd", MESH),
    ("./scene.usda", "usd", "usd/scene.usda"), ("scene.usda", "usd", "usd/scene.usda"), ("a b/c#d.json", "", "a b/c#d.json"),
    ("..//assets/./obj_mug_0/asset.glb", "usd", MESH), ("assets/Küche.glb", "", "assets/Küche.glb"),
])  # fmt: skip
def test_a_path_leads_to_an_object(raw: str, folder: str, path: str) -> None:
    target = resolve(view_of(FILES), raw, folder)
    assert (target.path, target.code) == (path, "")


@pytest.mark.parametrize(("raw", "folder", "code"), [
    ("gs://b/scenes/kitchen_7/a.glb", "", "path-is-uri"), ("https://example.org/a.glb", "", "path-is-uri"),
    ("file:///a.glb", "", "path-is-uri"), ("omniverse://a/b.usd", "usd", "path-is-uri"),
    ("/mnt/gcs/a.glb", "", "path-is-absolute"), ("C:\\a.glb", "", "path-is-absolute"), ("C:/a.glb", "", "path-is-absolute"),
    ("\\\\server\\a.glb", "", "path-is-absolute"), ("scenes/other/a.glb", "", "path-of-other-scene"),
    (f"scenes/{SCENE_ID}_2/{MESH}", "", "path-of-other-scene"), ("../a.glb", "", "path-leaves-scene"), ("..", "", "path-leaves-scene"),
    ("../../a.glb", "usd", "path-leaves-scene"), (".", "", "path-leaves-scene"), ("assets/../../x", "", "path-leaves-scene"),
    (MESH.upper(), "", "path-wrong-case"), ("usd/Scene.usda", "", "path-wrong-case"),
    ("usd/scene.usda ", "", "path-dangling"), ("usd", "", "path-dangling"), ("assets\\obj_mug_0\\asset.glb", "", "path-dangling"),
    ("assets/obj_mug_0%2Fasset.glb", "", "path-dangling"), ("assets/Ku\u0308che.glb", "", "path-dangling"),
    ("./usd/scene.usda", "", "path-not-normal"), ("usd//scene.usda", "", "path-not-normal"),
    (f"scenes/{SCENE_ID}/./usd/scene.usda", "", "path-not-normal"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_says_why(raw: str, folder: str, code: str) -> None:
    assert resolve(view_of(FILES), raw, folder).code == code


def test_why_a_path_leads_nowhere_is_said_in_words() -> None:
    view = view_of(FILES)
    assert "backslashes" in resolve(view, "assets\\obj_mug_0\\asset.glb").message
    assert "composed differently" in resolve(view, "assets/Ku\u0308che.glb").message
    assert "capital letters only" in resolve(view, "usd/Scene.usda").message


@pytest.mark.parametrize(("path", "scene"), [
    ("/mnt/gcs/scenes/a/b", "a"), ("gs://bucket/scenes/a", "a"), ("scenes/a/b/scenes/c", "a"), ("/scenes//b", None),
    ("myscenes/a/b", None), ("scenes/", None), ("a/b", None), ("", None),
])  # fmt: skip
def test_the_scene_in_a_path_is_the_part_after_scenes(path: str, scene: str | None) -> None:
    assert scene_in(path) == scene


@pytest.mark.parametrize("path", ["a/b", "a:b", "./x", "c/d:e", "", "~a", "@a@"])
def test_a_relative_path_is_of_no_machine(path: str) -> None:
    assert is_outside(path) == ""


@pytest.mark.parametrize("value", ["local-1", "x" * 128, "a.b_c", "..a"])
def test_a_job_id_that_may_stand_in_a_path(value: str) -> None:
    assert usable_job_id(value) == value


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "x" * 129, None, 7, "a b", "a\n"])
def test_a_job_id_that_may_not(value: object) -> None:
    assert usable_job_id(value) is None
