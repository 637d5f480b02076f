"""The action `run_job`: run or adopt one execution of a Cloud Run job for one scene, and wait for it."""

from __future__ import annotations

from blocks.errors import PermanentError
from blocks.run_jobs import JobExecution
from tasks.remediation.actions import Doing
from tasks.remediation.labels import RUN_VARIABLE
from tasks.remediation.starts import CLOCK_SKEW, StillRunning, begin, wait_limit, wait_until_ended


def run_job(doing: Doing) -> str:
    """Run the action's job, or adopt this run's own execution of it, and wait for its end.

    Raises:
        PermanentError: it failed or was cancelled.
        StillRunning: it did not end in time.
        UnknownOutcome: it may have been started, and cannot be found.
    """
    jobs, job = doing.context.environment.jobs, doing.text("job")
    execution = adopt(doing)
    if execution is None:
        variables = doing.action.params["env"]
        if not isinstance(variables, dict):
            raise PermanentError(f"The plan's variables for {job} are not an object; plan again.")
        env = {key: str(value) for key, value in variables.items()} | {RUN_VARIABLE: doing.journal.run}
        timeout = doing.number("timeout_seconds")
        execution = begin(doing, lambda: jobs.start(job, env, timeout_seconds=timeout), lambda: adopt(doing))
    name = execution.name
    doing.journal.append("note", {"action": doing.action.key, "execution": name})
    ended = wait_until_ended(doing, lambda: jobs.execution(name), lambda now: now.state != "running", wait_limit(doing))
    return judge(doing, name, ended)


def look_job(doing: Doing) -> str | None:
    """Whether this run's execution has already ended well. One that is still running is adopted by `do`."""
    execution = adopt(doing)
    if execution is None or execution.state == "running":
        return None
    doing.journal.append("note", {"action": doing.action.key, "execution": execution.name})
    return judge(doing, execution.name, execution)


def adopt(doing: Doing) -> JobExecution | None:
    """The execution that carries this run's id."""
    since = doing.journal.begun_at - CLOCK_SKEW
    for execution in doing.context.environment.jobs.executions(doing.text("job"), since=since):
        if execution.env.get(RUN_VARIABLE) == doing.journal.run:
            return execution
    return None


def judge(doing: Doing, name: str, execution: JobExecution | None) -> str:
    """The phrase for the journal, or the error that ends the plan."""
    if execution is None:
        raise StillRunning(
            f"{doing.text('job')} is still running after {wait_limit(doing):.0f} s ({name}). It was left alone; run this "
            "again: it will be adopted, not started twice."
        )
    if execution.state != "succeeded":
        raise PermanentError(
            f"{doing.text('job')} {execution.state}: {execution.message or 'no reason given'} ({name})."
        )
    return f"succeeded: {name}"
