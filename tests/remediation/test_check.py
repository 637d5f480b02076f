"""A check looks and judges: what it found is its run, and what goes wrong outside comes to a word as in every run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blocks.errors import PermanentError, TemporaryError, UnknownOutcome
from deployments.sandbox.server import Sandbox
from tasks.remediation.check import Check, Findings, check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.report import Section
from tasks.remediation.run import Run


class Looking(Check[Callable[[], Findings]]):
    """Answers with what it is asked."""

    name = "looking"

    def look(self, context: Context, question: Callable[[], Findings]) -> Findings:
        """As told."""
        return question()


def test_what_was_found_is_the_run(context: Context, sandbox: Sandbox) -> None:
    section = Section("What", "it saw")
    found = Findings("failed", ["One."], ["Two."], "three", [section], facts=4)
    run = check(Looking(), context, lambda: found)
    assert (run.procedure, run.subject, run.outcome, run.reasons) == ("looking", "looking", "failed", ["One."])
    assert (run.notes, run.summary, run.facts) == (["Two."], "three", found)
    assert sections_of(run) == [section]
    assert run.seconds["look"] > 0
    assert not run.begun
    assert sandbox.requests.mutating() == {"total": 0}


def test_where_nothing_is_said_all_is_well(context: Context) -> None:
    run = check(Looking(), context, Findings)
    assert (run.outcome, run.good, run.reasons, run.notes, sections_of(run)) == ("nothing_to_do", True, [], [], [])


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (Refused("no"), "refused"),
        (TemporaryError("later"), "failed"),
        (PermanentError("no"), "failed"),
        (UnknownOutcome("who knows"), "unknown"),
        (KeyError("a fault of our own"), "failed"),
    ],
)
def test_what_could_not_be_looked_at_is_a_word_and_no_finding(
    context: Context, error: Exception, word: Outcome
) -> None:
    def fail() -> Findings:
        raise error

    run = check(Looking(), context, fail)
    assert (run.outcome, run.facts, sections_of(run)) == (word, None, [])
    assert run.reasons


def test_a_run_of_a_procedure_has_no_sections_of_a_check(context: Context) -> None:
    run = Run(context, "p")
    run.facts = "something else"
    assert sections_of(run) == []
