"""What somebody puts among the nights, and clocks that are wrong, spoil neither the nights before nor those after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError

import tasks.backup.night
from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.snapshots.nights import NightDamaged, night_at, nights, read_summary
from tasks.snapshots.summary import Summary, body_of
from tests.backup.world import BACKUP, DATA, backup, copies, done, expired, fill, rot, verification, verified, watched

FUTURE = "20991231T000000Z"
KEY = SecretStr("a key of this test")


def forge(sandbox: Sandbox, good: Summary, night: str, signature: str = "") -> None:
    """A summary by somebody who may create objects in the backup bucket and has no key."""
    forged = good.model_copy(update={"night": night, "signature": signature})
    sandbox.store.put(BACKUP, f"nights/{night}/summary.json", body_of(forged))


def ahead(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """The clock by which a night begins is wrong."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=days)

    monkeypatch.setattr(tasks.backup.night, "datetime", Ahead)


def test_a_folder_that_is_no_night_does_not_stop_backups(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    fill(sandbox.store, 3)
    done(environment)
    sandbox.store.put(BACKUP, "nights/put-aside/manifest-00000.jsonl.gz", b"moved here by a person")
    done(environment)
    assert len(nights(environment)) == 2


def test_a_night_after_which_no_name_is_left_is_named(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    fill(sandbox.store, 3)
    sandbox.store.put(BACKUP, "nights/99991231T235959Z/manifest-00000.jsonl.gz", b"x")
    result = backup(environment)
    assert result.outcome == "failed"
    assert "nights/99991231T235959Z/ cannot be a night" in result.sentence()


def test_with_a_key_a_forged_night_does_not_spoil_the_one_before_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    environment.backup.signing_key = KEY
    fill(sandbox.store, 3)
    good = done(environment)
    forge(sandbox, good, FUTURE)
    assert read_summary(environment, good.night) == good
    assert night_at(environment, datetime.now(UTC)) == good
    with pytest.raises(NightDamaged):
        read_summary(environment, FUTURE)
    found = verification(environment, good.night)
    assert [one.object for one in found.findings] == [f"gs://{BACKUP}/nights/{FUTURE}/summary.json"]
    later = done(environment)
    assert night_at(environment, datetime.now(UTC)) == later


def test_a_signature_in_strange_letters_is_a_wrong_one(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    environment.backup.signing_key = KEY
    fill(sandbox.store, 3)
    good = done(environment)
    forge(sandbox, good, FUTURE, "ä" * 64)
    with pytest.raises(NightDamaged, match="wrong signature"):
        read_summary(environment, FUTURE)
    assert done(environment).night > FUTURE
    assert expired(environment, "plan").outcome == "refused"


def test_a_night_is_found_by_its_beginning_though_names_are_ahead(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sandbox.store, 3)
    done(environment)
    with monkeypatch.context() as wrong:
        ahead(wrong, 365)
        done(environment)
    right = done(environment)
    assert right.night > f"{datetime.now(UTC) + timedelta(days=300):%Y%m%d}"
    assert night_at(environment, datetime.now(UTC)) == right


def test_a_night_from_the_future_is_complained_about(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sandbox.store, 3)
    ahead(monkeypatch, 365)
    done(environment)
    looked = verified(environment)
    assert looked.good
    assert looked.facts.sections[0].rows[0]["achieved"] == "not measured yet"
    found = watched(environment)
    assert found.outcome == "failed"
    assert "8760.0 h from now" in found.sentence()


def test_the_nights_of_another_bucket_are_not_gone_on_with(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    fill(sandbox.store, 3)
    done(environment)
    sandbox.store.create_bucket("another")
    for found in list(sandbox.store.list(DATA, "scenes/")):
        sandbox.store.put("another", found.name, found.data, quiet=True)
    environment.data_bucket = "another"
    result = backup(environment)
    assert result.outcome == "refused"
    assert "begin under another backup_prefix" in result.sentence()
    assert len(nights(environment)) == 1


def test_a_prefix_with_a_plus_is_backed_up_once_and_verified(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    environment.backup = environment.backup.model_copy(update={"prefix": "scenes/a+b/"})
    for number in range(3):
        sandbox.store.put(DATA, f"scenes/a+b/{number}", b"x")
    assert done(environment).copied.objects == 3
    assert done(environment).copied.objects == 0
    assert verified(environment).good


def test_drills_never_empty_the_folder_of_leases_and_journals() -> None:
    with pytest.raises(ValidationError, match="a drill empties it"):
        BackupPolicy(drill_prefix="remediation/")


def test_nothing_expires_while_a_restore_is_at_work(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    fill(sandbox.store, 3)
    done(environment)
    context = Context(environment, "a test")
    with context.holding("@restore", "a-run"):
        result = expired(environment)
    assert (result.outcome, len(nights(environment))) == ("busy", 1)
    assert "restore is being worked on by" in result.sentence()


def test_verifying_an_older_night_takes_no_turn_of_the_cycle(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    environment.backup.content_cycle_nights = 2
    fill(sandbox.store, 10)
    older = done(environment)
    fill(sandbox.store, 20, first=10)
    done(environment)
    for name in copies(sandbox.store):
        rot(sandbox.store, name)
    found: set[str] = set()
    for night in ("", older.night, ""):
        seen = verification(environment, night)
        found |= {one.object for one in seen.findings}
    assert len(found) == 30
