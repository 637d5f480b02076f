"""What a run comes to: one word with its sentences, whatever happens."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError, UnknownOutcome
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseBusy, LeaseLost, lease_name
from tasks.remediation.ledger import LedgerTaken
from tasks.remediation.outcome import EXIT, GOOD, Outcome, Refused, StillRunning, Stopped
from tasks.remediation.procedure import Verdict
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    OPS,
    SUBJECT,
    THREE,
    Fake,
    FakeRequest,
    an_action,
    fake,
    put,
    take,
)
from tests.kernel.world import journals, snapshot, tried


def test_a_run_does_every_action_once_and_says_done(context: Context, sandbox: Sandbox) -> None:
    one = run(fake(), context, APPLY)
    assert (one.outcome, one.reasons, tried(sandbox)) == ("done", [], {"a": 1, "b": 1, "c": 1, "d": 1})
    assert one.done == {"put:a": "put", "launch:b": "put", "put:c": "put", "put:d": "put"}
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.ended
    assert sandbox.store.get(OPS, lease_name(SUBJECT)) is None


def test_plan_mode_writes_nothing_at_all(context: Context, sandbox: Sandbox) -> None:
    assert run(fake(), context, FakeRequest()).outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(
    ("procedure", "request_", "word"),
    [
        (fake(actions=()), APPLY, "nothing_to_do"),
        (fake(actions=(), lost=3), APPLY, "failed"),
        (fake(escalates=("A person must look.",)), APPLY, "escalated"),
        (fake(refuses=("No.",)), APPLY, "refused"),
        (fake(), FakeRequest(mode="apply", options="nonsense"), "refused"),
        (fake(), FakeRequest(mode="apply", plan_digest="0" * 16), "refused"),
        (fake(risk="unheard of"), APPLY, "needs_approval"),
        (fake(actions=(an_action(put, "a").model_copy(update={"kind": "teleport"}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a").model_copy(update={"effect": "read"}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a").model_copy(update={"params": {"nome": "a"}}),)), APPLY, "refused"),
        (fake(actions=(an_action(put, "a"), an_action(put, "a"))), APPLY, "refused"),
        (fake(actions=(an_action(take, "a"),), total=0), APPLY, "refused"),
    ],
)
def test_what_may_not_be_done_ends_in_its_word_with_nothing_changed(
    context: Context, sandbox: Sandbox, procedure: Fake, request_: FakeRequest, word: Outcome
) -> None:
    before = snapshot(sandbox)
    one = run(procedure, context, request_)
    assert one.outcome == word
    assert one.reasons or word == "nothing_to_do"
    assert snapshot(sandbox) == before


ERRORS: list[tuple[Exception, Outcome, bool]] = [
    (Refused("no"), "refused", False),
    (LeaseBusy("busy"), "busy", False),
    (LedgerTaken("taken"), "busy", False),
    (LeaseLost("lost"), "stopped", False),
    (Stopped("stop"), "stopped", False),
    (TemporaryError("later"), "failed", False),
    (UnknownOutcome("who knows"), "unknown", False),
    (StillRunning("waits"), "failed", False),
    (PermanentError("no"), "failed", True),
    (NotFound("gone"), "failed", True),
    (PreconditionFailed("changed"), "failed", True),
    (ValueError("odd"), "failed", False),
    (OSError("disk"), "failed", False),
    (KeyError("a fault of our own"), "failed", False),
]


@pytest.mark.parametrize(("error", "word", "ends"), ERRORS, ids=[type(one).__name__ for one, _, _ in ERRORS])
def test_every_error_comes_to_its_word_and_only_final_ones_end_the_run(
    context: Context, sandbox: Sandbox, error: Exception, word: Outcome, ends: bool
) -> None:
    def fail(doing: Any, params: Any) -> str:
        raise error

    failing = fake(actions=(an_action(put, "a"),))
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=fail),)
    one = run(failing, context, APPLY)
    assert (one.outcome, bool(one.reasons)) == (word, True)
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.ended == ends


@pytest.mark.parametrize(
    "error", [one for one, _, _ in ERRORS if not isinstance(one, LedgerTaken)], ids=lambda e: type(e).__name__
)
def test_an_error_while_observing_changes_nothing_and_has_the_same_word(
    context: Context, sandbox: Sandbox, error: Exception
) -> None:
    class Blind(Fake):
        def observe(self, run: Run, request: FakeRequest) -> str:
            raise error

    one = run(Blind(actions=THREE), context, APPLY)
    assert one.outcome == next(word for known, word, _ in ERRORS if known is error)
    assert list(sandbox.store.list(OPS, "remediation/journal/")) == []
    assert sandbox.store.get(OPS, lease_name(SUBJECT)) is None


def test_every_word_has_an_exit_code_and_only_good_ones_are_zero() -> None:

    assert set(EXIT) == set(get_args(Outcome))
    assert {word for word, code in EXIT.items() if code == 0} == set(GOOD)
    assert 2 not in EXIT.values()


def test_the_verdict_of_the_final_look_is_the_outcome(context: Context, sandbox: Sandbox) -> None:
    one = run(fake(verdict=Verdict("partial", ("Not all.",))), context, APPLY)
    assert (one.outcome, one.reasons) == ("partial", ["Not all."])
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert journal.entries[-1].data["outcome"] == "partial"
