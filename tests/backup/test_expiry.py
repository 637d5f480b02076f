"""Expiry removes what no kept night names, never the last good night, and nothing at all when in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from blocks.backup import BackupPolicy
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup.retention import choose
from tasks.remediation.context import Context
from tasks.remediation.lease import ROOT as LEASES
from tasks.snapshots.layout import layout_of, night_id
from tasks.snapshots.nights import nights
from tasks.snapshots.summary import Summary
from tests.backup.world import BACKUP, DATA, OPS, backup, copies, done, expired, fill, manifest, rot, untrue, verified
from tests.recovery.world import everything

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
LATER = timedelta(days=60)


def night(days: float, outcome: str) -> Summary:
    """A night so many days ago."""
    begun = NOW - timedelta(days=days)
    return Summary.model_validate(
        {"night": night_id(begun), "begun_at": begun, "ended_at": begun, "data_bucket": "d", "prefix": "scenes/"}
        | {"outcome": outcome}
    )


@given(
    ages=st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["clean", "nothing to do", "partial"])), max_size=40),
    keep_nights=st.integers(1, 60),
    keep_at_least=st.integers(1, 10),
)
def test_the_last_good_night_and_enough_good_ones_are_always_kept(
    ages: list[tuple[int, str]], keep_nights: int, keep_at_least: int
) -> None:
    summaries = [night(days, outcome) for days, outcome in sorted(dict(ages).items(), reverse=True)]
    rules = BackupPolicy(keep_nights=keep_nights, keep_at_least=keep_at_least)
    choice = choose(summaries, rules, NOW)
    good = [summary for summary in summaries if summary.good]
    kept, gone = ({summary.night for summary in some} for some in (choice.kept, choice.expired))
    assert {summary.night for summary in good[-keep_at_least:]} <= kept
    assert kept | gone == {summary.night for summary in summaries}
    assert not kept & gone
    assert all(NOW - summary.begun_at > timedelta(days=keep_nights) for summary in choice.expired)
    if not good:
        assert choice.expired == ()


def test_what_only_expired_nights_name_goes_and_the_rest_stays_whole(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.keep_at_least = 1
    names = fill(sandbox.store, 40)
    first = done(environment)
    old = copies(sandbox.store)
    for name in names[:10]:
        sandbox.store.put(DATA, name, b"a newer generation", quiet=True)
    for name in names[10:15]:
        sandbox.store.delete(DATA, name)
    second = done(environment)
    planned = expired(environment, "plan")
    assert "1 night and 15 objects" in planned.summary
    result = expired(environment)
    assert result.outcome == "done", result.sentence()
    assert nights(environment) == [second.night]
    assert [found.name for found in sandbox.store.list(BACKUP, f"nights/{first.night}/")] == []
    needed = {f"objects/{name}+{entry.generation}" for name, entry in manifest(environment).items()}
    assert set(copies(sandbox.store)) == needed
    assert len(set(old) - needed) == 15
    assert untrue(environment, sandbox.store) == []
    assert verified(environment, after=LATER).good
    assert done(environment).outcome == "nothing to do"


def test_the_last_good_night_stays_however_old_it_is(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.backup.keep_nights = environment.backup.keep_at_least = 1
    names = fill(sandbox.store, 20)
    good = done(environment)
    sandbox.store.put(DATA, names[0], b"changed", quiet=True)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    assert backup(environment).outcome == "partial"
    sandbox.faults.clear()
    assert expired(environment, after=timedelta(days=4000)).outcome == "done"
    assert nights(environment) == [good.night]
    assert untrue(environment, sandbox.store, good) == []


def test_nothing_is_deleted_when_a_kept_manifest_cannot_be_read(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.backup.keep_at_least = 1
    names = fill(sandbox.store, 20)
    done(environment)
    sandbox.store.put(DATA, names[0], b"changed", quiet=True)
    kept = done(environment)
    rot(sandbox.store, kept.parts[0].object)
    before = [found for found in everything(sandbox.store).found if found[0] == BACKUP]
    result = expired(environment)
    assert result.outcome == "refused"
    assert kept.night in result.reasons[0]
    assert sorted(before) == sorted(found for found in everything(sandbox.store).found if found[0] == BACKUP)


def test_without_any_night_nothing_is_needed_by_none(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """An empty list of what is needed must not mean that nothing is."""
    fill(sandbox.store, 10)
    summary = done(environment)
    sandbox.store.delete(BACKUP, layout_of(environment).summary_name(summary.night))
    there = copies(sandbox.store)
    assert expired(environment).outcome == "nothing_to_do"
    assert copies(sandbox.store) == there


def test_young_copies_may_belong_to_a_backup_that_runs(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    done(environment)
    sandbox.store.put(BACKUP, "objects/scenes/just+17", b"being made", quiet=True)
    assert expired(environment, after=timedelta(hours=47)).outcome == "nothing_to_do"
    assert expired(environment, after=timedelta(hours=49)).outcome == "done"
    assert "objects/scenes/just+17" not in copies(sandbox.store)


def test_parts_that_a_killed_backup_has_left_are_removed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    done(environment)
    left = ("nights/20260101T020000Z/manifest-00000.jsonl.gz", "transfers/20260101T020000Z/scenes/a")
    for name in left:
        sandbox.store.put(BACKUP, name, b"of a night without a summary", quiet=True)
    assert expired(environment).outcome == "done"
    assert [sandbox.store.get(BACKUP, name) for name in left] == [None, None]


def test_after_an_error_nothing_more_is_deleted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.backup.keep_at_least = 1
    names = fill(sandbox.store, 20)
    done(environment)
    for name in names:
        sandbox.store.put(DATA, name, b"changed", quiet=True)
    done(environment)
    there = copies(sandbox.store)
    sandbox.faults.add(FaultRule(service="storage", method="objects.delete", kind="status", status=403, times=1))
    result = expired(environment)
    sandbox.faults.clear()
    assert result.outcome == "failed"
    assert copies(sandbox.store) == there
    assert expired(environment).outcome == "done"
    assert len(copies(sandbox.store)) == 20


def test_backup_and_expiry_never_work_at_the_same_time(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    done(environment)
    other = Context(environment, "another run")
    with other.holding("@backup", "another"):
        assert sandbox.store.get(OPS, f"{LEASES}@backup.json") is not None
        for result in (backup(environment), expired(environment)):
            assert result.outcome == "busy"
            assert "being worked on by another run" in result.reasons[0]
        assert backup(environment, "plan").good
    assert backup(environment).good
