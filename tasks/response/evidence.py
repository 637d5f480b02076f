"""One bundle of evidence beside an incident's record: what was so when somebody first looked, with checksums.

    remediation/incidents/<id>/evidence/executions.json     one file a kind, the names are those of `asked.QUESTIONS`
    remediation/incidents/<id>/evidence/manifest.json       size and SHA-256 of each, and what could not be asked

Each file is created once and never written again; a capture that was killed goes on with what is missing. The manifest
comes last: it is what makes the bundle complete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from blocks.clients import load_libraries
from blocks.errors import NotFound, OutsideError, PreconditionFailed
from tasks.incidents.entries import Evidence
from tasks.incidents.incident import ROOT, Incident
from tasks.pipeline.pretty import plain, pretty
from tasks.pipeline.redact import without_secrets
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import counted
from tasks.response.asked import QUESTIONS, Asked, Question

LOOKED_BACK = timedelta(hours=24)
MANIFEST = "manifest"


@dataclass(slots=True)
class Captured:
    """What is in the bundle."""

    files: dict[str, Evidence] = field(default_factory=dict)
    """By kind."""
    unknown: dict[str, list[str]] = field(default_factory=dict)
    """What could not be asked, by kind."""

    def sentence(self) -> str:
        """How much there is, and what is missing."""
        size = sum(one.bytes for one in self.files.values())
        missing = [kind for kind in self.unknown if kind not in self.files]
        said = f"{counted(len(self.files), 'file')} of evidence ({size:,} bytes)"
        return said + (f"; could not be asked: {', '.join(missing)}" if missing else "")


def evidence_name(incident: str, kind: str) -> str:
    """The object of one kind of evidence."""
    return f"{ROOT}{incident}/evidence/{kind}.json"


def is_captured(context: Context, incident: Incident) -> bool:
    """Whether the bundle is complete."""
    environment = context.environment
    return environment.storage.stat(environment.ops_bucket, evidence_name(incident.id, MANIFEST)) is not None


def capture(
    context: Context, incident: Incident, each: Callable[[], None] = lambda: None, now: datetime | None = None
) -> Captured:
    """Ask everything at the same time and keep the answers, one file a kind; `each` is called before each is written.

    What is there already, from a capture that was killed or by another process, is kept as it is. Raises `OutsideError`
    when the ops bucket cannot be written, `LedgerDamaged`.
    """
    at = now or datetime.now(UTC)
    captured = Captured()
    load_libraries()  # before the threads, which would do it in each other's way
    with ThreadPoolExecutor(len(QUESTIONS)) as pool:
        asked = [(one, pool.submit(answer, context, incident, one, at)) for one in QUESTIONS]
        for question, future in asked:
            answered = future.result()
            each()
            if isinstance(answered, bytes):
                captured.files[question.name] = keep(context, incident, question.name, question.what, answered)
                if unknown := json.loads(answered)["unknown"]:
                    captured.unknown[question.name] = unknown
            else:
                captured.unknown[question.name] = answered
    each()
    body = manifest_of(incident, captured, at)
    captured.files[MANIFEST] = keep(context, incident, MANIFEST, "sizes and checksums of the files", body)
    return captured


def answer(context: Context, incident: Incident, question: Question, at: datetime) -> bytes | list[str]:
    """The file of one kind: the one that is there, or a new one; sentences when it could not be asked."""
    environment = context.environment
    try:
        return environment.storage.read(environment.ops_bucket, evidence_name(incident.id, question.name))
    except NotFound:
        pass
    try:
        asked = question.ask(context, at - LOOKED_BACK)
    except OutsideError as error:
        return [str(error)]
    except Exception as error:  # a fault of one kind's own must not lose the others
        return [outcome_of(error)[1]]
    if asked.unknown and not asked.rows:
        return asked.unknown
    return body_of(incident, question, asked, at)


def body_of(incident: Incident, question: Question, asked: Asked, at: datetime) -> bytes:
    """What a file holds."""
    rows = without_secrets(json.loads(json.dumps(asked.rows, default=plain)))
    said = {"incident": incident.id, "kind": question.name, "what": question.what, "asked_at": plain(at)}
    return pretty({**said, "notes": asked.notes, "unknown": asked.unknown, "count": len(rows), "rows": rows})


def manifest_of(incident: Incident, captured: Captured, at: datetime) -> bytes:
    """What the bundle holds, and what it does not."""
    files = {
        kind: {"name": one.name, "sha256": one.sha256, "bytes": one.bytes, "what": one.what}
        for kind, one in captured.files.items()
    }
    return pretty({"incident": incident.id, "captured_at": plain(at), "files": files, "unknown": captured.unknown})


def keep(context: Context, incident: Incident, kind: str, what: str, body: bytes) -> Evidence:
    """Write a file once and say so in the record once. The one that somebody else has just written is the evidence."""
    environment, name = context.environment, evidence_name(incident.id, kind)
    try:
        environment.storage.create(environment.ops_bucket, name, body)
    except PreconditionFailed:
        body = environment.storage.read(environment.ops_bucket, name)
    said = Evidence(name=name, sha256=hashlib.sha256(body).hexdigest(), bytes=len(body), what=what)
    incident.say_once(f"evidence:{kind}", said)
    return said
