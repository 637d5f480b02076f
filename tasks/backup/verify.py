"""Verify a night: is everything it names there, unchanged, and can its bytes still be read?

Read-only but for one record in the ops bucket. Names, sizes and checksums of all are compared each time; of the content
a slot is read again, the next one each time, so that all of it is read within a set number of verifications.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
from prefect import task

from blocks.errors import NotFound, OutsideError
from blocks.storage_bulk import BulkStorage, Entry
from tasks.backup.chain import check_chain
from tasks.backup.content import read_again, slot_of
from tasks.backup.findings import Findings, Verification, next_slot, verification_name
from tasks.backup.guard import misplaced
from tasks.backup.layout import layout_of
from tasks.backup.nights import NightDamaged, nights, read_definitions, read_entries, read_states
from tasks.backup.observe import cuts
from tasks.backup.outcome import VerifyResult
from tasks.backup.scorecard import scorecard
from tasks.backup.summary import ManifestEntry, Summary
from tasks.backup.terraform import copied_already
from tasks.recovery.recover import Call, plain
from tasks.remediation.context import Context, new_run_id
from tasks.remediation.task_settings import STEP_SETTINGS
from tasks.sync.copying import in_parallel
from tasks.sync.listing import copies, each_shard
from tasks.sync.meter import Meter, Progress, human
from tasks.sync.order import copy_key
from tasks.sync.shards import Shard, shards_at
from tasks.sync.walk import walk

Report = Callable[[Progress], None]


class Verifying:
    """One verification on its way. A plain class, so that Prefect hands it to tasks as it is."""

    def __init__(self, context: Context, folder: Path, report: Report) -> None:
        self.context, self.folder, self.report = context, folder, report
        self.environment, self.layout = context.environment, layout_of(context.environment)
        self.bulk = BulkStorage(context.environment.storage)
        self.record, self.compared, self.content = Findings(), Findings(), Findings()
        """What each of the three steps finds; a step that is tried again begins anew."""
        self.trusted: list[Summary] = []
        self.slot = 0
        self.samples: list[Path] = []
        self.objects = self.read_objects = self.read_bytes = 0

    @property
    def findings(self) -> Findings:
        """All of them."""
        return self.record + self.compared + self.content

    def say(self, progress: Progress) -> None:
        """How far it is, to whoever watches."""
        self.context.say(progress.sentence())
        self.report(progress)


def verify_backup(
    context: Context, night: str = "", call: Call = plain, report: Report = lambda _: None
) -> VerifyResult:
    """Verify the newest night or the one that is named. Never raises for what can go wrong with the backup."""
    result = VerifyResult(reasons=list(misplaced(context.environment)))
    if result.reasons:
        result.outcome = "refused"
        return result
    try:
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            work = Verifying(context, Path(folder), report)
            known = nights(context.environment)
            if not known:
                raise NotFound(f"gs://{work.layout.bucket}/{work.layout.nights_root} has no night; run a backup first.")
            carry_out(work, night or known[-1], known, result, call)
    except (OutsideError, ValueError) as error:
        result.outcome, result.reasons = "failed", [str(error)]
    return result


def carry_out(work: Verifying, night: str, known: list[str], result: VerifyResult, call: Call) -> None:
    """Record, copies, content, report."""
    begun_at, cycle = datetime.now(UTC), work.environment.backup.content_cycle_nights
    if night not in known:
        raise NotFound(f"There is no night {night}; the newest are {', '.join(known[-3:])}.")
    result.night, result.run = night, new_run_id()
    call(check_record, work, known)
    summary = next((one for one in work.trusted if one.night == night), None)
    if summary is not None:
        work.slot = next_slot(work.environment, cycle)
        call(check_copies, work, summary)
        call(check_content, work)
    found = work.findings
    unread = summary is None or found.kinds["unreadable"] or found.kinds["record"]
    result.verification = Verification(
        run=result.run,
        night=night,
        begun_at=begun_at,
        ended_at=datetime.now(UTC),
        outcome="failed" if found.count else "clean",
        signed=bool(summary and summary.signature),
        objects=work.objects,
        cycle=cycle,
        slot=work.slot,
        slot_read=not unread,
        read_objects=work.read_objects,
        read_bytes=work.read_bytes,
        findings_count=found.count,
        findings=tuple(found.first),
    )
    body = result.verification.model_dump_json().encode()
    work.environment.storage.create(work.environment.ops_bucket, verification_name(night, result.run), body)
    conclude(work, result)


def conclude(work: Verifying, result: VerifyResult) -> None:
    """The sentence, the findings and the scorecard."""
    done = result.verification
    assert done is not None
    result.outcome = done.outcome
    result.reasons = [f"{one.object}: {one.said}" for one in done.findings[:10]]
    if done.findings_count:
        result.reasons.insert(0, f"{done.findings_count:,} findings.")
    result.told = (
        f"night {done.night}: {done.objects:,} objects compared; content slot {done.slot + 1} of {done.cycle} read "
        f"({done.read_objects:,} objects, {human(done.read_bytes)})"
    )
    if not work.environment.backup.signing_key.get_secret_value():
        result.notes.append("Signatures were not checked: the policy has no signing_key.")
    result.scorecard = scorecard(work.environment, work.trusted).rows(work.environment)


@task(name="check_record", task_run_name="check signatures and chain", **STEP_SETTINGS)
def check_record(work: Verifying, known: list[str]) -> None:
    """The summaries of all nights."""
    work.record = Findings()
    work.trusted = check_chain(work.environment, known, work.record)


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


def compare_range(work: Verifying, summary: Summary, number: int, shard: Shard, meter: Meter) -> int:
    """One range; the copies whose content is to be read go to a file."""
    cycle, path, seen = work.environment.backup.content_cycle_nights, work.folder / f"sample-{number:05d}", 0
    named = ((copy_key(e.name, e.generation), e) for e in read_entries(work.environment, summary, shard=shard))
    there = copies(work.bulk, work.layout.bucket, work.layout.copies_root, summary.prefix, shard)
    with path.open("wb") as samples:
        for entry, copy in walk(named, there):
            if entry is None:
                continue
            seen += 1
            meter.add(1, 0)
            alike = same(work, entry, copy)
            if copy and alike and slot_of(copy_key(entry.name, entry.generation), cycle) == work.slot:
                samples.write(orjson.dumps(tuple(copy)) + b"\n")
    work.samples.append(path)
    return seen


def same(work: Verifying, entry: ManifestEntry, copy: Entry | None) -> bool:
    """Whether a copy is there and like the manifest says; a finding if not."""
    where = f"gs://{work.layout.bucket}/{work.layout.copy_name(entry.name, entry.generation)}"
    if copy is None:
        work.compared.add(
            "missing", where, "The manifest names it and it is not there; this object cannot be restored."
        )
        return False
    if (copy.size, copy.crc32c) != (entry.size, entry.crc32c):
        said = (
            f"It has {copy.size:,} bytes and CRC32C {copy.crc32c}; the manifest says {entry.size:,} and {entry.crc32c}."
        )
        work.compared.add("differs", where, said)
        return False
    return True


def check_lists(work: Verifying, summary: Summary) -> None:
    """The captured definitions by their SHA-256, the Terraform states by size and checksum."""
    storage, bucket = work.environment.storage, work.layout.bucket
    for definition in read_definitions(work.environment, summary):
        where = f"gs://{bucket}/{definition.object}"
        try:
            body = storage.read(bucket, definition.object)
        except NotFound:
            work.compared.add("missing", where, f"The definition of {definition.kind} {definition.name} is not there.")
            continue
        if hashlib.sha256(body).hexdigest() != definition.sha256:
            work.compared.add("content", where, f"It is not the definition of {definition.name} that was captured.")
    there = copied_already(work.environment, work.layout)
    for state in read_states(work.environment, summary):
        found = there.get(state.object)
        if found != (state.size, state.crc32c):
            said = "Terraform's state is not as it was captured." if found else "Terraform's state is not there."
            work.compared.add("differs" if found else "missing", f"gs://{bucket}/{state.object}", said)


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


def sampled(work: Verifying) -> Iterator[Entry]:
    """The copies of this slot, from the files of the comparison."""
    for path in work.samples:
        with path.open("rb") as lines:
            for line in lines:
                yield Entry(*orjson.loads(line))
