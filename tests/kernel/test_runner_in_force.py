"""Whoever reads how a run ended is told what stays in force, what could not be given back, and how to undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tasks.remediation.plan import Plan
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.kernel.fake import APPLY, SUBJECT, Fake, FakeRequest, Named, an_action, begun, put, release, take, with_put
from tests.kernel.world import Losing, heir, journals, policies, tried

HOLDS = "It holds the door."


@dataclass
class Holding(Fake):
    """It leaves something in force."""

    def in_force(self, run: Run) -> Iterable[str]:
        """The door, once it has begun."""
        return (HOLDS,) if run.begun or run.continues else ()


def broken(doing: Doing, params: Named) -> str:
    """It cannot be done."""
    raise PermanentError(f"{params.name} is broken")


def holding(*actions: str) -> Holding:
    return Holding(actions=tuple(an_action(put, name) for name in actions))


def test_after_a_failure_it_is_said_how_to_undo_it_and_what_stays_in_force(context: Context, sandbox: Sandbox) -> None:
    one = run(with_put(holding("a"), broken), context, APPLY)
    assert one.reasons == ["a is broken", f"Undo with: remediate undo {SUBJECT} {one.id}", HOLDS]
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.entries[-1].data["reasons"] == one.reasons


def test_what_only_adds_needs_no_undo(context: Context) -> None:
    class Adding(Holding):
        additive = True

    one = run(with_put(Adding(actions=(an_action(put, "a"),)), broken), context, APPLY)
    assert one.reasons == ["a is broken", HOLDS]


def test_what_only_adds_is_stopped_by_no_switch_and_weighed_against_no_cap(environment: PipelineEnvironment) -> None:
    class Adding(Fake):
        additive = True

    policies(environment, kill_switch=["by ann: fire"], max_objects=0)
    adding = Adding(actions=(an_action(put, "a"), an_action(take, "a")), total=0)
    assert run(adding, Context(environment, "x"), APPLY).outcome == "done"


def test_when_it_is_stopped_or_has_to_be_run_again_it_is_said_too(environment: PipelineEnvironment) -> None:
    context = Losing(environment, "x")

    def lose(doing: Doing, params: Named) -> str:
        context.lose()
        return "put"

    one = run(with_put(holding("a", "b"), lose), context, APPLY)
    assert (one.outcome, one.reasons[1:]) == ("stopped", [HOLDS])

    def later(doing: Doing, params: Named) -> str:
        raise TemporaryError("later")

    again = run(with_put(holding("a"), later), heir(environment), APPLY)
    assert (again.outcome, again.reasons[-1]) == ("failed", HOLDS)


def test_before_it_has_begun_nothing_is_in_force(context: Context) -> None:
    refused = Holding(actions=(an_action(put, "a"),), refuses=("No.",))
    assert run(refused, context, APPLY).reasons == ["No."]


@pytest.mark.parametrize(
    "asked",
    [FakeRequest(mode="apply", options="other"), FakeRequest(mode="apply", plan_digest="0" * 16)],
    ids=["other options", "another digest"],
)
def test_an_interrupted_run_that_is_not_continued_stays_in_force(
    environment: PipelineEnvironment, asked: FakeRequest
) -> None:
    id_ = begun(environment, holding("a", "b"))
    one = run(holding("a", "b"), heir(environment), asked)
    assert (one.outcome, one.continues, one.reasons[-1]) == ("refused", id_, HOLDS)


@pytest.mark.parametrize("why", ["switch", "guard"])
def test_one_that_may_not_go_on_now_says_that_it_stays_interrupted(
    environment: PipelineEnvironment, sandbox: Sandbox, why: str
) -> None:
    id_ = begun(environment, holding("a", "b"))
    if why == "switch":
        policies(environment, kill_switch=["by ann: fire"])
    asked = replace(holding("a", "b"), refuses=("Not now.",) if why == "guard" else ())
    one = run(asked, heir(environment), APPLY)
    assert one.outcome == "refused"
    assert ("by ann: fire" if why == "switch" else "Not now.") in one.reasons[0]
    assert one.reasons[1:] == [
        f"Run {id_} stays interrupted. Run it again: it continues where it stopped.",
        HOLDS,
    ]
    assert tried(sandbox) == {"a": 1}


def releasing(*names: str) -> tuple[object, ...]:
    return tuple(an_action(release, name, always=True) for name in names)


def test_what_cannot_be_given_back_is_said_and_the_rest_is_given_back_all_the_same(
    context: Context, sandbox: Sandbox
) -> None:
    def some(doing: Doing, params: Named) -> str:
        if params.name == "stuck":
            raise PermanentError("it is stuck")
        return release.apply(doing, params)

    procedure = with_put(holding("a"), broken)
    procedure.actions = (*procedure.actions, *releasing("stuck", "free"))  # type: ignore[assignment]
    procedure.kinds = (*procedure.kinds[:-1], replace(release, apply=some))
    one = run(procedure, context, APPLY)
    assert one.reasons[:2] == ["a is broken", "step stuck could not be done: it is stuck"]
    assert tried(sandbox) == {"free": 1}
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.ended


def test_what_was_given_back_already_is_neither_given_back_nor_announced_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    said: list[str] = []
    procedure = with_put(holding(), broken)
    procedure.actions = (*releasing("early"), an_action(put, "a"), *releasing("late"))  # type: ignore[assignment]
    run(procedure, Context(environment, "x", say=said.append), APPLY)
    assert tried(sandbox) == {"early": 1, "late": 1}
    assert said == [f"{SUBJECT}: step {name}" for name in ("early", "a", "late")]


def test_what_gives_back_is_done_though_the_switch_is_on_by_then(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def fail(doing: Doing, params: Named) -> str:
        policies(environment, kill_switch=["by bo: stop"])
        raise PermanentError("broken")

    procedure = with_put(holding("a"), fail)
    procedure.actions = (*procedure.actions, *releasing("door"))  # type: ignore[assignment]
    assert run(procedure, Context(environment, "x"), APPLY).outcome == "failed"
    assert tried(sandbox) == {"door": 1}


def test_of_an_interrupted_run_what_only_gives_back_is_carried_out_under_any_switch(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    actions = (an_action(put, "a"), *releasing("door"))
    begun(environment, Holding(actions=actions))  # type: ignore[arg-type]
    policies(environment, kill_switch=["by bo: stop"])
    asked = Holding(actions=actions, refuses=("Not now.",))  # type: ignore[arg-type]
    assert run(asked, heir(environment), APPLY).outcome == "done"
    assert tried(sandbox) == {"a": 1, "door": 1}


def test_the_plan_of_an_interrupted_run_is_shown_when_it_is_refused(environment: PipelineEnvironment) -> None:
    begun(environment, holding("a", "b"))
    one = run(holding("other"), heir(environment), FakeRequest(mode="apply", options="other"))
    assert one.plan == Plan(procedure="fake", subject=SUBJECT, actions=holding("a", "b").actions)
