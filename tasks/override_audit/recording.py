"""Recording an override: what is incomplete is refused in one sentence, and nobody approves what they asked for.

What a record must say is the handbook's ("Quality-gate override audit": requester and approver, time, scenes, what failed and
why it was granted, evidence, the run) and the pipeline's own (category, ticket, justification).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.catalogue import SCENE_ID
from blocks.catalogue_gates import OverrideRules
from blocks.catalogue_query import split_scene
from blocks.errors import PermanentError
from blocks.identity import IAP_KEYS, PersonTokens
from tasks.override_audit.facts import Report
from tasks.override_audit.reports import report_of
from tasks.pipeline.override_ledger import Approved, Recorded, Requested, Revoked, read_one, record_of
from tasks.remediation.case import Case
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.outcome import Refused
from tasks.validation.documents.documents import parse_json


@dataclass(frozen=True, slots=True)
class Person:
    """Who approves."""

    name: str
    verified: bool = False
    """Identity-Aware Proxy has seen them sign in; else the name is only claimed."""


def person(claimed: str, assertion: str = "", audience: str = "", keys: str = "") -> Person:
    """Who approves: whom an assertion of Identity-Aware Proxy is about, else the name that is claimed.

    Raises `Refused` when the assertion is not the proxy's, or is about somebody else than who is named; `TemporaryError` when
    the proxy's keys cannot be had.
    """
    if not assertion:
        return Person(claimed.strip())
    if not audience:
        raise Refused("An assertion is only good for one audience: give --iap-audience, as the receiver has it.")
    try:
        seen = PersonTokens(audience, keys or IAP_KEYS).who(assertion)
    except PermanentError as error:
        raise Refused(f"The name is not proved: {error}") from error
    if claimed.strip() and claimed.strip().casefold() != seen.casefold():
        raise Refused(f"The assertion is about {seen} and not about {claimed.strip()}; leave --approver out.")
    return Person(seen, verified=True)


def request(context: Context, wanted: Requested) -> Recorded:
    """Record that somebody asks for an override. Raises `Refused` with what is missing.

    What has failed is read from the scene's gate reports unless it is said.
    """
    said = wanted.model_copy(update={"scene": wanted.scene.strip(), "gate": wanted.gate.strip()})
    if problem := _incomplete(said, context.environment.catalogue.gates.rules, datetime.now(UTC)):
        raise Refused(problem)
    if not said.failing.strip():
        report, words = _what_fails(context, said)
        said = said.model_copy(update={"failing": words, "report": report})
    environment, id_ = context.environment, f"ovr-{new_run_id()}"
    case = Case(environment.storage, environment.ops_bucket, record_of(id_), id_, context.actor)
    case.append("requested", said.model_dump(mode="json"))
    return Recorded(case)


def approve(context: Context, id_: str, who: Person, comment: str = "") -> Recorded:
    """Record that somebody else allows it. Raises `Refused`: self-approval, not allowed, decided already, expired."""
    recorded = read_one(context, id_)
    if problem := _objection(context, recorded, who):
        raise Refused(problem)
    said = Approved(approver=who.name.strip(), verified=who.verified, comment=comment)
    if recorded.case.once("approved", "approved", said.model_dump(mode="json")) is None:
        raise Refused(f"{id_} was approved by somebody else meanwhile; nothing was changed.")
    return Recorded(recorded.case)


def revoke(context: Context, id_: str, by: str, reason: str) -> Recorded:
    """Record that it counts no longer. Raises `Refused` without a name and a reason, or when it is revoked already."""
    if not by.strip() or not reason.strip():
        raise Refused("Say who revokes it and why: --by NAME --reason TEXT.")
    recorded = read_one(context, id_)
    said = Revoked(by=by.strip(), reason=reason.strip())
    if recorded.revoked is not None or recorded.case.once("revoked", "revoked", said.model_dump(mode="json")) is None:
        raise Refused(f"{id_} is revoked already; nothing was changed.")
    return Recorded(recorded.case)


def _incomplete(said: Requested, rules: OverrideRules, now: datetime) -> str:
    if not SCENE_ID.fullmatch(said.scene):
        return f"{said.scene!r} is no scene id: give --scene, as in kitchen_001."
    if not said.gate:
        return "Say which gate is to be passed: give --gate, as in qg-3-usd."
    if not said.requester.strip():
        return "Say who asks: give --requester."
    if rules.categories and said.category not in rules.categories:
        return f"{said.category!r} is no category: give --category as one of {', '.join(rules.categories)}."
    if not re.fullmatch(rules.ticket, said.ticket.strip()):
        return f"{said.ticket!r} is no ticket: give --ticket, as in OPS-12 or an address."
    if len(said.justification.strip()) < rules.justification_least:
        return f"The justification has {len(said.justification.strip())} characters and needs {rules.justification_least}: say why it is right."
    days = (said.until - now).total_seconds() / 86400
    if days <= 0:
        return f"It would have ended at {said.until:%Y-%m-%d %H:%M} UTC already: give a later --until."
    if days > rules.longest_days:
        return f"It would hold for {days:.0f} days; {rules.longest_days:g} are the most: give an earlier --until."
    return ""


def _objection(context: Context, recorded: Recorded, who: Person) -> str:
    id_, name, now = recorded.case.id, who.name.strip(), datetime.now(UTC)
    rules = context.environment.catalogue.gates.rules
    if not name:
        return "Say who approves: give --approver."
    if (word := recorded.word(now)) != "requested":
        return f"{id_} is {word} already; nothing was changed. Ask for a new one where one is needed."
    if name.casefold() == recorded.asked.requester.strip().casefold():
        return f"{name} asked for {id_} and cannot approve it too; ask somebody else."
    if rules.allows(name) is False:
        return f"{name} is not among gates.rules.allowed_overriders of the catalogue; ask {_people(rules)}."
    if context.environment.policy.verified_approvers and not who.verified:
        return f"The name {name} is only claimed, and the policy's verified_approvers wants it proved: give --iap-assertion."
    return ""


def _people(rules: OverrideRules) -> str:
    return " or ".join(rules.allowed_overriders or ()) or "nobody: the list is empty, so no override may be approved"


def _what_fails(context: Context, said: Requested) -> tuple[str, str]:
    """Which gate report says that the gate fails, and in which words. Raises `Refused` when none does."""
    for name, report in _reports(context, said.scene):
        if said.gate in report.all_failed:
            return name, report.said[said.gate] or f"{said.gate} failed"
    raise Refused(
        f"No gate report of {said.scene} says that {said.gate} fails, so there is nothing to override: look at the name, or say "
        "what fails with --failing."
    )


def _reports(context: Context, scene: str) -> list[tuple[str, Report]]:
    environment = context.environment
    found = []
    for pattern in environment.catalogue.gates.reports:
        glob = environment.catalogue.scene_prefix(scene) + pattern
        for one in environment.storage.list(
            environment.data_bucket, environment.catalogue.scene_prefix(scene), glob=glob
        ):
            value = parse_json(environment.storage.read(one.bucket, one.name, generation=one.generation)).value
            if isinstance(value, dict):
                path = split_scene(environment.catalogue, one.name)[1]
                report = report_of(value, one.uri, path, one.updated, environment.catalogue)
                found.append((f"{one.uri}#{one.generation}", report))
    return found
