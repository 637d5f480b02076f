"""One word for how a run ends, one exit code for each word, and one word for each error."""

from __future__ import annotations

from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError, UnknownOutcome
from tasks.remediation.lease import LeaseBusy, LeaseDamaged, LeaseLost
from tasks.remediation.ledger import LedgerDamaged, LedgerTaken
from tasks.remediation.outcome import (
    CONTINUES,
    EXIT,
    GOOD,
    Outcome,
    Refused,
    StillRunning,
    Stopped,
    outcome_of,
    read_word,
    worst,
)

WORDS: tuple[Outcome, ...] = get_args(Outcome)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, {"nothing_to_do", "planned", "done"}),
        (1, {"failed", "unknown"}),
        (3, {"refused", "escalated", "needs_approval"}),
        (4, {"busy", "stopped", "not_started"}),
        (5, {"partial"}),
    ],
)
def test_the_exit_codes_are_those_of_the_documents(code: int, words: set[str]) -> None:
    assert {word for word, known in EXIT.items() if known == code} == words


@pytest.mark.parametrize(
    ("error", "word", "continues"),
    [
        (Refused("no"), "refused", False),
        (LeaseBusy("busy"), "busy", False),
        (LedgerTaken("taken"), "busy", False),
        (LeaseLost("lost"), "stopped", True),
        (Stopped("switch"), "stopped", True),
        (TemporaryError("later"), "failed", True),
        (UnknownOutcome("who knows"), "unknown", False),
        (PermanentError("no"), "failed", False),
        (StillRunning("waits"), "failed", False),
        (NotFound("gone"), "failed", False),
        (PreconditionFailed("changed"), "failed", False),
        (LeaseDamaged("no lease"), "failed", False),
        (LedgerDamaged("no entry"), "failed", False),
        (ValueError("odd"), "failed", False),
        (OSError("disk"), "failed", False),
    ],
    ids=lambda one: type(one).__name__,
)
def test_every_error_has_its_word_keeps_its_sentence_and_says_whether_to_run_it_again(
    error: Exception, word: str, continues: bool
) -> None:
    found, sentence = outcome_of(error)
    assert (found, sentence.startswith(str(error)), CONTINUES in sentence) == (word, True, continues)


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), RuntimeError("x"), AssertionError("x")])
def test_a_fault_of_our_own_is_called_one(error: Exception) -> None:
    word, sentence = outcome_of(error)
    assert word == "failed"
    assert sentence.startswith(f"{type(error).__name__}: ")
    assert "a fault of the remediation itself" in sentence


ORDER: tuple[Outcome, ...] = (
    "unknown",
    "failed",
    "partial",
    "stopped",
    "refused",
    "escalated",
    "needs_approval",
    "busy",
    "not_started",
    "done",
    "planned",
    "nothing_to_do",
)


def test_the_word_that_needs_a_person_most_goes_before_every_other() -> None:
    assert set(ORDER) == set(WORDS)
    for place, word in enumerate(ORDER):
        for later in ORDER[place:]:
            assert worst([later, word]) == worst([word, later]) == word


@given(st.lists(st.sampled_from(WORDS)))
def test_the_word_of_many_is_one_of_them_in_whatever_order_they_come(words: list[Outcome]) -> None:
    found = worst(words)
    assert found == worst(words[::-1])
    assert found in words or (not words and found == "nothing_to_do")
    assert (found in GOOD) == all(word in GOOD for word in words)


def test_three_in_any_order_have_one_word() -> None:
    assert {worst(list(three)) for three in permutations(("done", "busy", "partial"))} == {"partial"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("recovered", "done"),
        ("healthy", "nothing_to_do"),
        ("clean", "done"),
        ("nothing to do", "nothing_to_do"),
        ("transcended", "transcended"),
        *((word, word) for word in WORDS),
    ],
)
def test_words_of_earlier_versions_are_read_and_those_of_later_ones_are_kept(written: str, read: str) -> None:
    assert read_word(written) == read
