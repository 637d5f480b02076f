"""The words of a page and of an update: what, how bad, since when, who else is told and when, and what to do first.

A text is a function of the record and the policy, so that a plan and what is applied have the same digest. The link by
which it is acknowledged is added when it is sent, and is in no plan and no record.
"""

from __future__ import annotations

from blocks.on_call import OnCall
from tasks.escalation.chain import Notice, due_at
from tasks.escalation.told import Told

MINUTE = "%Y-%m-%d %H:%M UTC"


def title_of(told: Told, notice: Notice) -> str:
    """The subject line."""
    what = "update" if notice.series.kind == "update" else told.first.severity
    return f"[{what}] {told.first.title} ({told.incident})"


def text_of(told: Told, notice: Notice, policy: OnCall) -> str:
    """The text."""
    lines = update_lines(told, notice) if notice.series.kind == "update" else page_lines(told, notice, policy)
    return "\n".join(filter(None, lines))


def page_lines(told: Told, notice: Notice, policy: OnCall) -> list[str]:
    """Of a page."""
    first, number, of = told.first, notice.number, len(notice.series.slots)
    return [
        f"{first.title}: severity {first.severity}, area {first.area}.",
        f"Impacted: {first.scope.words()}.",
        f"{'Reopened' if told.times_opened else 'Declared'} {told.opened_at:{MINUTE}}; "
        f"led by {first.commander or 'nobody yet'}.",
        f"People talk at {first.channel}" if first.channel else "",
        f"You are {notice.series.to}; this is message {number} of {of} to you.",
        following(told, notice, policy),
        f"Say that you have it: remediate escalation ack {told.incident} --by NAME",
        "What to do then: docs/operations/escalation.md",
    ]


def following(told: Told, notice: Notice, policy: OnCall) -> str:
    """Who is told next if nobody takes it."""
    chain = policy.chains.of(told.first.area)
    place = next((at for at, tier in enumerate(chain) if tier.label == notice.series.to), len(chain))
    if place + 1 >= len(chain):
        return "Nobody else is told after you."
    tier = chain[place + 1]
    when = due_at(tier, told.opened_at + tier.times()[0], told.first.severity)
    return f"While nobody has it, {tier.label} is told from {when:{MINUTE}} on."


def update_lines(told: Told, notice: Notice) -> list[str]:
    """Of a status update (handbook: impact, mitigation status, ETA and the next update's time)."""
    said = next(one for number, _, one in told.updates if number == notice.series.update)
    again = f"{said.next_update_at:{MINUTE}}" if said.next_update_at else "not promised"
    return [
        f"{told.first.title}: severity {told.first.severity}, area {told.first.area}.",
        f"Impacted: {told.first.scope.words()}.",
        f"Impact: {said.impact}",
        f"Mitigation: {said.mitigation}",
        f"Expected to be over: {said.eta}",
        f"Next update: {again}",
    ]
