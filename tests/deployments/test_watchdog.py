"""The watchdog beside a real Prefect server: what its scheduler and its limits look like when all is well, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.schedules import leaked_slots, scheduled_deployments
from tests.deployments.world import RunningStack, nobody_works, wait_for


@pytest.fixture
def server(stack: RunningStack) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: stack.api_url}):
        yield


@pytest.mark.usefixtures("server")
def test_a_schedule_whose_runs_nobody_takes_up_is_seen(stack: RunningStack) -> None:
    assert scheduled_deployments(timedelta(0)) == [], "the stack's schedules are off between tests"
    found = stack.prefect("GET", "deployments/name/intake-watch/intake-watch")
    (schedule,) = found["schedules"]
    where = f"deployments/{found['id']}/schedules/{schedule['id']}"
    with nobody_works(stack):
        stack.prefect(
            "PATCH", where, {"active": True, "schedule": {"interval": 2.0}, "parameters": schedule["parameters"]}
        )
        (one,) = wait_for(
            lambda: [one for one in scheduled_deployments(timedelta(seconds=2)) if one.late], "a run to be late"
        )
        assert one.name == "intake-watch"
        assert one.following is not None
        assert scheduled_deployments(timedelta(hours=1))[0].late is None, "it is not late yet for who has patience"
        stack.prefect(
            "PATCH", where, {"active": False, "schedule": schedule["schedule"], "parameters": schedule["parameters"]}
        )
        for run in stack.runs("intake-watch"):
            stack.prefect("DELETE", f"flow_runs/{run['id']}")


@pytest.mark.usefixtures("server")
def test_a_slot_that_no_run_holds_is_seen(stack: RunningStack) -> None:
    assert leaked_slots(timedelta(0)) == []
    found = stack.prefect("GET", "deployments/name/export-sweep/export-sweep")
    limit = stack.prefect("GET", f"v2/concurrency_limits/deployment:{found['id']}")
    stack.prefect("PATCH", f"v2/concurrency_limits/{limit['id']}", {"active_slots": 1})
    try:
        assert leaked_slots(timedelta(0)) == ["export-sweep has 1 of 1 slots taken by 0 runs"]
        assert leaked_slots(timedelta(hours=1)) == [], "a slot is taken a moment before its run is Pending"
    finally:
        stack.prefect("PATCH", f"v2/concurrency_limits/{limit['id']}", {"active_slots": 0})


def test_a_deployed_watchdog_is_green_when_all_is_well_and_says_so(stack: RunningStack) -> None:
    ended = stack.ended(stack.start("watchdog/watchdog"))
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert b"watchdog" in stack.environment.storage.read("sandbox-ops", "remediation/heartbeat.json")
