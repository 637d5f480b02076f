"""A case is worked on under its lease and asked about without it; whatever happens comes to one word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prefect.input import RunInput

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.server import Sandbox
from tasks.remediation.attend import Asks, attend
from tasks.remediation.context import Context
from tasks.remediation.lease import lease_name
from tasks.remediation.outcome import Refused
from tasks.remediation.run import Run

OPS, SUBJECT = "sandbox-ops", "@a-case"


class Form(RunInput):
    """Anything."""

    said: str = ""


@pytest.fixture
def one(environment: PipelineEnvironment) -> Run:
    return Run(Context(environment, "ann"), "a case")


def held(sandbox: Sandbox) -> bool:
    return sandbox.store.get(OPS, lease_name(SUBJECT)) is not None


def asking(*keys: str) -> tuple[Callable[[], None], list[str]]:
    """Work that needs an answer to each of these, and what was answered."""
    known: list[str] = []

    def work() -> None:
        for key in keys:
            if key not in known:
                raise Asks(Form, key, "# what?", f"answer {key} by hand")

    return work, known


def test_it_is_worked_on_under_the_lease_and_asked_about_without_it(one: Run, sandbox: Sandbox) -> None:
    work, known = asking("a", "b")
    seen: list[tuple[str, bool]] = []

    def watched() -> None:
        seen.append(("work", held(sandbox)))
        one.check(goes_on=True)
        assert len(one.leases) == 1
        work()

    def answered(question: Asks) -> bool:
        seen.append((question.key, held(sandbox)))
        known.append(question.key)
        return True

    attend(one, lambda: SUBJECT, watched, answered)
    assert seen == [("work", True), ("a", False), ("work", True), ("b", False), ("work", True)]
    assert (one.outcome, one.leases, held(sandbox)) == ("done", [], False)


def test_a_question_that_nobody_answers_ends_it_with_how_to_go_on(one: Run, sandbox: Sandbox) -> None:
    work, _ = asking("a")
    attend(one, lambda: SUBJECT, work, lambda _: False)
    assert (one.outcome, one.reasons) == ("escalated", ["answer a by hand"])
    assert not held(sandbox)


def test_one_that_somebody_works_on_is_left_to_them(one: Run, environment: PipelineEnvironment) -> None:
    with Context(environment, "bo").holding(SUBJECT, "their-run"):
        attend(one, lambda: SUBJECT, lambda: pytest.fail("it worked beside them"), lambda _: True)
    assert one.outcome == "busy"
    assert "bo" in one.reasons[0]


def test_one_that_has_ended_before_it_began_takes_no_lease(one: Run, sandbox: Sandbox) -> None:
    def begin() -> str:
        one.end("nothing_to_do", "It is closed.")
        return ""

    attend(one, begin, lambda: pytest.fail("it worked"), lambda _: True)
    assert (one.outcome, one.reasons) == ("nothing_to_do", ["It is closed."])
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(
    ("error", "word"),
    [(Refused("no"), "refused"), (TemporaryError("later"), "failed"), (ZeroDivisionError(), "failed")],
)
@pytest.mark.parametrize("where", ["begin", "work", "answered"])
def test_whatever_goes_wrong_comes_to_the_kernels_word_and_the_lease_is_given_back(
    one: Run, sandbox: Sandbox, error: Exception, word: str, where: str
) -> None:
    def fail(now: str) -> None:
        if now == where:
            raise error

    def begin() -> str:
        fail("begin")
        return SUBJECT

    def work() -> None:
        fail("work")
        raise Asks(Form, "a", "", "")

    def answered(_: Asks) -> bool:
        fail("answered")
        return False

    attend(one, begin, work, answered)
    assert one.outcome == word
    assert not held(sandbox)
