"""Carrying out procedures for an incident, each once, whatever is killed between an action and its entry.

A procedure's journal begins with the incident's id. Whoever finds an ended run of this incident that the record does not
have writes its entry instead of running it again; an unfinished one is continued by the runner itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tasks.incidents.entries import Acted
from tasks.incidents.incident import Incident
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.outcome import read_word
from tasks.remediation.run import Run
from tasks.remediation.runs import UNFINISHED, past_runs

LOOKED_BACK_HOURS = 24.0 * 90
"""How far back a run of this incident is looked for: incidents live for days, hardly for a quarter."""

GivesBack = Callable[[str], str]


def act(
    context: Context,
    incident: Incident,
    key: str,
    subject: str,
    run_it: Callable[[], Run],
    gives_back: GivesBack = lambda _: "",
) -> Acted:
    """Do one thing for an incident unless its record has it; what became of it.

    Args:
        context: Environment, and who asks.
        incident: Whose record it is written to.
        key: By which the record knows it again.
        subject: The subject of its journal.
        run_it: Carries it out.
        gives_back: The command that takes back what a run that is done leaves in force, from the run's id.
    """
    if (known := recorded(incident, key)) is not None:
        return known
    journal = unrecorded(context, incident, subject)
    said = of_journal(journal) if journal is not None else of_run(run_it())
    if said.outcome in ("done", "failed", "partial") and said.run:
        said = said.model_copy(update={"gives_back": gives_back(said.run)})
    incident.say_once(key, said)
    return recorded(incident, key) or said


def recorded(incident: Incident, key: str) -> Acted | None:
    """What the record has of it."""
    entry = incident.case.find(Acted.kind, key)
    return None if entry is None else Acted.model_validate(entry.data)


def unrecorded(context: Context, incident: Incident, subject: str) -> Journal | None:
    """The first ended run on a subject that was made for this incident and is not in its record."""
    environment = context.environment
    known = {acted.run for _, acted in incident.actions}
    hours = min(LOOKED_BACK_HOURS, age_hours(incident, datetime.now(UTC)))
    for past in past_runs(environment.storage, environment.ops_bucket, subject, hours):
        if past.run in known or past.outcome == UNFINISHED:
            continue
        journal = read_journal(environment.storage, environment.ops_bucket, subject, past.run, context.actor)
        if journal.begin.data.get("case") == incident.id:
            return journal
    return None


def age_hours(incident: Incident, now: datetime) -> float:
    """How old it is, with an hour for clocks that do not agree."""
    return (now - incident.declared_at).total_seconds() / 3600 + 1.0


def of_run(one: Run) -> Acted:
    """What the record keeps of a run."""
    return Acted(
        procedure=one.procedure,
        subject=one.subject,
        run=one.id,
        outcome=one.outcome,
        sentence=one.sentence(),
        seconds=round(sum(one.seconds.values()), 3),
    )


def of_journal(journal: Journal) -> Acted:
    """What it keeps of a run whose process was killed before it could be told."""
    end, begin = journal.entries[-1], journal.begin
    reasons = end.data.get("reasons")
    said = " ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    word = read_word(str(end.data.get("outcome", "failed")))
    return Acted(
        procedure=journal.plan().procedure,
        subject=journal.subject,
        run=journal.run,
        outcome=word,
        sentence=" - ".join(filter(None, [f"{journal.subject}: {word}", said, "told by its journal"])),
        seconds=round((end.at - begin.at).total_seconds(), 3),
    )
