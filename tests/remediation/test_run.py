"""What a run remembers and says of itself, and what it asks before anything more is done."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseLost, lease_name
from tasks.remediation.outcome import GOOD, Outcome, Stopped
from tasks.remediation.run import Run
from tests.kernel.world import policies

OPS = "sandbox-ops"


@pytest.mark.parametrize(
    ("reasons", "says"),
    [
        ([], "a: failed"),
        (["One."], "a: failed - One."),
        (["One.", "Two.", "Three."], "a: failed - One. Two. Three."),
        (["One.", "Two.", "Three.", "Four."], "a: failed - One. Two. Three. And 1 more."),
        (["One."] * 12, "a: failed - One. One. One. And 9 more."),
    ],
)
def test_a_run_says_its_word_and_its_first_three_reasons(context: Context, reasons: list[str], says: str) -> None:
    run = Run(context, "p")
    run.subject = "a"
    run.end("failed", *reasons)
    assert run.sentence() == says


def test_a_run_without_a_subject_says_its_procedure_and_what_it_did(context: Context) -> None:
    run = Run(context, "p")
    run.summary = "two things"
    run.end("done")
    assert run.sentence() == "p: done - two things"


def test_ending_again_forgets_the_earlier_reasons(context: Context) -> None:
    run = Run(context, "p")
    run.end("failed", "One.")
    run.end("partial", "Two.", "Three.")
    assert (run.outcome, run.reasons) == ("partial", ["Two.", "Three."])


@pytest.mark.parametrize("word", ["done", "planned", "nothing_to_do", "failed", "partial", "unknown", "busy"])
def test_a_run_is_good_when_nobody_needs_to_do_anything(context: Context, word: Outcome) -> None:
    run = Run(context, "p")
    run.end(word)
    assert run.good == (word in GOOD)


def test_before_it_has_begun_a_run_has_no_journal(context: Context) -> None:
    run = Run(context, "p")
    assert not run.begun
    with pytest.raises(RuntimeError, match="of p has no journal yet"):
        _ = run.journal


def test_the_time_of_a_step_is_added_up_even_when_it_fails(context: Context) -> None:
    run = Run(context, "p")
    with run.timed("step"):
        pass
    first = run.seconds["step"]
    with pytest.raises(KeyError), run.timed("step"):
        raise KeyError
    assert run.seconds["step"] > first > 0
    assert list(run.seconds) == ["step"]


def steal(sandbox: Sandbox, subject: str) -> None:
    """Somebody else has written the lease since."""
    found = sandbox.store.get(OPS, lease_name(subject))
    assert found is not None
    sandbox.store.put(OPS, lease_name(subject), found.data, quiet=True)


@pytest.mark.parametrize("lost", ["@first", "@second"])
def test_every_lease_is_checked_by_the_clock_and_confirmed_by_the_bucket(
    context: Context, sandbox: Sandbox, lost: str
) -> None:
    run = Run(context, "p")
    with context.holding("@first", "r") as first, context.holding("@second", "r") as second:
        run.leases = [first, second]
        run.check()
        run.confirm()
        steal(sandbox, lost)
        run.check()
        with pytest.raises(LeaseLost, match=lost):
            run.confirm()
        with pytest.raises(LeaseLost, match=lost):
            run.check()


def closed(how: str) -> dict[str, object]:
    """What closes the policy now: the switch, or a window that opens in two hours."""
    now = datetime.now(UTC)
    opens, closes = (f"{now + timedelta(hours=hours):%H:00}" for hours in (2, 3))
    return {"kill_switch": ["by ann: fire"]} if how == "switch" else {"window_start": opens, "window_end": closes}


@pytest.mark.parametrize("how", ["switch", "window"])
@pytest.mark.parametrize("additive", [False, True])
@pytest.mark.parametrize("goes_on", [False, True])
def test_switch_and_window_stop_a_run_unless_it_only_adds_or_what_it_does_only_goes_on(
    environment: PipelineEnvironment, how: str, additive: bool, goes_on: bool
) -> None:
    run = Run(Context(environment, "x"), "p", additive=additive)
    policies(environment, **closed(how))
    for asked in (run.check, run.confirm):
        if additive or goes_on:
            asked(goes_on=goes_on)
        else:
            with pytest.raises(Stopped, match="Nothing more was done"):
                asked()


def test_confirming_reads_the_policy_as_it_is_now(environment: PipelineEnvironment) -> None:
    context = Context(environment, "x")
    run = Run(context, "p")
    run.check()
    policies(environment, kill_switch=["by ann: fire"])
    context._asked = time.monotonic() + 100  # it was asked just now, however slow this machine is
    run.check()
    with pytest.raises(Stopped, match="by ann: fire"):
        run.confirm()
