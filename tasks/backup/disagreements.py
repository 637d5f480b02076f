"""The final look at a night: its record, read back, beside what was seen and copied."""

from __future__ import annotations

from tasks.backup.copies import CopyState
from tasks.backup.night import Night
from tasks.snapshots.nights import read_summary


def disagreements(night: Night) -> list[str]:
    """Where summary, parts and what was seen do not agree, one sentence each. Raises `OutsideError`."""
    summary = read_summary(night.environment, night.id)
    if night.summary != summary:
        return [f"Night {night.id}: the summary reads back differently; do not rely on this night."]
    folder = night.layout.night_prefix(night.id)
    there = {entry.name: entry.size for page in night.bulk.pages(night.layout.bucket, folder) for entry in page}
    parts = [part for part in (*summary.parts, summary.definitions, summary.terraform) if part is not None]
    wrong = [f"gs://{night.layout.bucket}/{part.object} is missing." for part in parts if part.object not in there]
    wrong += [
        f"gs://{night.layout.bucket}/{part.object} has {there[part.object]} bytes, not {part.bytes}."
        for part in parts
        if there.get(part.object, part.bytes) != part.bytes
    ]
    asked, gone = night.source.counts.seen, left_out(night)
    if summary.objects != asked - gone:
        wrong.append(f"The manifest names {summary.objects:,} objects; {asked:,} were seen and {gone:,} left out.")
    return wrong


def left_out(night: Night) -> int:
    """Objects that were to be copied and are not in the manifest."""
    became = night.copies().became
    return sum(states.count(kind) for states in became for kind in (CopyState.GONE, CopyState.UNKNOWN))
