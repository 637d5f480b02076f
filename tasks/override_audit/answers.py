"""What people say to an audit: why a finding may stay, and what is decided about a gate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from tasks.override_audit.recording import Person
from tasks.override_audit.review import Verdict
from tasks.pipeline.override_findings import Answer, Decided, Found, read_known
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused

KEEP = "keep"
"""The gate stays as it is."""


def answer(context: Context, id_: str, who: Person, reason: str, now: datetime | None = None) -> Found:
    """Record that somebody answers for a finding, and return it.

    Raises `Refused`: nothing of that id is open, no name, a reason that is too short to be judged, a name that is not proved
    where the policy wants it, somebody who asked for the override or approved it; `LedgerDamaged`, `LedgerTaken`, the block's errors.
    """
    at, name, why = now or datetime.now(UTC), who.name.strip(), reason.strip()
    known = read_known(context)
    if (one := known.found.get(id_)) is None:
        raise Refused(
            f"No finding {id_!r} is on record: take its id from the page of the last run of the deployment override-audit."
        )
    _judgeable(context, name, reason)
    if context.environment.policy.verified_approvers and not who.verified:
        raise Refused(
            f"The name {name} is only claimed, and the policy's verified_approvers wants it proved: give --iap-assertion."
        )
    if short(name) in {short(each) for each in one.people}:
        raise Refused(f"{name} asked for {one.override} or approved it, and cannot answer for it; ask somebody else.")
    if id_ in known.answers:
        raise Refused(f"{known.answers[id_].by} has answered for {id_} already; nothing was changed.")
    known.answer(Answer(id=id_, by=name, reason=why, at=at), at)
    return one


def decide(context: Context, gate: str, verdict: str, by: str, reason: str, now: datetime | None = None) -> Decided:
    """Record what is decided about a gate, and return it; the next audits show it beside their own verdict.

    Raises `Refused`: no gate, a verdict that there is not, no name, a reason that is too short to be judged; `LedgerDamaged`,
    `LedgerTaken`, the block's errors.
    """
    at = now or datetime.now(UTC)
    words = (*(one for one in get_args(Verdict) if " " not in one), KEEP)
    if not gate.strip():
        raise Refused("Say which gate it is about, as in qg-3-usd.")
    if verdict not in words:
        raise Refused(f"{verdict!r} is no decision: give --verdict as one of {', '.join(words)}.")
    _judgeable(context, by, reason)
    said = Decided(gate=gate.strip(), verdict=verdict, by=by.strip(), reason=reason.strip(), at=at)
    read_known(context).decide(said, at)
    return said


def short(name: str) -> str:
    """A name as people are told apart by it: without its domain, which not everybody types."""
    return name.strip().casefold().partition("@")[0]


def _judgeable(context: Context, by: str, reason: str) -> None:
    least = context.environment.catalogue.gates.rules.justification_least
    if not by.strip():
        raise Refused("Say who you are: give --by.")
    if len(reason.strip()) < least:
        raise Refused(
            f"The reason has {len(reason.strip())} characters and needs {least}: say why, so that it can be judged."
        )
