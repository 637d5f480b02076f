"""Expiry reads the manifests of all kept nights in bounded memory, and none of it twice for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.backup import unreferenced
from tasks.backup.unreferenced import distinct_parts, needed_keys, once
from tasks.snapshots.nights import read_entries, read_summary
from tasks.snapshots.summary import Part, Summary
from tasks.sync.copy_names import copy_key
from tasks.sync.key_ranges import KeyRange
from tests.backup.world import DATA, copies, done, expired, fill, outlived

KEYS = st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=8), min_size=1, max_size=9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(nights=KEYS, fan_in=st.integers(2, 4))
def test_however_many_nights_are_merged_each_key_comes_once_and_in_order(
    tmp_path: Path, nights: list[set[str]], fan_in: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unreferenced, "FAN_IN", fan_in)
        patched.setattr(unreferenced, "keys_of", lambda _environment, keys, _shard: iter(sorted(keys)))
        found = list(needed_keys(None, nights, KeyRange(), tmp_path / "keys"))  # type: ignore[arg-type]
    assert found == sorted(set().union(*nights))
    assert list(tmp_path.iterdir()) == [], "what was spilled is removed"


def test_no_more_manifests_are_open_at_once_than_the_fan_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = [0, 0]

    def keys(_environment: object, night: int, _shard: object) -> object:
        opened[0] += 1
        opened[1] = max(opened)
        yield f"{night:03d}"
        opened[0] -= 1

    monkeypatch.setattr(unreferenced, "keys_of", keys)
    found = list(needed_keys(None, range(200), KeyRange(), tmp_path / "keys"))  # type: ignore[arg-type]
    assert len(found) == 200
    assert opened == [0, unreferenced.FAN_IN]


def test_equal_keys_come_once_and_an_empty_one_is_a_key() -> None:
    assert list(once(["", "", "a", "a", "b"])) == ["", "a", "b"]


def test_a_range_in_which_nothing_changed_gives_the_same_part_and_is_read_once(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = fill(sandbox.store, 40)
    first, second, third = done(environment), done(environment), done(environment)
    assert [part.sha256 for part in third.parts] == [part.sha256 for part in second.parts]
    sandbox.store.put(DATA, names[0], b"changed", quiet=True)
    last = done(environment)
    kept = [first, second, third, last]
    read = distinct_parts(kept)
    parts = [part.sha256 for summary in read for part in summary.parts]
    assert len(parts) == len(set(parts)) < sum(len(summary.parts) for summary in kept)
    assert {part.sha256 for summary in kept for part in summary.parts} == set(parts)
    keys = {copy_key(e.name, e.generation) for s in kept for e in read_entries(environment, s)}
    assert (
        {copy_key(e.name, e.generation) for s in read for e in read_entries(environment, s)}
        == keys
        == {name.removeprefix("objects/") for name in copies(sandbox.store)}
    )


def test_parts_of_equal_bytes_are_left_out_of_the_older_night() -> None:
    def night(name: str, *shas: str) -> Summary:
        parts = tuple(Part(object=f"{name}{sha}", sha256=sha, bytes=1, objects=1) for sha in shas)
        return Summary.model_construct(night=name, parts=parts)

    read = distinct_parts([night("1", "a", "b"), night("2", "b", "c"), night("3", "c", "a")])
    assert [(one.night, [part.sha256 for part in one.parts]) for one in read] == [
        ("3", ["c", "a"]),
        ("2", ["b"]),
        ("1", []),
    ]


def test_with_more_nights_than_the_fan_in_the_same_copies_go(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreferenced, "FAN_IN", 2)
    outlived(environment, sandbox.store)
    environment.backup.keep_at_least = 4
    for number in range(4):
        sandbox.store.put(DATA, f"scenes/s_00{number}/assets/a_{number:06d}.bin", b"one more", quiet=True)
        last = done(environment)
    named = {
        f"objects/{copy_key(entry.name, entry.generation)}"
        for night in [read_summary(environment, last.night), *map_back(environment, last)]
        for entry in read_entries(environment, night)
    }
    assert expired(environment).outcome == "done"
    assert set(copies(sandbox.store)) == named


def map_back(environment: PipelineEnvironment, summary: Summary) -> list[Summary]:
    """The three nights before one."""
    found = []
    for _ in range(3):
        summary = read_summary(environment, summary.previous_night)
        found.append(summary)
    return found
