"""What a plan is made of: steps in their order, keys, counts, and a digest that only equal plans share."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.remediation.plan import Action, Plan, canonical

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
NUMBER = st.integers(0, 2**53)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | WORD,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORD, inner, max_size=2),
    max_leaves=4,
)
ACTION = st.builds(
    Action,
    step=st.sampled_from(["one", "two"]),
    kind=st.sampled_from(["put", "take"]),
    effect=st.sampled_from(["read", "write", "delete", "start", "configure", "notify"]),
    target=WORD,
    precondition=WORD,
    undo=WORD,
    why=WORD,
    objects=NUMBER,
    bytes=NUMBER,
    replaced=NUMBER,
    replaced_bytes=NUMBER,
    always=st.booleans(),
    params=st.dictionaries(WORD, VALUE, max_size=3),
)
PLAN = st.builds(
    Plan,
    procedure=WORD,
    subject=WORD,
    actions=st.lists(ACTION, max_size=5).map(tuple),
    escalations=st.lists(WORD, max_size=2).map(tuple),
    risk=WORD,
    lost=NUMBER,
    details=st.dictionaries(WORD, VALUE, max_size=2),
)


@given(PLAN)
def test_a_plan_read_back_from_a_journal_has_the_same_digest(plan: Plan) -> None:
    stored = json.loads(json.dumps(plan.model_dump(mode="json")))
    assert Plan.model_validate(stored) == plan
    assert Plan.model_validate(stored).digest == plan.digest
    assert re.fullmatch(r"[0-9a-f]{16}", plan.digest)


@given(PLAN, PLAN)
def test_two_plans_share_a_digest_exactly_when_what_is_approved_is_the_same(one: Plan, other: Plan) -> None:
    def approved(plan: Plan) -> Any:
        return plan.procedure, plan.subject, plan.risk, plan.lost, plan.actions

    assert (one.digest == other.digest) == (approved(one) == approved(other))


@given(PLAN.filter(lambda plan: len(plan.actions) > 0), st.data())
def test_a_change_of_any_field_of_any_action_is_another_plan(plan: Plan, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(plan.actions) - 1))
    field = data.draw(st.sampled_from(sorted(Action.model_fields)))
    other = data.draw(ACTION)
    actions = list(plan.actions)
    changed = actions[place].model_copy(update={field: getattr(other, field)})
    actions[place] = changed
    same = changed == plan.actions[place]
    assert (plan.model_copy(update={"actions": tuple(actions)}).digest == plan.digest) == same


def test_every_field_of_a_plan_is_either_approved_or_only_shown() -> None:
    assert set(Plan.model_fields) - {"details", "escalations"} == {"procedure", "subject", "actions", "risk", "lost"}


@given(PLAN)
def test_its_steps_are_its_actions_in_their_order_and_neighbours_have_different_names(plan: Plan) -> None:
    steps = list(plan.steps())
    assert tuple(action for step in steps for action in step.actions) == plan.actions
    assert all(action.step == step.name for step in steps for action in step.actions)
    assert all(one.name != other.name for one, other in pairwise(steps))


@given(PLAN, st.sets(st.integers(0, 4)))
def test_without_what_is_done_the_rest_is_left_in_its_order(plan: Plan, places: set[int]) -> None:
    done = {plan.actions[place].key for place in places if place < len(plan.actions)}
    rest = plan.without(done)
    assert rest.actions == tuple(action for action in plan.actions if action.key not in done)
    assert rest.model_copy(update={"actions": plan.actions}) == plan


@given(PLAN)
def test_counts_and_bytes_are_sums_over_the_actions(plan: Plan) -> None:
    deleted = [action for action in plan.actions if action.effect == "delete"]
    assert plan.count("delete") == sum(action.objects for action in deleted)
    assert plan.deleted_bytes() == sum(action.bytes for action in deleted)
    assert plan.replaced() == sum(action.replaced for action in plan.actions)
    assert plan.replaced_bytes() == sum(action.replaced_bytes for action in plan.actions)
    effects = ("read", "write", "delete", "start", "configure", "notify")
    assert sum(map(plan.count, effects)) == sum(action.objects for action in plan.actions)  # type: ignore[arg-type]


def test_an_action_is_known_by_its_kind_and_its_target() -> None:
    told = {"step": "s", "effect": "write", "precondition": "", "undo": "", "why": ""}
    keys = {Action(kind=kind, target=target, **told).key for kind in ("put", "take") for target in ("a", "b")}
    assert keys == {"put:a", "put:b", "take:a", "take:b"}


@given(st.dictionaries(WORD, VALUE, max_size=4))
def test_equal_values_have_equal_bytes_in_whatever_order_they_were_put_together(value: dict[str, Any]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical(value) == canonical(turned)
    assert json.loads(canonical(value)) == value
    assert b"\n" not in canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_has_no_bytes(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": value})


@pytest.mark.parametrize("where", ["plan", "action", "step"])
def test_what_is_read_cannot_be_changed(where: str) -> None:
    told = {"kind": "put", "target": "t", "effect": "write", "precondition": "", "undo": "", "why": ""}
    plan = Plan(procedure="p", subject="a", actions=(Action(step="s", **told),))
    one: Any = {"plan": plan, "action": plan.actions[0], "step": next(plan.steps())}[where]
    with pytest.raises(ValueError, match="frozen"):
        setattr(one, next(iter(type(one).model_fields)), "other")
