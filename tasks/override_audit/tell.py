"""Who is told of findings: once when they are new, so that what is missing can be given, and once when they are overdue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from blocks.errors import OutsideError, UnknownOutcome
from tasks.override_audit.finding import CODES
from tasks.pipeline.override_findings import Found, Known
from tasks.remediation.context import Context
from tasks.remediation.report import counted

LINES = 20
"""Findings in one message; the page has all."""
TITLES = {
    "asked": "Overrides: {count} new, which somebody must explain or mend",
    "overdue": "Overrides: {count} overdue",
}


def tell(context: Context, known: Known, now: datetime) -> list[str]:
    """Tell the sinks of the on-call policy what nobody was told yet; sentences about what they could not be told.

    A message that no sink took is sent again by the next audit. Two audits at the same moment may both tell.
    """
    policy, notes = context.environment.on_call, list[str]()
    for what, found, sinks in (
        ("asked", known.open(), policy.overrides_to),
        ("overdue", known.open(now), tuple(dict.fromkeys((*policy.overrides_to, *policy.overrides_overdue_to)))),
    ):
        fresh = [one for one in found if (what, one.id) not in known.told]
        if fresh and not sinks:
            return ["Nobody was told of what was found: overrides_to of the on-call block names no sink."]
        if fresh:
            title = TITLES[what].format(count=counted(len(fresh), "finding"))
            problems = list(_problems(context, sinks, title, fresh))
            notes += problems
            if len(problems) < len(sinks):
                known.tell(what, (one.id for one in fresh), now)
    return notes


def _problems(context: Context, sinks: Sequence[str], title: str, found: Sequence[Found]) -> Iterator[str]:
    text = message(found)
    for sink in sinks:
        try:
            context.environment.notifier.send(sink, title, text)
        except UnknownOutcome as error:
            context.say(f"{sink} may have been told: {error}")
        except OutsideError as error:
            yield f"{sink} was not told of {counted(len(found), 'finding')}: {error}"


def message(found: Sequence[Found]) -> str:
    """What people read: what is wrong, what to do, by when, and how to answer."""
    lines = [
        f"- {one.sentence} {CODES[one.code].todo if one.code in CODES else ''} By {one.due:%Y-%m-%d %H:%M} UTC ({one.id})."
        for one in found[:LINES]
    ]
    if len(found) > LINES:
        lines.append(f"- And {len(found) - LINES:,} more.")
    lines.append(
        "All of them: `remediate override audit`. To answer for one: `remediate override answer ID --by NAME --reason WHY`."
    )
    return "\n".join(lines)
