"""Asking the services whether what was paused is paused, and what was resumed runs."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.environment import PipelineEnvironment
from tasks.actions.schedulers import SetScheduler, scheduler_state, set_scheduler
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery
from tasks.delivery.tickets import Ticket
from tasks.remediation.plan import Plan


def scheduler_params(plan: Plan) -> list[SetScheduler]:
    """What the plan sets schedulers to."""
    return [set_scheduler.read(one) for one in plan.actions if one.kind == set_scheduler.name]


def hold_params(plan: Plan) -> list[HoldDelivery]:
    """What the plan holds."""
    return [hold_delivery.read(one) for one in plan.actions if one.kind == hold_delivery.name]


def schedulers_not_as_wanted(environment: PipelineEnvironment, plan: Plan) -> Iterator[str]:
    """Schedulers that are not what the plan wanted, one sentence each. One that is gone starts nothing."""
    for params in scheduler_params(plan):
        now = scheduler_state(environment, params)
        if now not in ("", params.want):
            yield f"Scheduler {params.name} is {now}, not {params.want}."


def still_live(environment: PipelineEnvironment, plan: Plan) -> Iterator[str]:
    """What a pause's plan was to stop and what starts work all the same, one sentence each."""
    yield from schedulers_not_as_wanted(environment, plan)
    for one in (one for params in hold_params(plan) for one in params.listeners):
        if environment.delivery.push_config(one.subscription):
            yield f"Trigger {one.trigger} delivers: {one.subscription} pushes."


def not_pushing(environment: PipelineEnvironment, ticket: Ticket) -> Iterator[str]:
    """Triggers of a ticket that are still held, one sentence each. One whose subscription is gone delivers nothing."""
    for one in ticket.held:
        if environment.delivery.push_config(one.subscription) == {}:
            yield f"Trigger {one.trigger} is still held: {one.subscription} pushes nowhere."
