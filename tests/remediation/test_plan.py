"""Plans: equal actions give equal digests, and anything that changes what would be done changes the digest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.remediation.plan import Action, Plan


def deletion(name: str = "scenes/a/x", generation: int = 1, step: str = "clear", size: int = 5) -> Action:
    return Action(
        step=step,
        kind="delete_object",
        effect="delete",
        target=name,
        precondition=f"generation {generation}",
        undo="copy",
        why="test",
        bytes=size,
        params={"name": name, "generation": generation},
    )


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)


@given(st.lists(st.tuples(names, st.integers(1, 2**60)), max_size=6))
def test_what_is_only_shown_is_not_in_the_digest(found: list[tuple[str, int]]) -> None:
    actions = tuple(deletion(name, generation) for name, generation in found)
    plain = Plan(procedure="p", subject="s", actions=actions)
    told_more = Plan(procedure="p", subject="s", actions=actions, details={"fault": "f"}, escalations=("no",))
    assert plain.digest == told_more.digest


@given(names, st.integers(1, 2**60), st.integers(1, 2**60))
def test_another_generation_is_another_plan(name: str, first: int, second: int) -> None:
    one = Plan(procedure="p", subject="s", actions=(deletion(name, first),))
    other = Plan(procedure="p", subject="s", actions=(deletion(name, second),))
    assert (one.digest == other.digest) == (first == second)


def test_the_order_of_actions_is_part_of_the_plan() -> None:
    first, second = deletion("a"), deletion("b")
    one, other = (Plan(procedure="p", subject="s", actions=pair) for pair in ((first, second), (second, first)))
    assert one.digest != other.digest


def test_a_plan_survives_the_journal_unchanged() -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion(),), details={"stages": ["usd"]}, risk="high")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_neighbouring_actions_of_one_step_are_one_step() -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion("a"), deletion("b"), deletion("c", step="later")))
    assert [(step.name, len(step.actions)) for step in plan.steps()] == [("clear", 2), ("later", 1)]


def test_counts_and_bytes_are_of_what_would_be_deleted() -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion("a", size=7), deletion("b", size=8)))
    assert (plan.count("delete"), plan.count("start"), plan.deleted_bytes()) == (2, 0, 15)


OTHER: dict[str, object] = {
    "step": "other",
    "kind": "other",
    "effect": "write",
    "target": "other",
    "precondition": "other",
    "undo": "other",
    "why": "other",
    "objects": 2,
    "bytes": 6,
    "replaced": 1,
    "replaced_bytes": 1,
    "always": True,
    "params": {"name": "scenes/a/x", "generation": 1, "sha256": "of another list"},
}


@pytest.mark.parametrize("field", list(Action.model_fields))
def test_every_field_of_an_action_is_approved_by_the_digest(field: str) -> None:
    one, other = deletion(), deletion().model_copy(update={field: OTHER[field]})
    assert (
        Plan(procedure="p", subject="s", actions=(one,)).digest
        != Plan(procedure="p", subject="s", actions=(other,)).digest
    )


@pytest.mark.parametrize("change", [{"procedure": "q"}, {"subject": "t"}, {"risk": "high"}, {"lost": 1}])
def test_procedure_subject_risk_and_losses_are_approved_by_the_digest(change: dict[str, object]) -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion(),))
    assert plan.digest != plan.model_copy(update=change).digest


def test_a_plan_of_a_newer_version_can_be_read() -> None:
    newer = {"kind": "teleport", "effect": "bend", "surprise": 1}
    plan = Plan.model_validate(
        {"procedure": "p", "subject": "s", "risk": "extreme", "mood": 3, "actions": [deletion().model_dump() | newer]}
    )
    assert (plan.risk, plan.actions[0].kind, plan.actions[0].effect) == ("extreme", "teleport", "bend")


def test_a_list_counts_by_its_objects_and_by_what_it_replaces() -> None:
    listed = deletion().model_copy(update={"objects": 40_000, "bytes": 7})
    over = deletion("b").model_copy(update={"effect": "write", "objects": 9, "replaced": 3, "replaced_bytes": 5})
    plan = Plan(procedure="p", subject="s", actions=(listed, over))
    assert (plan.count("delete"), plan.count("write"), plan.replaced(), plan.replaced_bytes()) == (40_000, 9, 3, 5)
