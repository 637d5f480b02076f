"""Whether everything that a plan sets is as it wanted, asked again; and what that is in words."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.errors import NotFound
from tasks.actions.node_pools import bounds_words, pool_now, set_pool
from tasks.actions.schedulers import scheduler_state, set_scheduler
from tasks.actions.work import not_as_wanted, set_work
from tasks.remediation.plan import Plan
from tasks.remediation.report import counted
from tasks.remediation.run import Run


def as_wanted(run: Run, plan: Plan) -> Iterator[str]:
    """What is not as the plan wanted it, one sentence each. What was left alone, or is gone, is no fault."""
    environment = run.context.environment
    for action in plan.actions:
        if any("found" in note.data for note in run.journal.notes(action.key)):
            continue
        if action.kind == set_work.name:
            if wrong := not_as_wanted(environment, set_work.read(action)):
                yield wrong
        elif action.kind == set_pool.name:
            pool = set_pool.read(action)
            try:
                info = pool_now(environment, pool)
            except NotFound:
                continue
            if (bounds := (info.minimum, info.maximum)) != pool.want:
                yield f"Node pool {pool.name} has {bounds_words(bounds)}, not {bounds_words(pool.want)}."
        elif action.kind == set_scheduler.name:
            scheduler = set_scheduler.read(action)
            if (state := scheduler_state(environment, scheduler)) not in ("", scheduler.want):
                yield f"Scheduler {scheduler.name} is {state}, not {scheduler.want}."


def done_words(plan: Plan) -> str:
    """`3 things wait, 1 node pool raised`."""
    off = sum(one.kind in (set_work.name, set_scheduler.name) for one in plan.actions)
    pools = sum(one.kind == set_pool.name for one in plan.actions)
    return f"{counted(off, 'thing')} turned off, {counted(pools, 'node pool')} raised"
