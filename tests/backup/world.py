"""What the tests of backups share: sources, what a manifest must say of them, and damage to the backup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.store_bucket import BucketSettings
from deployments.sandbox.storage.store_version import Content
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.backup.expiry import ExpireBackups, ExpiryRequest
from tasks.backup.findings import Verification
from tasks.backup.procedure import NightlyBackup
from tasks.backup.verify import VerifyBackup, VerifyQuestion
from tasks.backup.watch import BackupWatch, WatchQuestion
from tasks.remediation.caller import Caller, inline
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.procedure import Mode, Request
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import ManifestEntry, nights, read_entries, read_summary
from tasks.snapshots.summary import Summary

DATA, OPS, BACKUP = "sandbox-scenes", "sandbox-ops", "sandbox-backup"
DAY = 24 * 3600


def quick_environment(sandbox: Sandbox, **rules: object) -> PipelineEnvironment:
    """The environment of a sandbox with these rules of backups; the lease outlasts any test."""
    made = for_sandbox(sandbox.endpoints, quick_policy(poll_seconds=0.02, lease_seconds=120))
    made.backup = BackupPolicy.model_validate({"workers": 4} | rules)
    return made


def fill(store: ObjectStore, count: int, *, scenes: int = 10, size: int = 40, first: int = 0) -> list[str]:
    """Objects of different bytes in scenes; their names."""
    names = [f"scenes/s_{number % scenes:03d}/assets/a_{number:06d}.bin" for number in range(first, first + count)]
    for number, name in enumerate(names):
        store.put(DATA, name, f"{number:08d}".encode() * (size // 8), quiet=True)
    return names


def back_up(context: Context, mode: Mode = "apply", call: Caller = inline) -> Run:
    """One backup."""
    return run(NightlyBackup(), context, Request(mode=mode), call)


def backup(environment: PipelineEnvironment, mode: Mode = "apply") -> Run:
    """One run with a context of its own, as a process of its own would have. A victim's lease may be taken over."""
    dead = ("victim",)
    return back_up(Context(environment, "a test", gone=lambda holder: holder.owner in dead), mode)


def summary_of(one: Run) -> Summary:
    """What a run has recorded."""
    assert one.facts is not None, one.sentence()
    summary = one.facts.summary
    assert isinstance(summary, Summary), one.sentence()
    return summary


def done(environment: PipelineEnvironment) -> Summary:
    """A backup that must capture everything."""
    result = backup(environment)
    assert result.outcome == "done", result.sentence()
    return summary_of(result)


def verified(environment: PipelineEnvironment, night: str = "", after: timedelta = timedelta()) -> Run:
    """A verification, as it would be after some time."""
    question = VerifyQuestion(night=night, now=datetime.now(UTC) + after)
    return check(VerifyBackup(), Context(environment, "a test"), question)


def verification(environment: PipelineEnvironment, night: str = "") -> Verification:
    """What a verification has recorded, however it ended."""
    found = verified(environment, night)
    assert isinstance(found.facts.facts, Verification), found.sentence()
    return found.facts.facts


def watched(environment: PipelineEnvironment, after: timedelta = timedelta()) -> Run:
    """The watch, as it would be after some time."""
    return check(BackupWatch(), Context(environment, "a test"), WatchQuestion(now=datetime.now(UTC) + after))


def expired(
    environment: PipelineEnvironment, mode: Mode = "apply", after: timedelta = timedelta(days=60), **options: Any
) -> Run:
    """Expiry as it would be after some time."""
    request = ExpiryRequest(mode=mode, now=datetime.now(UTC) + after, **options)
    return run(ExpireBackups(), Context(environment, "a test"), request)


def outlived(environment: PipelineEnvironment, store: ObjectStore, count: int = 20) -> tuple[Summary, Summary]:
    """Two nights that have no copy in common; after some time the first one may go. Both of them."""
    environment.backup.keep_at_least = 1
    names = fill(store, count)
    first = done(environment)
    for name in names:
        store.put(DATA, name, b"a newer generation", quiet=True)
    return first, done(environment)


def newest(environment: PipelineEnvironment) -> Summary:
    """The newest night."""
    return read_summary(environment, nights(environment)[-1])


def manifest(environment: PipelineEnvironment, summary: Summary | None = None) -> dict[str, ManifestEntry]:
    """What a night names."""
    return {entry.name: entry for entry in read_entries(environment, summary or newest(environment))}


def copied_bytes(environment: PipelineEnvironment, store: ObjectStore, entry: ManifestEntry) -> bytes:
    """What the backup holds for an entry."""
    name = layout_of(environment).copies_root + entry.key
    found = store.get(BACKUP, name)
    assert found is not None, f"{name} is not in the backup"
    return found.data


def untrue(environment: PipelineEnvironment, store: ObjectStore, summary: Summary | None = None) -> list[str]:
    """Entries of a manifest whose copy is not exactly what they say."""
    wrong = []
    for entry in manifest(environment, summary).values():
        copy = store.get(BACKUP, layout_of(environment).copies_root + entry.key)
        if copy is None or (copy.size, copy.crc32c) != (entry.size, entry.crc32c):
            wrong.append(entry.name)
    return wrong


def copies(store: ObjectStore, versions: bool = False) -> dict[str, int]:
    """The copies in the backup with their generations."""
    return {found.name: found.generation for found in store.list(BACKUP, "objects/", versions=versions)}


def locked_backup(sandbox: Sandbox, days: float = 30) -> None:
    """The backup bucket as one with a locked retention policy."""
    sandbox.store.delete_bucket(BACKUP)
    settings = BucketSettings(soft_delete_seconds=0, retention_seconds=int(days * DAY), retention_locked=True)
    sandbox.store.create_bucket(BACKUP, settings=settings)


def rot(store: ObjectStore, name: str, bucket: str = BACKUP) -> None:
    """Flip one bit of a stored object. Size, checksum and generation stay as they were, as when a disk lies."""
    version = store.get(bucket, name)
    assert version is not None
    rotten = Content.__new__(Content)
    rotten.size, rotten.md5, rotten.crc32c = version.size, version.md5, version.crc32c
    rotten.data = bytes([version.data[0] ^ 1]) + version.data[1:]
    version.content = rotten


class AfterSome(FaultRule):
    """A rule that lets so many requests pass first."""

    passing: int

    def matches(self, service: str, method: str) -> bool:
        if not super().matches(service, method):
            return False
        object.__setattr__(self, "passing", self.passing - 1)
        return self.passing < 0


HOME = Path(__file__).resolve().parents[2]
