"""Above a configurable size Storage Transfer Service makes the copies; everything else is as with small backups."""

from __future__ import annotations

import csv

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup import transfer
from tests.backup.world import (
    BACKUP,
    DATA,
    OPS,
    backup,
    copies,
    done,
    fill,
    locked_backup,
    manifest,
    newest,
    untrue,
    verified,
)

STRANGE = ("scenes/a, b.bin", 'scenes/"quoted".bin', "scenes/a+17", "scenes/a", "scenes/a (2)", "scenes/ä.bin")


@pytest.fixture
def environment(environment: PipelineEnvironment) -> PipelineEnvironment:
    environment.backup.transfer_above_objects = 50
    return environment


def staged(sandbox: Sandbox) -> list[str]:
    return [found.name for found in sandbox.store.list(BACKUP, "transfers/")]


def test_from_the_threshold_on_the_service_copies_and_below_it_this_process(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 49)
    assert done(environment).engine == "copy"
    fill(sandbox.store, 50, first=1000)
    planned = backup(environment, "plan")
    assert "by Storage Transfer Service" in planned.summary
    assert done(environment).engine == "transfer"
    assert sandbox.requests.count("transfer", "RunTransferJob") == 1


def test_what_the_service_brings_is_recorded_verified_and_adopted_like_any_copy(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS", 40)  # several transfers
    fill(sandbox.store, 120)
    for name in STRANGE:
        sandbox.store.put(DATA, name, name.encode(), quiet=True)
    summary = done(environment)
    assert (summary.engine, summary.objects, summary.copied.objects) == ("transfer", 126, 126)
    assert sandbox.requests.count("transfer", "RunTransferJob") == 4
    assert untrue(environment, sandbox.store) == []
    assert set(STRANGE) < set(manifest(environment))
    assert staged(sandbox) == []
    assert verified(environment).good
    assert done(environment).outcome == "nothing to do"


def test_only_the_generations_that_were_listed_are_brought_and_what_has_changed_is_captured_newer(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 80)
    listed = {(found.name, str(found.generation)) for found in sandbox.store.list(DATA, "scenes/")}
    changed = False

    def overwrite(bucket: str, version: object) -> None:
        nonlocal changed
        if bucket == "sandbox-ops" and not changed and "transfers/" in version.name:  # type: ignore[attr-defined]
            changed = True
            for name in names[:10]:
                sandbox.store.put(DATA, name, b"changed before it was brought", quiet=True)

    sandbox.store.on_finalize(overwrite)
    summary = done(environment)
    assert changed
    (manifest_csv,) = sandbox.store.list(OPS, "remediation/backup/transfers/")
    assert set(map(tuple, csv.reader(manifest_csv.data.decode().splitlines()))) == listed
    assert summary.objects == 80
    assert untrue(environment, sandbox.store) == []
    live = {found.name: found.generation for found in sandbox.store.list(DATA, "scenes/")}
    assert {name: entry.generation for name, entry in manifest(environment).items()} == live


def test_what_is_not_brought_and_cannot_be_copied_is_a_problem(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LEFT_OVERS", 5)
    fill(sandbox.store, 60)
    environment.backup.transfer_wait_seconds = 0.2
    sandbox.faults.add(FaultRule(service="transfer", method="RunTransferJob", kind="latency", seconds=0.0))
    monkeypatch.setattr("deployments.sandbox.services.transfer_run.TransferRun.run", lambda self: None)
    result = backup(environment)
    assert result.outcome == "partial", result.sentence()
    assert "did not bring 60 objects; 55 of them are not captured" in " ".join(result.reasons)
    assert newest(environment).missing_count == 55
    assert untrue(environment, sandbox.store) == []
    assert len(manifest(environment)) == 5


def test_a_locked_bucket_keeps_what_was_brought_and_that_is_said(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    locked_backup(sandbox)
    fill(sandbox.store, 60)
    summary = done(environment)
    assert untrue(environment, sandbox.store) == []
    assert len(staged(sandbox)) == len(copies(sandbox.store)) == 60
    assert any("60 objects under" in note and "expiry will" in note for note in summary.notes)
