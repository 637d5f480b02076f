"""A kind says what its actions need; a plan that could not be carried out to its end is refused before its first one."""

from __future__ import annotations

import pytest

from tasks.remediation.context import Context
from tasks.remediation.kind import Kind, Params, check_plan, kind_of, not_seen, nothing_to_undo
from tasks.remediation.outcome import Refused, Stopped
from tasks.remediation.plan import Action, Effect, Plan
from tests.kernel.world import policies
from tests.remediation.world import doing


class Named(Params):
    """One object, and what can be left out."""

    name: str
    times: int = 1


def make(name: str, effect: Effect = "write") -> Kind[Named]:
    return Kind(name=name, params=Named, effect=effect, apply=lambda _doing, params: params.name)


PUT, TAKE, SEE = make("put"), make("take", "delete"), make("see", "read")
KINDS = (PUT, TAKE, SEE)


def action(of: Kind[Named] = PUT, target: str = "x", **more: object) -> Action:
    told = {"step": "s", "target": target, "precondition": "", "undo": "", "why": ""}
    return of.action(Named(name=target), **told).model_copy(update=more)


def plan(*actions: Action) -> Plan:
    return Plan(procedure="p", subject="a", actions=actions)


def test_an_action_has_the_name_and_the_effect_of_its_kind_and_only_what_is_not_usual() -> None:
    made = action(TAKE)
    assert (made.kind, made.effect, made.params) == ("take", "delete", {"name": "x"})
    unusual = TAKE.action(Named(name="x", times=2), step="", target="", precondition="", undo="", why="")
    assert unusual.params == {"name": "x", "times": 2}
    assert TAKE.read(unusual) == Named(name="x", times=2)


def test_a_kind_is_found_by_its_name() -> None:
    assert [kind_of(KINDS, action(kind)) for kind in KINDS] == list(KINDS)


WRONG = [
    (action(target="z", kind="teleport"), "z: this version knows no action teleport"),
    (action(target="z", effect="delete"), "z: the action put has the effect write, not delete"),
    (action(target="z", effect="read"), "z: the action put has the effect write, not read"),
    (action(target="z", params={}), "name: Field required"),
    (action(target="z", params={"name": "z", "mood": 1}), "mood: Extra inputs are not permitted"),
    (action(target="z", params={"name": "z", "times": "often"}), "times: Input should be a valid integer"),
]


@pytest.mark.parametrize(("wrong", "says"), WRONG, ids=[says for _, says in WRONG])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_action_that_cannot_be_carried_out_refuses_the_whole_plan_wherever_it_is(
    wrong: Action, says: str, place: int
) -> None:
    actions = [action(target="a"), action(target="b")]
    actions.insert(place, wrong)
    with pytest.raises(Refused, match=r"^z: ") as refused:
        check_plan(KINDS, plan(*actions))
    assert says in str(refused.value)


def test_an_action_that_is_named_twice_refuses_the_plan_wherever_it_is() -> None:
    with pytest.raises(Refused, match="names put:b twice; plan again"):
        check_plan(KINDS, plan(action(target="b"), action(target="a"), action(target="b")))


def test_two_kinds_may_be_about_the_same_target() -> None:
    check_plan(KINDS, plan(action(PUT), action(TAKE), action(SEE)))
    check_plan(KINDS, plan())


def test_what_a_kind_does_not_say_is_not_known_and_not_undone(context: Context) -> None:
    acting = doing(context, PUT, Named(name="x"))
    assert (PUT.look, PUT.inverse) == (not_seen, nothing_to_undo)
    assert PUT.look(acting, Named(name="x")) is None
    assert PUT.inverse(acting, Named(name="x"), "done") is None


@pytest.mark.parametrize(
    ("kind", "always", "goes_on"), [(PUT, False, False), (TAKE, False, False), (PUT, True, True), (SEE, False, True)]
)
def test_the_switch_stops_what_changes_and_not_what_gives_back_or_looks(
    context: Context, kind: Kind[Named], always: bool, goes_on: bool
) -> None:
    acting = doing(context, kind, Named(name="x"), always=always)
    acting.check()
    acting.confirm()
    policies(context.environment, kill_switch=["by ann: fire"])
    context._asked = float("-inf")
    for asked in (acting.check, acting.confirm):
        if goes_on:
            asked()
        else:
            with pytest.raises(Stopped, match="by ann: fire"):
                asked()


def test_a_note_names_its_action(context: Context) -> None:
    acting = doing(context, PUT, Named(name="x"))
    acting.note(found=3)
    other = doing(context, PUT, Named(name="y"))
    assert [entry.data for entry in acting.journal.notes("put:x")] == [{"action": "put:x", "found": 3}]
    assert other.journal.notes("put:x") == []
