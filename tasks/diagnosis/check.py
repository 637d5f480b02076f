"""The diagnosis as a check: every probe at the same time, then the causes with their evidence and remedies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from blocks.catalogue import SCENE_ID
from blocks.clients import load_libraries
from tasks.diagnosis.judge import causes
from tasks.diagnosis.probe import Found
from tasks.diagnosis.probes import PROBES, symptoms
from tasks.diagnosis.report import sections, summary
from tasks.diagnosis.signs import Cause
from tasks.diagnosis.symptoms import Row
from tasks.diagnosis.world import World
from tasks.pipeline.at_once import at_once
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome, Refused

PROBE_SECONDS = 15.0
"""How long the probes may take, all at the same time; one that takes longer ends as unknown."""
MOST_HOURS = 24.0 * 30
"""How far back a diagnosis may look: Cloud Logging keeps 30 days (Google: "Quotas and limits")."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is diagnosed."""

    scenes: tuple[str, ...] = ()
    """Scenes to look at; none: those that something failed on lately."""
    hours: float = 24.0
    """How far back executions, markers and the log are looked at."""
    seconds: float = PROBE_SECONDS


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that came of it."""

    causes: list[Cause]
    unknown: list[str]
    """What could not be asked, one sentence each."""
    notes: list[str]
    probes: list[Found] = field(default_factory=list)


class Diagnose(Check[Question]):
    """What is wrong with the pipeline now. `Findings.facts` is the list of causes, the heaviest first."""

    name = "diagnose"

    def look(self, context: Context, question: Question) -> Findings:
        """Look at everything at the same time. Raises Refused for a question that cannot be answered."""
        found = diagnose(context, question)
        return Findings(
            outcome=word_of(found),
            reasons=[f"{one.row}: {one.sentence} {one.remedy}." for one in found.causes]
            + [f"Unknown: {one}" for one in found.unknown],
            notes=found.notes,
            summary=summary(found.causes, found.unknown),
            sections=sections(found.causes, found.unknown),
            facts=found.causes,
        )


def diagnose(context: Context, question: Question) -> Diagnosis:
    """The causes, and what is unknown."""
    _check(question)
    rows = symptoms()
    world = World(context.environment, question.hours, question.scenes)
    load_libraries()  # before the threads, which would do it in each other's way
    try:
        probes = ask(world, rows, question.seconds)
    finally:
        world.close()
    unknown = [one for found in probes for one in found.unknown]
    notes = [one for found in probes for one in found.notes]
    made = causes(rows, [sign for found in probes for sign in found.signs])
    return Diagnosis(made, list(dict.fromkeys(unknown)), list(dict.fromkeys(notes)), probes)


def look_again(context: Context, question: Question, rows: Collection[str]) -> tuple[set[str], set[str]]:
    """Whether what was found before is still so: only the probes of these rows are asked.

    Returns:
        The keys of every sign of these rows that is seen now, and the rows of which something could not be asked: of
        those it is not known that they are right.
    """
    _check(question)
    wanted = [row for row in symptoms() if row.id in rows]
    world = World(context.environment, question.hours, question.scenes)
    load_libraries()
    try:
        founds = ask(world, wanted, question.seconds)
    finally:
        world.close()
    silent = {one.probe for one in founds if one.unknown}
    return {sign.key for one in founds for sign in one.signs}, {row.id for row in wanted if row.symptom.probe in silent}


def ask(world: World, rows: Sequence[Row], seconds: float) -> list[Found]:
    """What each probe has seen. One that fails, or is not done in `seconds`, is unknown and hides none of the others."""
    wanted = {name: [row for row in rows if row.symptom.probe == name] for name in PROBES}
    founds = [Found(name) for name, asked in wanted.items() if asked]
    ends = at_once([partial(PROBES[one.probe].ask, world, wanted[one.probe], one) for one in founds], seconds)
    seen = []
    for one, end in zip(founds, ends, strict=True):
        # A late one may go on writing into its own, which nobody reads any more.
        copy = Found(one.probe, list(one.signs), list(one.unknown), list(one.notes), end.seconds)
        if end.problem:
            said = end.problem if end.done else f"not answered. {end.problem}"
            copy.unknown.append(f"{one.probe.replace('_', ' ')}: {said}")
        seen.append(copy)
    return seen


def word_of(found: Diagnosis) -> Outcome:
    """`partial` when something could not be asked, else `failed` when something is wrong."""
    return "partial" if found.unknown else "failed" if found.causes else "nothing_to_do"


def _check(question: Question) -> None:
    for scene in question.scenes:
        if not SCENE_ID.fullmatch(scene):
            raise Refused(
                f"{scene!r} is not a scene id: name scenes with letters, digits, '_' or '-', as in 'kitchen_001'."
            )
    if not 0 < question.hours <= MOST_HOURS:
        raise Refused(f"hours is {question.hours:g}: use more than 0 and at most {MOST_HOURS:g}.")
