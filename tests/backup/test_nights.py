"""Reading nights: which one is meant, and only the parts that can hold what is wanted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup import observe
from tasks.backup.observe import cuts
from tasks.snapshots.layout import Layout, night_time
from tasks.snapshots.nights import last_good, may_hold, night_at, nights, read_entries
from tasks.snapshots.summary import Part
from tasks.sync.copy_names import copy_key
from tasks.sync.key_ranges import KeyRange, key_ranges_at
from tests.backup.world import BACKUP, DATA, backup, done, fill, manifest, summary_of

NAMES = st.text(alphabet="a+ -/1b", min_size=1, max_size=5)


LONG = st.builds(lambda cut, end: ("x" * 792 + "é\U0001f600")[:cut] + end, st.integers(785, 794), NAMES)


@given(st.sets(NAMES | LONG, min_size=1, max_size=12), st.text(alphabet="a+ -/1b", max_size=4) | LONG)
def test_a_part_that_holds_a_name_with_the_prefix_is_never_passed_over(names: set[str], prefix: str) -> None:
    ordered = sorted(names, key=lambda name: copy_key(name, 17))
    part = Part(object="p", sha256="", bytes=1, objects=len(ordered), first=ordered[0], last=ordered[-1])
    if any(name.startswith(prefix) for name in names):
        assert may_hold(part, prefix)


def test_only_the_parts_that_can_hold_the_prefix_are_read(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 100, scenes=10)
    summary = done(environment)
    assert len(summary.parts) == 10
    wanted = sorted(name for name in manifest(environment) if name.startswith("scenes/s_003/"))
    sandbox.requests.reset()
    assert [entry.name for entry in read_entries(environment, summary, "scenes/s_003/")] == wanted
    assert len(wanted) == 10
    assert sandbox.requests.count("storage", "objects.media") == 1


def test_ranges_give_every_entry_once_and_in_the_order_of_the_copies(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 100, scenes=10)
    summary = done(environment)
    ranges = key_ranges_at(["scenes/s_002/", "scenes/s_0055", "scenes/s_009/assets/a_000049.bin"])
    keys = [
        copy_key(e.name, e.generation)
        for key_range in ranges
        for e in read_entries(environment, summary, key_range=key_range)
    ]
    assert keys == sorted(set(keys))
    assert len(keys) == 100
    assert list(read_entries(environment, summary, key_range=KeyRange("zzz"))) == []


def test_the_night_of_a_moment_is_the_newest_that_had_begun(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 5)
    assert night_at(environment, night_time("20260101T000000Z")) is None
    first, second = done(environment), done(environment)
    assert night_at(environment, second.begun_at) == second
    assert night_at(environment, second.begun_at - timedelta(milliseconds=1)) == first
    assert night_at(environment, first.begun_at - timedelta(milliseconds=1)) is None
    assert last_good(environment, before=second.begun_at) == first
    assert nights(environment) == [first.night, second.night]


def test_the_last_good_night_is_not_a_partial_one(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    (name, *_) = fill(sandbox.store, 5)
    good = done(environment)
    sandbox.store.put(DATA, name, b"changed", quiet=True)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403))
    result = backup(environment)
    sandbox.faults.clear()
    assert result.outcome == "partial"
    assert last_good(environment) == good
    assert night_at(environment, summary_of(result).ended_at) == summary_of(result)
    there = manifest(environment, good)[name]
    assert sandbox.store.get(BACKUP, Layout(BACKUP).copy_name(name, there.generation)) is not None


def test_small_parts_are_taken_together_and_uneven_ones_are_cut_anew(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [
        Part(
            object="",
            sha256="",
            bytes=1,
            objects=400,
            first=f"scenes/s_{number:03d}/a",
            last=f"scenes/s_{number:03d}/z",
        )
        for number in range(10)
    ]
    assert cuts(parts) == ["scenes/s_002/a", "scenes/s_004/a", "scenes/s_006/a", "scenes/s_008/a"]
    assert cuts([]) == []
    fill(sandbox.store, 100, scenes=10)
    assert len(done(environment).parts) == 10, "a part for each folder: nothing was known"
    assert len(done(environment).parts) == 1, "a hundred objects are no reason to ask ten times"
    monkeypatch.setattr(observe, "LEAST_OBJECTS", 10)
    fill(sandbox.store, 100, scenes=1, first=1000)
    assert done(environment).objects == 200


def test_a_backup_below_a_prefix_keeps_to_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.backup_prefix = "nightly/"
    fill(sandbox.store, 5)
    done(environment)
    assert len(manifest(environment)) == 5
    assert all(found.name.startswith("nightly/") for found in sandbox.store.list(BACKUP))
