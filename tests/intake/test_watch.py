"""A pause that is open is seen, and one that nobody thinks of is an alarm."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.pauses import SUBJECT, open_pauses
from tasks.delivery.watch import HoldWatch
from tasks.intake.watch import IntakeWatch, alarms
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.intake.world import LAYOUT, USD, only, pause, resume
from tests.kernel.world import Killed, killed_at
from tests.restore.world import DATA, give_back


def look(environment: PipelineEnvironment) -> Run:
    """One look, by a process that knows that killed ones are gone."""
    return check(IntakeWatch(), Context(environment, "watch", gone=lambda _: True), None)


def test_where_nothing_is_paused_all_is_well(environment: PipelineEnvironment) -> None:
    seen = look(environment)
    assert (seen.outcome, seen.summary) == ("nothing_to_do", "intake is not paused")


def test_an_open_pause_is_told_with_who_why_since_and_how_long(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    done = pause(environment)
    seen = look(environment)
    assert (seen.outcome, seen.summary) == ("nothing_to_do", seen.notes[0])
    for words in (done.id, "(ann)", "export is broken", "719 minutes are left"):
        assert words.replace("719", "720") in seen.notes[0] or words in seen.notes[0]
    resume(environment)
    assert look(environment).summary == "intake is not paused"


def test_what_waits_is_counted_and_stays_waiting(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    only(sandbox, LAYOUT)
    sandbox.eventarc.subscriptions.backlog(LAYOUT).ack_deadline = 1.0
    pause(environment)
    for number in range(3):
        sandbox.store.put(DATA, f"scenes/s_{number}/layout/scene_layout.json", b"{}")
    seen = look(environment)
    text = "\n".join(section.document() for section in sections_of(seen))
    assert "| objects-trigger | trigger | eventarc-us-central1-objects-trigger-sub-000 | delivering |" in text
    assert "| 3, oldest " in text
    assert "waiting: 3, oldest " in seen.summary
    assert "waiting: none seen" in look(environment).summary  # out of sight until the ack deadline is over
    assert resume(environment).outcome == "done"
    assert len(list(sandbox.workflows.executions.newest_first("objects-pipeline"))) == 3


@pytest.mark.parametrize(("share", "words"), [(0.49, ""), (0.51, "more than half"), (1.01, "its deadline is over")])
def test_it_is_an_alarm_from_half_of_its_time(
    environment: PipelineEnvironment, sandbox: Sandbox, share: float, words: str
) -> None:
    pause(environment)
    context = Context(environment, "watch")
    (one,) = open_pauses(context)
    begun = one.journal.begun_at
    told = list(alarms(context, one, begun + share * (one.deadline - begun)))
    assert bool(told) == bool(words)
    assert words in " ".join(told)


def test_a_pause_past_its_half_fails_the_watch(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for trigger in sandbox.eventarc.deployed.all():
        trigger.backlog.retention = timedelta(seconds=0.001)
    pause(environment)
    assert look(environment).outcome == "failed"


def test_a_pause_whose_run_has_died_is_an_alarm(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with pytest.raises(Killed), killed_at(4, before=True):
        pause(environment)
    seen = look(environment)
    assert seen.outcome == "failed"
    assert "its run has ended without an end" in " ".join(seen.reasons)
    assert pause(environment).outcome == "done"
    assert look(environment).outcome == "nothing_to_do"


def test_a_pause_that_is_at_work_is_no_alarm(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with pytest.raises(Killed), killed_at(4, before=True):
        pause(environment)
    assert check(IntakeWatch(), Context(environment, "watch"), None).outcome == "nothing_to_do"


def test_a_ticket_whose_run_never_began_is_an_alarm(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    with pytest.raises(Killed), killed_at(1, before=True):
        pause(environment)
    seen = look(environment)
    assert seen.outcome == "failed"
    assert "that run never began" in seen.reasons[0]
    context = Context(environment, "watch", gone=lambda _: True)
    (forgotten,) = check(HoldWatch(), context, None).facts.facts
    assert give_back(environment, forgotten.ticket.run).outcome == "done"
    assert look(environment).outcome == "nothing_to_do"


def test_what_somebody_lets_run_again_during_a_pause_is_an_alarm(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    pause(environment)
    environment.schedulers.resume("retention-cleanup-daily")
    one = next(one for one in environment.triggers.list() if one.name == USD)
    environment.delivery.release(one.subscription, {"pushEndpoint": "https://example.com/"})
    told = " ".join(look(environment).reasons)
    assert "retention-cleanup-daily is ENABLED, not PAUSED" in told
    assert f"Trigger {USD} delivers" in told


def test_a_pause_that_was_not_resumed_to_its_end_is_an_alarm(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    pause(environment)
    with pytest.raises(Killed), killed_at(3, before=True):
        resume(environment)
    seen = look(environment)
    assert seen.outcome == "failed"
    assert seen.reasons
    assert resume(environment).outcome == "done"
    assert look(environment).outcome == "nothing_to_do"


def test_the_watch_leaves_a_pause_to_whoever_is_at_work(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    pause(environment)
    with Context(environment, "bo").holding(SUBJECT, "a-resume"):
        assert check(IntakeWatch(), Context(environment, "watch"), None).outcome == "nothing_to_do"
