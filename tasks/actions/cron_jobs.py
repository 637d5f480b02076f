"""The kind `set_cron_job`: a CronJob of the cluster is suspended, or put back to what its `spec.suspend` was."""

from __future__ import annotations

from blocks.errors import PreconditionFailed
from blocks.gke_cron_jobs import CronJobInfo
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action

TRIES = 5
"""How often a change is made again because the controller has just started a Job, which changes the resourceVersion."""


class SetCronJob(Params):
    """Which CronJob, and what its `spec.suspend` shall be; it was the other when that was planned."""

    name: str
    uid: str
    suspend: bool


def cron_job_action(params: SetCronJob, namespace: str, why: str) -> Action:
    """The action that sets one CronJob."""
    was = str(not params.suspend).lower()
    return set_cron_job.action(
        params,
        step="set cron jobs",
        target=f"{namespace}/{params.name}",
        precondition=f"it is the same one and its spec.suspend is {was}; its resourceVersion when it is changed",
        undo=f"spec.suspend is set back to {was}" if params.suspend else "pause intake again",
        why=why,
    )


def apply_cron_job(doing: Doing, params: SetCronJob) -> str:
    """Set `spec.suspend` if nobody else has.

    One that somebody else has set so, has deleted, or has made again, is noted and left to them: an undo does not touch it.

    Raises:
        PreconditionFailed: it was changed each time it was looked at.
    """
    cron_jobs, word = doing.context.environment.cluster.cron_jobs, "suspended" if params.suspend else "resumed"
    for number in range(TRIES):
        seen = cron_jobs.get(params.name)
        if left := left_alone(seen, params):
            doing.note(found=left)
            return left
        assert seen is not None
        try:
            cron_jobs.set_suspended(seen, params.suspend)
        except PreconditionFailed:
            if number == TRIES - 1:
                raise
            continue
        break
    return word


def left_alone(seen: CronJobInfo | None, params: SetCronJob) -> str:
    """Why it is somebody else's now; empty when it is as it was planned."""
    if seen is None:
        return "is gone: somebody has deleted it"
    if seen.uid != params.uid:
        return "is another one of that name, which was made meanwhile"
    return f"has spec.suspend {str(params.suspend).lower()} already" if seen.suspended == params.suspend else ""


def look_cron_job(doing: Doing, params: SetCronJob) -> str | None:
    """Whether it is as wanted."""
    seen = doing.context.environment.cluster.cron_jobs.get(params.name)
    if seen is None or (seen.uid, seen.suspended) != (params.uid, params.suspend):
        return None
    return "suspended" if params.suspend else "resumed"


def inverse_of_cron_job(doing: Doing, params: SetCronJob, _result: str) -> Action | None:
    """What it was, unless it was left to somebody else. Raises NoWayBack for the undo of a resume."""
    if any("found" in note.data for note in doing.journal.notes(doing.action.key)):
        return None
    if not params.suspend:
        raise NoWayBack(f"CronJob {params.name} was resumed; to stop it again, pause intake.")
    namespace = doing.action.target.partition("/")[0]
    return cron_job_action(params.model_copy(update={"suspend": False}), namespace, "it was so before the pause")


set_cron_job = Kind(
    name="set_cron_job",
    params=SetCronJob,
    effect="configure",
    apply=apply_cron_job,
    look=look_cron_job,
    inverse=inverse_of_cron_job,
    task="set_cron_jobs",
)
