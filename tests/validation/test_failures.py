"""Failure records, gate reports and locks: what speaks against a stage, if it is newer than its completion."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.validation.findings import SceneReport
from tests.validation.scene_builder import SCENE_ID, START, dump, healthy, report_of, stamp


def failure(minutes: float, **more: object) -> bytes:
    """A failure record as a workflow writes it."""
    error = {"code": "regen3d_failed", "message": "job failed", "type": "workflow_failure"}
    return dump({"scene_id": SCENE_ID, "status": "failed", "timestamp": stamp(minutes), "error": error} | more)


def gates(minutes: float, **summary: object) -> bytes:
    """A gate report that blocks."""
    counts = {"total_gates": 1, "passed": 0, "failed": 1, "blocking_failures": 1, "can_proceed": False}
    results = [{"gate_id": "qg-3-usd", "passed": False, "severity": "error"}]
    return dump({"scene_id": SCENE_ID, "timestamp": stamp(minutes), "summary": counts | summary, "results": results})


FAILURES = [
    ("assets/.failed", failure(60), "regen3d", "failed"),
    ("assets/.failed", failure(0.5), "regen3d", "complete"),
    ("assets/.failed", failure(1), "regen3d", "complete"),
    ("assets/.failed", failure(60, error={"code": "interactive_job_failed"}), "interactive", "failed"),
    ("assets/.failed", failure(60, timestamp="2026-01-18T10:00:00.123456"), "regen3d", "failed"),
    ("assets/.regen3d_failed", dump({"scene_id": SCENE_ID, "status": "failed", "timestamp": stamp(60)}), "regen3d",
     "failed"),
    ("assets/.interactive_failed", dump({"scene_id": SCENE_ID, "reason": "particulate_unhealthy", "success": False,
                                         "timestamp": stamp(60)}), "interactive", "failed"),
    ("usd-assembly-job/.failed", failure(60, job_name="usd-assembly-job"), "usd", "failed"),
    ("geniesim/.failed", failure(60, error={"code": "geniesim_export_failed"}), "genie-sim-export", "failed"),
    ("geniesim/.failed", dump({"scene_id": SCENE_ID, "job_id": "j", "status": "failed", "timestamp": stamp(60),
                               "reason": "submit timed out", "job_metadata_path": "x"}), "genie-sim-run", "failed"),
    ("geniesim/.failed", failure(8.5, error={"code": "import_failed"}), "genie-sim-import", "complete"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "record", "stage", "state"), FAILURES)
def test_a_failure_counts_only_when_it_is_newer_than_the_completion_of_the_stage_it_means(
    path: str, record: bytes, stage: str, state: str
) -> None:
    report = report_of(healthy() | {path: record})
    assert report.stages[stage] == state
    assert report.healthy == (state == "complete")
    assert any(f.object == path and f.code in ("stage-failed", "failure-superseded") for f in report.findings)


def test_a_failure_of_a_stage_that_was_never_completed_counts_whatever_its_time() -> None:
    scene = healthy("regen3d") | {"simready-job/.failed": failure(0)}
    assert report_of(scene).stages["simready"] == "failed"


def test_a_failure_that_names_nobody_is_of_the_first_stage_that_is_not_complete() -> None:
    scene = healthy("export") | {"geniesim/.failed": dump({"scene_id": SCENE_ID, "timestamp": stamp(60)})}
    report = report_of(scene, "documents")
    assert (report.stages["genie-sim-export"], report.stages["genie-sim-run"]) == ("complete", "failed")


def test_a_failure_record_of_another_scene_is_an_error_of_its_own() -> None:
    report = report_of(healthy() | {"usd-assembly-job/.failed": failure(60, scene_id="other")})
    assert ("scene-id-mismatch", "$.scene_id") in {(f.code, f.path) for f in report.findings}


def test_a_failure_record_that_cannot_be_read_next_to_a_completion_is_a_warning() -> None:
    report = report_of(healthy() | {"usd-assembly-job/.failed": b"{"})
    assert report.healthy
    assert {"failure-record-unreadable", "failure-order-unknown"} <= {f.code for f in report.findings}


def test_the_time_an_object_was_written_counts_where_a_record_says_none() -> None:
    scene = healthy() | {"usd-assembly-job/.failed": b""}
    later = dict.fromkeys(scene, START) | {"usd-assembly-job/.failed": START + timedelta(hours=9)}
    assert report_of(scene, updated=later).stages["usd"] == "failed"


def test_a_gate_report_newer_than_the_marker_blocks_its_stage() -> None:
    report = report_of(healthy() | {"usd-assembly-job/quality_gate_report.json": gates(60)})
    assert report.stages["usd"] == "blocked"
    assert not report.healthy
    assert any("qg-3-usd" in f.message for f in report.findings)


def test_a_gate_report_older_than_the_marker_was_overridden_which_is_a_warning() -> None:
    report = report_of(healthy() | {"usd-assembly-job/quality_gate_report.json": gates(2)})
    assert report.stages["usd"] == "complete"
    assert "gate-overridden" in {f.code for f in report.findings if f.severity == "warning"}


@pytest.mark.parametrize("summary", [{"can_proceed": True}, {"blocking_failures": 0, "can_proceed": True}])
def test_a_gate_report_that_contradicts_itself_is_an_error(summary: dict[str, object]) -> None:
    report = report_of(healthy() | {"usd-assembly-job/quality_gate_report.json": gates(2, **summary)})
    assert "gate-report-contradicts" in {f.code for f in report.findings if f.severity == "error"}


def test_a_lock_alone_blocks_its_stage_without_making_the_scene_unhealthy() -> None:
    report = report_of(healthy() | {"locks/usd-assembly.lock": b"{}"})
    assert report.stages["usd"] == "blocked"
    assert report.healthy


def unmarked(failed_after: float, *missing: str) -> SceneReport:
    """A scene as the cloud leaves it, which marks no completion of usd: one hour old, and usd has failed so many minutes
    after it was made."""
    scene = healthy("usd") | {"usd-assembly-job/.failed": dump({"scene_id": SCENE_ID, "reason": "out of memory"})}
    for path in ("assets/.usd_assembly_complete", ".usd_assembly_complete", "usd/.usd_complete", *missing):
        scene.pop(path, None)
    updated = dict.fromkeys(scene, START + timedelta(hours=1))
    updated["usd-assembly-job/.failed"] += timedelta(minutes=failed_after)
    return report_of(scene, updated=updated)


def test_a_failure_of_a_stage_whose_completion_nobody_marks_is_over_once_its_products_are_newer() -> None:
    report = unmarked(-5)
    assert report.stages["usd"] == "complete"
    assert "failure-superseded" in {f.code for f in report.findings}
    assert "stage-failed" not in {f.code for f in report.findings}


@pytest.mark.parametrize(("failed_after", "missing"), [(5, ()), (0, ()), (-5, ("usd/usd_assembly_manifest.json",))])
def test_it_counts_while_a_product_is_older_or_missing(failed_after: float, missing: tuple[str, ...]) -> None:
    assert unmarked(failed_after, *missing).stages["usd"] == "failed"
