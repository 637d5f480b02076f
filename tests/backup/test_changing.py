"""The source lives on while it is copied: the manifest says exactly what was captured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store_version import StoredVersion
from tasks.backup.report import class_rows
from tasks.snapshots.layout import layout_of
from tests.backup.world import BACKUP, DATA, backup, copied_bytes, done, fill, manifest, newest, summary_of, untrue


@contextmanager
def meanwhile(sandbox: Sandbox, act: Callable[[str], None], *, first: int = 1) -> Iterator[None]:
    """Do something to the source of each of the first copies, right after the first one was made."""
    left, lock = [first], threading.Lock()

    def heard(bucket: str, version: StoredVersion) -> None:
        if bucket != BACKUP or not version.name.startswith("objects/"):
            return
        with lock:
            left[0] -= 1
            if left[0]:
                return
        act(version.name)

    sandbox.store.on_finalize(heard)
    yield


def test_a_source_that_changes_while_it_is_copied_is_captured_in_its_newer_generation(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 300)

    def overwrite(_: str) -> None:
        for name in names[::3]:
            sandbox.store.put(DATA, name, b"changed while it was copied", quiet=True)

    with meanwhile(sandbox, overwrite):
        summary = done(environment)
    named = manifest(environment)
    assert len(named) == summary.objects == 300
    assert untrue(environment, sandbox.store) == []
    newer = [
        name for name in names[::3] if copied_bytes(environment, sandbox.store, named[name]).startswith(b"changed")
    ]
    assert newer
    assert any("their newer generation was captured" in note for note in summary.notes)
    assert summary.bytes == sum(entry.size for entry in named.values())


def test_a_source_that_never_rests_is_followed_three_times_and_then_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 5)
    restless = "scenes/s_000/assets/restless.bin"
    sandbox.store.put(DATA, restless, b"0", quiet=True)
    look = environment.storage.stat

    def stat(bucket: str, name: str, generation: int | None = None) -> object:
        found = look(bucket, name, generation)
        if bucket == DATA and name == restless:  # somebody overwrites it right after every look at it
            sandbox.store.put(DATA, restless, b"again", quiet=True)
        return found

    object.__setattr__(environment.storage, "stat", stat)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=412, times=6))
    result = backup(environment)
    assert result.outcome == "partial", result.sentence()
    assert any(restless in reason for reason in result.reasons)
    assert restless not in manifest(environment)


def test_a_source_that_is_deleted_before_it_is_copied_is_left_out_and_said(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 300)

    def delete(_: str) -> None:
        for name in names:
            if name.startswith("scenes/s_009/"):
                sandbox.store.delete(DATA, name)

    with meanwhile(sandbox, delete):
        summary = done(environment)
    named = manifest(environment)
    assert untrue(environment, sandbox.store) == []
    assert summary.objects == len(named) < 300
    assert any("were deleted at the source before being copied" in note for note in summary.notes)


def test_a_copy_with_other_bytes_than_its_generation_is_made_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    (name, *_) = fill(sandbox.store, 3)
    done(environment)
    entry = manifest(environment)[name]
    copy = layout_of(environment).copy_name(name, entry.generation)
    sandbox.store.put(BACKUP, copy, b"tampered with", quiet=True)
    result = backup(environment)
    assert result.outcome == "done"
    assert class_rows(result.facts)[-1]["wrong bytes"] == 1
    assert untrue(environment, sandbox.store) == []


def test_names_with_plus_and_blanks_come_back_as_they_were(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = ["scenes/a+17", "scenes/a", "scenes/a (2)", "scenes/a+", "scenes/a++1", "scenes/ä/b+2.bin"]
    for name in names:
        sandbox.store.put(DATA, name, name.encode(), quiet=True)
    done(environment)
    named = manifest(environment)
    assert set(named) == set(names)
    assert all(copied_bytes(environment, sandbox.store, named[name]) == name.encode() for name in names)


def test_when_too_many_copies_fail_the_rest_is_not_tried_and_the_manifest_stays_true(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 50)
    before = done(environment)
    fill(sandbox.store, 400, first=1000)
    environment.backup.max_failures = 20
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    result = backup(environment)
    sandbox.faults.clear()
    assert result.outcome == "partial", result.sentence()
    assert summary_of(result).missing_count == 400
    assert set(manifest(environment)) == set(manifest(environment, before))
    assert untrue(environment, sandbox.store) == []
    assert backup(environment).outcome == "done"
    assert newest(environment).objects == 450
