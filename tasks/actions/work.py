"""The kind `set_work`: a Job or CronJob is suspended or resumed, a Deployment scaled, in the cluster. Nothing is deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import model_validator

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed
from blocks.gke_switches import Work, WorkKind, shown
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, Plan


class SetWork(Params):
    """Which object, what it shall be, and what it was when that was planned."""

    kind: WorkKind
    name: str
    uid: str
    """Of the object that was seen: another one of that name is left alone."""
    want: int
    """Replicas of a Deployment; of the others 1 for suspended, 0 for not."""
    former: int
    interrupt: bool = False
    """Suspend a Job although a pod of it runs: its work so far is lost."""

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_versions(cls, said: dict[str, Any]) -> dict[str, Any]:
        """What `set_cron_job` had: a name, a uid, and what `spec.suspend` shall be."""
        if set(said) != {"name", "uid", "suspend"}:
            return said
        want = int(said["suspend"] is True)
        return {"kind": "CronJob", "name": said["name"], "uid": said["uid"], "want": want, "former": 1 - want}


def work_action(params: SetWork, step: str, why: str) -> Action:
    """The action that sets one object."""
    waits = params.kind == "Job" and params.want and not params.interrupt
    return set_work.action(
        params,
        step=step,
        target=f"{params.kind} {params.name}",
        precondition=f"it is still {shown(params.kind, params.former)}" + (", and no pod of it runs" if waits else ""),
        undo=f"it is set back: {shown(params.kind, params.former)}",
        why=why,
    )


def work_now(environment: PipelineEnvironment, params: SetWork) -> Work | None:
    """The very object that was seen; None when it is gone, or another one has its name."""
    found = environment.cluster.switches.get(params.kind, params.name)
    return found if found is not None and found.uid == params.uid else None


def apply_work(doing: Doing, params: SetWork) -> str:
    """Set the object if it is as it was seen.

    What is gone, has ended, is set as wanted already, or runs by now and may not be interrupted, is noted and left alone:
    an undo does not touch it.

    Raises:
        PreconditionFailed: somebody has set it to something else.
    """
    for last in (False, False, True):
        now = work_now(doing.context.environment, params)
        left = left_alone(now, params)
        if left or now is None:
            doing.note(found=left)
            return left
        if now.setting != params.former:
            raise PreconditionFailed(
                f"{params.kind} {params.name} is {shown(params.kind, now.setting)}, not "
                f"{shown(params.kind, params.former)} as when this was planned; look at it, and run this again."
            )
        try:
            doing.context.environment.cluster.switches.set(now, params.want)
        except PreconditionFailed:  # its status has changed in between: look again whether a pod of it runs by now
            if last:
                raise
            continue
        break
    return shown(params.kind, params.want)


def left_alone(now: Work | None, params: SetWork) -> str:
    """Why the object is not touched; empty: it is."""
    if now is None:
        return "is gone"
    if now.ended:
        return "has ended"
    if now.setting == params.want:
        return f"is {shown(params.kind, now.setting)} already"
    if params.kind == "Job" and params.want and now.ready and not params.interrupt:
        return "runs by now, and is left to run"
    return ""


def not_as_wanted(environment: PipelineEnvironment, params: SetWork) -> str:
    """What is not as wanted, one sentence; empty when it is, when it is left alone, and when it is gone."""
    now = work_now(environment, params)
    if now is None or left_alone(now, params):
        return ""
    return f"{params.kind} {params.name} is {shown(params.kind, now.setting)}; it should be {shown(params.kind, params.want)}."


def look_work(doing: Doing, params: SetWork) -> str | None:
    """Whether it is as wanted."""
    now = work_now(doing.context.environment, params)
    return shown(params.kind, now.setting) if now is not None and now.setting == params.want else None


def inverse_of_work(doing: Doing, params: SetWork, _result: str) -> Action | None:
    """What it was, unless it was left alone or is gone.

    Raises:
        NoWayBack: it was brought back, or somebody has set it to something else since.
    """
    if any("found" in note.data for note in doing.journal.notes(doing.action.key)):
        return None
    if (params.want > 0) == (params.kind == "Deployment"):
        raise NoWayBack(
            f"{params.kind} {params.name} was brought back; to stop it again, do again what had stopped it."
        )
    now = work_now(doing.context.environment, params)
    if now is None or now.ended or now.setting == params.former:
        return None
    if now.setting != params.want:
        raise NoWayBack(f"{params.kind} {params.name} is {shown(params.kind, now.setting)}: somebody has set it since.")
    back = SetWork(kind=params.kind, name=params.name, uid=params.uid, want=params.former, former=params.want)
    return work_action(
        back, "bring work back", f"it was {shown(params.kind, params.former)} before run {doing.journal.run}"
    )


set_work = Kind(
    name="set_work",
    params=SetWork,
    effect="configure",
    apply=apply_work,
    look=look_work,
    inverse=inverse_of_work,
    task="set_work",
)
set_cron_job = replace(set_work, name="set_cron_job")
"""What earlier versions wrote of CronJobs: their pauses are carried on, and resumed."""


def work_params(plan: Plan) -> list[SetWork]:
    """What the plan sets work to."""
    kinds = (set_work.name, set_cron_job.name)
    return [set_work.read(one) for one in plan.actions if one.kind in kinds]
