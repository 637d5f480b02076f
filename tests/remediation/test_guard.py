"""The guard refuses before the first action, and says why in one sentence each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.policy import RemediationPolicy
from tasks.remediation.guard import Scope, over_caps, over_share, refusals, stopped
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


def test_every_reason_is_told_and_switch_and_window_come_first() -> None:
    closed = POLICY.model_copy(
        update={"kill_switch": ["by A: fire", "by B: smoke"], "window_days": "", "max_objects": 0, "max_bytes": 0}
    )
    reasons = refusals(plan(2), closed, Scope(2, at_work=("one", "two")))
    says = [
        "by A: fire; by B: smoke",
        "change window",
        "max_objects is 0",
        "100 %",
        "max_bytes is 0",
        "one is",
        "two is",
    ]
    assert len(reasons) == len(says)
    assert all(word in reason for word, reason in zip(says, reasons, strict=True))


@pytest.mark.parametrize("own", [0, 1, 2, 3])
def test_a_cap_of_the_procedures_own_goes_before_the_policys_even_if_it_is_nothing(own: int) -> None:
    wide = POLICY.model_copy(update={"max_objects": 99, "max_bytes": 99, "max_objects_percent": 100})
    assert bool(refusals(plan(2, 0), wide, Scope(9, max_objects=own))) == (own < 2)
    assert bool(refusals(plan(2, 1), wide, Scope(9, max_bytes=own))) == (own < 2)
    narrow = POLICY.model_copy(update={"max_objects": 0, "max_bytes": 0, "max_objects_percent": 100})
    assert refusals(plan(2, 1), narrow, Scope(9, max_objects=2, max_bytes=2)) == []


@given(
    st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)
)
def test_a_plan_is_over_a_cap_exactly_when_what_it_deletes_and_replaces_is_more(
    deletes: int, replaces: int, most: int, deleted: int, replaced: int, most_bytes: int
) -> None:
    actions = (listed(deletes).actions[0].model_copy(update={"bytes": deleted}), *replacing(replaces, replaced).actions)
    policy = POLICY.model_copy(update={"max_objects": most, "max_bytes": most_bytes})
    found = over_caps(Plan(procedure="p", subject="a", actions=actions), policy, Scope(None))
    assert any("max_objects" in reason for reason in found) == (deletes + replaces > most)
    assert any("max_bytes" in reason for reason in found) == (deleted + replaced > most_bytes)


@given(st.integers(1, 200), st.integers(0, 200), st.sampled_from([0, 10, 33.3, 50, 90, 100]))
def test_a_share_is_over_exactly_when_it_is_more_than_the_percentage(total: int, deletes: int, percent: float) -> None:
    assert bool(over_share(deletes, total, percent)) == (100 * deletes > percent * total)


def test_what_only_replaces_or_adds_has_no_share_of_anything() -> None:
    assert over_caps(replacing(3), POLICY, Scope(total_objects=0)) == []
    assert over_caps(replacing(3), POLICY, Scope(total_objects=1)) == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (listed(4), "It would delete 4 objects;"),
        (replacing(1004), "It would replace 1,004 objects;"),
        (Plan(procedure="p", subject="a", actions=listed(4).actions + replacing(5).actions), "delete 4 and replace 5"),
    ],
)
def test_a_refusal_says_what_would_be_done_to_how_many(found: Plan, says: str) -> None:
    assert says in over_caps(found, POLICY, Scope(None))[0]
