"""A bucket with a locked retention policy: everything is written once, so everything works."""

from __future__ import annotations

from datetime import timedelta

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import nights
from tests.backup.world import (
    BACKUP,
    DATA,
    backup,
    copies,
    done,
    expired,
    fill,
    locked_backup,
    manifest,
    rot,
    untrue,
    verification,
    verified,
)
from tests.recovery.world import everything


def test_nights_are_recorded_and_verified_in_a_bucket_that_allows_no_overwriting(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked_backup(sandbox)
    fill(sandbox.store, 30)
    done(environment)
    sandbox.store.put(DATA, "scenes/s_000/assets/a_000000.bin", b"another", quiet=True)
    assert done(environment).copied.objects == 1
    assert untrue(environment, sandbox.store) == []
    assert verified(environment).good


def test_expiry_leaves_what_retention_holds_and_calls_that_no_error(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked_backup(sandbox, days=30)
    environment.backup.keep_nights, environment.backup.keep_at_least = 1, 1
    fill(sandbox.store, 10)
    done(environment)
    done(environment)
    before = everything(sandbox.store)
    result = expired(environment, after=timedelta(days=20))
    assert result.outcome == "nothing_to_do", result.sentence()
    assert {found for found in everything(sandbox.store).found if found[0] == BACKUP} == {
        found for found in before.found if found[0] == BACKUP
    }


def test_expiry_says_how_many_objects_the_service_held(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """The clock of expiry is ahead of the service's: it asks, is refused by retention, and goes on."""
    locked_backup(sandbox, days=3)
    environment.backup.keep_nights, environment.backup.keep_at_least = 1, 1
    (name, *_) = fill(sandbox.store, 10)
    done(environment)
    sandbox.store.put(DATA, name, b"another", quiet=True)
    sandbox.store.put(BACKUP, "objects/scenes/stray+17", b"needed by no night", quiet=True)
    there = copies(sandbox.store)
    done(environment)
    environment.backup.keep_at_least = 2
    result = expired(environment, after=timedelta(days=10))
    assert result.outcome == "done", result.sentence()
    assert any("held by the bucket's retention" in note for note in result.notes)
    assert there.items() <= copies(sandbox.store).items()
    assert len(nights(environment)) == 2


def test_a_tampered_copy_that_retention_holds_is_a_problem_that_is_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked_backup(sandbox)
    (name, *_) = fill(sandbox.store, 3)
    entry_generation = sandbox.store.get(DATA, name)
    assert entry_generation is not None
    copy = layout_of(environment).copy_name(name, entry_generation.generation)
    sandbox.store.put(BACKUP, copy, b"somebody was here first", quiet=True)
    result = backup(environment)
    assert result.outcome == "partial"
    assert any(name in reason and "retention" in reason for reason in result.reasons), result.reasons
    assert name not in manifest(environment)
    assert untrue(environment, sandbox.store) == []


def test_rot_is_found_in_a_locked_bucket_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    locked_backup(sandbox)
    environment.backup.content_cycle_nights = 1
    fill(sandbox.store, 5)
    done(environment)
    rot(sandbox.store, next(iter(copies(sandbox.store))))
    assert [found.what for found in verification(environment).findings] == ["content"]
