"""What is being mended: runs that have begun and not ended, and who holds a lease."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from tasks.overview.state import Item, State, Unknown
from tasks.remediation.context import Context
from tasks.remediation.lease import ROOT as LEASES
from tasks.remediation.lease import LeaseDamaged, has_ended, read_holder
from tasks.survival.left import Left, what_is_left

MOST_LEASES = 200
"""Leases that are read, each by a request; the rest is counted."""


def ask_runs(context: Context, state: State) -> None:
    """Unfinished runs, and leases of those that have not begun to change anything."""
    part, found = state.parts["mended"], [one for one in what_is_left(context) if one.found.state != "over"]
    part.items += [item_of(one) for one in found]
    known = {one.found.run for one in found}
    part.items += leases(context, known, part.unknown)


def item_of(one: Left) -> Item:
    """One unfinished run."""
    run, begin = one.found, one.found.journal.begin if one.found.journal is not None else None
    whose = run.holder.owner if run.holder is not None else begin.actor if begin is not None else ""
    about = f"{run.procedure or 'A run'} of {run.subject or 'an unknown subject'} (run {run.run})"
    commands = {
        "left": "remediate unfinished --continue",
        "damaged": f"remediate journal verify {quote(run.subject)} {quote(run.run)}"
        if run.subject
        else "remediate unfinished",
    }
    return Item(
        what=f"{about}: {one.told}",
        since=run.since,
        whose=whose,
        next=commands.get(run.state, ""),
        acts=run.state != "at work",
        subjects=(run.subject,) if run.subject else (),
    )


def leases(context: Context, known: set[str], unknown: list[Unknown]) -> Iterator[Item]:
    """Who looks or plans now, and leases that nobody can read. One that has ended binds nobody."""
    storage, bucket = context.environment.storage, context.environment.ops_bucket
    for number, stored in enumerate(storage.list(bucket, LEASES)):
        if number == MOST_LEASES:
            unknown.append(Unknown(f"More than {MOST_LEASES} leases are there; the others were not read."))
            return
        subject = stored.name.removeprefix(LEASES).removesuffix(".json")
        try:
            held = read_holder(storage, bucket, subject)
        except LeaseDamaged as error:
            yield Item(str(error), stored.updated, next=f"gcloud storage cat gs://{bucket}/{quote(stored.name)}")
            continue
        if held is None or has_ended(*held, context.gone) or held[0].run in known:
            continue
        holder = held[0]
        yield Item(
            f"{subject} is being looked at or planned (run {holder.run}).",
            holder.taken_at,
            holder.owner,
            acts=False,
            subjects=(subject,),
        )
