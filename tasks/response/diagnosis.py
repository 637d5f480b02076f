"""What an incident's causes are: the diagnosis of its scope, as the record keeps it."""

from __future__ import annotations

import re

from blocks.catalogue import SCENE_ID
from tasks.diagnosis.check import Diagnosis, Question, diagnose
from tasks.diagnosis.scope import MOST_SCENES
from tasks.diagnosis.signs import Cause
from tasks.incidents.entries import Diagnosed
from tasks.incidents.fault_entries import Fault
from tasks.incidents.incident import Incident
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import counted, listed

OBJECT = re.compile(r"gs://[^/ ]+/[^ #]+#[0-9]+")
"""How a piece of evidence names an object."""
MOST_CAUSES = 20
"""Causes that are recorded."""
EVIDENCE = 3
"""Pieces of evidence that are recorded with each; `remediate diagnose` shows all."""


def diagnosis_of(context: Context, incident: Incident) -> tuple[Diagnosed, list[Fault]]:
    """The likely causes, each with evidence and remedy, and what could not be asked; and each recorded cause as a fault.

    Read-only; never raises for what is outside.
    """
    scenes, unknown = asked_about(incident.first.scope.scenes)
    try:
        found = diagnose(context, Question(scenes=scenes))
    except Exception as error:
        return Diagnosed(unknown=(*unknown, f"The diagnosis could not be made: {outcome_of(error)[1]}")), []
    unknown += found.unknown
    if len(found.causes) > MOST_CAUSES:
        unknown.append(
            f"Only the first {MOST_CAUSES} of {len(found.causes)} causes are here: `remediate diagnose` shows the rest."
        )
    shown = found.causes[:MOST_CAUSES]
    said = Diagnosed(causes=tuple(map(recorded, shown)), unknown=tuple(unknown))
    return said, [fault_of(cause, found) for cause in shown]


def fault_of(cause: Cause, found: Diagnosis) -> Fault:
    """A cause as the record knows it again. Only what was seen of itself tells when it began, not what comes of it."""
    mine = [
        one for probe in found.probes for one in probe.signs if (one.row, one.subject) == (cause.row, cause.subject)
    ]
    scenes = {tag.partition(":")[2] for one in mine for tag in one.tags if tag.startswith("scene:")}
    named = next((match for one in cause.evidence if (match := OBJECT.match(one))), None)
    return Fault(
        row=cause.row,
        subject=cause.subject,
        scenes=tuple(sorted(scenes)),
        object=named.group() if named else "",
        began_at=min((one.since for one in mine if one.since), default=None),
    )


def asked_about(scope: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The scenes that are looked at, none for those that failed lately; and what of the scope is not."""
    odd = [one for one in scope if not SCENE_ID.fullmatch(one)]
    scenes = tuple(one for one in scope if SCENE_ID.fullmatch(one))
    unknown = [f"{listed(odd)}: no scene can have such an id; correct the scope."] if odd else []
    if len(scenes) > MOST_SCENES:
        unknown.append(f"{counted(len(scenes), 'scene')} are in the scope; the first {MOST_SCENES} were looked at.")
    return scenes[:MOST_SCENES], unknown


def recorded(cause: Cause) -> str:
    """One cause in one line."""
    seen = "; ".join(cause.evidence[:EVIDENCE])
    return " ".join(part for part in (cause.sentence, seen and f"Evidence: {seen}.", f"Remedy: {cause.remedy}") if part)
