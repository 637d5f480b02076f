"""Carrying out a plan, one step at a time, so that it can be killed anywhere and continued by anybody.

The order for each step is: intent into the journal, act with the precondition, outcome into the journal. A step that
has an intent but no outcome was under way when its process died, so each of its actions is looked at before it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from tasks.remediation.actions import (
    Doing,
    delete_object,
    look_deleted,
    look_restored,
    look_written,
    restore_object,
    write_object,
)
from tasks.remediation.context import Context
from tasks.remediation.job_starts import look_job, run_job
from tasks.remediation.journal import Journal
from tasks.remediation.lease import Lease
from tasks.remediation.plan import Action, Kind, Step
from tasks.remediation.workflow_starts import look_workflow, start_workflow

PARALLEL = 8
"""Objects deleted or restored at a time within one step."""

Do = Callable[[Doing], str]
Look = Callable[[Doing], str | None]
Handlers = Mapping[Kind, tuple[Do, Look]]

HANDLERS: Handlers = {
    "delete_object": (delete_object, look_deleted),
    "restore_object": (restore_object, look_restored),
    "write_object": (write_object, look_written),
    "start_workflow": (start_workflow, look_workflow),
    "run_job": (run_job, look_job),
}


class Stopped(Exception):
    """The kill switch was turned on while the plan was being carried out."""


class Work:
    """One run of one plan: the context, the journal it is written to, and the lease that allows it.

    A plain class, so that Prefect hands it to tasks as it is instead of walking through it.
    """

    def __init__(self, context: Context, journal: Journal, lease: Lease) -> None:
        self.context, self.journal, self.lease = context, journal, lease


def nothing_to_look_at(doing: Doing) -> None:
    """For an action that is simply done again after a kill, such as a verification."""


def run_step(work: Work, step: Step, own: Handlers) -> dict[str, str]:
    """Carry out one step; what has an outcome in the journal is not done again.

    Args:
        work: The run.
        step: The step of the run's plan.
        own: How the procedure carries out its own kinds of action, beside the kernel's `HANDLERS`.

    Returns:
        What became of each action, by the action's key.

    Raises:
        LeaseLost: another run may have taken over.
        Stopped: the kill switch is on.
        OutsideError: an action failed; what was done is in the journal.
    """
    known = work.journal.outcomes()
    pending = [action for action in step.actions if action.key not in known]
    if not pending:
        return {action.key: known[action.key] for action in step.actions}
    refuse_if_stopped(work)
    interrupted = was_begun(work.journal, step.name)
    if not interrupted:
        work.journal.append("intent", {"step": step.name, "actions": [action.key for action in pending]})

    def carry_out(action: Action) -> tuple[str, str]:
        work.lease.check()
        doing = Doing(work.context, work.journal, action)
        do, look = own[action.kind] if action.kind in own else HANDLERS[action.kind]
        already = look(doing) if interrupted else None
        return action.key, already or do(doing)

    results = dict(each(carry_out, pending))
    work.lease.check()
    work.journal.append("outcome", {"step": step.name, "results": dict(results)})
    return results


def each(carry_out: Callable[[Action], tuple[str, str]], actions: list[Action]) -> list[tuple[str, str]]:
    """One action in this thread, several side by side; all are awaited, then the first error is raised."""
    if len(actions) == 1:
        return [carry_out(actions[0])]
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        futures = [pool.submit(carry_out, action) for action in actions]
    return [future.result() for future in futures]


def was_begun(journal: Journal, step: str) -> bool:
    """Whether an earlier process wrote this step's intent."""
    return any(entry.kind == "intent" and entry.data["step"] == step for entry in journal.entries)


def refuse_if_stopped(work: Work) -> None:
    """Ask the kill switch and the lease before every step."""
    work.lease.check()
    if reasons := work.context.kill_switch():
        raise Stopped(f"All remediation is stopped: {'; '.join(reasons)}. Nothing more was done.")
