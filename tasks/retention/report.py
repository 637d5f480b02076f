"""What the retention watch says: in sentences for a person, and as data."""

from __future__ import annotations

from typing import Any

from tasks.remediation.report import Section, counted
from tasks.remediation.table import Cell
from tasks.retention.looking import Look
from tasks.retention.risk import Leaving

SHOWN = 20
"""Scenes in a table; the records have them all."""
BACK = "remediate restore scene {scene} --apply --reason 'kept for an incident'"


def sentence(look: Look | None, leaving: list[Leaving]) -> str:
    """All in one line."""
    if look is None:
        first = "What was removed is not known"
    else:
        objects = counted(sum(look.removed.values()), "object")
        first = f"{objects} of {counted(len(look.removed), 'scene')} recorded as removed since {look.since:%Y-%m-%d %H:%M} UTC"
    return f"{first}; {counted(len(leaving), 'scene')} that somebody needs will lose objects within a week."


def problem(one: Leaving) -> str:
    """What is lost unless somebody acts, and the commands that keep it."""
    back = BACK.format(scene=one.scene)
    return (
        f"{counted(one.objects, 'object')} of {one.scene} may be removed by the pipeline's own retention from "
        f"{one.first_at:%Y-%m-%d} on, as {one.example}, although {one.why}, and no night has a copy of them all. Keep one now: "
        f"`remediate backup --apply`. When they are gone, `{back}` brings them back, and they are kept as long again."
    )


def uncertain(one: Leaving) -> str:
    """What will go, while nobody can say whether a copy is there."""
    return (
        f"Unknown: {counted(one.objects, 'object')} of {one.scene} may be removed by the pipeline's own retention from "
        f"{one.first_at:%Y-%m-%d} on, as {one.example}, although {one.why}, and nobody can say whether a night has a copy. Run "
        "this again; to be safe, keep one now: `remediate backup --apply`."
    )


def copied(one: Leaving) -> str:
    """What will go, and where its copy is."""
    back = BACK.format(scene=one.scene)
    return (
        f"{counted(one.objects, 'object')} of {one.scene} may be removed from {one.first_at:%Y-%m-%d} on ({one.why}). Night "
        f"{one.kept_in} has a copy of them all: `{back}` brings them back."
    )


def notes(look: Look | None, leaving: list[Leaving]) -> list[str]:
    """What is worth knowing and asks nobody to act."""
    said = [copied(one) for one in leaving if one.kept_in]
    if look is None:
        return said
    if look.gap:
        hours = look.gap.total_seconds() / 3600
        said.append(
            f"{hours:,.0f} hours before {look.since:%Y-%m-%d} were read by nobody, and their log is gone: what was removed then is "
            "told by its age alone."
        )
    if look.tally.failed:
        said.append(
            f"{counted(look.tally.failed, 'object')} could not be removed; see the log of the clean-up job for why."
        )
    if look.tally.unread:
        said.append(f"{counted(look.tally.unread, 'line')} of the log name no object of a scene, and were passed over.")
    if look.tally.elsewhere:
        said.append(
            f"{counted(look.tally.elsewhere, 'line')} of the log are about another bucket, and were passed over."
        )
    if look.tally.unsure:
        said.append(
            f"{counted(look.tally.unsure, 'object')} were removed by runs of which nobody can say any more which bucket they "
            "cleaned; they count as removed from this one."
        )
    if look.tally.dry:
        said.append(f"{counted(look.tally.dry, 'object')} were only named by a dry run of the clean-up.")
    if not look.tally.runs:
        said.append(f"No run of the clean-up has ended since {look.since:%Y-%m-%d %H:%M} UTC.")
    return said


def sections(look: Look | None, leaving: list[Leaving]) -> list[Section]:
    """The tables of the report."""
    found = []
    if leaving:
        rows: tuple[dict[str, Cell], ...] = tuple(
            {
                "scene": one.scene,
                "objects": one.objects,
                "from": f"{one.first_at:%Y-%m-%d}",
                "needed, because": one.why,
                "copy": "unknown" if one.kept_in is None else one.kept_in or "none",
            }
            for one in leaving
        )
        found.append(Section("Removed within a week, though needed", rows=rows))
    if look is not None and look.removed:
        most = sorted(look.removed.items(), key=lambda one: (-one[1], one[0]))
        rest = f"{len(most) - SHOWN} more scenes are not shown." if len(most) > SHOWN else ""
        counts: tuple[dict[str, Cell], ...] = tuple({"scene": scene, "objects": count} for scene, count in most[:SHOWN])
        found.append(Section("Removed since the last look", rest, counts))
    return found


def as_data(look: Look | None, leaving: list[Leaving], unknown: list[str]) -> dict[str, Any]:
    """The same as data, with keys that stay."""
    return {
        "look": None
        if look is None
        else {
            "since": look.since.isoformat(),
            "until": look.until.isoformat(),
            "runs": look.tally.runs,
            "failed": look.tally.failed,
            "unread": look.tally.unread,
            "elsewhere": look.tally.elsewhere,
            "unsure": look.tally.unsure,
            "removed": look.removed,
        },
        "leaving": [
            {
                "scene": one.scene,
                "objects": one.objects,
                "example": one.example,
                "from": one.first_at.isoformat(),
                "why": one.why,
                "copy": one.kept_in,
            }
            for one in leaving
        ],
        "unknown": unknown,
    }
