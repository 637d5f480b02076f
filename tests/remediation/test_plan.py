"""Plans: equal actions give equal digests, and anything that changes what would be done changes the digest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

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
def test_the_digest_depends_on_the_actions_alone(found: list[tuple[str, int]]) -> None:
    actions = tuple(deletion(name, generation) for name, generation in found)
    plain = Plan(procedure="p", subject="s", actions=actions)
    told_more = Plan(procedure="p", subject="s", actions=actions, fault="f", restart=("usd",), escalations=("no",))
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
    plan = Plan(procedure="p", subject="s", actions=(deletion(),), stages=("usd",), risk="high")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_neighbouring_actions_of_one_step_are_one_step() -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion("a"), deletion("b"), deletion("c", step="later")))
    assert [(step.name, len(step.actions)) for step in plan.steps()] == [("clear", 2), ("later", 1)]


def test_counts_and_bytes_are_of_what_would_be_deleted() -> None:
    plan = Plan(procedure="p", subject="s", actions=(deletion("a", size=7), deletion("b", size=8)))
    assert (plan.count("delete"), plan.count("start"), plan.deleted_bytes()) == (2, 0, 15)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"procedure": "p", "subject": "s", "surprise": 1})
