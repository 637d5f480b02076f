"""The state of every stage: what its markers say, what it left, and when it was completed."""

from __future__ import annotations

import json

import pytest

from tasks.validation.stages.stages import Line, states
from tests.validation.quick import view_of
from tests.validation.scene_builder import (
    MANIFEST,
    SCENE_ID,
    Change,
    Scene,
    dump,
    healthy,
    put_marker,
    report_of,
    stamp,
)
from tests.validation.scene_changes import cut, drop, drop_all, put, remove, write

REGEN3D, USD, EXPORT = "assets/.regen3d_complete", "assets/.usd_assembly_complete", "geniesim/_GENIESIM_EXPORT_COMPLETE"
IMPORTED = "geniesim/.geniesim_import_complete"
SIMREADY = "assets/.simready_complete"


MARKERS: list[tuple[str, Change, str, str, str, str, str]] = [
    ("empty", write(REGEN3D, b""), "regen3d", "corrupt", "marker-empty", REGEN3D, ""),
    ("blank", write(REGEN3D, b"\n"), "regen3d", "corrupt", "marker-empty", REGEN3D, ""),
    ("half", cut(REGEN3D, lambda d: d[: len(d) // 2]), "regen3d", "corrupt", "document-truncated", REGEN3D, "$"),
    ("no object", write(REGEN3D, b"{}"), "regen3d", "corrupt", "marker-says-nothing", REGEN3D, "$"),
    ("a page", write(USD, b"<html>"), "usd", "corrupt", "document-is-error-page", USD, "$"),
    ("a word", write(USD, b"bogus"), "usd", "corrupt", "document-not-json", USD, "$"),
    ("other scene", put(USD, ("scene_id",), "x"), "usd", "corrupt", "scene-id-mismatch", USD, "$.scene_id"),
    ("failed", put(USD, ("status",), "failed"), "usd", "corrupt", "marker-says-failed", USD, "$.status"),
    ("status 5", put(USD, ("status",), 5), "usd", "corrupt", "field-wrong-type", USD, "$.status"),
    ("status odd", put(USD, ("status",), "purple"), "usd", "corrupt", "marker-status-unknown", USD, "$.status"),
    ("no scene", drop(USD, ("scene_id",)), "usd", "corrupt", "field-missing", USD, "$.scene_id"),
    ("no time", drop(USD, ("timestamp",)), "usd", "corrupt", "field-missing", USD, "$.timestamp"),
    ("time odd", put(USD, ("timestamp",), "noon"), "usd", "corrupt", "time-malformed", USD, "$.timestamp"),
    ("no success", put(EXPORT, ("success",), False), "genie-sim-export", "corrupt", "marker-says-failed", EXPORT,
     "$.success"),
    ("counts", put(EXPORT, ("stats", "nodes"), 9), "genie-sim-export", "corrupt", "count-mismatch", EXPORT,
     "$.stats.nodes"),
    ("no counts", drop(EXPORT, ("stats",)), "genie-sim-export", "corrupt", "field-missing", EXPORT, "$.stats"),
    ("objects", put(REGEN3D, ("objects_count",), 9), "regen3d", "corrupt", "count-mismatch", REGEN3D, "$.objects_count"),
    ("scale", put(REGEN3D, ("scale_factor",), 2.0), "regen3d", "corrupt", "scale-factor-mismatch", REGEN3D,
     "$.scale_factor"),
    ("count 0", put(SIMREADY, ("count",), 0), "simready", "corrupt", "simready-none", SIMREADY, "$.count"),
    ("count 2", put(SIMREADY, ("count",), 2), "simready", "corrupt", "count-mismatch", SIMREADY, "$.count"),
    ("stranger", put(SIMREADY, ("simready_assets", "sofa"), "assets/obj_sofa/simready.usda"), "simready", "corrupt",
     "id-not-in-manifest", SIMREADY, "$.simready_assets.sofa"),
    ("regen3d's gone", remove(REGEN3D), "regen3d", "missing", "marker-missing", REGEN3D, ""),
    ("simready's gone", remove(SIMREADY), "simready", "missing", "marker-missing", SIMREADY, ""),
    ("usd's gone", remove(USD), "usd", "missing", "marker-missing", USD, ""),
    ("replicator's gone", remove("replicator/.replicator_complete"), "replicator", "missing", "marker-missing",
     "replicator/.replicator_complete", ""),
    ("variation's gone", remove("variation_assets/.variation_pipeline_complete"), "variation", "missing",
     "marker-missing", "variation_assets/.variation_pipeline_complete", ""),
    ("export's gone", remove(EXPORT), "genie-sim-export", "missing", "marker-missing", EXPORT, ""),
    ("import's gone", remove(IMPORTED), "genie-sim-import", "missing", "marker-missing", IMPORTED, ""),
    ("job's gone", remove("geniesim/job.json"), "genie-sim-run", "missing", "output-missing",
     "geniesim/job.json", ""),
    ("older", put(EXPORT, ("export_timestamp",), stamp(2)), "genie-sim-export", "stale", "stage-stale", EXPORT, ""),
    ("newer", put(REGEN3D, ("completed_at",), stamp(60)), "usd", "stale", "stage-stale", USD, ""),
    ("wrappers gone", drop_all("simready.usda"), "simready", "missing", "output-missing",
     "assets/obj_mug_0/simready.usda", ""),
    ("time cut off", write("variation_assets/.variation_pipeline_complete", b"Completed at 2026-01"), "variation",
     "corrupt", "time-malformed", "variation_assets/.variation_pipeline_complete", ""),
    ("run not ended", put("geniesim/job.json", ("status",), "submitted"), "genie-sim-run", "corrupt",
     "job-contradicts-itself", "geniesim/job.json", "$.status"),
    ("failed job", put("geniesim/job.json", ("status",), "failed"), "genie-sim-run", "failed", "job-failed",
     "geniesim/job.json", "$.status"),
]  # fmt: skip


@pytest.mark.parametrize("case", MARKERS, ids=lambda case: case[0])
def test_a_damaged_marker_breaks_its_stage_and_is_named(case: tuple[str, Change, str, str, str, str, str]) -> None:
    _, change, stage, state, code, path, place = case
    scene = healthy()
    change(scene)
    report = report_of(scene)
    assert report.stages[stage] == state
    assert (code, path, place) in {(f.code, f.object, f.path) for f in report.findings if f.severity == "error"}


def test_stages_completed_within_two_seconds_of_each_other_are_not_stale() -> None:
    scene = healthy()
    put("replicator/.replicator_complete", ("timestamp",), stamp(3 - 1.9 / 60))(scene)
    assert report_of(scene).healthy
    put("replicator/.replicator_complete", ("timestamp",), stamp(3 - 2 / 60))(scene)
    assert report_of(scene, "documents").healthy
    put("replicator/.replicator_complete", ("timestamp",), stamp(3 - 2.1 / 60))(scene)
    assert report_of(scene).stages["replicator"] == "stale"


def test_times_with_and_without_an_offset_are_compared_as_utc() -> None:
    scene = healthy()
    put(USD, ("timestamp",), stamp(3).removesuffix("Z"))(scene)
    assert report_of(scene).healthy
    put(USD, ("timestamp",), "2026-01-18T11:03:00+02:00")(scene)
    assert report_of(scene).healthy


def test_the_times_of_files_in_a_folder_are_no_evidence() -> None:
    """Only what markers say counts there: a copy of a folder has whatever times the copying gave it."""
    scene = healthy()
    assert report_of(scene, updated={}).healthy


def test_a_stage_that_left_only_part_of_its_outputs_has_not_ended_and_is_no_error() -> None:
    scene = healthy("regen3d") | {"assets/obj_mug_0/simready.usda": b"#usda 1.0\n"}
    report = report_of(scene)
    assert report.stages["simready"] == "never_ran"
    assert report.healthy
    assert "output-not-yet" in {f.code for f in report.findings}


def test_a_scene_with_nothing_but_its_reconstruction_is_healthy_and_nothing_ran() -> None:
    scene = {path: data for path, data in healthy().items() if path.startswith("regen3d/")}
    report = report_of(scene)
    assert report.healthy
    assert set(report.stages.values()) == {"never_ran"}


def test_a_marker_that_only_the_local_runner_writes_is_asked_for_once_the_export_ran() -> None:
    scene = healthy("usd")
    scene.pop(USD)
    report = report_of(scene)
    assert report.healthy
    assert "marker-not-written" in {f.code for f in report.findings}


def test_an_older_name_of_a_marker_counts() -> None:
    scene = healthy()
    scene["assets/.stage1_complete"] = scene.pop(REGEN3D)
    assert report_of(scene).healthy


def test_every_stage_of_the_catalogue_has_a_state() -> None:
    report = report_of(healthy())
    assert list(report.stages)[:3] == ["objects", "scale", "regen3d"]
    json.dumps(report.to_json(), allow_nan=False)


def test_the_manifest_alone_makes_the_adapter_responsible_for_the_rest() -> None:
    scene: Scene = {MANIFEST: healthy()[MANIFEST]}
    report = report_of(scene)
    assert report.stages["regen3d"] != "never_ran"
    assert ("output-missing", "layout/scene_layout_scaled.json") in {(f.code, f.object) for f in report.findings}


def test_a_run_that_has_not_ended_is_no_error() -> None:
    scene = healthy("export")
    scene["geniesim/job.json"] = dump({"job_id": "j", "scene_id": SCENE_ID, "status": "submitted"})
    report = report_of(scene)
    assert report.stages["genie-sim-run"] == "never_ran"
    assert report.healthy


def test_a_stage_the_local_runner_says_it_ran_must_have_its_marker() -> None:
    scene = healthy("export") | {".checkpoints/genie-sim-import.json": dump({"status": "completed"})}
    scene["geniesim/job.json"] = dump(
        {
            "job_id": "j",
            "scene_id": SCENE_ID,
            "status": "completed",
            "submission_mode": "mock",
            "submitted_at": stamp(7),
        }
    )
    assert report_of(scene).stages["genie-sim-import"] == "missing"
    put_marker(scene, "geniesim/.geniesim_import_complete", 8)
    assert report_of(scene).healthy


def test_an_isaac_lab_stage_without_its_marker_is_missing_it() -> None:
    scene = healthy()
    scene |= {f"isaac_lab/{name}": b"x = 1\n" for name in ("env_cfg.py", "task_pick.py", "train_cfg.yaml")}
    scene["isaac_lab/train_cfg.yaml"] = b"task: pick\n"
    assert report_of(scene).stages["isaac-lab"] == "missing"
    put_marker(scene, "isaac_lab/.isaac_lab_complete", 5)
    assert report_of(scene).stages["isaac-lab"] == "complete"


def test_what_was_begun_and_left_has_not_expired_though_its_outputs_have() -> None:
    view = view_of(healthy())
    line = Line([], None, set(), set(), set(), ran={"usd", "scale"}, unfinished={"usd"}, expired={"usd", "scale"})
    found = states(view, line, set())
    assert (found["usd"], found["scale"]) == ("never_ran", "expired")
    assert states(view, line, {"scale"})["scale"] == "blocked", "what is at work has not expired"
