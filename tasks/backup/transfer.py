"""Copies made by Storage Transfer Service: above a configurable size, because one process must not copy petabytes.

The service keeps the names of objects and ours say the generation, so it works in two steps. It brings exactly the
generations that were listed (its manifest names them) into a folder of this night, and from there each copy gets its
lasting name by a rewrite within the bucket, which moves no bytes. What is there in the end is what small backups leave:
one layout, one manifest, one verification. The folder is emptied afterwards, or by expiry where retention holds it.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from blocks.errors import PreconditionFailed
from blocks.storage_bulk import Copy, Deletion, Entry
from blocks.transfer_messages import Transfer, TransferProgress
from tasks.backup.copies import Copying, PendingCopy
from tasks.backup.night import Night
from tasks.sync.copy_names import copy_key, in_copy_order
from tasks.sync.copying import Job, delete_all, groups
from tasks.sync.merge_join import merge_join
from tasks.sync.progress import Progress

ROWS = 250_000
"""Objects in one transfer. Google allows about a million rows in a manifest ("Transfer specific files or objects using a
manifest"); this many are some 30 MB in memory."""
LEFT_OVERS = 1000
"""What a transfer did not bring (most have changed meanwhile), this process copies itself, up to this number."""
MANIFESTS = "remediation/backup/transfers/"
"""Where in the ops bucket the transfers' manifests are; the service's agent must be able to read there."""


def copy_by_transfer(copying: Copying) -> None:
    """Bring what is to be copied, give it its names, and settle what was not brought.

    Raises `TooManyFailures`, and what starting a transfer raises (`PermanentError`, `UnknownOutcome`).
    """
    night = copying.night
    root = f"{night.layout.transfers_root}{night.id}/"
    await_all(night, start_all(copying, root))
    left: list[PendingCopy] = []
    missing = [0]
    copying.copy(renames(copying, root, left, missing))
    for group in groups(left, 100):
        copying.settle(group)
    if missing[0] > len(left):
        night.problems.add(
            f"Storage Transfer Service did not bring {missing[0]:,} objects; {missing[0] - len(left):,} of them are not "
            "captured. Look at the transfers of this night in the console."
        )
    clear(night, root)


def start_all(copying: Copying, root: str) -> list[str]:
    """A transfer for each part of the list. A transfer is started once, whoever asks again."""
    night, asked, names = copying.night, copying.asked(), list[str]()
    while rows := list(islice(asked, ROWS)):
        name = f"backup-{night.id}-{len(names)}"
        where = f"{MANIFESTS}{name}.csv"
        with suppress(PreconditionFailed):  # written by an earlier try of this step
            night.environment.storage.create(night.environment.ops_bucket, where, as_csv(rows), content_type="text/csv")
        transfer = Transfer(
            source_bucket=night.environment.data_bucket,
            sink_bucket=night.layout.bucket,
            sink_prefix=root,
            manifest=f"gs://{night.environment.ops_bucket}/{where}",
            description=f"backup of night {night.id}",
        )
        night.check()
        night.environment.transfers.start(name, transfer)
        names.append(name)
    return names


def as_csv(rows: list[PendingCopy]) -> bytes:
    """Name and generation of each object."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((asked.item.name, asked.item.generation) for asked in rows)
    return text.getvalue().encode()


def await_all(night: Night, names: list[str]) -> None:
    """Until every transfer has ended, or the policy's time is over. What went wrong becomes a note: the copies decide."""
    began = time.monotonic()
    while True:
        night.check()
        found = [night.environment.transfers.progress(name) for name in names]
        seconds = time.monotonic() - began
        tell(night, [one for one in found if one is not None], seconds)
        running = [one for one in found if one is not None and not one.ended]
        if not running or seconds > night.rules.transfer_wait_seconds:
            break
        time.sleep(night.environment.policy.poll_seconds)
    for one in running:
        night.notes.append(f"Transfer {one.name} has not ended after {seconds:,.0f} s; it goes on by itself.")
    for one in (one for one in found if one is not None and (one.objects_failed or one.state in ("failed", "aborted"))):
        samples = f": {'; '.join(said.rstrip('. ') for said in one.error_samples[:3])}" if one.error_samples else ""
        night.notes.append(f"Transfer {one.name} {one.state}, {one.objects_failed:,} objects failed{samples}.")


def tell(night: Night, found: list[TransferProgress], seconds: float) -> None:
    """How far they are together."""
    night.say(
        Progress(
            "transferring",
            sum(one.objects_copied + one.objects_skipped for one in found),
            night.source.counts.to_copy[0],
            sum(one.bytes_copied for one in found),
            night.source.counts.to_copy[1],
            seconds,
            sum(one.objects_failed for one in found),
        )
    )


def renames(copying: Copying, root: str, left: list[PendingCopy], missing: list[int]) -> Iterator[Job[PendingCopy]]:
    """A rewrite for each copy that was brought; what was not is counted in `missing`, the first of it put in `left`."""
    layout = copying.night.layout
    asked = ((copy_key(one.item.name, 0), one) for one in copying.asked())
    for one, there in merge_join(asked, brought(copying.night, root)):
        if one is None:
            continue
        item = one.item
        if there is not None and (there.size, there.crc32c) == (item.size, item.crc32c):
            target = layout.copy_name(item.name, item.generation, item.metageneration)
            made = Copy(layout.bucket, root + there.name, there.generation, layout.bucket, target, item.replaces)
            yield Job(made, item.size, one)
            continue
        missing[0] += 1
        if len(left) < LEFT_OVERS:
            left.append(one)


def brought(night: Night, root: str) -> Iterator[tuple[str, Entry]]:
    """What the service has brought, named as at the source, in the order of the copies."""
    listed = (
        entry._replace(name=entry.name[len(root) :])
        for page in night.bulk.pages(night.layout.bucket, root)
        for entry in page
    )
    for _, entry in in_copy_order(listed):
        yield copy_key(entry.name, 0), entry


def clear(night: Night, root: str) -> None:
    """Empty the night's folder. What cannot be removed now, expiry removes later."""
    bucket = night.layout.bucket
    listed = (entry for page in night.bulk.pages(bucket, root) for entry in page)
    deletions = (Deletion(bucket, entry.name, entry.generation) for entry in listed)
    kept = sum(
        answer.result in ("failed", "unknown") for _, answer in delete_all(night.bulk, deletions, check=night.check)
    )
    if kept:
        night.notes.append(f"{kept:,} objects under gs://{bucket}/{root} could not be removed yet; expiry will.")
