"""Markers, the job's record and gate reports, each alone: what they may say, and what is told of what they should not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.job import JobFacts, check_job
from tasks.validation.stages.failures import check_gates
from tasks.validation.stages.markers import Markers
from tasks.validation.stages.stage_times import StageTimes
from tests.validation.quick import GONE, Keys, told, view_of, with_value
from tests.validation.scene_builder import JOB_ID, SCENE_ID, dump, stamp

MARKER, JOB, GATES = "replicator/.replicator_complete", "geniesim/job.json", "usd-assembly-job/quality_gate_report.json"
COMPLETED = {"scene_id": SCENE_ID, "status": "completed", "timestamp": stamp(0)}


def of_marker(data: bytes, path: str = MARKER) -> list[tuple[str, str]]:
    """What is told of one marker."""
    view = view_of({path: data})
    Markers(view).read_all()
    return told(view)


@pytest.mark.parametrize(
    "word", ["complete", "completed", "success", "SUCCEEDED", "ready", "processing", "ok", "Done", "submitted"]
)
def test_a_marker_of_success_is_no_finding(word: str) -> None:
    assert of_marker(dump(COMPLETED | {"status": word})) == []


MARKED: list[tuple[Any, list[tuple[str, str]]]] = [
    (COMPLETED | {"status": "failed"}, [("marker-says-failed", "$.status")]),
    (COMPLETED | {"status": "FAILURE"}, [("marker-says-failed", "$.status")]),
    (COMPLETED | {"status": "cancelled"}, [("marker-says-failed", "$.status")]),
    (COMPLETED | {"success": False}, [("marker-says-failed", "$.success")]),
    (COMPLETED | {"success": None}, []),
    (COMPLETED | {"status": "partial"}, [("marker-says-partial", "$.status")]),
    (COMPLETED | {"status": "partial_success"}, [("marker-says-partial", "$.status")]),
    (COMPLETED | {"status": ""}, [("marker-status-unknown", "$.status")]),
    (COMPLETED | {"status": None}, [("field-wrong-type", "$.status")]),
    (COMPLETED | {"status": ["completed"]}, [("field-wrong-type", "$.status")]),
    ({"scene_id": SCENE_ID, "timestamp": stamp(0)}, [("marker-says-nothing", "$")]),
    ({"scene_id": SCENE_ID, "timestamp": stamp(0), "success": True}, []),
    ({"scene_id": SCENE_ID, "timestamp": stamp(0), "bundles": ["a"]}, []),
    ({"scene_id": SCENE_ID, "timestamp": stamp(0), "stats": {}}, []),
    ({}, [("marker-says-nothing", "$")]),
    (COMPLETED | {"timestamp": "yesterday"}, [("time-malformed", "$.timestamp")]),
    (COMPLETED | {"timestamp": 1768726800}, [("time-malformed", "$.timestamp")]),
    (COMPLETED | {"errors": []}, []),
    (COMPLETED | {"errors": ["one"]}, [("marker-records-problems", "$.errors")]),
    (COMPLETED | {"validation_errors": ["one", "two"]}, [("marker-records-problems", "$.validation_errors")]),
    ({"status": "completed", "timestamp": stamp(0)}, [("field-missing", "$.scene_id")]),
    ({"scene_id": SCENE_ID, "status": "completed"}, [("field-missing", "$.timestamp")]),
    ([], [("document-wrong-type", "$")]),
    ("completed", [("document-wrong-type", "$")]),
]


@pytest.mark.parametrize(("payload", "found"), MARKED, ids=lambda part: json.dumps(part)[:60])
def test_what_a_marker_says_beside_success_is_told(payload: Any, found: list[tuple[str, str]]) -> None:
    assert of_marker(dump(payload)) == found


@pytest.mark.parametrize(("data", "codes"), [
    (b"", ["marker-empty"]), (b" \n", ["marker-empty"]), (b"ok\n", ["dialect-plain-text-marker"]),
    (b"Completed at 2026-01-18T09:00:00Z\n", ["dialect-plain-text-marker"]),
    (b"Completed at 9", ["dialect-plain-text-marker", "time-malformed"]), (b"bogus", ["document-not-json"]),
    (b"<html>", ["document-is-error-page"]), (b'{"status": "comp', ["document-truncated"]), (b"\xff\xfe", ["document-not-utf8"]),
    (b"ok\n\nand a whole letter", ["document-not-json"]), (b"done " + b"x" * 1000, ["document-not-json"]),
])  # fmt: skip
def test_a_line_of_text_is_a_marker_and_anything_else_is_none(data: bytes, codes: list[str]) -> None:
    assert [code for code, _ in of_marker(data)] == codes


def test_a_marker_that_is_meant_as_text_is_no_dialect() -> None:
    assert of_marker(b"ok\n", "layout/scene_layout_scaled.done") == []


@pytest.mark.parametrize(("hours", "odd"), [(23.9, False), (24.1, True)])
def test_a_marker_may_be_a_day_ahead_of_the_clock(hours: float, odd: bool) -> None:
    when = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    assert of_marker(dump(COMPLETED | {"timestamp": when})) == (
        [("marker-time-in-future", "$.timestamp")] if odd else []
    )


# ------------------------------------------------------------------------------------------------- the job's record
RUN = {
    "job_id": JOB_ID,
    "scene_id": SCENE_ID,
    "status": "completed",
    "submission_mode": "local",
    "submitted_at": stamp(7),
}


def of_job(keys: Keys, value: object) -> tuple[list[tuple[str, str]], JobFacts]:
    """What is told of the record with another value at a place, and what is taken from it."""
    view = view_of({JOB: dump(with_value(RUN, keys, value))})
    facts = check_job(view, Places(view.catalogue))
    return told(view), facts


@pytest.mark.parametrize("word", ["completed", "complete", "SUCCESS"])
def test_a_run_that_ended_well_is_done(word: str) -> None:
    found, facts = of_job(("status",), word)
    assert (found, facts.done, facts.under_way, facts.job_id) == ([], True, False, JOB_ID)


@pytest.mark.parametrize("word", ["failed", "failure", "error", "cancelled", "Timeout"])
def test_a_run_that_failed_is_an_error(word: str) -> None:
    found, facts = of_job(("status",), word)
    assert (found, facts.done) == ([("job-failed", "$.status")], False)


@pytest.mark.parametrize("word", ["submitted", "running", "pending", "queued", "processing", "in_progress"])
def test_a_run_that_has_not_ended_is_a_note(word: str) -> None:
    found, facts = of_job(("status",), word)
    assert (found, facts.done, facts.under_way) == ([("job-under-way", "$.status")], False, True)


@pytest.mark.parametrize(("keys", "value", "found"), [
    (("status",), "finished?", [("job-status-unknown", "$.status")]),
    (("status",), 5, [("field-wrong-type", "$.status")]),
    (("local_execution",), {"success": False}, [("job-contradicts-itself", "$.local_execution.success")]),
    (("local_execution",), {"success": True, "episodes_collected": 2, "episodes_passed": 2}, []),
    (("local_execution",), {"episodes_collected": 2, "episodes_passed": 3}, [("count-mismatch", "$.local_execution.episodes_passed")]),
    (("job_metrics",), {"status": "failed"}, [("job-contradicts-itself", "$.job_metrics.status")]),
    (("job_metrics",), {"status": "Completed", "job_id": JOB_ID}, []),
    (("job_metrics",), {"job_id": "other"}, [("job-id-mismatch", "$.job_metrics.job_id")]),
    (("artifacts",), {"episodes_prefix": f"gs://b/scenes/{SCENE_ID}/episodes/geniesim_{JOB_ID}"}, []),
    (("artifacts",), {"episodes_prefix": f"gs://b/scenes/{SCENE_ID}/episodes/geniesim_x"}, [("job-id-mismatch", "$.artifacts.episodes_prefix")]),
    (("artifacts",), {"logs": "anywhere"}, []),
    (("bundle",), {"scene_graph": "gs://b/scenes/other/geniesim/scene_graph.json"}, [("path-of-other-scene", "$.bundle.scene_graph")]),
    (("submitted_at",), "soon", [("time-malformed", "$.submitted_at")]),
    (("submitted_at",), GONE, []),
    (("submission_mode",), "mock", [("dialect-mock-job", "$.submission_mode")]),
])  # fmt: skip
def test_a_record_that_contradicts_itself_is_told(keys: Keys, value: object, found: list[tuple[str, str]]) -> None:
    assert of_job(keys, value)[0] == found


@pytest.mark.parametrize(("record", "minutes"), [
    ({}, 7), ({"completed_at": stamp(9)}, 9), ({"job_metrics": {"completed_at": stamp(8)}, "completed_at": stamp(9)}, 8),
    ({"job_metrics": {"completed_at": None}}, 7),
])  # fmt: skip
def test_a_run_ended_when_its_metrics_say_else_its_record_else_it_was_submitted(
    record: dict[str, Any], minutes: float
) -> None:
    view = view_of({JOB: dump(RUN | record)})
    assert check_job(view, Places(view.catalogue)).ended == datetime.fromisoformat(stamp(minutes))


# ------------------------------------------------------------------------------------------------- gate reports
def gate(passed: bool, severity: str = "error") -> dict[str, Any]:
    """One gate's result."""
    return {"gate_id": "qg-3-usd", "passed": passed, "severity": severity}


