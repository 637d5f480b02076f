"""The morning after: a night that is missing, partial, damaged or not verified is noticed."""

from __future__ import annotations

from datetime import timedelta

from pydantic import SecretStr

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.backup.world import DATA, backup, copies, done, fill, rot, verified, watched
from tests.recovery.world import everything


def test_a_verified_night_is_fine_and_looking_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 5)
    done(environment)
    verified(environment)
    before = everything(sandbox.store)
    assert watched(environment).outcome == "nothing_to_do"
    assert everything(sandbox.store) == before


def test_no_backup_at_all_is_noticed(environment: PipelineEnvironment) -> None:
    result = watched(environment)
    assert (result.outcome, result.good) == ("failed", False)
    assert "no backup at all" in result.sentence()


def test_a_missed_night_is_noticed_the_next_morning(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    done(environment)
    verified(environment)
    assert watched(environment, timedelta(hours=5)).good
    missed = watched(environment, timedelta(hours=29))
    assert not missed.good
    assert "A night was missed" in missed.sentence()
    assert "29.0 h ago" in missed.sentence()


def test_a_partial_night_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    (name, *_) = fill(sandbox.store, 5)
    done(environment)
    sandbox.store.put(DATA, name, b"changed", quiet=True)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    assert backup(environment).outcome == "partial"
    sandbox.faults.clear()
    verified(environment)
    said = watched(environment).sentence()
    assert "is partial: 1 object not captured" in said
    assert name in said


def test_an_unverified_or_a_damaged_night_is_noticed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.backup.content_cycle_nights = 1
    fill(sandbox.store, 5)
    done(environment)
    assert "has not been verified" in watched(environment).sentence()
    rot(sandbox.store, next(iter(copies(sandbox.store))))
    verified(environment)
    assert "has 1 finding;" in watched(environment).sentence()
    environment.backup.signing_key = SecretStr("set later")
    assert "is not signed" in watched(environment).sentence()
