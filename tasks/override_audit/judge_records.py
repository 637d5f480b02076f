"""Whether a decision says what it must, and was one that its approver could make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from blocks.catalogue_gates import OverrideRules
from tasks.override_audit.facts import Decision, Scene
from tasks.override_audit.finding import Finding, finding

CLOCKS = timedelta(minutes=10)
"""How far the clocks of two machines may be apart."""


def judge_record(one: Decision, rules: OverrideRules, scene: Scene | None, now: datetime) -> Iterator[Finding]:
    """Every fact that it lacks. Only what its own form has a field for is asked of it."""
    said = [*_who(one, rules), *_when(one, now)]
    if one.word in ("overridden", "revoked"):
        said += [*_why(one, rules), *_what(one, scene)]
    if one.word == "auto_approved":
        said.append(("auto-approved", "nobody decided, and the gate was passed when the time was over"))
    for code, words in said:
        sentence = f"{one.id} ({one.gate} of {one.scene}): {words}."
        known = {"scene": one.scene, "gate": one.gate, "override": one.id, "settled_by": f"override {one.id}"}
        yield finding(code, now, one.where, sentence, one.at, **known)


def _who(one: Decision, rules: OverrideRules) -> Iterator[tuple[str, str]]:
    if one.word == "auto_approved":
        return
    if not one.approver:
        yield "no-approver", "it does not say who approved it"
    elif one.requester and one.requester.casefold() == one.approver.casefold():
        yield "self-approved", f"{one.approver} asked for it and approved it"
    elif rules.allows(one.approver) is False:
        yield "not-allowed", f"{one.approver} approved it and is not among those who may"
    if one.names_requester and not one.requester:
        yield "no-requester", "it does not say who asked for it"


def _when(one: Decision, now: datetime) -> Iterator[tuple[str, str]]:
    if one.at is None:
        yield "no-time", "it does not say when it was decided"
    elif one.at - now > CLOCKS:
        yield "time-to-come", f"it was decided at {one.at:%Y-%m-%d %H:%M} UTC, which is still to come"
    elif one.word == "approved" and one.asked_until is not None and one.at - one.asked_until > CLOCKS:
        yield (
            "approved-after-expiry",
            f"it was approved after {one.asked_until:%Y-%m-%d %H:%M} UTC, when it had expired",
        )


def _why(one: Decision, rules: OverrideRules) -> Iterator[tuple[str, str]]:
    january = one.form == "january"
    if not january and not one.category:
        yield "no-category", "it has no category"
    elif not january and rules.categories and one.category not in rules.categories:
        yield "unknown-category", f"its category {one.category!r} is none of the catalogue's"
    if not one.ticket:
        yield "no-ticket", "it names no ticket"
    elif not january and not re.match(rules.ticket, one.ticket):
        yield "bad-ticket", f"{one.ticket!r} is no ticket"
    least = rules.reason_least if january else rules.justification_least
    if not one.justification:
        yield "no-justification", "it does not say why"
    elif len(one.justification) < least:
        yield "thin-justification", f"it says why in {len(one.justification)} characters, and {least} are the least"


def _what(one: Decision, scene: Scene | None) -> Iterator[tuple[str, str]]:
    reports = scene.reports if scene is not None else []
    if not one.failing and not any(one.gate in report.all_failed for report in reports):
        yield "nothing-failing", "nothing says what had failed"
