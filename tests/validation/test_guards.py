"""What stops work on a scene is told in its own words, and is no fault of the scene."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from tasks.validation.stages.guards import Stop, guard_of, judge, named_paths
from tests.validation.scene_builder import SCENE_ID, dump, healthy, report_of

CANARY, BREAKER = "geniesim/.canary_rollback", "geniesim/.circuit_breaker.json"
CATALOGUE = load_catalogue()


def told(scene: dict[str, bytes], code: str) -> dict[str, str]:
    report = report_of(scene)
    assert report.healthy
    assert set(report.stages.values()) <= {"complete", "never_ran"}
    return {f.object: f.message for f in report.findings if f.code == code}


def breaker(minutes_ago: float, **more: object) -> bytes:
    opened = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    return dump({"scene_id": SCENE_ID, "status": "open", "opened_at": opened, "failure_count": 3} | more)


@pytest.mark.parametrize("data", [b"", b"stop\n", dump({"by": "a person"})])
def test_a_rollback_that_a_person_set_is_told_and_no_fault(data: bytes) -> None:
    assert "put there by a person" in told(healthy() | {CANARY: data}, "work-stopped")[CANARY]


def test_the_settings_may_put_the_stop_elsewhere() -> None:
    for name in ("geniesim/.hold", f"scenes/{SCENE_ID}/geniesim/.hold", f"gs://b/scenes/{SCENE_ID}/geniesim/.hold"):
        scene = healthy() | {"config.json": dump({"canary_rollback_marker": name}), "geniesim/.hold": b"x"}
        assert "geniesim/.hold" in told(scene, "work-stopped")


def test_a_stop_outside_the_scene_is_found_by_its_full_name() -> None:
    named = named_paths(CATALOGUE, SCENE_ID, {"canary_rollback_marker": "scenes/other/.stop"})
    assert list(named) == ["/scenes/other/.stop"]


def test_an_open_breaker_stops_until_its_recovery_time() -> None:
    said = told(healthy() | {BREAKER: breaker(1, last_failure_reason="probe_failed")}, "work-stopped")[BREAKER]
    assert "open circuit breaker" in said
    assert "probe_failed" in said


def test_a_breaker_past_its_recovery_time_is_half_open_and_says_what_that_means() -> None:
    said = told(healthy() | {BREAKER: breaker(11)}, "work-on-probation")[BREAKER]
    assert "half-open" in said
    assert "the next run is a probe" in said


@pytest.mark.parametrize(
    ("data", "active"),
    [
        (dump({"status": "closed"}), None),
        (dump({"status": "half_open"}), False),
        (dump({"state": "open"}), True),
        (dump({"status": "open", "opened_at": "noon"}), True),
        (dump({"status": "open", "opened_at": "9999-12-31T23:59:59Z"}), True),
        (b"{", True),
        (b"", True),
        (dump([1]), True),
        (None, True),
    ],
)
def test_a_breaker_that_nobody_can_read_counts_as_open(data: bytes | None, active: bool | None) -> None:
    guard = guard_of(CATALOGUE, BREAKER)
    assert guard is not None
    stop = judge(guard, BREAKER, data)
    assert (stop.active if stop else None) is active


@pytest.mark.parametrize(
    ("name", "data", "stopped"),
    [
        ("automation/text_daily/.paused", b"", True),
        ("automation/text_daily/.paused", dump({"paused": True}), True),
        ("automation/text_daily/state.json", dump({"paused": True}), True),
        ("automation/text_daily/state.json", dump({"paused": False}), False),
        ("automation/text_daily/state.json", b"{", True),
    ],
)
def test_the_pipelines_own_pause_is_read(name: str, data: bytes, stopped: bool) -> None:
    guard = next(guard for guard in CATALOGUE.guards if name in guard.paths)
    assert (judge(guard, name, data) is not None) is stopped


def test_a_stop_stands_in_the_way_of_its_stages_only() -> None:
    assert Stop("p", "s", ("usd",), True).stops({"usd", "regen3d"})
    assert not Stop("p", "s", ("usd",), True).stops({"regen3d"})
    assert Stop("p", "s", (), True).stops({"regen3d"})
    assert not Stop("p", "s", (), False).stops({"regen3d"})


def test_a_failure_that_no_stage_owns_is_told() -> None:
    record = dump({"scene_id": SCENE_ID, "error": {"code": "orchestrator_failed"}})
    said = told(healthy() | {".source_orchestrator_failed": record}, "failure-unowned")
    assert "orchestrator_failed" in said[".source_orchestrator_failed"]


def test_any_lock_is_told_and_a_known_one_blocks_its_stage() -> None:
    report = report_of(healthy() | {"locks/something.lock": b"{}"})
    assert report.healthy
    assert "lock-present" in {f.code for f in report.findings}
    assert "blocked" not in report.stages.values()
    assert report_of(healthy() | {"locks/usd-assembly.lock": b"{}"}).stages["usd"] == "blocked"
