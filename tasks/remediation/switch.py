"""Flipping the kill switch: it stops every change at once, and leaves looking, planning and backups running.

Every entry of the switch says when, who and why. Each flip is kept in a ledger in the ops bucket:

    remediation/switch/<environment>/000001.json

Stopping comes first and is recorded after; lifting a stop is recorded first, so that none is lifted unrecorded.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from blocks.errors import NotFound, OutsideError
from blocks.kill_switch import read_kill_switch, set_kill_switch
from tasks.remediation.context import Context
from tasks.remediation.ledger import Ledger, LedgerDamaged, LedgerTaken
from tasks.remediation.outcome import Refused

ROOT = "remediation/switch/"
ALL = "all"


def stop_changes(context: Context, environment: str, reason: str) -> list[str]:
    """Add an entry, which stops every change within a second (`context.POLICY_SECONDS`).

    Args:
        context: Who stops it, and the ops bucket for the record.
        environment: Name of the Remediation Environment block.
        reason: Why, one sentence.

    Returns:
        Every entry that now stops changes, and a last one when the flip could not be recorded.

    Raises:
        Refused: no reason was given.
        NotFound, PermanentError: the block is not there, or somebody else changed it; look at it.
    """
    if not reason.strip():
        raise Refused("Say why everything is to be stopped (reason): whoever finds it stopped at night must know.")
    entry = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC {context.actor}: {' '.join(reason.split())}"
    entries = [*read_kill_switch(environment), entry]
    set_kill_switch(environment, entries)
    try:
        record(context, environment, "on", reason, [entry])
    except (OutsideError, LedgerDamaged, LedgerTaken) as error:
        return [*entries, f"(The stop holds; it could not be recorded in the ops bucket: {error})"]
    return entries


def lift_stop(context: Context, environment: str, reason: str, which: str = "") -> list[str]:
    """Remove one entry, or all of them. Returns what still stops changes.

    `which`: the entry's number from 1, or "all"; may be left out where there is only one, so that nobody lifts another
    person's stop unseen. Raises `Refused` when it is unclear, and whatever keeps it from being recorded.
    """
    entries = read_kill_switch(environment)
    if not entries:
        raise Refused("Nothing is stopped: the kill switch is off.")
    if not reason.strip():
        raise Refused("Say why changes may be made again (reason); it is recorded.")
    lifted = chosen(entries, which)
    record(context, environment, "off", reason, lifted)
    left = [entry for entry in entries if entry not in lifted]
    set_kill_switch(environment, left)
    return left


def chosen(entries: list[str], which: str) -> list[str]:
    """The entries that are meant. Raises `Refused` with all of them, numbered, when that is not clear."""
    if which == ALL or (not which and len(entries) == 1):
        return entries
    if which.isdecimal() and 1 <= int(which) <= len(entries):
        return [entries[int(which) - 1]]
    listed = " ".join(f"{number}. {entry}" for number, entry in enumerate(entries, start=1))
    raise Refused(f"Say which stop is to be lifted (which: 1 to {len(entries)}, or {ALL}): {listed}")


def record(context: Context, environment: str, turn: str, reason: str, entries: list[str]) -> None:
    """Add the flip to the ledger. Raises OutsideError, LedgerDamaged, LedgerTaken."""
    ledger = ledger_of(context, environment)
    with suppress(NotFound):  # the first flip
        ledger.read()
    ledger.append(turn, {"reason": reason, "entries": list(entries)})


def ledger_of(context: Context, environment: str) -> Ledger:
    """Every flip of an installation's switch."""
    where = context.environment
    return Ledger(where.storage, where.ops_bucket, f"{ROOT}{environment}/", environment, context.actor)
