"""Switch, window and caps are asked before the first action, before each one, and again before a run is continued."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    an_action,
    begun,
    fake,
    put,
    take,
)
from tests.kernel.world import heir, policies, snapshot, tried


def test_the_kill_switch_and_the_window_refuse_before_the_first_action(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = snapshot(sandbox)
    policies(environment, kill_switch=["by ann: fire"])
    assert "by ann: fire" in run(fake(), Context(environment, "x"), APPLY).reasons[0]
    now = datetime.now(UTC)
    closed = {"window_start": f"{now + timedelta(hours=2):%H:00}", "window_end": f"{now + timedelta(hours=3):%H:00}"}
    policies(environment, kill_switch=[], **closed)
    assert "outside the change window" in run(fake(), Context(environment, "x"), APPLY).reasons[0]
    assert snapshot(sandbox) == before


def test_a_kill_switch_turned_on_meanwhile_stops_before_the_next_action(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "x")
    many = tuple(an_action(put, f"n{number:02d}", step="all") for number in range(40))

    def turn_on(doing: Any, params: Any) -> str:
        policies(environment, kill_switch=["by bo: stop"])
        context._asked = float("-inf")
        return "put"

    first = an_action(put, "first")
    stops = fake(actions=(first, *many))
    stops.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=turn_on), *stops.kinds[1:])
    one = run(stops, context, APPLY)
    assert (one.outcome, tried(sandbox)) == ("stopped", {})
    policies(environment, kill_switch=[])
    again = run(fake(actions=(first, *many)), Context(environment, "x"), APPLY)
    assert (again.outcome, again.id) == ("done", one.id)


@pytest.mark.parametrize(
    "change", [{"kill_switch": ["by ann"]}, {"approval": dict.fromkeys(("low", "medium", "high"), "person")}]
)
def test_continuing_asks_the_switch_and_for_approval_again(
    environment: PipelineEnvironment, sandbox: Sandbox, change: dict[str, Any]
) -> None:
    id_ = begun(environment)
    before = snapshot(sandbox)
    policies(environment, **change)
    one = run(fake(), heir(environment), APPLY)
    assert (one.outcome, snapshot(sandbox)) == ("refused" if "kill_switch" in change else "needs_approval", before)
    policies(environment, kill_switch=[], approval=dict.fromkeys(("low", "medium", "high"), "automatic"))
    again = run(fake(), heir(environment), APPLY)
    assert (again.outcome, again.id) == ("done", id_)


def test_continuing_asks_the_caps_and_the_procedures_own_guard_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    taking = fake(actions=(an_action(put, "a"), an_action(take, "b"), an_action(take, "c")))
    begun(environment, taking)
    before = snapshot(sandbox)
    policies(environment, max_objects=1)
    assert "max_objects is 1" in run(taking, heir(environment), APPLY).reasons[0]
    policies(environment, max_objects=50)
    assert run(fake(actions=taking.actions, refuses=("Not now.",)), heir(environment), APPLY).outcome == "refused"
    assert snapshot(sandbox) == before
