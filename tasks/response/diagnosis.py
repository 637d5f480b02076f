"""What an incident's causes are: the diagnosis of its scope, as the record keeps it."""

from __future__ import annotations

from blocks.catalogue import SCENE_ID
from tasks.diagnosis.check import Question, diagnose
from tasks.diagnosis.scope import MOST_SCENES
from tasks.diagnosis.signs import Cause
from tasks.incidents.entries import Diagnosed
from tasks.incidents.incident import Incident
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import counted, listed

MOST_CAUSES = 20
"""Causes that are recorded."""
EVIDENCE = 3
"""Pieces of evidence that are recorded with each; `remediate diagnose` shows all."""


def diagnosis_of(context: Context, incident: Incident) -> Diagnosed:
    """The likely causes, each with evidence and remedy, and what could not be asked. Read-only; never raises for what is
    outside."""
    scenes, unknown = asked_about(incident.first.scope.scenes)
    try:
        found = diagnose(context, Question(scenes=scenes))
    except Exception as error:
        return Diagnosed(unknown=(*unknown, f"The diagnosis could not be made: {outcome_of(error)[1]}"))
    unknown += found.unknown
    if len(found.causes) > MOST_CAUSES:
        unknown.append(
            f"Only the first {MOST_CAUSES} of {len(found.causes)} causes are here: `remediate diagnose` shows the rest."
        )
    return Diagnosed(causes=tuple(map(recorded, found.causes[:MOST_CAUSES])), unknown=tuple(unknown))


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
