"""What a pause would do, and what it cannot: a function of what was seen."""

from __future__ import annotations

from blocks.gke_switches import Work
from blocks.schedulers import SchedulerInfo
from tasks.actions.own_pause import SetOwnPause, own_pause_action
from tasks.actions.schedulers import PAUSED, SetScheduler, scheduler_action
from tasks.actions.work import SetWork, work_action, work_params
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery
from tasks.delivery.pauses import PAUSE, SUBJECT
from tasks.intake.starters import Feed, Starters
from tasks.intake.verify import hold_params, own_pause_params, scheduler_params
from tasks.pipeline.own_pause import PauseObject
from tasks.remediation.plan import Action, Plan
from tasks.remediation.report import counted

CHOICE = "Mend that, or pause the rest with without_hold."


def plan_pause(facts: Starters, region: str, reason: str, *, without_hold: bool) -> Plan:
    """Pause every enabled scheduler (of `region`) and CronJob, hold every trigger that pushes, set the pipeline's own pause.

    Delivery is held before that is set: writing its objects would start what listens to the whole bucket. A person decides
    about what cannot be stopped.
    """
    live, cannot = facts.live_feeds(), facts.cannot()
    return Plan(
        procedure=PAUSE,
        subject=SUBJECT,
        actions=(
            *(pause(one, region) for one in facts.live_schedulers()),
            *map(suspend, facts.live_cron_jobs()),
            *([hold(live)] if live else []),
            *(set_own(one) for one in facts.own_to_set() if one.known),
        ),
        escalations=() if without_hold else tuple(f"{one} {CHOICE}" for one in cannot),
        risk="medium",
        details={
            "reason": reason,
            "left": [*cannot, *(f"{one[:1].upper()}{one[1:]} is not in the catalogue." for one in facts.unknown)],
        },
    )


def suspend(one: Work) -> Action:
    """Suspend one CronJob."""
    params = SetWork(kind="CronJob", name=one.name, uid=one.uid, want=1, former=one.setting)
    return work_action(params, "suspend cron jobs", "it starts a Job by the clock")


def set_own(one: PauseObject) -> Action:
    """Set the pipeline's own pause in one of its objects."""
    params = SetOwnPause(name=one.name, want="paused", former=one.text, generation=one.generation)
    return own_pause_action(params, "the pipeline's daily automation answers PAUSED while it is set")


def pause(one: SchedulerInfo, location: str) -> Action:
    """Pause one scheduler."""
    params = SetScheduler(name=one.name, location=location, want=PAUSED, former=one.state)
    return scheduler_action(params, f"it starts {one.target} by the clock ({one.cron} {one.timezone})")


def hold(live: tuple[Feed, ...]) -> Action:
    """Hold all of them under one ticket."""
    return hold_delivery.action(
        HoldDelivery(listeners=tuple(one.listener for one in live), waits=False, stays=True),
        step="hold delivery",
        target=", ".join(one.name for one in live),
        precondition="it pushes now, and nobody else holds it",
        undo="resume: what waits is delivered one by one, then it pushes as the ticket says it did",
        why="what is written meanwhile waits instead of starting workflows",
    )


def paused_words(plan: Plan) -> str:
    """`2 schedulers, 1 CronJob and 8 triggers`; CronJobs and the pipeline's own automation only where there are some."""
    triggers = sum(len(one.listeners) for one in hold_params(plan))
    cron_jobs = [counted(len(found), "CronJob")] if (found := work_params(plan)) else []
    own = ["the daily automation"] if own_pause_params(plan) else []
    parts = [counted(len(scheduler_params(plan)), "scheduler"), *cron_jobs, counted(triggers, "trigger"), *own]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
