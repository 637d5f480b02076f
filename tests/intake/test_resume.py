"""Resuming intake: exactly what was, every event once, and a clear no where nothing is paused."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import open_tickets
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.continuing import interrupted
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tests.intake.world import LAYOUT, USD, only, pause, pushes, resume, schedulers
from tests.kernel.world import Killed, killed_at, policies
from tests.restore.world import DATA, OPS, give_back


def test_a_scheduler_that_was_paused_before_stays_paused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.schedulers.pause("retention-cleanup-daily")
    before = schedulers(environment)
    pause(environment)
    assert resume(environment).outcome == "done"
    assert schedulers(environment) == before
    assert before["retention-cleanup-daily"] == before["scene-generation-daily"] == "PAUSED"


def test_a_push_configuration_comes_back_to_the_last_attribute(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def configs() -> list[object]:
        return [environment.delivery.push_config(one.subscription) for one in environment.triggers.list()]

    before = configs()
    pause(environment)
    resume(environment)
    assert configs() == before


def test_what_was_held_before_the_pause_stays_held(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    by_hand = next(one.subscription for one in environment.triggers.list() if one.name == USD)
    environment.delivery.hold(by_hand)
    one = pause(environment)
    assert "no ticket says by whom" in " ".join(one.notes)
    resume(environment)
    assert [name for name, endpoint in pushes(sandbox).items() if not endpoint] == [by_hand]


def test_where_nothing_is_paused_a_resume_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = resume(environment)
    assert one.sentence() == "resume-intake: refused - No pause of intake is open."
    pause(environment)
    resume(environment)
    assert resume(environment).outcome == "refused"


def test_a_run_that_is_no_open_pause_is_refused_and_the_open_ones_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    done = pause(environment)
    one = resume(environment, "20260101t000000z-00000000")
    assert one.outcome == "refused"
    assert done.id in one.reasons[0]
    assert resume(environment, done.id).outcome == "done"


def test_to_resume_a_pause_again_that_was_resumed_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    done = pause(environment)
    ended = resume(environment, done.id)
    environment.schedulers.pause("retention-cleanup-daily")
    one = resume(environment, done.id)
    assert (one.outcome, one.notes) == ("nothing_to_do", [f"The pause of run {done.id} was resumed already."])
    assert schedulers(environment)["retention-cleanup-daily"] == "PAUSED"
    assert resume(environment, ended.id).outcome == "refused"


def test_a_pause_can_be_undone_as_any_run(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    before, states = pushes(sandbox), schedulers(environment)
    done = pause(environment)
    request = UndoRequest(subject="@intake", run=done.id, mode="apply")
    assert run(undo(), Context(environment, "bo"), request).outcome == "done"
    assert (pushes(sandbox), schedulers(environment)) == (before, states)
    assert resume(environment).outcome == "refused"


def test_a_plan_of_a_resume_changes_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    pause(environment)
    sandbox.requests.reset()
    assert resume(environment, mode="plan").outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize("policy", [{"kill_switch": ["stop"]}, {"window_start": "00:00", "window_end": "00:01"}])
def test_neither_the_kill_switch_nor_the_window_keeps_intake_paused(
    environment: PipelineEnvironment, sandbox: Sandbox, policy: dict[str, object]
) -> None:
    pause(environment)
    policies(environment, **policy)
    assert resume(environment).outcome == "done"


def test_a_trigger_and_a_scheduler_that_were_deleted_meanwhile_keep_nobody_else_paused(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = pushes(sandbox)
    pause(environment)
    gone = next(one.subscription for one in environment.triggers.list() if one.name == USD)
    sandbox.eventarc.deployed.put(USD, False)
    sandbox.scheduler.delete("retention-cleanup-daily")
    one = resume(environment)
    assert one.outcome == "done", one.sentence()
    assert "its subscription is gone" in " ".join(one.done.values())
    assert "is gone: somebody has deleted it" in one.done.values()
    del before[gone]
    assert pushes(sandbox) == before
    assert schedulers(environment)["genie-sim-import-poller"] == "ENABLED"


def test_what_somebody_else_paused_between_plan_and_action_stays_paused(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def say(sentence: str) -> None:
        if sentence.endswith("set schedulers"):
            environment.schedulers.pause("retention-cleanup-daily")

    request = PauseRequest(mode="apply", reason="a test")
    assert run(PauseIntake(), Context(environment, "ann", say=say), request).outcome == "done"
    assert resume(environment).outcome == "done"
    states = schedulers(environment)
    assert (states["retention-cleanup-daily"], states["genie-sim-import-poller"]) == ("PAUSED", "ENABLED")


def test_after_hold_watch_gave_the_delivery_back_a_resume_sets_the_schedulers(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before, states = pushes(sandbox), schedulers(environment)
    done = pause(environment)
    assert give_back(environment, done.id).outcome == "done"
    assert pushes(sandbox) == before
    assert resume(environment).outcome == "done"
    assert schedulers(environment) == states
    assert resume(environment).outcome == "refused"


def test_a_pause_of_schedulers_alone_is_resumed_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    only(sandbox)
    states = schedulers(environment)
    assert pause(environment).outcome == "done"
    assert open_tickets(environment) == ([], [])
    assert resume(environment).outcome == "done"
    assert schedulers(environment) == states
    assert resume(environment).outcome == "refused"


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("before", [True, False])
def test_a_pause_killed_anywhere_and_resumed_at_once_leaves_everything_as_it_was(
    environment: PipelineEnvironment, sandbox: Sandbox, number: int, before: bool
) -> None:
    only(sandbox, LAYOUT)
    pushed, states = pushes(sandbox), schedulers(environment)
    try:
        with killed_at(number, before=before):
            pause(environment)
    except Killed:
        sandbox.store.put(DATA, "scenes/a/layout/scene_layout.json", b"{}")
        assert resume(environment).outcome in ("done", "refused")
    else:
        resume(environment)
    assert (pushes(sandbox), schedulers(environment)) == (pushed, states)
    assert pause(environment).outcome == "done"
    assert len(open_tickets(environment)[0]) == 1
    assert resume(environment).outcome == "done"
    assert open_tickets(environment) == ([], [])


def test_a_pause_that_is_half_resumed_is_not_carried_on_nor_paused_over(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    only(sandbox, LAYOUT)
    with pytest.raises(Killed), killed_at(4, before=True):
        pause(environment)
    with pytest.raises(Killed), killed_at(3, before=True):
        resume(environment)
    seen = Run(Context(environment, "ann"), PauseIntake.name)
    seen.subject = "@intake"
    assert interrupted(PauseIntake(), seen) is None  # the runner itself knows that it is being taken back
    one = pause(environment)
    assert one.outcome == "refused"
    assert "is half resumed; finish that first" in one.reasons[0]
    assert resume(environment).outcome == "done"
    assert pause(environment).outcome == "done"


def test_a_resume_is_not_undone_by_halves(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    pause(environment)
    done = resume(environment)
    one = run(undo(), Context(environment, "bo"), UndoRequest(subject="@intake", run=done.id, mode="apply"))
    assert one.outcome == "escalated"
    assert "pause intake" in one.reasons[0]


def test_the_ops_bucket_alone_records_a_pause(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    pause(environment)
    resume(environment)
    assert list(sandbox.store.list(DATA, "")) == []
    assert {found.name.split("/")[1] for found in sandbox.store.list(OPS, "remediation/")} <= {"journal", "holds"}
