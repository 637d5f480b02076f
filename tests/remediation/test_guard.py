"""The guard refuses before the first action, and says why in one sentence each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.policy import RemediationPolicy
from tasks.remediation.guard import Scope, refusals, stopped
from tasks.remediation.plan import Plan
from tests.remediation.test_plan import deletion

POLICY = RemediationPolicy(max_objects=3, max_objects_percent=50, max_bytes=100)


def plan(deletions: int = 1, size: int = 1) -> Plan:
    actions = tuple(deletion(f"scenes/a/{number}", size=size) for number in range(deletions))
    return Plan(procedure="p", subject="a", actions=actions)


def replacing(objects: int, size: int = 1) -> Plan:
    """A list that overwrites live objects."""
    one = deletion().model_copy(
        update={"effect": "write", "objects": 50, "bytes": 5000, "replaced": objects, "replaced_bytes": size}
    )
    return Plan(procedure="p", subject="a", actions=(one,))


def listed(objects: int) -> Plan:
    """A list of objects to delete as one action."""
    return Plan(procedure="p", subject="a", actions=(deletion().model_copy(update={"objects": objects}),))


def test_a_small_plan_in_quiet_surroundings_may_go() -> None:
    assert refusals(plan(), POLICY, Scope(total_objects=10)) == []


@pytest.mark.parametrize(
    ("found", "policy", "around", "says"),
    [
        (plan(4), POLICY, Scope(100), "max_objects is 3"),
        (plan(3), POLICY, Scope(5), "60 %"),
        (plan(1, 101), POLICY, Scope(10), "max_bytes"),
        (plan(1), POLICY, Scope(0), "a subject that has none"),
        (plan(), POLICY.model_copy(update={"kill_switch": ["by A: fire"]}), Scope(10), "by A: fire"),
        (plan(), POLICY, Scope(10, at_work=("usd-assembly-pipeline",)), "is at work on a"),
        (replacing(4), POLICY, Scope(10), "replace 4 objects"),
        (replacing(1, 101), POLICY, Scope(10), "max_bytes"),
        (plan(2), POLICY, Scope(10, max_objects=1), "max_objects is 1"),
        (plan(1, 9), POLICY, Scope(10, max_bytes=8), "max_bytes is 8"),
        (listed(4), POLICY, Scope(100), "delete 4 objects"),
    ],
)
def test_each_limit_refuses_with_its_own_sentence(
    found: Plan, policy: RemediationPolicy, around: Scope, says: str
) -> None:
    reasons = refusals(found, policy, around)
    assert len(reasons) == 1
    assert says in reasons[0]


def test_outside_the_change_window_nothing_is_changed() -> None:
    night = RemediationPolicy(window_start="22:00", window_end="06:00")
    assert "outside the change window" in stopped(night, datetime(2026, 1, 5, 12, tzinfo=UTC))[0]
    assert stopped(night, datetime(2026, 1, 5, 23, tzinfo=UTC)) == []


def test_exactly_the_cap_is_still_allowed() -> None:
    assert refusals(plan(3), POLICY, Scope(total_objects=6)) == []


def test_exactly_the_bytes_of_the_cap_are_still_allowed() -> None:
    assert refusals(plan(1, 100), POLICY, Scope(total_objects=6)) == []
    assert refusals(replacing(3, 100), POLICY, Scope(total_objects=6)) == []


def test_exactly_the_share_is_still_allowed_and_one_more_is_not() -> None:
    assert refusals(listed(3), POLICY, Scope(total_objects=6)) == []
    assert "60 %" in refusals(listed(3), POLICY, Scope(total_objects=5))[0]


def test_where_a_percentage_means_nothing_the_number_still_does() -> None:
    assert refusals(listed(3), POLICY, Scope(total_objects=None)) == []
    assert refusals(listed(4), POLICY, Scope(total_objects=None))


def test_who_says_nothing_of_a_subject_may_delete_nothing_of_it() -> None:
    assert "cannot be right" in refusals(plan(), POLICY, Scope())[0]


def test_a_plan_without_actions_needs_no_permission() -> None:
    empty = Plan(procedure="p", subject="a")
    stopped = POLICY.model_copy(update={"kill_switch": ["stop"]})
    assert refusals(empty, stopped, Scope(0)) == []
