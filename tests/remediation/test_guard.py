"""The guard refuses before the first action, and says why in one sentence each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.policy import RemediationPolicy
from tasks.remediation.guard import Surroundings, refusals
from tasks.remediation.plan import Plan
from tests.remediation.test_plan import deletion

POLICY = RemediationPolicy(
    max_objects=3, max_objects_percent=50, max_bytes=100, attempts_per_stage=2, systematic_scenes=3
)


def plan(deletions: int = 1, size: int = 1) -> Plan:
    actions = tuple(deletion(f"scenes/a/{number}", size=size) for number in range(deletions))
    return Plan(procedure="p", subject="a", actions=actions, restart=("usd",), fault="usd:usd-missing")


def test_a_small_plan_in_quiet_surroundings_may_go() -> None:
    assert refusals(plan(), POLICY, Surroundings(total_objects=10)) == []


@pytest.mark.parametrize(
    ("found", "policy", "around", "says"),
    [
        (plan(4), POLICY, Surroundings(100), "max_objects is 3"),
        (plan(3), POLICY, Surroundings(5), "60 %"),
        (plan(1, 101), POLICY, Surroundings(10), "max_bytes"),
        (plan(1), POLICY, Surroundings(0), "a subject that has none"),
        (plan(), POLICY.model_copy(update={"kill_switch": ["by A: fire"]}), Surroundings(10), "by A: fire"),
        (plan(), POLICY, Surroundings(10, live=("usd-assembly-pipeline",)), "is at work on a"),
        (plan(), POLICY, Surroundings(10, attempts={"usd": 2}), "restarted 2 times"),
        (plan(), POLICY, Surroundings(10, same_fault=2), "shows on 3 scenes"),
    ],
)
def test_each_limit_refuses_with_its_own_sentence(
    found: Plan, policy: RemediationPolicy, around: Surroundings, says: str
) -> None:
    reasons = refusals(found, policy, around)
    assert len(reasons) == 1
    assert says in reasons[0]


def test_outside_the_change_window_nothing_is_changed() -> None:
    night = RemediationPolicy(window_start="22:00", window_end="06:00")
    noon = Surroundings(10, now=datetime(2026, 1, 5, 12, tzinfo=UTC))
    midnight = Surroundings(10, now=datetime(2026, 1, 5, 23, tzinfo=UTC))
    assert "outside the change window" in refusals(plan(), night, noon)[0]
    assert refusals(plan(), night, midnight) == []


def test_exactly_the_cap_is_still_allowed() -> None:
    assert refusals(plan(3), POLICY, Surroundings(total_objects=6)) == []


def test_an_operator_may_accept_a_systematic_fault() -> None:
    assert refusals(plan(), POLICY, Surroundings(10, same_fault=9, accept_systematic=True)) == []


def test_a_plan_without_actions_needs_no_permission() -> None:
    empty = Plan(procedure="p", subject="a")
    stopped = POLICY.model_copy(update={"kill_switch": ["stop"]})
    assert refusals(empty, stopped, Surroundings(0)) == []
