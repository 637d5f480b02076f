"""What the tests of escalation share: a record made by hand, and incidents in a sandbox with people who can be told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.on_call import OnCall
from deployments.sandbox.server import Sandbox
from tasks.escalation.chain import Chain, chain
from tasks.escalation.procedure import Escalation, EscalationRequest
from tasks.escalation.told import Told
from tasks.incidents.entries import Declared, Updated
from tasks.incidents.incident import Incident, declare, read_incident
from tasks.incidents.pages import Attempt, State, attempts
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ID = "inc-20260601t120000z-9f3ac1d2"
FIRST = "page:1:primary:1:primary"


def minutes(number: float) -> datetime:
    """So many minutes after the declaration."""
    return NOON + timedelta(minutes=number)


def a_record(**changes: Any) -> Told:
    """An incident that was declared at noon and that nobody has."""
    first = Declared(title="Exports fail", severity="sev2", area="pipeline")
    known = {name: changes.pop(name) for name in ("severity", "area") if name in changes}
    return replace(Told(ID, first.model_copy(update=known), NOON), **changes)


def tried(key: str, state: State = "sent", at: float = 0.0) -> Attempt:
    """One attempt, so many minutes after the declaration."""
    parts = key.split(":")
    to, sink = (parts[2], parts[4]) if parts[0] == "page" else ("updates", parts[2])
    return Attempt(key, to, sink, state, minutes(at))


def after(told: Told, *more: Attempt) -> Told:
    """The record with further attempts."""
    return replace(told, attempts={**told.attempts, **{one.key: one for one in more}})


def keys(found: Chain) -> list[str]:
    """Of what is due."""
    return [one.key for one in found.due]


def played(told: Told, policy: OnCall, until: float, every: float = 1.0) -> dict[str, float]:
    """Look every so many minutes and send all that is due. Every message, with the minute at which it was sent."""
    sent: dict[str, float] = {}
    minute = 0.0
    while minute <= until:
        for one in chain(told, policy, minutes(minute)).due:
            assert one.key not in sent, f"{one.key} is sent twice"
            sent[one.key] = minute
            told = after(told, tried(one.key, at=minute))
        minute += every
    return sent


def an_incident(environment: PipelineEnvironment, **said: Any) -> Incident:
    """One that was declared just now."""
    declared = {"title": "Exports fail", "severity": "sev2"} | said
    return declare(Context(environment, "ann"), Declared(**declared))


def tell(environment: PipelineEnvironment, incident: Incident | str, ahead: float = 0.0, **asked: Any) -> Run:
    """One escalation in a process of its own, so many minutes ahead of now."""
    id_ = incident if isinstance(incident, str) else incident.id
    now = datetime.now(UTC) + timedelta(minutes=ahead)
    request = EscalationRequest(**{"mode": "apply", "incident": id_, "now": now} | asked)
    return run(Escalation(), Context(environment, "ann", gone=lambda _: True), request)


def came(sandbox: Sandbox) -> Counter[str]:
    """How many messages each sink was sent."""
    return Counter(one.sink for one in sandbox.sinks.received())


def an_update(**said: Any) -> Updated:
    """A status update."""
    return Updated(**{"impact": "no exports", "mitigation": "rerun", "eta": "an hour"} | said)


def states(environment: PipelineEnvironment, id_: str) -> dict[str, str]:
    read = read_incident(Context(environment, "x"), id_)
    return {key: one.state for key, one in attempts(read).items()}
