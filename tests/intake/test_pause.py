"""Pausing intake: what is stopped, what is recorded, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.delivery.tickets import open_tickets
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.intake.starters import Starters
from tasks.remediation.context import Context
from tasks.remediation.plan import Plan
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.intake.world import LAYOUT, USD, make_trigger, only, pause, pushes, resume, schedulers, started
from tests.kernel.world import Killed, journals, killed_at
from tests.restore.world import DATA, OPS


def test_every_enabled_scheduler_is_paused_and_every_trigger_of_every_location_held(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_trigger(sandbox, "us", "source-orchestrator-trigger")
    make_trigger(sandbox, "us-east1", USD)
    one = pause(environment)
    assert one.outcome == "done", one.sentence()
    assert set(schedulers(environment).values()) == {"PAUSED"}
    assert set(pushes(sandbox).values()) == {""}
    assert "2 schedulers and 10 triggers" in one.summary


def test_what_is_written_during_a_pause_starts_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    only(sandbox, LAYOUT)
    pause(environment)
    sandbox.store.put(DATA, "scenes/a/layout/scene_layout.json", b"{}")
    assert started(sandbox, "objects-pipeline").total() == 0


def test_the_ticket_has_what_everything_was(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_trigger(sandbox, "us", "source-orchestrator-trigger")
    before, states = pushes(sandbox), schedulers(environment)
    one = pause(environment)
    ((ticket,), damaged) = open_tickets(environment)
    assert (ticket.run, ticket.lease, ticket.stays, damaged) == (one.id, "@intake", True, [])
    assert (ticket.owner, ticket.reason) == ("ann", "export is broken")
    assert {held.subscription: held.push_config["pushEndpoint"] for held in ticket.held} == before
    assert ticket.schedulers == states
    assert states["scene-generation-daily"] == "PAUSED"


def test_it_must_be_resumed_before_the_earliest_retention_loses_events(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_trigger(sandbox, "us", "short")
    sandbox.eventarc.deployed.within("projects/sandbox-project/locations/us")[
        "projects/sandbox-project/locations/us/triggers/short"
    ].backlog.retention = timedelta(hours=2)
    pause(environment)
    ((ticket,), _) = open_tickets(environment)
    assert ticket.deadline - ticket.made_at == timedelta(hours=1)


def test_a_plan_shows_each_scheduler_and_the_triggers_and_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_trigger(sandbox, "us", "source-orchestrator-trigger")
    sandbox.requests.reset()
    one = pause(environment, mode="plan", reason="")
    assert one.outcome == "planned"
    assert one.plan is not None
    targets = [action.target for action in one.plan.actions]
    assert targets[:2] == ["us-central1/genie-sim-import-poller", "us-central1/retention-cleanup-daily"]
    assert "us/source-orchestrator-trigger" in targets[2]
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_pause_without_a_reason_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    before = pushes(sandbox)
    assert pause(environment, reason=" ").outcome == "refused"
    assert pushes(sandbox) == before


def test_what_cannot_be_held_is_named_and_nothing_is_touched(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    name = make_trigger(sandbox, "us", "calls-an-address", workflow="")
    before, states = pushes(sandbox), schedulers(environment)
    one = pause(environment)
    assert one.outcome == "escalated"
    assert "Trigger us/calls-an-address cannot be held" in one.reasons[0]
    assert (pushes(sandbox), schedulers(environment)) == (before, states)
    assert sandbox.eventarc.deployed.get(name) is not None


def test_without_hold_pauses_the_rest_and_says_what_goes_on(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_trigger(sandbox, "us", "calls-an-address", workflow="")
    before = pushes(sandbox)
    one = pause(environment, without_hold=True)
    assert one.outcome == "done", one.sentence()
    assert [name for name, endpoint in pushes(sandbox).items() if endpoint] == [
        name for name in before if "calls-an-address" in name
    ]
    assert "us/calls-an-address cannot be held" in " ".join(one.notes)


def test_a_trigger_of_somebody_elses_is_left_alone(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_trigger(sandbox, "us", "theirs", workflow="their-workflow", bucket="their-bucket")
    pause(environment)
    assert [name for name, endpoint in pushes(sandbox).items() if endpoint] == [
        "projects/sandbox-project/subscriptions/eventarc-us-theirs-sub-001"
    ]


def test_what_a_restore_holds_is_waited_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    pause(environment)
    ((ticket,), _) = open_tickets(environment)
    name = f"remediation/holds/{ticket.run}.json"
    sandbox.store.put(OPS, name, ticket.model_copy(update={"procedure": "restore"}).model_dump_json().encode())
    make_trigger(sandbox, "us", "new-trigger")
    one = pause(environment)
    assert one.outcome == "escalated"
    assert "who gives it back: wait for that" in one.reasons[0]


def test_a_location_that_does_not_answer_is_not_one_without_triggers(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.eventarc.silent.add("us")
    before = pushes(sandbox)
    one = pause(environment)
    assert one.outcome == "failed"
    assert "no answer from us" in one.reasons[0]
    assert pushes(sandbox) == before


def test_a_scheduler_in_a_state_that_cannot_be_paused_is_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.scheduler.put_state("retention-cleanup-daily", "UPDATE_FAILED")
    one = pause(environment)
    assert one.outcome == "escalated"
    assert "retention-cleanup-daily is UPDATE_FAILED" in one.reasons[0]


def test_a_trigger_that_appears_later_is_held_by_a_second_pause(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = pushes(sandbox)
    pause(environment)
    make_trigger(sandbox, "us", "new-trigger")
    after = before | pushes(sandbox) | before
    second = pause(environment)
    assert second.outcome == "done"
    assert set(pushes(sandbox).values()) == {""}
    assert resume(environment).outcome == "done"
    last = resume(environment)
    assert last.outcome == "done"
    assert pushes(sandbox) == after


def test_a_failed_pause_says_what_it_holds_and_can_be_resumed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before, states = pushes(sandbox), schedulers(environment)
    sandbox.faults.add(FaultRule(service="pubsub", method="ModifyPushConfig", kind="status", status=403))
    one = pause(environment)
    assert one.outcome == "failed"
    assert "remediate intake resume" in " ".join(one.reasons)
    sandbox.faults.clear()
    assert resume(environment).outcome == "done"
    assert (pushes(sandbox), schedulers(environment)) == (before, states)
    assert open_tickets(environment) == ([], [])


def test_it_does_not_wait_for_what_runs(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.simulator.job_seconds = 3600
    sandbox.store.put(DATA, "scenes/a/layout/scene_layout.json", b"{}")
    assert pause(environment).outcome == "done"


def test_the_journal_has_what_was_and_until_when(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    states = schedulers(environment)
    one = pause(environment)
    (journal,) = journals(environment, sandbox, "@intake")
    ((ticket,), _) = open_tickets(environment)
    assert journal.run == one.id
    assert journal.begin.data["former"] == states
    assert journal.begin.data["resume_by"] == ticket.deadline.isoformat()


@pytest.mark.parametrize("words", ["Paused", "Resume by", "Not stopped"])
def test_the_report_shows_what_is_paused_until_when_and_what_is_not_stopped(
    environment: PipelineEnvironment, sandbox: Sandbox, words: str
) -> None:
    one = pause(environment)
    sandbox.store.put(DATA, "scenes/a/layout/scene_layout.json", b"{}")
    text = "\n".join(section.document() for section in PauseIntake().sections(one))
    assert words in text
    assert "| objects-trigger | trigger | eventarc-us-central1-objects-trigger-sub-000 | delivering |" in text
    assert "| 1, oldest " in text


def test_a_pause_that_cannot_even_ask_what_it_holds_still_ends_in_a_word(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def say(sentence: str) -> None:
        if sentence.endswith("hold delivery"):
            sandbox.faults.add(FaultRule(service="pubsub", kind="status", status=403))
            sandbox.faults.add(FaultRule(service="storage", method="objects.get", kind="status", status=403))

    context = Context(environment, "ann", say=say)
    one = run(PauseIntake(), context, PauseRequest(mode="apply", reason="a test"))
    assert one.outcome == "failed"
    sandbox.faults.clear()
    assert resume(environment).outcome == "done"


def test_a_scheduler_that_is_not_what_was_seen_any_more_is_not_touched(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    def say(sentence: str) -> None:
        if sentence.endswith("set schedulers"):
            sandbox.scheduler.put_state("retention-cleanup-daily", "UPDATE_FAILED")

    context = Context(environment, "ann", say=say)
    one = run(PauseIntake(), context, PauseRequest(mode="apply", reason="a test"))
    assert one.outcome == "failed"
    assert "retention-cleanup-daily is UPDATE_FAILED, not ENABLED as when it was planned" in one.reasons[0]


def test_a_subscription_that_somebody_holds_while_the_pause_is_planned_is_left_to_them(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    subscription = environment.triggers.list()[0].subscription

    class Restored(PauseIntake):
        def guard(self, run: Run, facts: Starters | None, plan: Plan, request: PauseRequest) -> Iterable[str]:
            environment.delivery.hold(subscription)
            return ()

    request = PauseRequest(mode="apply", reason="a test")
    one = run(Restored(), Context(environment, "ann"), request)
    assert one.outcome == "refused"
    assert "was changed while this was planned" in one.reasons[0]
    assert open_tickets(environment) == ([], [])
    assert [name for name, endpoint in pushes(sandbox).items() if not endpoint] == [subscription]


def test_an_interrupted_pause_whose_time_is_over_is_not_carried_on(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before, states = pushes(sandbox), schedulers(environment)
    for trigger in sandbox.eventarc.deployed.all():
        trigger.backlog.retention = timedelta(0)
    with pytest.raises(Killed), killed_at(2, before=False):
        pause(environment)
    one = pause(environment)
    assert one.outcome == "refused"
    assert "resume it, then pause again" in one.reasons[0]
    assert resume(environment).outcome == "done"
    assert (pushes(sandbox), schedulers(environment)) == (before, states)
