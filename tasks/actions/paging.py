"""Pages: one message to one sink, announced in the incident's record before it is sent, and never sent twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError, UnknownOutcome
from tasks.incidents.entries import Paged, Paging
from tasks.incidents.incident import Incident, read_incident
from tasks.incidents.links import link_for
from tasks.incidents.pages import attempts, enough
from tasks.remediation.kind import Doing, Kind, Params

Result = Literal["sent", "failed", "unknown"]


class Page(Params):
    """One message."""

    incident: str
    key: str
    to: str
    """The tier, or `updates`."""
    sink: str
    title: str
    text: str
    wakes: bool = True
    """It asks somebody to take the incident, so it is not sent once somebody has it; an update is."""


def send(doing: Doing, params: Page) -> str:
    """Announce it, send it, and record what became of it. A sink that fails is recorded, and stops no other."""
    incident = read_incident(doing.context, params.incident)
    if params.wakes and (why := enough(incident)):
        return f"not needed: {why}"
    paging = Paging(key=params.key, to=params.to, sink=params.sink, text=params.text)
    if not incident.say_once(params.key, paging):
        return already(doing, params) or "unknown"
    outcome, sentence = deliver(doing.context.environment, params)
    return settle(incident, params.key, outcome, sentence)


def deliver(environment: PipelineEnvironment, params: Page) -> tuple[Result, str]:
    """Send it once; what became of it, and why."""
    link = link_for(environment.on_call, params.incident, params.to, datetime.now(UTC)) if params.wakes else ""
    text = f"{params.text}\nOr say so here: {link}" if link else params.text
    try:
        environment.notifier.send(params.sink, params.title, text, wakes=params.wakes)
    except (TemporaryError, PermanentError) as error:
        return "failed", str(error)
    except UnknownOutcome as error:
        return "unknown", str(error)
    return "sent", ""


def settle(incident: Incident, key: str, outcome: Result, sentence: str) -> str:
    """Record what became of it."""
    incident.say_once(key, Paged(key=key, outcome=outcome, sentence=sentence))
    return f"{outcome}: {sentence}" if sentence else outcome


def already(doing: Doing, params: Page) -> str | None:
    """What became of it; None: nobody has begun it.

    One that was announced and never told of was being sent when its process died. It may have come, so it is not sent
    again: the next one of its tier comes at its time.
    """
    incident = read_incident(doing.context, params.incident)
    attempt = attempts(incident).get(params.key)
    if attempt is None or attempt.state != "sending":
        return attempt.words() if attempt else None
    return settle(incident, params.key, "unknown", "the process that sent it ended; look whether it came")


page = Kind(name="page", params=Page, effect="notify", apply=send, look=already, task="tell_people")