def of_report(*results: dict[str, Any], minutes: float = 5, **summary: Any) -> list[tuple[str, str]]:
    """What is told of a report of these results, beside a stage that was completed at minute 3."""
    failed = sum(not one["passed"] for one in results)
    counts = {
        "total_gates": len(results),
        "failed": failed,
        "passed": len(results) - failed,
        "blocking_failures": 0,
        "can_proceed": True,
    }
    report = {"scene_id": SCENE_ID, "timestamp": stamp(minutes), "summary": counts | summary, "results": list(results)}
    view = view_of({GATES: dump(report), "assets/.usd_assembly_complete": dump(COMPLETED | {"timestamp": stamp(3)})})
    check_gates(view, StageTimes(view, Places(view.catalogue), Markers(view), JobFacts()))
    return told(view)


BLOCKS = {"blocking_failures": 1, "can_proceed": False}


def test_a_report_whose_gates_passed_is_no_finding() -> None:
    assert of_report(gate(True)) == []
    assert of_report(gate(False, "warning")) == []


@pytest.mark.parametrize(("results", "summary", "minutes", "codes"), [
    ([gate(False)], BLOCKS, 5, ["gate-blocks"]),
    ([gate(False)], BLOCKS, 2, ["gate-overridden"]),
    ([gate(False)], {}, 5, ["gate-report-contradicts"]),
    ([gate(False)], {"can_proceed": False}, 2, ["gate-report-contradicts", "gate-overridden"]),
    ([gate(True)], {"blocking_failures": 1}, 2, ["gate-report-contradicts", "gate-overridden"]),
    ([gate(True)], {"can_proceed": False}, 2, ["gate-report-contradicts", "gate-overridden"]),
    ([gate(True)], {"total_gates": 2}, 5, ["gate-report-odd"]),
    ([gate(True)], {"passed": 0}, 5, ["gate-report-odd"]),
    ([gate(True)], {"failed": 1}, 5, ["gate-report-odd"]),
    ([gate(False), gate(False)], {"blocking_failures": 2, "can_proceed": False}, 5, ["gate-blocks"]),
    ([gate(False), gate(False)], BLOCKS, 5, ["gate-report-contradicts", "gate-blocks"]),
])  # fmt: skip
def test_a_report_blocks_its_stage_or_was_overridden(
    results: list[dict[str, Any]], summary: dict[str, Any], minutes: float, codes: list[str]
) -> None:
    assert [code for code, _ in of_report(*results, minutes=minutes, **summary)] == codes
