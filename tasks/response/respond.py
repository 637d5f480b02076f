"""Carry an incident on, under its lease, to the next question that nobody is there to answer, or to its review."""

from __future__ import annotations

from tasks.incidents.incident import Incident, declare, read_incident
from tasks.remediation.attend import Asks, attend
from tasks.remediation.context import Context
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.response.mitigation import bullets, causes_of
from tasks.response.phases import carry_on
from tasks.response.response import Means, Response
from tasks.response.review import newest_report, paused
from tasks.response.wanted import NAME, Wanted


def respond(context: Context, wanted: Wanted, means: Means | None = None) -> Run:
    """Declare an incident or go on with one. Never raises for what can go wrong; `Run.facts` is the incident.

    Args:
        context: Environment, and who asks.
        wanted: Which incident, or what a new one is to be.
        means: How it calls, asks and shows; without Prefect and without anybody to ask if left out.
    """
    one, means = Run(context, NAME), means or Means()
    one.subject = wanted.incident or NAME
    responses: list[Response] = []

    def begin_it() -> str:
        incident = begin(context, wanted, means)
        one.subject, one.facts = incident.id, incident
        responses.append(Response(one, wanted, incident, means))
        if incident.closed is None:
            return f"@{incident.id}"
        one.end("nothing_to_do", f"It is closed; to go on with it: remediate incident reopen {incident.id}.")
        return ""

    def work() -> None:
        (response,) = responses
        try:
            carry_on(response)
            response.reread()
        finally:
            one.facts = response.incident

    def answered(question: Asks) -> bool:
        answer = means.ask(question.form, question.key, question.page)
        if answer is not None:
            responses[0].answers[question.key] = answer
        return answer is not None

    attend(one, begin_it, work, answered)
    if one.outcome == "done":
        one.summary = f"resolved and reviewed; when nothing is left to do: remediate incident close {one.subject}"
    return one


def begin(context: Context, wanted: Wanted, means: Means) -> Incident:
    """The incident that is meant: the one that is named, or a new one, of which people are told at once."""
    if wanted.incident:
        return read_incident(context, wanted.incident)
    incident = declare(context, wanted.declaration())
    means.declared(incident.id)
    return incident


def sections(one: Run) -> list[Section]:
    """What a person sees of an incident after a run."""
    incident = one.facts
    if not isinstance(incident, Incident):
        return []
    name = newest_report(one.context, incident) if incident.resolved else ""
    rows = tuple(
        {"at": f"{at:%Y-%m-%d %H:%M:%S}", "what": acted.procedure, "on": acted.subject, "outcome": acted.outcome}
        for at, acted in incident.actions
    )
    return [
        Section("", f"**{incident.first.title}** · {incident.status}, at {incident.phase}"),
        Section("Causes and remedies", bullets(causes_of(incident))),
        Section("What was done", rows=rows),
        Section(
            "Evidence",
            f"{len(incident.evidence)} files, beside the record in the ops bucket." if incident.evidence else "none",
        ),
        Section("Report", f"`{name}.md`, `.html` and `.svg` in the ops bucket." if name else "not yet"),
        Section("Still in force", bullets(paused(one.context, incident))),
    ]
