"""Carrying out a plan, one step at a time, so that it can be killed anywhere and continued by anybody.

The order for each step is: intent into the journal, act with the precondition, outcome into the journal. A step that
has an intent but no outcome was under way when its process died, so each of its actions is looked at before it is done.
The first error that is final stops the step: what has not begun is not begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from prefect import task

from blocks.errors import OutsideError
from tasks.remediation.kind import Doing, Kinds, kind_of
from tasks.remediation.lease import LeaseLost
from tasks.remediation.ledger import LedgerTaken
from tasks.remediation.plan import Action, Step
from tasks.remediation.run import Run
from tasks.remediation.task_settings import STEP_SETTINGS

PARALLEL = 8
"""Actions of one step that are carried out at the same time."""

Carry = Callable[[Action], str]


@task(name="step", task_run_name="{subject}: {step_name}", **STEP_SETTINGS)
def carry_out_step(run: Run, step: Step, kinds: Kinds, subject: str, step_name: str) -> dict[str, str]:
    """One step of a plan: intent, actions, outcome."""
    return run_step(run, step, kinds)


def run_step(run: Run, step: Step, kinds: Kinds) -> dict[str, str]:
    """Carry out one step; what has an outcome in the journal is not done again.

    Args:
        run: The run.
        step: The step of the run's plan.
        kinds: The kinds of action the procedure has.

    Returns:
        What became of each action, by the action's key.

    Raises:
        Refused: an action is of a kind that this version does not know.
        LeaseLost: another run may have taken over.
        Stopped: the kill switch is on, or the window has closed.
        OutsideError: an action failed; what was done is in the journal.
    """
    journal, known = run.journal, run.journal.outcomes()
    pending = [action for action in step.actions if action.key not in known]
    if not pending:
        return {action.key: known[action.key] for action in step.actions}
    run.confirm(goes_on=all(action.always or action.effect == "read" for action in pending))
    interrupted = journal.was_begun(step.name)
    if not interrupted:
        journal.append("intent", {"step": step.name, "actions": [action.key for action in pending]})
    results, error = each(pending, lambda action: carry_out(run, action, kinds, look_first=interrupted))
    record(run, step, results, error)
    if error is not None:
        raise error
    return results


def carry_out(run: Run, action: Action, kinds: Kinds, *, look_first: bool) -> str:
    """One action, unless it took effect already. A start is preceded by a question to the bucket: is the lease ours?"""
    kind, doing = kind_of(kinds, action), Doing(run, action)
    params = kind.read(action)
    doing.check()
    if look_first and (already := kind.look(doing, params)) is not None:
        return already
    if kind.effect == "start":
        run.confirm()
    return kind.apply(doing, params)


def record(run: Run, step: Step, results: dict[str, str], error: BaseException | None) -> None:
    """Write what became of the actions, if the run is still ours. An error on top of an error changes nothing."""
    if error is not None and not results:
        return
    try:
        for lease in run.leases:
            lease.check()
        run.journal.append("outcome", {"step": step.name, "results": dict(results)})
    except (OutsideError, LeaseLost, LedgerTaken):
        if error is None:
            raise


def each(actions: list[Action], carry: Carry) -> tuple[dict[str, str], BaseException | None]:
    """One action in this thread, several side by side; after the first error nothing more is begun.

    Returns:
        What became of those that were carried out, and the first error.
    """
    if len(actions) == 1:
        try:
            return {actions[0].key: carry(actions[0])}, None
        except Exception as error:
            return {}, error
    failed = threading.Event()

    def unless_failed(action: Action) -> str | None:
        if failed.is_set():
            return None
        try:
            return carry(action)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        futures: dict[str, Future[str | None]] = {one.key: pool.submit(unless_failed, one) for one in actions}
    errors = [found for future in futures.values() if (found := future.exception()) is not None]
    results = {key: future.result() for key, future in futures.items() if future.exception() is None}
    return {key: result for key, result in results.items() if result is not None}, errors[0] if errors else None
