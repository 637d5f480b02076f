"""What a pause would do, and what it cannot: a function of what was seen."""

from __future__ import annotations

from blocks.schedulers import SchedulerInfo
from tasks.actions.schedulers import PAUSED, SetScheduler, scheduler_action
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery
from tasks.intake.pauses import PAUSE, SUBJECT
from tasks.intake.starters import Feed, Starters
from tasks.intake.verify import hold_params, scheduler_params
from tasks.remediation.plan import Action, Plan
from tasks.remediation.report import counted

CHOICE = "Mend that, or pause the rest with without_hold."


def plan_pause(facts: Starters, location: str, reason: str, *, without_hold: bool) -> Plan:
    """Pause every enabled scheduler, hold every trigger that pushes; a person decides about what can be neither."""
    live, cannot = facts.live_feeds(), facts.cannot()
    return Plan(
        procedure=PAUSE,
        subject=SUBJECT,
        actions=(*(pause(one, location) for one in facts.live_schedulers()), *([hold(live)] if live else [])),
        escalations=() if without_hold else tuple(f"{one} {CHOICE}" for one in cannot),
        risk="medium",
        details={"reason": reason, "left": list(cannot)},
    )


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
    """`2 schedulers and 8 triggers`."""
    triggers = sum(len(one.listeners) for one in hold_params(plan))
    return f"{counted(len(scheduler_params(plan)), 'scheduler')} and {counted(triggers, 'trigger')}"
