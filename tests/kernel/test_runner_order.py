"""Intent, act, outcome: in this order, each step once, and nothing more after the switch, the lease or an error says so."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import read_journal
from tasks.remediation.kind import Doing, Kind
from tasks.remediation.runner import run
from tasks.remediation.steps import PARALLEL
from tests.kernel.fake import APPLY, OPS, SUBJECT, Fake, Named, an_action, fake, put, with_put
from tests.kernel.world import Killed, Losing, heir, journals, killed_at, policies, tried

MANY = tuple(an_action(put, f"n{number:02d}", step="all") for number in range(40))
TWO = (an_action(put, "a", step="both"), an_action(put, "z", step="both"))


def kinds_of(environment: PipelineEnvironment, sandbox: Sandbox) -> list[str]:
    """The kinds of the entries of the one journal there is."""
    (journal,) = journals(environment, sandbox, SUBJECT)
    return [entry.kind for entry in journal.entries]


def test_the_intent_names_its_actions_before_and_the_outcome_comes_after(context: Context, sandbox: Sandbox) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    def look(doing: Doing, params: Named) -> str:
        journal = read_journal(doing.context.environment.storage, OPS, SUBJECT, doing.journal.run, "x")
        last = journal.entries[-1]
        assert last.kind == "intent"
        seen.append(([str(key) for key in last.data["actions"]], journal.outcomes()))  # type: ignore[union-attr]
        return "put"

    run(with_put(fake(actions=tuple(an_action(put, name) for name in "abc")), look), context, APPLY)
    assert seen == [
        (["put:a"], {}),
        (["put:b"], {"put:a": "put"}),
        (["put:c"], {"put:a": "put", "put:b": "put"}),
    ]
    assert kinds_of(context.environment, sandbox) == ["begin", *["intent", "outcome"] * 3, "end"]


def test_a_step_that_was_under_way_is_announced_once_and_looked_at(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    looked: list[str] = []

    def look(doing: Doing, params: Named) -> str | None:
        looked.append(params.name)
        return put.look(doing, params)

    procedure = with_put(fake(), put.apply, look=look)
    with pytest.raises(Killed), killed_at(7, before=True):  # the outcome of the last step, with two actions
        run(procedure, Context(environment, "victim"), APPLY)
    assert looked == []
    one = run(procedure, heir(environment), APPLY)
    assert (one.outcome, sorted(looked)) == ("done", ["c", "d"])
    assert kinds_of(environment, sandbox) == ["begin", *["intent", "outcome"] * 3, "end"]
    assert one.done == {"put:a": "put", "launch:b": "put", "put:c": "found there", "put:d": "found there"}


def test_a_step_that_nobody_has_begun_is_not_looked_at_its_preconditions_decide(
    context: Context, sandbox: Sandbox
) -> None:
    sandbox.store.put(OPS, "put/a", b"somebody's", quiet=True)
    assert run(fake(actions=TWO[:1]), context, APPLY).done == {"put:a": "there already"}


def test_of_one_step_so_many_are_under_way_side_by_side_and_no_more(context: Context) -> None:
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def count(doing: Doing, params: Named) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside >= PARALLEL:
                full.set()
        assert full.wait(30)
        with lock:
            inside -= 1
        return "put"

    assert run(with_put(fake(actions=MANY), count), context, APPLY).outcome == "done"
    assert most == PARALLEL == 8


@pytest.mark.parametrize("why", ["switch", "lease"])
def test_before_every_action_of_a_step_it_is_asked_whether_to_go_on(
    environment: PipelineEnvironment, sandbox: Sandbox, why: str
) -> None:
    context = Losing(environment, "x")

    def stop(doing: Doing, params: Named) -> str:
        if why == "switch":
            policies(environment, kill_switch=["by bo: stop"])
            context._asked = float("-inf")
        else:
            context.lose()
        return put.apply(doing, params)

    assert run(with_put(fake(actions=MANY), stop), context, APPLY).outcome == "stopped"
    assert 1 <= len(tried(sandbox)) <= PARALLEL


def test_a_step_of_many_records_what_was_done_before_the_switch(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "x")

    def stop(doing: Doing, params: Named) -> str:
        policies(environment, kill_switch=["by bo: stop"])
        context._asked = float("-inf")
        return put.apply(doing, params)

    run(with_put(fake(actions=MANY), stop), context, APPLY)
    (journal,) = journals(environment, sandbox, SUBJECT)
    assert {key.removeprefix("put:") for key in journal.outcomes()} == set(tried(sandbox))


see: Kind[Named] = Kind(name="see", params=Named, effect="read", apply=lambda doing, params: "seen")


def seeing(*actions: Any) -> Fake:
    """With a kind that only looks."""
    procedure = fake(actions=actions)
    procedure.kinds = (*procedure.kinds, see)
    return procedure


def switch_at(environment: PipelineEnvironment, step: str) -> Context:
    """A context in which the switch is turned on when that step is announced."""

    def say(sentence: str) -> None:
        if sentence.endswith(step):
            policies(environment, kill_switch=["by bo: stop"])

    return Context(environment, "x", say=say)


def test_a_step_that_only_looks_goes_on_whatever_the_switch_says(environment: PipelineEnvironment) -> None:
    looks = seeing(an_action(put, "a"), an_action(see, "b", step="look"), an_action(see, "c", step="look"))
    assert run(looks, switch_at(environment, "look"), APPLY).outcome == "done"


def test_a_look_beside_it_lets_nothing_that_changes_go_on(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    mixed = seeing(an_action(put, "a"), an_action(see, "b", step="mixed"), an_action(put, "c", step="mixed"))
    one = run(mixed, switch_at(environment, "mixed"), APPLY)
    assert (one.outcome, tried(sandbox)) == ("stopped", {"a": 1})
    assert kinds_of(environment, sandbox) == ["begin", "intent", "outcome"], "the step was not even announced"


def test_the_switch_is_read_anew_before_every_step(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for step in ("step a", "step b", "last"):
        context = switch_at(environment, step)
        context._asked = 1e12  # as if it had been asked just now, all the time
        assert run(fake(), context, APPLY).outcome == "stopped"
        policies(environment, kill_switch=[])
    assert tried(sandbox) == {"a": 1, "b": 1}


def failing_at_z(sandbox: Sandbox, *, record: bool) -> Fake:
    """`a` is done, then `z` fails; without `record` the journal cannot be written just then."""
    done = threading.Event()

    def sometimes(doing: Doing, params: Named) -> str:
        if params.name == "a":
            result = put.apply(doing, params)
            done.set()
            return result
        assert done.wait(30)
        if not record:
            rule = FaultRule(service="storage", method="objects.insert", kind="status", status=403, times=1)
            sandbox.faults.add(rule)
        raise PermanentError("z is broken")

    return with_put(fake(actions=TWO), sometimes)


def test_what_was_done_beside_a_failure_is_recorded(context: Context, sandbox: Sandbox) -> None:
    assert run(failing_at_z(sandbox, record=True), context, APPLY).reasons[0] == "z is broken"
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.outcomes() == {"put:a": "put"}


def test_a_record_that_fails_too_does_not_hide_the_first_error(context: Context, sandbox: Sandbox) -> None:
    one = run(failing_at_z(sandbox, record=False), context, APPLY)
    assert (one.outcome, one.reasons[0]) == ("failed", "z is broken")
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert (journal.outcomes(), journal.ended) == ({}, True)


def test_a_step_whose_outcome_cannot_be_written_is_not_called_done(context: Context, sandbox: Sandbox) -> None:
    def spoil(doing: Doing, params: Named) -> str:
        result = put.apply(doing, params)
        rule = FaultRule(service="storage", method="objects.insert", kind="status", status=403, times=1)
        sandbox.faults.add(rule)
        return result

    assert run(with_put(fake(actions=TWO[:1]), spoil), context, APPLY).outcome == "failed"


def test_a_step_says_the_first_error_in_the_order_of_its_plan(context: Context) -> None:
    both = threading.Barrier(2)

    def fail(doing: Doing, params: Named) -> str:
        both.wait(30)
        raise PermanentError(params.name)

    assert run(with_put(fake(actions=TWO), fail), context, APPLY).reasons[0] == "a"
