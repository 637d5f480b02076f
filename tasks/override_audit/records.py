"""The pipeline's records of approvals and overrides, read tolerantly: any order, more fields, times of any zone, both forms.

January: `override_metadata` has approver_id, ticket_id, reason and timestamp. June: approver_id, category, ticket, justification
and timestamp, and the log's entry has the SHA-256 of it. Neither has a field for who asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tasks.override_audit.facts import Decision, Form, Logged
from tasks.validation.documents.times import parse_time

JUNE, JANUARY = ("category", "ticket", "justification"), ("ticket_id", "reason")
REQUESTERS = ("requester", "requested_by", "requester_id")
WORDS = {"auto_approved_timeout": "auto_approved"}
NOBODY = "SYSTEM:"
"""How the pipeline names itself where a person should stand."""
TIMES = ("timestamp", "expires_at")
COMPARED = ("approver_id", *REQUESTERS, *JUNE, *JANUARY, *TIMES)


def decision_of(record: Mapping[str, Any], where: str) -> Decision | None:
    """The decision that a record of the pipeline holds; None for what is no such record."""
    word = text(record.get("status")).lower()
    if not word or not text(record.get("gate_id")) or not text(record.get("request_id")):
        return None
    metadata = _mapping(record.get("override_metadata"))
    approver = text(metadata.get("approver_id")) or text(record.get("approved_by"))
    overridden = word == "overridden"
    if word == "approved" and approver.startswith(NOBODY):
        word = "auto_approved"
    return _made(
        metadata,
        id=text(record.get("request_id")),
        scene=text(record.get("scene_id")),
        gate=text(record.get("gate_id")),
        word=word,
        where=where,
        approver=approver,
        requester=requester_of(record, metadata),
        names_requester=any(name in one for name in REQUESTERS for one in (record, metadata)),
        at=moment(metadata.get("timestamp")) if overridden else moment(record.get("approved_at")),
        asked_until=moment(record.get("expires_at")),
        failing=text(record.get("failure_message")) or ("details" if record.get("failure_details") else ""),
        checkpoint=text(record.get("checkpoint")),
    )


def logged_of(entry: Mapping[str, Any], where: str, store: str, rewritten: datetime | None = None) -> Logged | None:
    """The entry of the log that a document holds; None for what is none."""
    action = text(entry.get("action")).lower()
    if not action or not text(entry.get("request_id")):
        return None
    return Logged(
        request=text(entry.get("request_id")),
        action=WORDS.get(action, action),
        scene=text(entry.get("scene_id")),
        gate=text(entry.get("gate_id")),
        actor=text(entry.get("actor")),
        at=moment(entry.get("timestamp")),
        where=where,
        metadata=_mapping(entry.get("metadata")),
        stated_hash=text(entry.get("override_metadata_hash")).lower().removeprefix("sha256:"),
        rewritten=rewritten,
        store=store,
    )


def decision_of_log(entry: Logged) -> Decision:
    """What an entry of the log tells of a decision whose own record is gone: it lived in a job's container."""
    return _made(
        entry.metadata,
        id=entry.request,
        scene=entry.scene,
        gate=entry.gate,
        word=entry.action,
        where=entry.where,
        approver=text(entry.metadata.get("approver_id")) or entry.actor,
        requester=requester_of(entry.metadata),
        names_requester=any(name in entry.metadata for name in REQUESTERS),
        at=moment(entry.metadata.get("timestamp")) if entry.action == "overridden" else entry.at,
    )


def form_of(metadata: Mapping[str, Any]) -> Form:
    """Which of the pipeline's forms it is."""
    june = any(name in metadata for name in JUNE)
    return "january" if not june and any(name in metadata for name in JANUARY) else "june"


def hash_of(metadata: Mapping[str, Any]) -> str | None:
    """The hash that the pipeline writes into its log: SHA-256 of the JSON with sorted keys and no blanks.

    None: it cannot be computed, because a value is none of JSON's.
    """
    try:
        body = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(body.encode()).hexdigest()


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The fields that say something else in two copies of an override's metadata. Times are compared as moments."""
    return [name for name in COMPARED if _comparable(name, one.get(name)) != _comparable(name, other.get(name))]


def requester_of(*places: Mapping[str, Any]) -> str:
    """Who asked, by the first place that says it; empty: none does."""
    return next((said for one in places for name in REQUESTERS if (said := text(one.get(name)))), "")


def text(value: object) -> str:
    """A text without blanks around it; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """A time as text or as Firestore's own, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return parse_time(value)


def _made(metadata: Mapping[str, Any], **known: Any) -> Decision:
    form = form_of(metadata)
    return Decision(
        form=form,
        category=text(metadata.get("category")),
        ticket=text(metadata.get("ticket_id" if form == "january" else "ticket")),
        justification=text(metadata.get("reason" if form == "january" else "justification")),
        until=moment(metadata.get("expires_at")),
        metadata=metadata,
        **known,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _comparable(name: str, value: object) -> object:
    if name in TIMES:
        return moment(value) or text(value)
    return text(value) if isinstance(value, str) or value is None else value
