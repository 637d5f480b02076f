"""What the audit can find: stable codes, what a person must do about each, and by when."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

TODAY, SOON, WEEK = 24, 72, 168
"""Hours that a person has."""


class Code(NamedTuple):
    """One kind of finding."""

    hours: int
    todo: str


_SAY = "Record what is missing: `remediate override request` for what is still needed, else a note on the ticket."
CODES: dict[str, Code] = {
    # Nobody's record says so
    "gate-passed-silently": Code(TODAY, "Find out who let it pass; make the stage again, or record an override for it."),
    "override-too-late": Code(WEEK, "Ask why the scene went on before anybody had decided; the approval came afterwards."),
    "report-contradicts": Code(TODAY, "Find out who changed the report; run the gate again before the scene is delivered."),
    "report-edited": Code(TODAY, "Find out who changed the report after the data set was made by it; ask the gates again."),
    "dataset-bypassed": Code(TODAY, "Hold the data set back: its gates were left out. Make the episodes again, or record an override for it."),
    "switch-on-job": Code(TODAY, "Take the variable off the job: it passes the gate for every scene. Give it to one run instead."),
    "switch-in-run": Code(SOON, "Ask who started that run; make the scene again without the switch, or record an override."),
    "switch-in-argument": Code(SOON, "Ask who started that execution; make the scene again without it, or record an override."),
    "switch-in-variables": Code(TODAY, "Take the variable off the workflow: it passes the gate for every scene."),
    "switch-in-definition": Code(TODAY, "Take it out of the workflow's source and deploy it: `remediate rollback workflow`."),
    "switch-in-schedule": Code(TODAY, "Take it out of what the scheduler sends."),
    # A record that is not one
    "record-unreadable": Code(TODAY, "Look at it; put back the version before, if the bucket or a backup has one."),
    "record-misplaced": Code(SOON, "Find out which scene it is about, and put it there."),
    "hash-forged": Code(TODAY, "Treat it as forged: ask the approver whether they said that, and revoke it if not."),
    "hash-missing": Code(SOON, "Ask the approver whether they said that: nothing proves that the entry is the pipeline's."),
    "record-edited": Code(TODAY, "Ask the approver what they approved: record and log say different things."),
    "log-edited": Code(TODAY, "Ask who changed the log: it is only ever added to."),
    "not-in-log": Code(SOON, "Ask the approver: the pipeline writes every decision into its log, and this one is not there."),
    "ledger-damaged": Code(TODAY, "`remediate journal verify remediation/overrides/ID/` says what is wrong; count the override as not given."),
    # A record that lacks something
    "no-requester": Code(WEEK, _SAY),
    "no-approver": Code(SOON, _SAY),
    "no-time": Code(WEEK, _SAY),
    "time-to-come": Code(SOON, "Correct the clock of whoever wrote it; until then nobody can tell what it was for."),
    "no-category": Code(WEEK, _SAY),
    "unknown-category": Code(WEEK, "Name one of the catalogue's categories, or add this one in its overlay."),
    "no-ticket": Code(WEEK, "Open a ticket and name it."),
    "bad-ticket": Code(WEEK, "Name the ticket so that it can be found: OPS-12, or its address."),
    "no-justification": Code(SOON, _SAY),
    "thin-justification": Code(WEEK, "Write down why it was right, so that somebody else can judge it."),
    "nothing-failing": Code(WEEK, "Find out what had failed: neither the record nor a gate report of the scene says it."),
    # A decision that should not have been made
    "self-approved": Code(TODAY, "Have somebody else decide; until then make the stage again, or hold the scene back."),
    "not-allowed": Code(TODAY, "Have somebody decide who may, or add them to gates.rules.allowed_overriders."),
    "approved-after-expiry": Code(SOON, "Have it decided again: the time in which it could be approved was over."),
    "auto-approved": Code(SOON, "Have a person decide: the time ran out and the gate was passed by itself."),
    # What became of it
    "override-expired": Code(SOON, "Make the stage again so that the gate passes, or ask for a new override."),
    "went-on-after-revoke": Code(TODAY, "Hold the scene back: it went on although the override had been revoked."),
    "regressed-downstream": Code(TODAY, "Revoke the override and recover the scene from the gate's own stage: `remediate recover`."),
}  # fmt: skip


LONGEST = {"sentence": 2_000, "where": 1_100, "settled_by": 1_100}
SHORT = 200
"""Characters of what people have written that are kept: a message with more no sink takes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody must do something about."""

    code: str
    scene: str
    """Empty: it is about every scene."""
    gate: str
    """Empty: it is about every gate of its job."""
    where: str
    """The record, report, execution or job that shows it."""
    sentence: str
    due: datetime
    override: str = ""
    """The id of the override; empty: there is none."""
    at: datetime | None = None
    """When what it is about happened; None: it is so as long as nobody changes it."""
    detail: str = ""
    """What tells it from another one of the same place: a switch with its value, the time of a report."""
    settled_by: str = ""
    """What must have been looked at (`Facts.looked`) so that its not being found means that it is over; empty: nothing does."""
    since: datetime | None = None
    """When an audit found it first; None: this one did."""

    @property
    def id(self) -> str:
        """By which it is known from one audit to the next, whatever its sentence says by then."""
        about = json.dumps((self.code, self.scene, self.gate, self.override, self.where, self.detail))
        return f"f-{hashlib.sha256(about.encode()).hexdigest()[:12]}"

    @property
    def todo(self) -> str:
        """What to do."""
        return CODES[self.code].todo


def finding(
    code: str, now: datetime, where: str, sentence: str, at: datetime | None = None, /, **known: str
) -> Finding:
    """One of that code, due as soon as its code says; `known`: fields of `Finding`. KeyError: there is no such code.

    Texts are of records that anybody may have written: they are cut, and what is no text is replaced.
    """
    texts: dict[str, Any] = {name: plain(value, LONGEST.get(name, SHORT)) for name, value in known.items()}
    due = now + timedelta(hours=CODES[code].hours)
    where, sentence = plain(where, LONGEST["where"]), plain(sentence, LONGEST["sentence"])
    return replace(Finding(code, "", "", where, sentence, due, at=at), **texts)


def plain(value: str, most: int = SHORT) -> str:
    """A text that can be written and read again, with so many characters at most; two that are cut stay two."""
    clean = value.encode("utf-8", "replace").decode()
    if len(clean) <= most:
        return clean
    return f"{clean[: most - 13]}…{hashlib.sha256(clean.encode()).hexdigest()[:12]}"
