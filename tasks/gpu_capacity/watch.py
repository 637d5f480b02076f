"""The watch over reliefs: are GPUs there again, what must be given back, what is still owed, and what takes too long?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from tasks.gpu_capacity.classes import Finding
from tasks.gpu_capacity.classify import classify
from tasks.gpu_capacity.debt import read_debt
from tasks.gpu_capacity.end_relief import nothing_left
from tasks.gpu_capacity.facts import GpuFacts
from tasks.gpu_capacity.left import END_RELIEF, SUBJECT, Relief, capacity_proved, reliefs
from tasks.gpu_capacity.look import look_at_gpus
from tasks.gpu_capacity.procedure import STAYS, STEPS
from tasks.gpu_capacity.relief import is_stuck_for_critical, rules_of
from tasks.gpu_capacity.report import sections, summary
from tasks.gpu_capacity.steps import steps_for_a_person
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.debt import Debt
from tasks.remediation.journal import read_journal
from tasks.remediation.outcome import Outcome, worst
from tasks.remediation.report import counted, listed
from tasks.remediation.runs import UNFINISHED

State = Literal["unended", "stays", "waits", "late", "back", "owes", "owes_waits"]
"""`back`: it can be given back. `owes`: it was given back, and scenes are to be made again. The others only wait."""
WORDS: dict[State, Outcome] = {"back": "failed", "owes": "failed", "late": "escalated"}
"""Of those for which somebody must act, what the check ends with."""
SHOWN = 6
"""Things turned off that a sentence names."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A relief that is not over, and where it stands."""

    relief: Relief
    state: State
    sentence: str
    evidence: str = ""
    """What shows that GPUs are there again."""

    @property
    def run(self) -> str:
        """The run that made it."""
        return self.relief.past.run


class GpuWatch(Check[datetime | None]):
    """Which reliefs are not over. `Findings.facts` are their `Standing`s, the newest first. It is asked the moment."""

    name = "gpu-watch"

    def look(self, context: Context, question: datetime | None) -> Findings:
        """Look at the GPUs, if there is anything to give back."""
        at = question or datetime.now(UTC)
        open_ = list(open_reliefs(context))
        if not open_:
            return Findings(summary="no work waits for GPUs by our doing", facts=[])
        facts = look_at_gpus(context.environment, question)
        found = classify(facts)
        standings = [stands(context, *one, facts, found, at) for one in open_]
        act = [one for one in standings if one.state in WORDS]
        return Findings(
            outcome=worst([WORDS[one.state] for one in act] + ["partial"] * bool(facts.unseen)),
            reasons=[*(one.sentence for one in act), *facts.unseen],
            notes=[one.sentence for one in standings if one.state not in WORDS],
            summary=f"{counted(len(standings), 'relief')} not over; {summary(facts, found)}",
            sections=list(sections(facts, found)),
            facts=standings,
        )


def open_reliefs(context: Context) -> Iterator[tuple[Relief, Debt]]:
    """Those in force, or given back by the watch and not settled. What a person has undone is his to follow up.

    One of which nothing is in force any more was given back, too: a watch that was killed after it had brought everything
    back has written no end.
    """
    for one in reliefs(context):
        if one.undone_by not in ("", END_RELIEF) or (debt := read_debt(context, one.past.run)).settled:
            continue
        back = not one.undone_by and not debt.known and nothing_left(context, one.past)
        yield (replace(one, undone_by=END_RELIEF) if back else one), debt


def stands(
    context: Context, one: Relief, debt: Debt, facts: GpuFacts, found: tuple[Finding, ...], at: datetime
) -> Standing:
    """Where one relief stands."""
    run = one.past.run
    if one.undone_by or debt.known:
        owed = f"Run {run} was given back; {counted(len(debt.left), 'scene')} that failed for want of GPUs are owed"
        if facts.unseen or is_stuck_for_critical(facts, found, rules_of(context.environment)):
            return Standing(one, "owes_waits", f"{owed}, and wait until GPUs are seen again.")
        return Standing(one, "owes", f"{owed}: gpu-watch makes them again.")
    if one.past.outcome == UNFINISHED:
        return Standing(one, "unended", f"Run {run} has not ended: continue-runs carries it on.")
    since = f"since {one.past.begun_at:%Y-%m-%d %H:%M} UTC ({one.past.details.get('reason') or 'no reason was given'})"
    back = f"remediate undo {SUBJECT} {run} --apply"
    if one.past.details.get(STAYS) is True:
        return Standing(
            one, "stays", f"Run {run} lets work wait {since} and shall stay until a person ends it: {back}."
        )
    proof = "its undo was begun" if one.half_undone else capacity_proved(facts, found, one.past.begun_at)
    if proof:
        return Standing(
            one, "back", f"Run {run} lets work wait {since}, and GPUs are there again ({proof}): {back}.", proof
        )
    hours = context.policy().gpu_relief_hours
    if at - one.past.begun_at < timedelta(hours=hours):
        return Standing(one, "waits", f"Run {run} lets work wait {since}; no GPUs were seen yet.")
    steps = " ".join(drafted(one, facts, found))
    sentence = (
        f"Run {run} lets {listed(turned_off(context, run), SHOWN)} wait {since}, and in {hours:g} h no GPUs were seen. "
        f"{steps} Whether there are any shows when one scene is recovered by hand; then {back}."
    )
    return Standing(one, "late", sentence)


def turned_off(context: Context, run: str) -> list[str]:
    """What a relief's plan has turned off or raised."""
    environment = context.environment
    journal = read_journal(environment.storage, environment.ops_bucket, SUBJECT, run, context.actor)
    return [action.target for action in journal.plan().actions]


def drafted(one: Relief, facts: GpuFacts, found: tuple[Finding, ...]) -> Iterator[str]:
    """What only a person can do, as the request for quota: of the shortage as it is now, else as it was then."""
    former = one.past.details.get(STEPS)
    yield from steps_for_a_person(facts, found) or (map(str, former) if isinstance(former, list) else ())
