"""The pieces of a long copy, each by itself: ranges, batches, what is drawn ahead, and what one error stops."""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from blocks.storage_bulk import BATCH, Copy, Entry
from tasks.sync import compare as surveying
from tasks.sync import copying
from tasks.sync.compare import CopyItem, Counts, compare, compare_listings, read_items
from tasks.sync.copying import BATCH_BYTES, LARGE, Job, batches, groups, in_parallel
from tasks.sync.key_ranges import KeyRange, evenly, key_ranges_at
from tasks.sync.listing import each_key_range


def job(size: int) -> Job[None]:
    return Job(Copy("a", "b", 1, "c", "d"), size, None)


def entry(name: str, size: int = 1, crc32c: str = "c", generation: int = 1, updated: str = "now") -> Entry:
    return Entry(name, generation, size, crc32c, updated)


@pytest.mark.parametrize(
    ("many", "most", "chosen"),
    [
        (0, 3, []),
        (1, 3, [0]),
        (3, 3, [0, 1, 2]),
        (4, 3, [0, 2]),
        (9, 3, [0, 3, 6]),
        (10, 3, [0, 4, 8]),
        (5, 1, [0]),
    ],
)
def test_no_more_names_are_chosen_than_asked_for_and_the_first_always(many: int, most: int, chosen: list[int]) -> None:
    assert evenly([str(number) for number in range(many)], most) == [str(number) for number in chosen]


def test_ranges_begin_and_end_with_everything_and_meet() -> None:
    assert key_ranges_at([]) == [KeyRange("", "")]
    assert key_ranges_at(["b/", "a/", "b/"]) == [KeyRange("", "a/"), KeyRange("a/", "b/"), KeyRange("b/", "")]
    assert key_ranges_at(["a b/", "c/"]) == [KeyRange("", "c/"), KeyRange("c/", "")], (
        "a name that is no boundary is none"
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([LARGE], [1]),
        ([LARGE - 1], [1]),
        ([LARGE, LARGE], [1, 1]),
        ([1] * BATCH, [BATCH]),
        ([1] * (BATCH + 1), [BATCH, 1]),
        ([1, LARGE, 1], [1, 2]),
        ([LARGE - 1] * 33, [32, 1]),
    ],
)
def test_a_batch_ends_at_its_number_or_bytes_and_a_large_copy_has_none(sizes: list[int], expected: list[int]) -> None:
    found = list(batches([job(size) for size in sizes]))
    assert [len(batch) for batch in found] == expected
    assert all(sum(one.size for one in batch) <= BATCH_BYTES for batch in found)


def test_a_batch_may_have_exactly_the_bytes_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sync.copying.BATCH_BYTES", 10)
    assert [len(batch) for batch in batches([job(5), job(5), job(5), job(5), job(1)])] == [2, 2, 1]


@pytest.mark.parametrize(("many", "expected"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
def test_groups_are_full_but_for_the_last_and_none_is_empty(many: int, expected: list[int]) -> None:
    assert [len(group) for group in groups(range(many), 3)] == expected


def test_the_first_error_stops_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    ending = threading.Event()

    class Pool(ThreadPoolExecutor):
        def __exit__(self, *error: Any) -> None:
            ending.set()
            super().__exit__(*error)

    def carry_out(number: int) -> list[int]:
        begun.append(number)
        if number == 0:
            raise RuntimeError("the first error")
        ending.wait(30)
        return [number]

    monkeypatch.setattr(copying, "ThreadPoolExecutor", Pool)
    with pytest.raises(RuntimeError, match="the first error"):
        list(in_parallel(iter(range(1000)), carry_out, 2))
    assert set(begun) <= {0, 1, 2}, "two at a time: the fourth had been drawn and was called off, no other was drawn"


def test_every_result_comes_however_many_there_are() -> None:
    assert sorted(in_parallel(range(50), lambda one: [one, -one - 1], 3)) == list(range(-50, 50))


def test_every_range_is_done_and_the_first_error_is_raised_after_the_others() -> None:
    key_ranges, done = key_ranges_at(["a", "b", "c"]), []

    def do(number: int, key_range: KeyRange) -> tuple[int, KeyRange]:
        if number == 1:
            raise RuntimeError("range 1")
        done.append(number)
        return number, key_range

    with pytest.raises(RuntimeError, match="range 1"):
        each_key_range(key_ranges, do, 2)
    assert sorted(done) == [0, 2, 3]
    assert each_key_range(key_ranges, lambda number, key_range: (number, key_range), 2) == list(enumerate(key_ranges))


# Surveys


@pytest.mark.parametrize(
    ("copy", "kind"),
    [
        (None, "new"),
        (entry("b"), "same"),
        (entry("b", updated="later", generation=9), "same"),
        (entry("b", size=2), "differs"),
        (entry("b", crc32c="x"), "differs"),
    ],
)
def test_size_and_checksum_decide_and_a_time_never_does(copy: Entry | None, kind: str) -> None:
    assert compare(entry("a"), copy) == kind


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


PAIRS: list[tuple[Entry | None, Entry | None]] = [
    (entry("a", 5), entry("a", 5)),
    (entry("b", 7), None),
    (entry("lock", 1), None),
    (entry("c", 11), entry("c", 12, generation=40)),
    (None, entry("old", 100)),
]


def test_what_must_be_copied_is_what_is_new_or_differs_and_it_knows_what_it_replaces(tmp_path: Path) -> None:
    found = compare_listings(PAIRS, lambda name: None if name == "lock" else "data", tmp_path, 3)
    items = list(read_items(found.item))
    assert [(one.name, one.size, one.replaces) for one in items] == [("b", 7, 0), ("c", 11, 40)]
    assert [one["name"] for one in lines(found.part)] == ["a", "b", "c"]
    assert (found.first, found.last, found.part.name) == ("a", "c", "part-00003.jsonl.gz")
    kinds = {"same": 5, "new": 7, "differs": 11, "left_out": 1, "older": 100, "class:data": 23}
    assert dict(found.counts.bytes) == kinds
    assert (found.counts.seen, found.counts.to_copy) == (3, (2, 18))


def test_equal_ranges_give_equal_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = compare_listings(PAIRS, lambda _: "data", tmp_path / name, 0)
        made.append((found.part.read_bytes(), found.item.read_bytes()))
    assert made[0] == made[1]
    assert made[0][0][4:8] == b"\0\0\0\0", "gzip's own field for the time"


def test_an_empty_range_has_two_empty_files(tmp_path: Path) -> None:
    found = compare_listings([], lambda _: "data", tmp_path, 0)
    assert lines(found.part) == list(read_items(found.item)) == []
    assert (found.first, found.last) == ("", "")


def test_no_line_is_lost_where_the_buffer_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "FLUSH", 100)
    found = compare_listings([(entry(f"{number:04d}"), None) for number in range(50)], lambda _: "data", tmp_path, 0)
    assert [one.name for one in read_items(found.item)] == [f"{number:04d}" for number in range(50)]
    assert len(lines(found.part)) == 50


def test_the_counts_of_ranges_are_added() -> None:
    one, two = Counts(), Counts()
    one.add("new", 5)
    two.add("new", 6)
    two.add("same", 1)
    one += two
    assert (one.to_copy, one.seen, one.bytes["same"]) == ((2, 11), 3, 1)


def test_a_line_of_what_must_be_copied_from_before_still_reads(tmp_path: Path) -> None:
    (tmp_path / "item").write_text('["a",5,1,"c","now"]\n')
    assert list(read_items(tmp_path / "item")) == [CopyItem("a", 5, 1, "c", "now", 1, "", 0)]
