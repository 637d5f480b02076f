"""An event may start a workflow several times: all that are at it are waited for, and the one that did the work counts."""

from __future__ import annotations

import pytest

from blocks.errors import PermanentError
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.actions.workflow_runs import start_workflow
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tests.actions.test_starts import USD, count, starting, wait_for
from tests.kernel.world import policies
from tests.remediation.world import apply

TRIGGER = "usd-assembly-trigger"


def started(acting: Doing, *, own: bool, ends: bool = True) -> str:
    """An execution for the action's event, the run's own or a trigger's."""
    workflows = acting.context.environment.workflows
    argument = dict(start_workflow.read(acting.action).argument)
    labels = {RUN_LABEL: acting.journal.run} if own else {}
    name = workflows.start(USD, argument, labels=labels).name
    wait_for(lambda: not ends or not workflows.execution(name).live)
    return name


def lock_taken(sandbox: Sandbox, scene: str) -> bool:
    return sandbox.store.get("sandbox-scenes", f"scenes/{scene}/locks/usd-assembly.lock") is not None


def forgiving(context: Context, sandbox: Sandbox) -> list[str]:
    """Let what is held go on as soon as it is waited for; what was said until then."""
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        sandbox.simulator.forgive()

    context.say = say
    return said


def test_one_that_still_runs_beside_the_runs_own_is_waited_for(
    context: Context, sandbox: Sandbox, kitchen: str
) -> None:
    acting = starting(context, kitchen)
    own = started(acting, own=True)
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    twin = started(acting, own=False, ends=False)
    said = forgiving(context, sandbox)
    assert apply(start_workflow, acting) == f"success: {own}"
    assert said, "it was waited for"
    assert not context.environment.workflows.execution(twin).live
    assert count(context) == 2, "and nothing more was started"


def test_where_the_runs_own_found_the_lock_taken_the_one_that_had_it_counts(
    context: Context, sandbox: Sandbox, kitchen: str
) -> None:
    acting = starting(context, kitchen)
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    twin = started(acting, own=False, ends=False)
    wait_for(lambda: lock_taken(sandbox, kitchen))
    started(acting, own=True)
    forgiving(context, sandbox)
    assert apply(start_workflow, acting) == f"success: {twin}"
    noted = [entry.data for entry in acting.journal.notes(acting.action.key)]
    assert noted[-1] == {"action": acting.action.key, "execution": twin, "adopted": True}


def test_where_none_did_the_work_the_runs_own_is_judged(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="skipped"))
    acting = starting(context, kitchen)
    own = started(acting, own=True)
    started(acting, own=False)
    with pytest.raises(PermanentError, match=f"nothing done.*{own}"):
        apply(start_workflow, acting)


def test_a_trigger_that_was_fired_is_given_time_to_start_it(context: Context, sandbox: Sandbox, kitchen: str) -> None:
    policies(context.environment, trigger_grace_seconds=60, poll_seconds=0.02)
    acting = starting(context, kitchen, fired_by=TRIGGER)
    begun: list[str] = []

    def fire(sentence: str) -> None:
        if f"giving trigger {TRIGGER} time" in sentence and not begun:
            begun.append(started(acting, own=False))

    context.say = fire
    assert apply(start_workflow, acting) == f"success: {begun[0]}"
    assert (count(context), acting.journal.started()) == (1, 0)


@pytest.mark.parametrize("grace", [0, 0.1])
def test_that_time_has_an_end(context: Context, kitchen: str, grace: float) -> None:
    policies(context.environment, trigger_grace_seconds=grace, poll_seconds=0.02)
    acting = starting(context, kitchen, fired_by=TRIGGER)
    assert apply(start_workflow, acting).startswith("success")
    assert (count(context), acting.journal.started()) == (1, 1)
