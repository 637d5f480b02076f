"""Looks are taken at the same time; one that fails, hangs or has a fault of its own hides none of the others."""

from __future__ import annotations

import threading

import pytest

from blocks.errors import PermanentError, TemporaryError
from tasks.pipeline.at_once import at_once


def test_they_do_not_wait_for_each_other() -> None:
    both = threading.Barrier(2, timeout=30)
    ends = at_once([lambda: [both.wait(), None][1]] * 2, 30.0)
    assert [(end.done, end.problem) for end in ends] == [(True, "")] * 2


def test_one_that_hangs_is_given_up_and_what_it_found_by_then_is_kept() -> None:
    release, found = threading.Event(), list[str]()

    def slow() -> None:
        found.append("before")
        release.wait(60)

    try:
        late, quick = at_once([slow, lambda: None], 0.2)
    finally:
        release.set()
    assert found == ["before"]
    assert late.problem == "It was not done within 0.2 s; what it found by then is shown."
    assert (quick.done, quick.problem) == (True, "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TemporaryError("Could not ask: 503."), "Could not ask: 503."),
        (PermanentError("May not ask."), "May not ask."),
        (KeyError("oops"), "It ended by a fault of its own (KeyError: "),
    ],
)
def test_one_that_fails_says_why(error: Exception, said: str) -> None:
    def fails() -> None:
        raise error

    failed, well = at_once([fails, lambda: None], 30.0)
    assert failed.problem.startswith(said)
    assert well.problem == ""


def test_nothing_to_look_at_is_over_at_once() -> None:
    assert at_once([], 30.0) == []
