"""What starts work by itself and what the catalogue calls intake: schedulers, the cluster's CronJobs, the triggers of every
location with their subscriptions, and the pipeline's own daily automation.

What the catalogue does not name is told and left alone. Not among them: starts by hand, the webhook service, and the
pipeline's own calls of the next workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blocks.catalogue import Scheduler, Trigger
from blocks.catalogue_rules import CronJob
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.gke_switches import Work
from blocks.schedulers import SchedulerInfo
from blocks.triggers import TriggerInfo
from tasks.actions.schedulers import ENABLED, PAUSED
from tasks.delivery.listeners import Listener, listener_of
from tasks.delivery.tickets import Ticket, open_tickets
from tasks.pipeline.own_pause import PauseObject, own_pause

IDLE = (PAUSED, "DISABLED")
"""States in which a scheduler starts nothing (Google: "projects.locations.jobs", State)."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One trigger, and whether what it tells of is delivered."""

    listener: Listener
    location: str
    state: Literal["live", "held", "cannot"]
    why: str = ""
    """Who holds it, or why it cannot be held."""
    push_config: dict[str, Any] | None = None
    retention_seconds: int = 0

    @property
    def name(self) -> str:
        """As in `us/source-trigger`."""
        return f"{self.location}/{self.listener.trigger}"


@dataclass(frozen=True, slots=True)
class Starters:
    """Everything that starts work by itself, as it is now."""

    schedulers: tuple[SchedulerInfo, ...]
    cron_jobs: tuple[Work, ...]
    feeds: tuple[Feed, ...]
    own: tuple[PauseObject, ...] = ()
    """The pipeline's own pause: its marker and its state; none when the catalogue knows of no such switch."""
    unknown: tuple[str, ...] = ()
    """What starts work and is not in the catalogue, as in `scheduler x`: it is left alone."""
    upkeep: tuple[str, ...] = ()
    """What the catalogue calls upkeep and no intake: it goes on."""

    def live_schedulers(self) -> tuple[SchedulerInfo, ...]:
        """Those to pause."""
        return tuple(one for one in self.schedulers if one.state == ENABLED)

    def live_cron_jobs(self) -> tuple[Work, ...]:
        """Those to suspend."""
        return tuple(one for one in self.cron_jobs if not one.setting)

    def own_to_set(self) -> tuple[PauseObject, ...]:
        """Where the pipeline's own pause is to be set; nowhere when somebody has set it."""
        return () if any(one.pauses for one in self.own) else self.own

    def live_feeds(self) -> tuple[Feed, ...]:
        """Those to hold."""
        return tuple(one for one in self.feeds if one.state == "live")

    def cannot(self) -> list[str]:
        """What would go on starting work, one sentence each."""
        odd = [one for one in self.schedulers if one.state not in (ENABLED, *IDLE)]
        return [
            *(f"Scheduler {one.name} is {one.state}, and only an enabled one can be paused: mend it." for one in odd),
            *(f"Trigger {one.name} cannot be held: {one.why}." for one in self.feeds if one.state == "cannot"),
            *(
                f"The pipeline's own pause cannot be set: {one.name} is no text, so it could not be put back."
                for one in self.own_to_set()
                if not one.known
            ),
        ]


def look_at_starters(environment: PipelineEnvironment, own: str) -> Starters:
    """What there is now. `own`: the procedure whose holds count as held; what others hold, they give back."""
    catalogue, cluster = environment.catalogue, environment.cluster
    jobs, tickets = environment.schedulers.list(), open_tickets(environment)[0]
    cron_jobs = cluster.switches.list("CronJob") if cluster.enabled else ()
    triggers = [one for one in environment.triggers.list() if starts_work(environment, one)]
    known: dict[str, Mapping[str, Scheduler | CronJob | Trigger]] = {
        "scheduler": catalogue.schedulers,
        "CronJob": catalogue.cron_jobs,
        "trigger": catalogue.triggers,
    }
    live = [
        *(("scheduler", one.name, one.name) for one in jobs if one.state not in IDLE),
        *(("CronJob", one.name, one.name) for one in cron_jobs if not one.setting),
        *(("trigger", one.name, f"{one.location}/{one.name}") for one in triggers),
    ]
    return Starters(
        schedulers=tuple(one for one in jobs if is_intake(catalogue.schedulers.get(one.name))),
        cron_jobs=tuple(one for one in cron_jobs if is_intake(catalogue.cron_jobs.get(one.name))),
        feeds=tuple(
            feed_of(environment, one, tickets, own) for one in triggers if is_intake(catalogue.triggers.get(one.name))
        ),
        own=own_pause(environment),
        unknown=tuple(f"{kind} {shown}" for kind, name, shown in live if name not in known[kind]),
        upkeep=tuple(
            f"{kind} {shown}" for kind, name, shown in live if name in known[kind] and not is_intake(known[kind][name])
        ),
    )


def is_intake(known: Scheduler | CronJob | Trigger | None) -> bool:
    """Whether the catalogue names it, and as something that a pause stops."""
    return known is not None and known.intake


def starts_work(environment: PipelineEnvironment, trigger: TriggerInfo) -> bool:
    """Whether it listens to the pipeline's bucket or starts one of its workflows."""
    return trigger.bucket == environment.data_bucket or trigger.workflow in environment.catalogue.workflows


def feed_of(environment: PipelineEnvironment, trigger: TriggerInfo, tickets: list[Ticket], own: str) -> Feed:
    """How a trigger's delivery stands."""
    listener = listener_of(trigger)

    def feed(state: Literal["live", "held", "cannot"], why: str = "") -> Feed:
        return Feed(listener, trigger.location, state, why, config, retention)

    config, retention = None, 0
    if not trigger.workflow or not trigger.bucket:
        return feed(
            "cannot", "it does not start a workflow for objects of a bucket, so nobody could deliver its events"
        )
    if not trigger.subscription:
        return feed("cannot", "it names no subscription")
    try:
        config = environment.delivery.push_config(trigger.subscription)
        retention = environment.delivery.retention_seconds(trigger.subscription) if config is not None else 0
    except OutsideError as error:
        return feed("cannot", str(error).rstrip("."))
    if config is None:
        return feed("cannot", f"{trigger.subscription} does not exist")
    if config:
        return feed("live")
    holder = next((one for one in tickets if any(h.subscription == trigger.subscription for h in one.held)), None)
    if holder is None:
        return feed("held", "no ticket says by whom; resuming leaves it held")
    if holder.procedure != own:
        return feed("cannot", f"{holder.sentence()}, who gives it back: wait for that")
    return feed("held", f"run {holder.run}")
