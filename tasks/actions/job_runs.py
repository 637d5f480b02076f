"""The action `run_job`: run or adopt one execution of a Cloud Run job for one scene, and wait for it."""

from __future__ import annotations

from blocks.errors import PermanentError
from blocks.job_execution import JobExecution
from tasks.actions.starting import CLOCK_SKEW, begin, wait_until_ended
from tasks.pipeline.labels import RUN_VARIABLE
from tasks.remediation.kind import Doing, Kind, Params


class RunJob(Params):
    """One execution of a job."""

    job: str
    env: dict[str, str]
    timeout_seconds: float
    stages: tuple[str, ...] = ()
    leading_stage: str = ""


def apply_run(doing: Doing, params: RunJob) -> str:
    """Run the job, or adopt this run's own execution of it, and wait for its end.

    Raises:
        PermanentError: it failed or was cancelled.
        StillRunning: it did not end in time.
        UnknownOutcome: it may have been started, and cannot be found.
    """
    jobs = doing.context.environment.jobs
    env = params.env | {RUN_VARIABLE: doing.journal.run}
    execution = begin(
        doing,
        lambda: jobs.start(params.job, env, timeout_seconds=int(params.timeout_seconds)),
        lambda: adopt(doing, params),
    )
    doing.note(execution=execution.name)
    ended = wait_until_ended(
        doing,
        lambda: jobs.execution(execution.name),
        lambda now: now.state != "running",
        params.timeout_seconds,
    )
    return judge(params, ended)


def look_run(doing: Doing, params: RunJob) -> str | None:
    """Whether this run's execution has already ended well. One that is still running is adopted by `apply_run`."""
    execution = adopt(doing, params)
    if execution is None or execution.state == "running":
        return None
    doing.note(execution=execution.name)
    return judge(params, execution)


def adopt(doing: Doing, params: RunJob) -> JobExecution | None:
    """The execution that carries this run's id."""
    since = doing.journal.begun_at - CLOCK_SKEW
    for execution in doing.context.environment.jobs.executions(params.job, since=since):
        if execution.env.get(RUN_VARIABLE) == doing.journal.run:
            return execution
    return None


def judge(params: RunJob, execution: JobExecution) -> str:
    """The phrase for the journal, or the error that ends the plan."""
    if execution.state != "succeeded":
        raise PermanentError(
            f"{params.job} {execution.state}: {execution.message or 'no reason given'} ({execution.name})."
        )
    return f"succeeded: {execution.name}"


run_job = Kind(name="run_job", params=RunJob, effect="start", apply=apply_run, look=look_run, task="rerun_workflow")
