"""One decision a request, wherever it is recorded, and what its copies and the log disagree about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from tasks.override_audit.facts import Decision, Logged
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.records import REQUESTERS, decision_of_log, differences, hash_of, requester_of
from tasks.override_audit.stored import FIRESTORE, Stored
from tasks.remediation.report import listed

TELLING = ("overridden", "approved", "auto_approved")
"""Actions of the log that let a gate be passed."""
ORDER = ("pending", "expired", "rejected", "approved", "auto_approved", "overridden", "revoked")
"""What comes later in a request's life. A copy of an earlier time is no contradiction."""


def merged(decisions: Sequence[Decision], logged: Sequence[Logged]) -> list[Decision]:
    """One of each request: the latest copy of its record, else what the log tells. It holds until the earliest end of its copies."""
    best: dict[str, Decision] = {}
    for one in decisions:
        if one.id not in best or _rank(one) > _rank(best[one.id]):
            best[one.id] = one
    for entry in logged:
        if entry.action in TELLING and not (entry.request in best and best[entry.request].granted):
            best[entry.request] = decision_of_log(entry)
    ends: dict[str, datetime] = {}
    for one in [
        *decisions,
        *(decision_of_log(entry) for entry in logged if entry.action in TELLING and not _forged(entry)),
    ]:
        if one.granted and one.until is not None:
            ends[one.id] = min(one.until, ends.get(one.id, one.until))
    return [replace(one, until=ends.get(one.id, one.until)) for one in best.values()]


def disagreements(stored: Stored, now: datetime) -> Iterator[Finding]:
    """What was forged or edited, and what the log lacks."""
    decisions, entries = stored.decisions, defaultdict[str, list[Logged]](list)
    for entry in stored.logged:
        entries[entry.request].append(entry)
        yield from _of_entry(entry, now)
    stores = stored.logs | {entry.store for entry in stored.logged}
    granted = [one for one in decisions if one.form != "ledger" and one.granted]
    for one in {each.id: each for each in reversed(granted)}.values():
        mine = [entry for entry in entries[one.id] if entry.action == one.word]
        others = [other for other in decisions if other.id == one.id and other.word == one.word]
        yield from _edited(one, mine, others, now)
        if not mine and _store_of(one) in stores:
            sentence = f"{one.id} is {one.word} by {one.approver or 'nobody'}, and the log has no such entry."
            yield finding("not-in-log", now, one.where, sentence, **_of(one))
    yield from _denied(decisions, entries, {one.id for one in granted}, now)
    yield from _two_entries(entries, {one.id for one in decisions}, now)


def _denied(
    decisions: Sequence[Decision], entries: dict[str, list[Logged]], granted: set[str], now: datetime
) -> Iterator[Finding]:
    """Records that say they were rejected, of which the log only says that they let a gate be passed."""
    for one in decisions:
        actions = {entry.action for entry in entries[one.id]}
        if one.word == "rejected" and one.id not in granted and "rejected" not in actions and actions & set(TELLING):
            sentence = f"{one.id}: the record says rejected, and the log says {listed(sorted(actions & set(TELLING)))}."
            yield finding("record-edited", now, one.where, sentence, **_of(one))


def _forged(entry: Logged) -> bool:
    computed = hash_of(entry.metadata) if entry.action == "overridden" and entry.stated_hash else None
    return computed is not None and entry.stated_hash != computed


def _of_entry(entry: Logged, now: datetime) -> Iterator[Finding]:
    known = _known(entry.scene, entry.gate, entry.request)
    if entry.rewritten is not None:
        sentence = f"The log's entry about {entry.request} was changed at {entry.rewritten:%Y-%m-%d %H:%M} UTC."
        yield finding("log-edited", now, entry.where, sentence, **known)
    if entry.action != "overridden":
        return
    if _forged(entry):
        computed = (hash_of(entry.metadata) or "")[:12]
        sentence = f"The hash of {entry.request} is {entry.stated_hash[:12]}…, and what it says has {computed}…."
        yield finding("hash-forged", now, entry.where, sentence, **known)
    if not entry.stated_hash and decision_of_log(entry).form == "june":
        sentence = f"The log's entry about {entry.request} has no hash."
        yield finding("hash-missing", now, entry.where, sentence, **known)


def _edited(one: Decision, mine: list[Logged], others: list[Decision], now: datetime) -> Iterator[Finding]:
    copies = [entry.metadata for entry in mine if entry.metadata] + [other.metadata for other in others]
    fields = sorted({name for copy in copies if one.word == "overridden" for name in differences(one.metadata, copy)})
    if any(said != one.requester for entry in mine if (said := requester_of(entry.metadata))) and not set(fields) & set(
        REQUESTERS
    ):
        fields.append("requester")
    if any(entry.gate != one.gate for entry in mine):
        fields.append("gate_id")
    if any(entry.scene != one.scene for entry in mine):
        fields.append("scene_id")
    if one.word != "overridden" and any(entry.actor != one.approver for entry in mine if entry.actor):
        fields.append("approved_by")
    if fields:
        sentence = f"{one.id}: the record and its other copies say different things in {listed(fields, 6)}."
        yield finding("record-edited", now, one.where, sentence, **_of(one))


def _two_entries(entries: dict[str, list[Logged]], known: set[str], now: datetime) -> Iterator[Finding]:
    """Two entries of the log about one override, without a record to compare them with."""
    for request, listed_ in entries.items():
        mine = [one for one in listed_ if one.action == "overridden"]
        if request not in known and any(differences(mine[0].metadata, one.metadata) for one in mine[1:]):
            first, sentence = mine[0], f"{request}: the log says two different things about it."
            yield finding("record-edited", now, first.where, sentence, **_known(first.scene, first.gate, request))


def _of(one: Decision) -> dict[str, str]:
    return _known(one.scene, one.gate, one.id)


def _known(scene: str, gate: str, override: str) -> dict[str, str]:
    return {"scene": scene, "gate": gate, "override": override, "settled_by": f"records of {scene}"}


def _rank(one: Decision) -> int:
    return ORDER.index(one.word) if one.word in ORDER else -1


def _store_of(one: Decision) -> str:
    return FIRESTORE if one.where.startswith("Firestore ") else f"files of {one.scene}"
