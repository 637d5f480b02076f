"""Verify a night: is everything it names there, unchanged, and can its bytes still be read?

Read-only but for one record in the ops bucket. Names, sizes and checksums of all are compared each time; of the content
a slot is read again, the next one each time, so that all of it is read within a set number of verifications.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from prefect import task

from blocks.errors import NotFound, OutsideError
from blocks.storage_bulk import Entry
from tasks.backup.chain import check_chain
from tasks.backup.compare import Report, Verifying, check_lists, compare_range, sampled
from tasks.backup.content import read_again
from tasks.backup.findings import Findings, Verification, next_slot, verification_name
from tasks.backup.guard import misplaced
from tasks.backup.observe import cuts
from tasks.backup.outcome import VerifyResult
from tasks.backup.scorecard import scorecard
from tasks.recovery.present import counted
from tasks.remediation.calling import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.task_settings import STEP_SETTINGS
from tasks.snapshots.nights import NightDamaged, nights
from tasks.snapshots.summary import Summary
from tasks.sync.copying import in_parallel
from tasks.sync.listing import each_shard
from tasks.sync.meter import Meter, human
from tasks.sync.shards import Shard, shards_at


def verify_backup(
    context: Context,
    night: str = "",
    call: Call = plain,
    report: Report = lambda _: None,
    now: datetime | None = None,
) -> VerifyResult:
    """Verify the newest night or the one that is named. Never raises for what can go wrong with the backup.

    Args:
        context: Environment, actor, and how to speak.
        night: The night; empty: the newest.
        call: How to call a step.
        report: Told now and then how far it is.
        now: What ages are counted from; by default this moment.
    """
    result = VerifyResult(reasons=list(misplaced(context.environment)))
    if result.reasons:
        return result.model_copy(update={"outcome": "refused"})
    try:
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            work = Verifying(context, Path(folder), report, now or datetime.now(UTC))
            known = nights(context.environment)
            if not known:
                raise NotFound(f"gs://{work.layout.bucket}/{work.layout.nights_root} has no night; run a backup first.")
            carry_out(work, night or known[-1], known, result, call)
    except (OutsideError, ValueError) as error:
        result.outcome, result.reasons = "failed", [str(error)]
    return result


def carry_out(work: Verifying, night: str, known: list[str], result: VerifyResult, call: Call) -> None:
    """Record, copies, content, report."""
    begun_at = datetime.now(UTC)
    if night not in known:
        raise NotFound(f"There is no night {night}; the newest are {', '.join(known[-3:])}.")
    result.night, result.run, work.newest = night, new_run_id(), night == known[-1]
    call(check_record, work, known)
    summary = next((one for one in work.trusted if one.night == night), None)
    if summary is not None:
        work.slot = next_slot(work.environment, work.environment.backup.content_cycle_nights)
        call(check_copies, work, summary)
        call(check_content, work)
    result.verification = record_of(work, result, summary, begun_at)
    body = result.verification.model_dump_json().encode()
    work.environment.storage.create(work.environment.ops_bucket, verification_name(night, result.run), body)
    conclude(work, result)


def record_of(work: Verifying, result: VerifyResult, summary: Summary | None, begun_at: datetime) -> Verification:
    """What was found, for the ops bucket."""
    found = work.findings
    unread = not work.newest or summary is None or found.kinds["unreadable"] or found.kinds["record"]
    return Verification(
        run=result.run,
        night=result.night,
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


def conclude(work: Verifying, result: VerifyResult) -> None:
    """The sentence, the findings and the scorecard."""
    done = result.verification
    assert done is not None
    result.outcome = done.outcome
    result.reasons = [f"{one.object}: {one.said}" for one in done.findings[:10]]
    if done.findings_count:
        result.reasons.insert(0, f"{counted(done.findings_count, 'finding')}.")
    result.told = (
        f"night {done.night}: {done.objects:,} objects compared; content slot {done.slot + 1} of {done.cycle} read "
        f"({done.read_objects:,} objects, {human(done.read_bytes)})"
    )
    if not work.environment.backup.signing_key.get_secret_value():
        result.notes.append("Signatures were not checked: the policy has no signing_key.")
    result.scorecard = scorecard(work.environment, work.trusted, work.now).rows(work.environment)


@task(name="check_record", task_run_name="check signatures and chain", **STEP_SETTINGS)
def check_record(work: Verifying, known: list[str]) -> None:
    """The summaries of all nights."""
    work.record = Findings()
    work.trusted = check_chain(work.environment, known, work.record, work.now)


@task(name="check_copies", task_run_name="compare manifest and copies", **STEP_SETTINGS)
def check_copies(work: Verifying, summary: Summary) -> None:
    """Every object of the manifest beside the listing of the copies; then definitions and states."""
    work.compared, work.samples = Findings(), []
    parts = [part for part in summary.parts if part.objects]
    meter = Meter("verifying", summary.objects, 0, work.say)

    def one(number: int, shard: Shard) -> int:
        return compare_range(work, summary, number, shard, meter)

    try:
        work.objects = sum(each_shard(shards_at(cuts(parts)), one, work.environment.backup.workers))
        check_lists(work, summary)
    except NightDamaged as error:
        work.compared.add("record", f"gs://{work.layout.bucket}/{work.layout.night_prefix(summary.night)}", str(error))
    meter.finish()


@task(name="check_content", task_run_name="read a slot of the content again", **STEP_SETTINGS)
def check_content(work: Verifying) -> None:
    """Read the bytes of this slot's copies, streamed, many at a time."""
    meter, storage = Meter("reading content", 0, 0, work.say), work.environment.storage
    work.content, work.read_objects, work.read_bytes = Findings(), 0, 0

    def read(entry: Entry) -> list[int]:
        return [read_again(storage, work.layout.bucket, entry, work.content)]

    for size in in_parallel(sampled(work), read, work.environment.backup.workers):
        work.read_objects += 1
        work.read_bytes += size
        meter.add(1, size)
    meter.finish()
