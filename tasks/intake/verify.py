"""Asking the services whether what was paused is paused, and what was resumed runs."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.environment import PipelineEnvironment
from tasks.actions.own_pause import SetOwnPause, set_own_pause
from tasks.actions.schedulers import SetScheduler, scheduler_state, set_scheduler
from tasks.actions.work import not_as_wanted, work_params
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery
from tasks.delivery.tickets import Ticket
from tasks.pipeline.own_pause import own_pause
from tasks.remediation.plan import Plan


def scheduler_params(plan: Plan) -> list[SetScheduler]:
    """What the plan sets schedulers to."""
    return [set_scheduler.read(one) for one in plan.actions if one.kind == set_scheduler.name]


def hold_params(plan: Plan) -> list[HoldDelivery]:
    """What the plan holds."""
    return [hold_delivery.read(one) for one in plan.actions if one.kind == hold_delivery.name]


def own_pause_params(plan: Plan) -> list[SetOwnPause]:
    """What the plan does to the pipeline's own pause."""
    return [set_own_pause.read(one) for one in plan.actions if one.kind == set_own_pause.name]


def clocks_not_as_wanted(environment: PipelineEnvironment, plan: Plan) -> Iterator[str]:
    """Schedulers and CronJobs that are not what the plan wanted, one sentence each. One that is gone starts nothing."""
    for params in scheduler_params(plan):
        now = scheduler_state(environment, params)
        if now not in ("", params.want):
            yield f"Scheduler {params.name} is {now}, not {params.want}."
    yield from filter(None, (not_as_wanted(environment, work) for work in work_params(plan)))


def still_live(environment: PipelineEnvironment, plan: Plan) -> Iterator[str]:
    """What a pause's plan was to stop and what starts work all the same, one sentence each."""
    yield from clocks_not_as_wanted(environment, plan)
    for one in (one for params in hold_params(plan) for one in params.listeners):
        if environment.delivery.push_config(one.subscription):
            yield f"Trigger {one.trigger} delivers: {one.subscription} pushes."
    if own_pause_params(plan) and not any(one.pauses for one in own_pause(environment)):
        yield "The pipeline's own daily automation is not paused any more: somebody, or a run that succeeded, has lifted it."


def not_pushing(environment: PipelineEnvironment, ticket: Ticket) -> Iterator[str]:
    """Triggers of a ticket that are still held, one sentence each. One whose subscription is gone delivers nothing."""
    for one in ticket.held:
        if environment.delivery.push_config(one.subscription) == {}:
            yield f"Trigger {one.trigger} is still held: {one.subscription} pushes nowhere."


def still_set(environment: PipelineEnvironment, undone: str) -> Iterator[str]:
    """Objects of the pipeline's own pause that are still those of the pause that was undone, one sentence each."""
    for one in own_pause(environment):
        if one.pauses and one.run == undone:
            yield f"The pipeline's own pause is still set: {one.name} is that of run {undone}."
