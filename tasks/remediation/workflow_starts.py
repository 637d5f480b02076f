"""The action `start_workflow`: start or adopt one execution of a workflow, wait for it, and read what it really did.

An execution's state proves little: several workflows return normally after a failure, and SUCCEEDED can mean that it
did nothing at all. Its `result` is read against the workflow's own vocabulary in the catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from blocks.catalogue import ResultWords
from blocks.errors import PermanentError
from blocks.execution import Execution
from tasks.remediation.actions import Doing
from tasks.remediation.labels import DIGEST_LABEL, RUN_LABEL
from tasks.remediation.starts import CLOCK_SKEW, StillRunning, begin, wait_limit, wait_until_ended


def start_workflow(doing: Doing) -> str:
    """Start the action's workflow, or adopt the execution that is already at it, and wait for its end.

    An event can be delivered more than once, so there may be several executions for it: all of them must have ended
    before the outputs mean anything, and it is enough that one of them did the work.

    Raises:
        PermanentError: it failed, was cancelled, or did nothing (SKIPPED).
        StillRunning: it did not end in time.
        UnknownOutcome: it may have been started, and cannot be found.
    """
    adopted = adopt(doing) or await_trigger(doing)
    execution = adopted or start_own(doing)
    note(doing, execution, adopted is not None)
    ended = follow(doing, execution)
    while twin := next((other for other in at_it(doing) if other.live), None):
        follow(doing, twin)
    if not useful(ended, words(doing)):
        for twin in (other for other in at_it(doing) if not other.live and useful(other, words(doing))):
            note(doing, twin, True)
            return judge(doing, twin)
    return judge(doing, ended)


def start_own(doing: Doing) -> Execution:
    """Start one execution that carries this run's id."""
    refuse_beside_another(doing)
    argument, workflows = dict(workflow_argument(doing)), doing.context.environment.workflows
    labels = {RUN_LABEL: doing.journal.run, DIGEST_LABEL: doing.journal.plan().digest}
    return begin(doing, lambda: workflows.start(doing.text("workflow"), argument, labels=labels), lambda: adopt(doing))


def note(doing: Doing, execution: Execution, adopted: bool) -> None:
    """Record whose outputs are to be looked at; the last one noted counts."""
    doing.journal.append("note", {"action": doing.action.key, "execution": execution.name, "adopted": adopted})


def follow(doing: Doing, execution: Execution) -> Execution:
    """Wait until it has ended. Raises `StillRunning`."""
    workflows = doing.context.environment.workflows
    ended = wait_until_ended(
        doing, lambda: workflows.execution(execution.name), lambda now: not now.live, wait_limit(doing)
    )
    if ended is None:
        raise StillRunning(
            f"{doing.text('workflow')} is still running after {wait_limit(doing):.0f} s ({execution.name}). It was left "
            "alone; look at its job, then run this again: it will be adopted, not started twice."
        )
    return ended


def refuse_beside_another(doing: Doing) -> None:
    """Never start a second execution beside one that is at work on the same event since before this run."""
    for execution in doing.context.environment.workflows.executions(doing.text("workflow"), state="ACTIVE"):
        if same_event(execution.argument, workflow_argument(doing)):
            raise PermanentError(f"{execution.name} is already at work on {doing.journal.subject}; wait until it ends.")


def look_workflow(doing: Doing) -> str | None:
    """Whether an execution of this run has already ended well. One that is still running is adopted by `do`."""
    execution = adopt(doing)
    if execution is None or execution.live:
        return None
    note(doing, execution, True)
    return judge(doing, execution)


def adopt(doing: Doing) -> Execution | None:
    """The execution this run started, else one that a trigger started for the same event since the run began."""
    found = at_it(doing)
    own = next((execution for execution in found if execution.labels.get(RUN_LABEL) == doing.journal.run), None)
    return own or next((execution for execution in found if useful(execution, words(doing))), None)


def at_it(doing: Doing) -> list[Execution]:
    """Executions that this run started, or that others started for the same event since it began; oldest first.

    What had ended before the run began, or was another run's, did not make what this run has cleared.
    """
    since, mine = doing.journal.begun_at - CLOCK_SKEW, workflow_argument(doing)
    found = []
    for execution in doing.context.environment.workflows.executions(doing.text("workflow"), since=since):
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


def workflow_argument(doing: Doing) -> Mapping[str, object]:
    argument = doing.action.params["argument"]
    if not isinstance(argument, dict):
        raise PermanentError(f"The plan's argument for {doing.action.target} is not an object; plan again.")
    return argument


def same_event(theirs: Mapping[str, object], mine: Mapping[str, object]) -> bool:
    """Whether two arguments are about the same event object, or (without an event) about the same scene."""
    wanted, found = mine.get("data"), theirs.get("data")
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(found.get(key) == value for key, value in wanted.items())
    return theirs.get("scene_id") == mine.get("scene_id")


def await_trigger(doing: Doing) -> Execution | None:
    """Give a deployed trigger, which an earlier step has fired, the time to start the workflow itself."""
    if not doing.action.params.get("fired_by"):
        return None
    policy = doing.context.environment.policy
    deadline = time.monotonic() + policy.trigger_grace_seconds
    while time.monotonic() < deadline:
        doing.context.say(f"{doing.text('workflow')}: giving trigger {doing.text('fired_by')} time to start it")
        if found := adopt(doing):
            return found
        time.sleep(policy.poll_seconds)
    return None


def words(doing: Doing) -> ResultWords:
    """The result vocabulary of the action's workflow."""
    return doing.context.environment.catalogue.workflows[doing.text("workflow")].result


def meaning(result: object, vocabulary: ResultWords) -> str:
    """What a result means: success, partial, nothing_done, failed or unknown. Reads `status`, or a plain sentence."""
    status = result.get("status") if isinstance(result, Mapping) else result
    said = str(status if status is not None else "").strip().lower()
    for kind in ("failed", "nothing_done", "partial", "success"):
        wanted = getattr(vocabulary, kind)
        if said in wanted or (isinstance(result, str) and any(word in said for word in wanted)):
            return kind
    return "unknown"


def judge(doing: Doing, execution: Execution) -> str:
    """The phrase for the journal, or the error that ends the plan."""
    workflow, name = doing.text("workflow"), execution.name
    if execution.state != "SUCCEEDED":
        raise PermanentError(f"{workflow} ended {execution.state}: {execution.error or 'no reason given'} ({name}).")
    verdict = meaning(execution.result, words(doing))
    if verdict in ("success", "partial", "unknown"):
        return f"{verdict}: {name}"  # several workflows answer in sentences nobody listed: the outputs decide
    result = execution.result
    said = (result.get("reason") or result.get("status")) if isinstance(result, Mapping) else result
    raise PermanentError(f"{workflow} SUCCEEDED but its result says '{said}' ({verdict.replace('_', ' ')}): {name}.")
