"""Verify a night: is everything it names there, unchanged, and can its bytes still be read?

Read-only but for one record in the ops bucket. Names, sizes and checksums of all are compared each time; of the content
a slot is read again, the next one each time, so that all of it is read within a set number of verifications.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from blocks.errors import NotFound
from blocks.storage_bulk import Entry
from tasks.backup.compare import Report, Verifying, check_lists, compare_range, sampled
from tasks.backup.content import read_again
from tasks.backup.findings import Verification, next_slot, verification_name
from tasks.backup.guard import misplaced
from tasks.backup.integrity import check_chain
from tasks.backup.observe import cuts
from tasks.backup.scorecard import scorecard
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.report import Section, counted
from tasks.remediation.table import Cell
from tasks.snapshots.nights import NightDamaged, nights
from tasks.snapshots.summary import Summary
from tasks.sync.copying import in_parallel
from tasks.sync.key_ranges import KeyRange, key_ranges_at
from tasks.sync.listing import each_key_range
from tasks.sync.progress import ProgressCounter, human


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyQuestion:
    """Which night, and who is told how far it is."""

    night: str = ""
    """Empty: the newest."""
    report: Report = lambda _: None
    now: datetime | None = None
    """What ages are counted from; by default the moment at which it looks."""


class VerifyBackup(Check[VerifyQuestion]):
    """Handbook: 'Backup', proving it."""

    name = "verify-backup"

    def look(self, context: Context, question: VerifyQuestion) -> Findings:
        """Record, copies, content; then keep what was found. `Findings.facts` is the `Verification`."""
        if wrong := " ".join(misplaced(context.environment)):
            raise Refused(wrong)
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            work = Verifying(context, Path(folder), question.report, question.now or datetime.now(UTC))
            known = nights(context.environment)
            if not known:
                raise NotFound(f"gs://{work.layout.bucket}/{work.layout.nights_root} has no night; run a backup first.")
            night = question.night or known[-1]
            if night not in known:
                raise NotFound(f"There is no night {night}; the newest are {', '.join(known[-3:])}.")
            verification = verify_night(work, night, known)
            return conclude(work, verification)


def verify_night(work: Verifying, night: str, known: list[str]) -> Verification:
    """Look at everything and record what was found."""
    begun_at, work.newest = datetime.now(UTC), night == known[-1]
    check_record(work, known)
    summary = next((one for one in work.trusted if one.night == night), None)
    if summary is not None:
        work.slot = next_slot(work.environment, work.environment.backup.content_cycle_nights)
        check_copies(work, summary)
        check_content(work)
    found = record_of(work, night, summary, begun_at)
    body = found.model_dump_json().encode()
    work.environment.storage.create(work.environment.ops_bucket, verification_name(night, found.run), body)
    return found


def record_of(work: Verifying, night: str, summary: Summary | None, begun_at: datetime) -> Verification:
    """What was found, for the ops bucket."""
    found = work.findings
    unread = not work.newest or summary is None or found.kinds["unreadable"] or found.kinds["record"]
    return Verification(
        run=new_run_id(),
        night=night,
        begun_at=begun_at,
        ended_at=datetime.now(UTC),
        outcome="failed" if found.count else "clean",
        signed=bool(summary and summary.signature),
        objects=work.objects,
        cycle=work.environment.backup.content_cycle_nights,
        slot=work.slot,
        slot_read=not unread,
        read_objects=work.read_objects,
        read_bytes=work.read_bytes,
        findings_count=found.count,
        findings=tuple(found.first),
    )


def conclude(work: Verifying, done: Verification) -> Findings:
    """The sentence, the findings and the scorecard."""
    reasons = [f"{one.object}: {one.said}" for one in done.findings[:10]]
    if done.findings_count:
        reasons.insert(0, f"{counted(done.findings_count, 'finding')}.")
    signed = bool(work.environment.backup.signing_key.get_secret_value())
    listed: tuple[dict[str, Cell], ...] = tuple(
        {"what": one.what, "object": one.object, "said": one.said} for one in done.findings
    )
    card: tuple[dict[str, Cell], ...] = tuple(
        scorecard(work.environment, work.trusted, work.now).rows(work.environment)
    )
    return Findings(
        outcome=outcome_of(work),
        reasons=reasons,
        notes=[] if signed else ["Signatures were not checked: the policy has no signing_key."],
        summary=(
            f"night {done.night}: {done.objects:,} objects compared; content slot {done.slot + 1} of {done.cycle} read "
            f"({done.read_objects:,} objects, {human(done.read_bytes)})"
        ),
        sections=[Section("Achieved beside targets", rows=card), *[Section("Findings", rows=listed)] * bool(listed)],
        facts=done,
    )


def outcome_of(work: Verifying) -> Outcome:
    """All is well; or something is wrong; or nothing that was seen is wrong, and not all of it could be read."""
    kinds = work.findings.kinds
    if not kinds.total():
        return "nothing_to_do"
    return "partial" if set(kinds) == {"unreadable"} else "failed"


def check_record(work: Verifying, known: list[str]) -> None:
    """The summaries of all nights."""
    work.trusted = check_chain(work.environment, known, work.record, work.now)


def check_copies(work: Verifying, summary: Summary) -> None:
    """Every object of the manifest beside the listing of the copies; then definitions and states."""
    parts = [part for part in summary.parts if part.objects]
    progress = ProgressCounter("verifying", summary.objects, 0, work.say)

    def one(number: int, key_range: KeyRange) -> int:
        return compare_range(work, summary, number, key_range, progress)

    try:
        work.objects = sum(each_key_range(key_ranges_at(cuts(parts)), one, work.environment.backup.workers))
        check_lists(work, summary)
    except NightDamaged as error:
        work.compared.add("record", f"gs://{work.layout.bucket}/{work.layout.night_prefix(summary.night)}", str(error))
    progress.finish()


def check_content(work: Verifying) -> None:
    """Read the bytes of this slot's copies, streamed, many at a time."""
    progress, storage = ProgressCounter("reading content", 0, 0, work.say), work.environment.storage

    def read(entry: Entry) -> list[int]:
        return [read_again(storage, work.layout.bucket, entry, work.content)]

    for size in in_parallel(sampled(work), read, work.environment.backup.workers):
        work.read_objects += 1
        work.read_bytes += size
        progress.add(1, size)
    progress.finish()
