"""Evidence of overrides is kept before it expires: reports and records as they are now, executions, and what they have logged.

    remediation/override-evidence/<id>/report.json ...     each created once and never written again
    remediation/override-evidence/<id>/manifest.json       last: size and SHA-256 of each file, and what could not be had

A scene's next run writes over its gate report, Workflows keeps an execution for 90 days, Cloud Logging an entry for 30
(Google: "Quotas and limits" of both). The manifest's SHA-256 is in the chained record (`tasks.pipeline.override_findings`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from blocks.errors import OutsideError, PreconditionFailed
from tasks.override_audit.audit import Audited
from tasks.override_audit.evidence import Piece, pieces_of, who_ran
from tasks.override_audit.facts import Decision, Facts
from tasks.override_audit.finding import Finding
from tasks.pipeline.override_findings import Known
from tasks.pipeline.pretty import pretty
from tasks.pipeline.redact import without_secrets
from tasks.remediation.context import Context
from tasks.remediation.report import counted

ROOT = "remediation/override-evidence/"
AT_ONCE = 40
"""Findings and decisions whose evidence one audit keeps, the oldest first: it expires first. The next audit goes on. Cloud
Logging answers 60 requests a minute for a whole project (Google: "Quotas and limits")."""
PARALLEL = 4
OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """What evidence is kept of."""

    id: str
    about: Finding | Decision
    places: tuple[str, ...]
    """The objects, records, executions and definitions that show it."""
    since: datetime | None = None
    """When it was found first: what was over and comes again has evidence of its own."""

    @property
    def folder(self) -> str:
        """Where its files are."""
        return f"{ROOT}{self.id}/" + (f"{self.since:%Y%m%dt%H%M%S.%fz}/" if self.since else "")


def pin(context: Context, known: Known, seen: Audited) -> list[str]:
    """Keep what is not kept yet, and say what could not be. Raises `LedgerDamaged`, `LedgerTaken`, the ops bucket's errors."""
    waiting = [one for one in subjects(seen, known) if one.id not in known.pinned]
    waiting.sort(key=lambda one: (one.about.at or OLDEST, one.id))
    now, chosen = seen.facts.now, waiting[:AT_ONCE]
    kept: dict[str, tuple[str, str]] = {}
    notes: list[str] = []
    try:
        ran = who_ran(context, [one.about for one in chosen if isinstance(one.about, Finding)])
        with ThreadPoolExecutor(PARALLEL) as pool:
            made = pool.map(lambda one: keep(context, one, seen, ran.get(one.id, ()), now), chosen)
            for one, result in zip(chosen, made, strict=True):
                if isinstance(result, str):
                    notes.append(result)
                else:
                    kept[one.id] = result
    finally:
        if kept:
            known.pin(kept, now)
    if (rest := len(waiting) - AT_ONCE) > 0:
        notes.append(f"The evidence of {counted(rest, 'more finding or decision')} is kept by the next audits.")
    return notes


def subjects(seen: Audited, known: Known) -> Iterator[Subject]:
    """Every finding, and every decision that let a gate be passed."""
    for one in seen.findings:
        before = known.found.get(one.id)
        yield Subject(one.id, one, (one.where,), before.since if before else seen.facts.now)
    for decision in seen.decisions:
        if decision.granted:
            places = (decision.where, *reports_of(seen.facts, decision), *decision.evidence)
            yield Subject(id_of(decision), decision, tuple(dict.fromkeys(places)))


def id_of(decision: Decision) -> str:
    """Of a decision: ids of the pipeline's own may hold anything, so they are no names of folders."""
    about = "\n".join((decision.id, decision.scene, decision.gate, decision.word))
    return f"d-{hashlib.sha256(about.encode('utf-8', 'replace')).hexdigest()[:12]}"


def reports_of(facts: Facts, decision: Decision) -> Iterator[str]:
    """The scene's reports that have asked that gate."""
    scene = facts.scenes.get(decision.scene)
    for report in scene.reports if scene is not None else ():
        if decision.gate in (*report.all_failed, *report.passed):
            yield report.where


def keep(context: Context, one: Subject, seen: Audited, ran: Sequence[str], now: datetime) -> tuple[str, str] | str:
    """Keep what shows one of them: the manifest's name and SHA-256, or why it has to be tried again.

    Raises the ops bucket's errors: then nothing can be kept.
    """
    files: list[dict[str, object]] = []
    missing: list[str] = []
    own = Piece("told.json", "what the audit said of it", pretty(without_secrets(asdict(one.about))))
    try:
        found = [own, *pieces_of(context, (*one.places, *ran), missing, seen.facts.raw)]
    except OutsideError as error:
        return f"The evidence of {one.id} could not be asked, and is tried again by the next audit: {error}"
    for piece in found:
        body = create(context, one.folder + piece.name, piece.body)
        digest = hashlib.sha256(body).hexdigest()
        files.append({"name": one.folder + piece.name, "what": piece.what, "bytes": len(body), "sha256": digest})
    told = {"id": one.id, "kept_at": now, "files": files, "missing": missing}
    manifest = create(context, f"{one.folder}manifest.json", pretty(told))
    return f"{one.folder}manifest.json", hashlib.sha256(manifest).hexdigest()


def create(context: Context, name: str, body: bytes) -> bytes:
    """Write it once; what is there already is the evidence, and is what comes back."""
    environment = context.environment
    try:
        environment.storage.create(environment.ops_bucket, name, body)
    except PreconditionFailed:
        return environment.storage.read(environment.ops_bucket, name)
    return body
