"""One decision a request, wherever it is recorded, and what its copies and the log disagree about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from tasks.override_audit.facts import Decision, Logged
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.records import decision_of_log, differences, hash_of
from tasks.override_audit.stored import FIRESTORE
from tasks.remediation.report import listed

TELLING = ("overridden", "approved", "auto_approved")
"""Actions of the log that let a gate be passed."""
ORDER = ("pending", "expired", "rejected", "approved", "auto_approved", "overridden", "revoked")
"""What comes later in a request's life. A copy of an earlier time is no contradiction."""


def merged(decisions: Sequence[Decision], logged: Sequence[Logged]) -> list[Decision]:
    """One of each request: the latest copy of its record, else what the log tells."""
    best: dict[str, Decision] = {}
    for one in decisions:
        if one.id not in best or _rank(one) > _rank(best[one.id]):
            best[one.id] = one
    for entry in logged:
        if entry.action in TELLING and not (entry.request in best and best[entry.request].granted):
            best[entry.request] = decision_of_log(entry)
    return list(best.values())


def disagreements(decisions: Sequence[Decision], logged: Sequence[Logged], now: datetime) -> Iterator[Finding]:
    """What was forged or edited, and what the log lacks."""
    entries: dict[str, list[Logged]] = defaultdict(list)
    for entry in logged:
        entries[entry.request].append(entry)
        yield from _of_entry(entry, now)
    stores = {entry.store for entry in logged}
    told: set[str] = set()
    for one in decisions:
        if one.form == "ledger" or not one.granted or one.id in told:
            continue
        told.add(one.id)
        mine = [entry for entry in entries[one.id] if entry.action == one.word]
        others = [other for other in decisions if other.id == one.id and other.word == one.word]
        yield from _edited(one, mine, others, now)
        if not mine and _store_of(one) in stores:
            sentence = f"{one.id} is {one.word} by {one.approver or 'nobody'}, and the log has no such entry."
            yield finding("not-in-log", now, one.where, sentence, scene=one.scene, gate=one.gate, override=one.id)
    yield from _two_entries(entries, {one.id for one in decisions}, now)


def _of_entry(entry: Logged, now: datetime) -> Iterator[Finding]:
    known = {"scene": entry.scene, "gate": entry.gate, "override": entry.request}
    if entry.rewritten is not None:
        sentence = f"The log's entry about {entry.request} was changed at {entry.rewritten:%Y-%m-%d %H:%M} UTC."
        yield finding("log-edited", now, entry.where, sentence, **known)
    if entry.action != "overridden":
        return
    computed = hash_of(entry.metadata)
    if entry.stated_hash and computed is not None and entry.stated_hash != computed:
        sentence = f"The hash of {entry.request} is {entry.stated_hash[:12]}…, and what it says has {computed[:12]}…."
        yield finding("hash-forged", now, entry.where, sentence, **known)
    if not entry.stated_hash and decision_of_log(entry).form == "june":
        sentence = f"The log's entry about {entry.request} has no hash."
        yield finding("hash-missing", now, entry.where, sentence, **known)


def _edited(one: Decision, mine: list[Logged], others: list[Decision], now: datetime) -> Iterator[Finding]:
    copies = [entry.metadata for entry in mine if entry.metadata] + [other.metadata for other in others]
    fields = sorted({name for copy in copies if one.word == "overridden" for name in differences(one.metadata, copy)})
    if any(entry.gate != one.gate for entry in mine):
        fields.append("gate_id")
    if any(entry.scene != one.scene for entry in mine):
        fields.append("scene_id")
    if one.word != "overridden" and any(entry.actor != one.approver for entry in mine if entry.actor):
        fields.append("approved_by")
    if fields:
        sentence = f"{one.id}: the record and its other copies say different things in {listed(fields, 6)}."
        yield finding("record-edited", now, one.where, sentence, scene=one.scene, gate=one.gate, override=one.id)


def _two_entries(entries: dict[str, list[Logged]], known: set[str], now: datetime) -> Iterator[Finding]:
    """Two entries of the log about one override, without a record to compare them with."""
    for request, listed_ in entries.items():
        mine = [one for one in listed_ if one.action == "overridden"]
        if request not in known and any(differences(mine[0].metadata, one.metadata) for one in mine[1:]):
            first, sentence = mine[0], f"{request}: the log says two different things about it."
            known_ = {"scene": first.scene, "gate": first.gate, "override": request}
            yield finding("record-edited", now, first.where, sentence, **known_)


def _rank(one: Decision) -> int:
    return ORDER.index(one.word) if one.word in ORDER else -1


def _store_of(one: Decision) -> str:
    return FIRESTORE if one.where.startswith("Firestore ") else f"files of {one.scene}"
