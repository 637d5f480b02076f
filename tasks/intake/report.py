"""What a person sees of a pause: what is stopped, since when, until when at the latest, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.actions.work import work_params
from tasks.delivery.backlog import Waiting, waiting
from tasks.delivery.tickets import Held, Ticket, open_ticket
from tasks.intake.verify import own_pause_params, scheduler_params
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.table import Cell

NOT_STOPPED = (
    "Not stopped: executions and jobs that run already, starts by hand or by another program, the webhook service, and "
    "workflows that a running workflow calls itself."
)


def paused_sections(run: Run) -> Iterator[Section]:
    """The table of a pause that has begun, and what no pause stops."""
    if run.begun:
        environment = run.context.environment
        ticket = open_ticket(environment, run.id)
        yield Section("Paused", rows=(*clock_rows(run), *(ticket_rows(environment, ticket) if ticket else ())))
        if ticket is not None:
            yield Section("", f"Resume by {ticket.deadline:%Y-%m-%d %H:%M} UTC at the latest, or events are lost.")
    left = run.plan.details.get("left") if run.plan is not None else None
    if isinstance(left, list) and left:
        yield Section("Goes on starting work", "\n".join(f"- {one}" for one in left))
    yield Section("", NOT_STOPPED)


def clock_rows(run: Run) -> Iterator[dict[str, Cell]]:
    """One row for each scheduler, CronJob and object of the pipeline's own pause."""
    plan, cluster, bucket = run.journal.plan(), run.context.environment.cluster, run.context.environment.data_bucket
    found = [
        *((one.name, "scheduler", one.location, one.former) for one in scheduler_params(plan)),
        *((one.name, "CronJob", cluster.namespace, "not suspended") for one in work_params(plan)),
        *(
            (one.name, "own pause", bucket, "absent" if one.former is None else "not paused")
            for one in own_pause_params(plan)
        ),
    ]
    since = f"{run.journal.begun_at:%H:%M} UTC"
    for what, kind, through, was in found:
        yield {"what": what, "kind": kind, "through": through, "was": was, "since": since, "until": "", "waiting": ""}


def ticket_rows(environment: PipelineEnvironment, ticket: Ticket) -> Iterator[dict[str, Cell]]:
    """One row a trigger."""
    for one in ticket.held:
        seen = backlog_of(environment, one)
        yield {
            "what": one.trigger,
            "kind": "trigger",
            "through": one.subscription.rpartition("/")[2],
            "was": "delivering",
            "since": f"{ticket.made_at:%H:%M} UTC",
            "until": f"{ticket.deadline:%Y-%m-%d %H:%M} UTC",
            "waiting": seen if isinstance(seen, str) else words(seen),
        }


def words(seen: Waiting) -> str:
    """`12, oldest 10:31 UTC`."""
    return seen.words + (f", oldest {seen.oldest:%Y-%m-%d %H:%M} UTC" if seen.oldest else "")


def backlog_of(environment: PipelineEnvironment, one: Held) -> Waiting | str:
    """What waits for a trigger, or why nobody can tell."""
    try:
        return waiting(environment, one.subscription)
    except OutsideError as error:
        return f"unknown: {error}"


def resumed_sections(run: Run) -> Iterable[Section]:
    """What became of everything that was paused."""
    if run.done:
        rows = tuple({"what": key.partition(":")[2], "now": result} for key, result in run.done.items())
        yield Section("Resumed", rows=rows)
