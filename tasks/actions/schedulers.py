"""The kind `set_scheduler`: a Cloud Scheduler job is paused, or put back to what it was."""

from __future__ import annotations

from typing import Literal

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action

ENABLED, PAUSED = "ENABLED", "PAUSED"


class SetScheduler(Params):
    """Which job, what it shall be, and what it was when that was planned."""

    name: str
    location: str
    want: Literal["ENABLED", "PAUSED"]
    former: str


def scheduler_action(params: SetScheduler, why: str) -> Action:
    """The action that sets one job."""
    return set_scheduler.action(
        params,
        step="set schedulers",
        target=f"{params.location}/{params.name}",
        precondition=f"it is still {params.former}",
        undo=f"it is set back to {params.former}" if params.want == PAUSED else "pause intake again",
        why=why,
    )


def scheduler_state(environment: PipelineEnvironment, params: SetScheduler) -> str:
    """The job's state now; empty when there is none. Raises PermanentError for a job of another region."""
    schedulers = environment.schedulers
    if params.location != schedulers.region:
        raise PermanentError(
            f"Scheduler {params.name} was planned for in {params.location}, and the environment now says "
            f"{schedulers.region}; set the region back, or set the scheduler by hand."
        )
    return next((one.state for one in schedulers.list() if one.name == params.name), "")


def apply_scheduler(doing: Doing, params: SetScheduler) -> str:
    """Pause or resume the job if it is still in the state that was seen.

    A job that somebody else has set as wanted, or has deleted, is noted and left to them: an undo does not touch it.

    Raises:
        PreconditionFailed: it is in a third state.
    """
    now = scheduler_state(doing.context.environment, params)
    if now == params.want or not now:
        doing.note(found=now)
        return f"is {now} already" if now else "is gone: somebody has deleted it"
    if now != params.former:
        raise PreconditionFailed(
            f"Scheduler {params.name} is {now}, not {params.former} as when it was planned to be {params.want}; look at "
            "it, and run this again."
        )
    schedulers = doing.context.environment.schedulers
    change = schedulers.pause if params.want == PAUSED else schedulers.resume
    return change(params.name).state


def look_scheduler(doing: Doing, params: SetScheduler) -> str | None:
    """Whether it is as wanted."""
    return params.want if scheduler_state(doing.context.environment, params) == params.want else None


def inverse_of_set(doing: Doing, params: SetScheduler, _result: str) -> Action | None:
    """What it was, unless it was left to somebody else. Raises NoWayBack for the undo of a resume."""
    if any("found" in note.data for note in doing.journal.notes(doing.action.key)):
        return None
    if params.want != PAUSED or params.former != ENABLED:
        raise NoWayBack(f"Scheduler {params.name} was resumed; to stop it again, pause intake, which writes a ticket.")
    back = SetScheduler(name=params.name, location=params.location, want=ENABLED, former=PAUSED)
    return scheduler_action(back, "it was so before the pause")


set_scheduler = Kind(
    name="set_scheduler",
    params=SetScheduler,
    effect="configure",
    apply=apply_scheduler,
    look=look_scheduler,
    inverse=inverse_of_set,
    task="set_schedulers",
)
