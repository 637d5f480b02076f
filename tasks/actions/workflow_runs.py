"""The action `start_workflow`: start or adopt one execution of a workflow, wait for it, and read what it really did.

An execution's state proves little: several workflows return normally after a failure, and SUCCEEDED can mean that it
did nothing at all. Its `result` is read against the workflow's own vocabulary in the catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from pydantic import JsonValue

from blocks.catalogue import ResultWords
from blocks.errors import PermanentError
from blocks.execution import LIVE_STATES, Execution
from tasks.actions.starting import CLOCK_SKEW, begin, wait_until_ended
from tasks.pipeline.labels import DIGEST_LABEL, RUN_LABEL
from tasks.remediation.kind import Doing, Kind, Params


class StartWorkflow(Params):
    """One execution of a workflow."""

    workflow: str
    argument: dict[str, JsonValue]
    timeout_seconds: float
    stages: tuple[str, ...] = ()
    leading_stage: str = ""
    fired_by: str = ""
    """The deployed trigger that an earlier step fires, and that may start it by itself."""


def apply_start(doing: Doing, params: StartWorkflow) -> str:
    """Start the workflow, or adopt the execution that is already at it, and wait for its end.

    An event can be delivered more than once, so there may be several executions for it: all of them must have ended
    before the outputs mean anything, and it is enough that one of them did the work.

    Raises:
        PermanentError: it failed, was cancelled, or did nothing (SKIPPED).
        StillRunning: it did not end in time.
        UnknownOutcome: it may have been started, and cannot be found.
    """
    adopted = adopt(doing, params) or await_trigger(doing, params)
    execution = adopted or start_own(doing, params)
    doing.note(execution=execution.name, adopted=adopted is not None)
    ended = follow(doing, params, execution)
    while twin := next((other for other in at_it(doing, params) if other.live), None):
        follow(doing, params, twin)
    if not useful(ended, words(doing, params)):
        for twin in (one for one in at_it(doing, params) if not one.live and useful(one, words(doing, params))):
            doing.note(execution=twin.name, adopted=True)  # the last one noted is whose outputs are looked at
            return judge(doing, params, twin)
    return judge(doing, params, ended)


def start_own(doing: Doing, params: StartWorkflow) -> Execution:
    """Start one execution that carries this run's id."""
    refuse_beside_another(doing, params)
    argument, workflows = dict(params.argument), doing.context.environment.workflows
    labels = {RUN_LABEL: doing.journal.run, DIGEST_LABEL: doing.journal.plan().digest}
    return begin(doing, lambda: workflows.start(params.workflow, argument, labels=labels), lambda: adopt(doing, params))


def follow(doing: Doing, params: StartWorkflow, execution: Execution) -> Execution:
    """Wait until it has ended. Raises `StillRunning`."""
    workflows = doing.context.environment.workflows
    return wait_until_ended(
        doing, lambda: workflows.execution(execution.name), lambda now: not now.live, params.timeout_seconds
    )


def refuse_beside_another(doing: Doing, params: StartWorkflow) -> None:
    """Never start a second execution beside one that is at work on the same event since before this run."""
    workflows = doing.context.environment.workflows
    for execution in (found for state in LIVE_STATES for found in workflows.executions(params.workflow, state=state)):
        if same_event(execution.argument, params.argument):
            raise PermanentError(f"{execution.name} is already at work on {doing.journal.subject}; wait until it ends.")


def look_start(doing: Doing, params: StartWorkflow) -> str | None:
    """Whether an execution of this run has already ended well. One that is still running is adopted by `apply_start`."""
    execution = adopt(doing, params)
    if execution is None or execution.live:
        return None
    doing.note(execution=execution.name, adopted=True)
    return judge(doing, params, execution)


def adopt(doing: Doing, params: StartWorkflow) -> Execution | None:
    """The execution this run started, else one that a trigger started for the same event since the run began."""
    found = at_it(doing, params)
    own = next((execution for execution in found if execution.labels.get(RUN_LABEL) == doing.journal.run), None)
    return own or next((execution for execution in found if useful(execution, words(doing, params))), None)


def at_it(doing: Doing, params: StartWorkflow) -> list[Execution]:
    """Executions that this run started, or that others started for the same event since it began; oldest first.

    What had ended before the run began, or was another run's, did not make what this run has cleared.
    """
    since, mine = doing.journal.begun_at - CLOCK_SKEW, params.argument
    found = []
    for execution in doing.context.environment.workflows.executions(params.workflow, since=since):
        run = execution.labels.get(RUN_LABEL)
        meanwhile = execution.ended is None or execution.ended > doing.journal.begun_at
        if run == doing.journal.run or (run is None and meanwhile and same_event(execution.argument, mine)):
            found.append(execution)
    return found[::-1]


def useful(execution: Execution, vocabulary: ResultWords) -> bool:
    """Whether adopting it makes sense: it runs, or it ended and did something."""
    if execution.live:
        return True
    return execution.state == "SUCCEEDED" and meaning(execution.result, vocabulary) in ("success", "partial")


def same_event(theirs: Mapping[str, object], mine: Mapping[str, object]) -> bool:
    """Whether two arguments are about the same event object, or (without an event) about the same scene."""
    wanted, found = mine.get("data"), theirs.get("data")
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(found.get(key) == value for key, value in wanted.items())
    return theirs.get("scene_id") == mine.get("scene_id")


def await_trigger(doing: Doing, params: StartWorkflow) -> Execution | None:
    """Give a deployed trigger, which an earlier step has fired, the time to start the workflow itself."""
    if not params.fired_by:
        return None
    policy = doing.context.environment.policy
    deadline = time.monotonic() + policy.trigger_grace_seconds
    while time.monotonic() < deadline:
        doing.context.say(f"{params.workflow}: giving trigger {params.fired_by} time to start it")
        if found := adopt(doing, params):
            return found
        time.sleep(policy.poll_seconds)
    return None


def words(doing: Doing, params: StartWorkflow) -> ResultWords:
    """The result vocabulary of the action's workflow."""
    return doing.context.environment.catalogue.workflows[params.workflow].result


def meaning(result: object, vocabulary: ResultWords) -> str:
    """What a result means: success, partial, nothing_done, failed or unknown. Reads `status`, or a plain sentence."""
    status = result.get("status") if isinstance(result, Mapping) else result
    said = str(status if status is not None else "").strip().lower()
    for kind in ("failed", "nothing_done", "partial", "success"):
        wanted = getattr(vocabulary, kind)
        if said in wanted or (isinstance(result, str) and any(word in said for word in wanted)):
            return kind
    return "unknown"


def judge(doing: Doing, params: StartWorkflow, execution: Execution) -> str:
    """The phrase for the journal, or the error that ends the plan."""
    workflow, name = params.workflow, execution.name
    if execution.state != "SUCCEEDED":
        raise PermanentError(f"{workflow} ended {execution.state}: {execution.error or 'no reason given'} ({name}).")
    verdict = meaning(execution.result, words(doing, params))
    if verdict in ("success", "partial", "unknown"):
        return f"{verdict}: {name}"  # several workflows answer in sentences nobody listed: the outputs decide
    result = execution.result
    said = (result.get("reason") or result.get("status")) if isinstance(result, Mapping) else result
    raise PermanentError(f"{workflow} SUCCEEDED but its result says '{said}' ({verdict.replace('_', ' ')}): {name}.")


start_workflow = Kind(
    name="start_workflow",
    params=StartWorkflow,
    effect="start",
    apply=apply_start,
    look=look_start,
    task="rerun_workflow",
)
