"""Carry an incident on, under its lease, to the next question that nobody is there to answer, or to its review."""

from __future__ import annotations

from tasks.incidents.incident import Incident, declare, read_incident
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.response.mitigation import bullets, causes_of
from tasks.response.phases import carry_on
from tasks.response.response import Asks, Means, Response
from tasks.response.review import newest_report, paused
from tasks.response.wanted import NAME, Wanted


class NobodyAnswers(Exception):
    """A person must decide, and this run has none to ask. The sentence says how to go on."""


def respond(context: Context, wanted: Wanted, means: Means | None = None) -> Run:
    """Declare an incident or go on with one. Never raises for what can go wrong; `Run.facts` is the incident.

    Args:
        context: Environment, and who asks.
        wanted: Which incident, or what a new one is to be.
        means: How it calls, asks and shows; without Prefect and without anybody to ask if left out.
    """
    one = Run(context, NAME)
    one.subject = wanted.incident or NAME
    try:
        means = means or Means()
        incident = begin(context, wanted, means)
        one.subject, one.facts = incident.id, incident
        if incident.closed is not None:
            one.end("nothing_to_do", f"It is closed; to go on with it: remediate incident reopen {incident.id}.")
            return one
        response = Response(context, wanted, incident, means)
        try:
            to_the_review(response)
        finally:
            one.facts = response.incident
        finished(one, response.reread())
    except NobodyAnswers as error:
        one.end("escalated", str(error))
    except Exception as error:
        one.end(*outcome_of(error))
    return one


def begin(context: Context, wanted: Wanted, means: Means) -> Incident:
    """The incident that is meant: the one that is named, or a new one, of which people are told at once."""
    if wanted.incident:
        return read_incident(context, wanted.incident)
    incident = declare(context, wanted.declaration())
    means.declared(incident.id)
    return incident


def to_the_review(response: Response) -> None:
    """Go on and ask, in turns: the work under the incident's lease, the questions without it. Raises `NobodyAnswers`."""
    while True:
        try:
            with response.context.holding(f"@{response.id}", new_run_id()):
                return carry_on(response)
        except Asks as question:
            answer = response.means.ask(question.form, question.key, question.page)
            if answer is None:
                raise NobodyAnswers(how_to_go_on(response.id, question.phase)) from None
            response.answers[question.key] = answer


def how_to_go_on(id_: str, phase: str) -> str:
    """What a person does whom nobody could ask."""
    return (
        f"{id_} stands at '{phase}' and a person must decide. Run the deployment incident-response with this incident and "
        f'mode apply, and fill in its form; or act by hand, then: remediate incident note {id_} "what you did", and in the '
        f"end remediate incident resolve {id_}."
    )


def finished(one: Run, incident: Incident) -> None:
    """Its review is written."""
    one.facts = incident
    one.summary = f"resolved and reviewed; when nothing is left to do: remediate incident close {incident.id}"
    one.end("done")


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
        Section(
            "Report",
            f"`{name}.md`, `.html` and `.svg` in the ops bucket." if name else "not yet",
        ),
        Section("Still in force", bullets(paused(one.context, incident))),
    ]
