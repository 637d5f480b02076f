"""What stops work on purpose is named with who ends it, and only while it stops something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import REDEEMED, stamp
from tests.diagnosis.faults_deployed import holding
from tests.diagnosis.world import DATA, USD, cancelled_with_lock, diagnosed, held, only, put, rows, scene, start, until


def breaker(status: str, minutes: float) -> Callable[[], dict[str, Any]]:
    """One that changed so many minutes ago, whenever the test comes to its turn."""
    return lambda: {
        "status": status,
        "failure_count": 3,
        "opened_at": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(),
    }


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("geniesim/.circuit_breaker.json", breaker("open", 1), ["breaker-open"]),
        ("geniesim/.circuit_breaker.json", breaker("open", 11), []),  # by now it lets a probe through
        ("geniesim/.circuit_breaker.json", breaker("half_open", 1), []),
        ("geniesim/.circuit_breaker.json", breaker("closed", 1), []),
        (
            ".circuit_breaker.json",
            lambda: {"state": "open", "opened_at": datetime.now(UTC).isoformat()},
            ["breaker-open"],
        ),
        ("geniesim/.canary_rollback", {}, ["stopped-by-person"]),
        ("elsewhere/stop.json", {}, []),
    ],
)
def test_of_a_scene(sandbox: Sandbox, environment: PipelineEnvironment, path: str, value: Any, told: list[str]) -> None:
    scene(sandbox, "kitchen-1")
    put(sandbox, f"scenes/kitchen-1/{path}", value() if callable(value) else value)
    assert rows(diagnosed(environment, "kitchen-1")) == told


def test_a_stop_that_the_scenes_settings_put_elsewhere_is_seen(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    put(sandbox, "scenes/kitchen-1/elsewhere/stop.json", {})
    put(sandbox, "scenes/kitchen-1/config.json", {"canary_rollback_marker": "elsewhere/stop.json"})
    cause = only(diagnosed(environment, "kitchen-1"), "stopped-by-person")
    assert "elsewhere/stop.json#" in cause.evidence[0]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("automation/text_daily/.paused", {"paused": True}, True),
        ("automation/text_daily/state.json", {"paused": True}, True),
        ("automation/text_daily/state.json", {"paused": False}, False),
        ("automation/text_daily/state.json", [], True),  # whoever put it there meant something
    ],
)
def test_of_the_whole_pipeline(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str, value: Any, told: bool
) -> None:
    put(sandbox, name, value)
    assert rows(diagnosed(environment)) == ["pipeline-paused"] * told


def test_what_a_stop_makes_skip_comes_of_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    from deployments.sandbox.pipeline.simulator_faults import SimulatorFault

    scene(sandbox, "kitchen-1", upto="regen3d")
    put(sandbox, "scenes/kitchen-1/geniesim/.canary_rollback", {"by": "cy"})
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="skipped"))
    start(sandbox, environment, USD, "kitchen-1")
    cause = only(diagnosed(environment), "stopped-by-person")
    assert cause.consequences == ("usd-assembly-pipeline did nothing on scene kitchen-1 and was not made good since.",)


def test_a_hold_that_was_given_back_is_over(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    holding(sandbox, environment)
    assert stamp(environment, "20261127t120000z-abc", REDEEMED, {})
    assert rows(diagnosed(environment)) == []


# Locks


def test_a_lock_that_a_running_execution_holds_is_no_fault(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d")
    running = held(sandbox, environment, USD, "kitchen-1", minutes=5)
    until(lambda: sandbox.store.get(DATA, "scenes/kitchen-1/locks/usd-assembly.lock"))
    start(sandbox, environment, USD, "kitchen-1")  # answers SKIPPED, as somebody is at work
    found = diagnosed(environment, "kitchen-1")
    assert (rows(found), found.unknown) == ([], [])
    sandbox.workflows.executions.cancel(running)
    assert rows(diagnosed(environment, "kitchen-1")) == ["stale-lock"]


def test_a_lock_of_an_execution_that_nobody_knows_any_more_is_stale(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    damage(sandbox.store, DATA, "kitchen-1", "stale_lock")
    cause = only(diagnosed(environment, "kitchen-1"), "stale-lock")
    assert cause.since is not None
    assert timedelta(minutes=119) < datetime.now(UTC) - cause.since < timedelta(minutes=121)


def test_two_scenes_that_are_locked_are_two_causes(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    for name in ("kitchen-1", "kitchen-2"):
        scene(sandbox, name)
        cancelled_with_lock(sandbox, environment, name)
    found = diagnosed(environment)
    assert [one.row for one in found.causes] == ["stale-lock", "stale-lock"]
    assert len({one.subject for one in found.causes}) == 2
