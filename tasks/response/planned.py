"""What the response would do, without doing any of it: nothing is written, not even a record."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.incidents.entries import PHASES, Declared
from tasks.incidents.incident import Incident, read_incident
from tasks.incidents.overdue import overdue
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.remediation.case import Case
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.report import Section, plan_sentence
from tasks.remediation.runner import run
from tasks.response.active import MOST, active_executions, active_sentence
from tasks.response.asked import QUESTIONS
from tasks.response.diagnosis import diagnosis_of
from tasks.response.evidence import is_captured
from tasks.response.in_force import in_force
from tasks.response.mitigation import bullets, causes_of
from tasks.response.wanted import NAME, Wanted


class ShowResponse(Check[Wanted]):
    """Where an incident stands, or would begin, and what each phase that is left would do."""

    name = NAME

    def look(self, context: Context, question: Wanted) -> Findings:
        """Ask everything that each phase would ask. Raises `Refused` for an incident that is not there, or no title."""
        incident = read_incident(context, question.incident) if question.incident else not_yet(context, question)
        left = PHASES[PHASES.index("review" if incident.resolved else incident.phase) :]
        found = Findings(outcome="nothing_to_do" if incident.closed else "planned", summary=stands(incident))
        found.facts = incident
        found.sections.append(Section("", f"**{incident.first.title}** · {stands(incident)}"))
        found.sections.append(
            Section("Left to do", ", ".join(left) if not incident.closed else "nothing: it is closed")
        )
        if incident.closed is None and "diagnose" in left:
            found.sections += early(context, incident, question)
        if question.incident and (late := overdue(incident, datetime.now(UTC))):
            found.notes.append(late)
        if question.incident:
            found.sections.append(Section("Still in force", bullets(in_force(context, incident) or ["nothing"])))
        return found


def not_yet(context: Context, wanted: Wanted) -> Incident:
    """The incident that would be declared; it has no record."""
    return Incident(
        Case(context.environment.storage, context.environment.ops_bucket, "", "", context.actor), wanted.declaration()
    )


def stands(incident: Incident) -> str:
    """Where it is, in one phrase."""
    first: Declared = incident.first
    what = f"{first.severity}, {first.area}, scope: {first.scope.words()}"
    return (
        f"would be declared ({what})"
        if not incident.id
        else f"{incident.id} is {incident.status}, at {incident.phase} ({what})"
    )


def early(context: Context, incident: Incident, wanted: Wanted) -> list[Section]:
    """What stabilising and diagnosing would do."""
    running, unknown = active_executions(context.environment)
    kinds = bullets([f"{one.name}: {one.what}" for one in QUESTIONS])
    kept = "It is there already." if incident.id and is_captured(context, incident) else kinds
    incident.diagnosis, _ = diagnosis_of(context, incident)
    return [
        Section("Pause of intake", pause_words(context, incident, wanted)),
        Section("Running now", active_sentence(running, unknown), tuple(one.row() for one in running[:MOST])),
        Section("Evidence that would be kept", kept),
        Section("Causes and remedies", bullets(causes_of(incident))),
    ]


def pause_words(context: Context, incident: Incident, wanted: Wanted) -> str:
    """The plan of the pause, or that none is wanted."""
    if not wanted.pauses(incident.first.severity):
        return "None: it is not wanted (pause `yes` wants it; by itself only sev1 and sev2 do)."
    planned = run(PauseIntake(), context, PauseRequest(mode="plan", reason=incident.first.title, case=incident.id))
    return " ".join([planned.sentence(), plan_sentence(planned.plan) if planned.plan is not None else ""]).strip()
