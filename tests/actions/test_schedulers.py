"""A scheduler is paused and put back, only from the state that was seen, and never what somebody else has set."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from deployments.sandbox.server import Sandbox
from tasks.actions.schedulers import ENABLED, PAUSED, SetScheduler, scheduler_action, set_scheduler
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tests.remediation.world import apply, begun, inverse, look

NAME, REGION = "retention-cleanup-daily", "us-central1"


def setting(context: Context, want: str = PAUSED, former: str = ENABLED, **more: str) -> Doing:
    told = {"name": NAME, "location": REGION, "want": want, "former": former} | more
    return begun(context, scheduler_action(SetScheduler.model_validate(told), "a test"), "@intake")


def state(environment: PipelineEnvironment) -> str:
    return next(one.state for one in environment.schedulers.list() if one.name == NAME)


def test_it_is_paused_and_put_back_by_its_inverse(context: Context, environment: PipelineEnvironment) -> None:
    acting = setting(context)
    assert look(set_scheduler, acting) is None
    assert apply(set_scheduler, acting) == PAUSED
    assert (state(environment), look(set_scheduler, acting)) == (PAUSED, PAUSED)
    back = inverse(set_scheduler, acting)
    assert back is not None
    assert (back.kind, back.target, back.params["want"]) == ("set_scheduler", f"{REGION}/{NAME}", ENABLED)
    assert apply(set_scheduler, begun(context, back, "@intake")) == ENABLED
    assert state(environment) == ENABLED


def test_one_that_is_so_already_is_left_to_whoever_set_it_so(
    context: Context, environment: PipelineEnvironment
) -> None:
    environment.schedulers.pause(NAME)
    acting = setting(context)
    assert apply(set_scheduler, acting) == "is PAUSED already"
    assert [note.data["found"] for note in acting.journal.notes(acting.action.key)] == [PAUSED]
    assert inverse(set_scheduler, acting) is None


def test_one_that_was_deleted_is_said_and_left_so(context: Context, sandbox: Sandbox) -> None:
    acting = setting(context, name="deleted-meanwhile")
    assert apply(set_scheduler, acting) == "is gone: somebody has deleted it"
    assert look(set_scheduler, acting) is None
    assert inverse(set_scheduler, acting) is None
    assert sandbox.requests.mutating().get("scheduler", 0) == 0


@pytest.mark.parametrize(("now", "want", "former"), [(ENABLED, PAUSED, "DISABLED"), (PAUSED, ENABLED, "UPDATE_FAILED")])
def test_one_in_a_third_state_is_not_touched(
    context: Context, environment: PipelineEnvironment, now: str, want: str, former: str
) -> None:
    if now == PAUSED:
        environment.schedulers.pause(NAME)
    with pytest.raises(PreconditionFailed, match=f"{NAME} is {now}, not {former}"):
        apply(set_scheduler, setting(context, want, former))
    assert state(environment) == now


def test_a_job_of_another_region_is_neither_set_nor_looked_at(
    context: Context, environment: PipelineEnvironment
) -> None:
    acting = setting(context, location="europe-west1")
    for asked in (apply, look):
        with pytest.raises(PermanentError, match="in europe-west1, and the environment now says us-central1"):
            asked(set_scheduler, acting)
    assert state(environment) == ENABLED


@pytest.mark.parametrize(
    ("want", "former"), [(ENABLED, PAUSED), (ENABLED, ENABLED), (PAUSED, "DISABLED"), (PAUSED, PAUSED)]
)
def test_only_the_pause_of_one_that_ran_is_taken_back(context: Context, want: str, former: str) -> None:
    with pytest.raises(NoWayBack, match="pause intake, which writes a ticket"):
        inverse(set_scheduler, setting(context, want, former))


@pytest.mark.parametrize(("want", "undo"), [(PAUSED, "it is set back to ENABLED"), (ENABLED, "pause intake again")])
def test_the_plan_says_the_condition_and_the_way_back(want: str, undo: str) -> None:
    params = SetScheduler.model_validate({"name": NAME, "location": REGION, "want": want, "former": ENABLED})
    action = scheduler_action(params, "why")
    assert (action.precondition, action.undo, action.why) == ("it is still ENABLED", undo, "why")
