"""How far a long copy is: what is counted, what is told, and how often."""

from __future__ import annotations

import threading

import pytest

from tasks.sync import progress
from tasks.sync.progress import Progress, ProgressCounter, human


@pytest.mark.parametrize(
    ("objects", "of_objects", "size", "of_bytes", "percent"),
    [
        (0, 0, 0, 0, 100.0),
        (5, 10, 0, 0, 50.0),
        (5, 10, 90, 100, 50.0),
        (9, 10, 20, 100, 20.0),
        (7, 0, 20, 100, 20.0),
        (10, 10, 100, 100, 100.0),
    ],
)
def test_the_percentage_is_of_what_is_further_behind(
    objects: int, of_objects: int, size: int, of_bytes: int, percent: float
) -> None:
    assert Progress("copying", objects, of_objects, size, of_bytes, 1.0).percent == percent


@pytest.mark.parametrize(
    ("progress", "sentence"),
    [
        (
            Progress("copying", 12_000, 24_000, 1_200_000_000, 2_400_000_000, 5.0),
            "copying: 12,000 of 24,000 objects, 1.2 GB, 2,400 objects/s, about 5 s left",
        ),
        (Progress("looking", 12, 0, 0, 0, 4.0), "looking: 12 objects, 0 B, 3 objects/s"),
        (Progress("copying", 0, 10, 0, 10, 4.0), "copying: 0 of 10 objects, 0 B, 0 objects/s"),
        (Progress("copying", 10, 10, 10, 10, 0.0), "copying: 10 of 10 objects, 10 B, 0 objects/s"),
        (Progress("copying", 1, 10, 1, 10, 1.0, failed=2), "copying: 1 of 10 objects, 1 B, 1 objects/s, about 9 s left, 2 failed"),
    ],
)  # fmt: skip
def test_the_sentence_says_no_more_than_is_known(progress: Progress, sentence: str) -> None:
    assert progress.sentence() == sentence


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (10**12, "1.0 TB"), (5 * 10**15, "5.0 PB")],
)
def test_bytes_are_shown_in_the_largest_unit_that_fits(size: int, shown: str) -> None:
    assert human(size) == shown


def test_between_two_reports_nothing_is_told_and_the_last_state_always_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    counted = ProgressCounter("copying", 10, 100, told.append)
    counted.add(1, 10)
    counted.add(2, 20, failed=1)
    assert told == []
    last = counted.finish()
    assert told == [last]
    assert (last.objects, last.bytes, last.failed, last.of_objects, last.of_bytes) == (3, 30, 1, 10, 100)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    counted.add(1, 1)
    assert [one.objects for one in told] == [3, 4]


def test_after_a_report_the_next_one_waits_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    counted = ProgressCounter("copying", report=told.append)
    counted._told -= progress.SECONDS  # as if two seconds had passed
    counted.add(1, 1)
    counted.add(1, 1)
    assert [one.objects for one in told] == [1]


def test_nothing_is_lost_when_many_threads_count() -> None:
    counted = ProgressCounter("copying")
    threads = [threading.Thread(target=lambda: [counted.add(1, 2) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counted.now().objects, counted.now().bytes) == (4000, 8000)
