"""What is held, paused or stopped on purpose, until when, and how it is given back."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from blocks.errors import NotFound
from tasks.delivery.pauses import OpenPause, open_pauses
from tasks.delivery.tickets import Ticket, open_tickets
from tasks.delivery.watch import why_forgotten
from tasks.intake.watch import alarms, time_left
from tasks.overview.state import Item, State, capital
from tasks.pipeline.own_pause import own_pause, paused_by_others
from tasks.remediation.context import Context
from tasks.validation.stages.guards import bucket_guards, judge

GIVE_BACK = "prefect deployment run hold-watch/hold-watch -p mode=apply"
STOP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC ([^:]+): (.*)", re.DOTALL)
"""How an entry of the kill switch begins (`tasks.remediation.switch`)."""


def ask_switch(context: Context, state: State) -> None:
    """The kill switch and the change window, as every run reads them."""
    policy, part = context.policy(fresh=True), state.parts["held"]
    for number, entry in enumerate(policy.kill_switch, 1):
        found = STOP.fullmatch(entry)
        which = f"{number} " if len(policy.kill_switch) > 1 else ""
        part.items.append(
            Item(
                what=f"The kill switch stops every change: {found[3] if found else entry}",
                since=datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC) if found else None,
                whose=found[2] if found else "",
                next=f"remediate kill-switch off {which}--reason WHY",
            )
        )
    if not policy.open_at(state.at):
        window = f"{policy.window_days} {policy.window_start}-{policy.window_end} {policy.window_timezone}"
        part.items.append(Item(f"No change begins now: the change window is {window}.", acts=False))


def ask_holds(context: Context, state: State) -> None:
    """Deliveries that are held, and pauses of intake; a pause's own hold is not told twice."""
    part, pauses = state.parts["held"], open_pauses(context)
    part.items += [of_pause(context, one, state.at) for one in pauses]
    tickets, damaged = open_tickets(context.environment)
    part.items += [Item(sentence, next=GIVE_BACK) for sentence in damaged]
    told = {one.run for one in pauses}
    part.items += [of_ticket(context, one, state.at) for one in tickets if one.run not in told]


def of_pause(context: Context, one: OpenPause, now: datetime) -> Item:
    """One pause of intake."""
    wrong = list(alarms(context, one, now))
    return Item(
        what=f"{capital(one.sentence())}; {time_left(one, now)}{''.join(f'; {why}' for why in wrong)}.",
        since=one.journal.begun_at,
        whose=one.journal.begin.actor,
        next=f"remediate intake resume {one.run} --apply",
        acts=bool(wrong),
        subjects=("@intake",),
    )


def of_ticket(context: Context, ticket: Ticket, now: datetime) -> Item:
    """One hold of delivery: in order while its run lives, which gives it back."""
    why = why_forgotten(context, ticket, now)
    return Item(
        what=f"{capital(ticket.sentence())}{f', but {why}' if why else ''}.",
        since=ticket.made_at,
        whose=ticket.owner,
        next=GIVE_BACK if why else "",
        acts=bool(why),
    )


def ask_own_pause(context: Context, state: State) -> None:
    """The pipeline's own pause of its automation, and the stops that stand for the whole bucket."""
    environment, part = context.environment, state.parts["held"]
    seen = own_pause(environment)
    if sentence := paused_by_others(seen):
        name = next(one.name for one in seen if one.pauses and not one.run)
        part.items.append(Item(sentence, next=f"gcloud storage cat gs://{environment.data_bucket}/{name}", acts=False))
    for name, guard in bucket_guards(environment.catalogue):
        if name in {one.name for one in seen}:
            continue
        stored = environment.storage.stat(environment.data_bucket, name)
        if stored is None:
            continue
        try:
            stop = judge(guard, name, environment.storage.read(environment.data_bucket, name))
        except NotFound:
            continue
        if stop is not None and stop.active:
            command = f"gcloud storage cat gs://{environment.data_bucket}/{name}"
            part.items.append(Item(stop.sentence, stored.updated, "whoever has put it there", command, acts=False))
