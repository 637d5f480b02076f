"""When nothing may be done: every reason is one sentence, found before the first change, and leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.catalogue_query import workflow_argument
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.pipeline import fault_log
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.approval import Approval
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tests.recovery.world import (
    APPLY,
    DATA,
    OPS,
    PLAN,
    PREFIX,
    SCENE,
    Wanted,
    ill,
    journals,
    live,
    put_json,
    recover,
    recover_scene,
    until,
)

USD, EXPORT = "usd-assembly-pipeline", "genie-sim-export-pipeline"
LOCK = f"{PREFIX}locks/usd-assembly.lock"


def start(environment: PipelineEnvironment, workflow: str, scene_id: str = SCENE) -> str:
    """Start a workflow on a scene, as somebody else would; the execution's name."""
    argument = workflow_argument(environment.catalogue, workflow, bucket=DATA, scene_id=scene_id)
    return environment.workflows.start(workflow, argument, labels={}).name


def refused(environment: PipelineEnvironment, sandbox: Sandbox, wanted: Wanted = APPLY) -> str:
    """Recover the scene, which must be refused without a change; the one reason."""
    before = live(sandbox.store)
    result = recover(environment, wanted=wanted)
    assert result.outcome == "refused", result.reasons
    assert live(sandbox.store) == before
    assert journals(environment, sandbox.store) == []
    assert [name for name in live(sandbox.store, OPS) if "/leases/" in name] == []
    (reason,) = result.reasons
    assert "\n" not in reason
    return reason


def test_a_stale_lock_is_removed_by_the_generation_that_was_seen(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "stale_lock")
    generation = live(sandbox.store)[LOCK]
    result = recover(environment)
    assert result.outcome == "done"
    assert result.plan is not None
    (action,) = result.plan.actions
    assert (action.target, action.params["generation"]) == (LOCK, generation)
    assert LOCK not in live(sandbox.store)


def test_a_lock_that_was_taken_again_meanwhile_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "stale_lock")

    def somebody_is_quicker(sentence: str) -> None:
        if "remove stale lock" in sentence:
            put_json(sandbox, "locks/usd-assembly.lock", {"execution_id": "somebody-else"})

    recover_scene(Context(environment, "a test", say=somebody_is_quicker), SCENE, APPLY)
    lock = sandbox.store.get(DATA, LOCK)
    assert lock is not None
    assert b"somebody-else" in lock.data


def held_by_somebody(environment: PipelineEnvironment, sandbox: Sandbox) -> str:
    """Give the scene the lock of an execution that is running; the execution's id."""
    sandbox.simulator.behave(SimulatorFault(workflow=USD, scene_id="another", kind="hold"))
    holder = start(environment, USD, "another").rpartition("/")[2]
    damage(sandbox.store, DATA, SCENE, "live_lock", execution_id=holder)
    return holder


def test_a_live_lock_is_refused_and_its_holder_named(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "usd_missing")
    holder = held_by_somebody(environment, sandbox)
    reason = refused(environment, sandbox)
    assert holder in reason
    assert "locks/usd-assembly.lock" in reason
    assert LOCK in live(sandbox.store)


def test_a_live_lock_on_a_whole_scene_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    held_by_somebody(environment, sandbox)
    before = live(sandbox.store)
    assert recover(environment, kitchen).outcome == "nothing_to_do"
    assert live(sandbox.store) == before


def test_a_lock_that_names_nobody_is_not_removed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "usd_missing")
    put_json(sandbox, "locks/usd-assembly.lock", {})
    assert "names nobody" in refused(environment, sandbox)
    assert LOCK in live(sandbox.store)


def test_a_running_workflow_on_the_scene_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    name = start(environment, USD)
    until(lambda: LOCK in live(sandbox.store))
    result = recover(environment)
    assert result.outcome == "refused"
    assert any(name.rpartition("/")[2] in reason and SCENE in reason for reason in result.reasons)
    assert journals(environment, sandbox.store) == []


def test_a_running_job_on_the_scene_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    sandbox.simulator.behave(SimulatorFault(workflow="isaac-lab-job", kind="hold"))
    environment.jobs.start("isaac-lab-job", {"SCENE_ID": SCENE, "BUCKET": DATA})
    assert "isaac-lab-job" in refused(environment, sandbox)


def test_what_runs_on_another_scene_is_no_reason(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    ill(sandbox, "export_missing", "kitchen_0010")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, scene_id="kitchen_0010", kind="hold"))
    start(environment, USD, "kitchen_0010")
    assert recover(environment).outcome == "done"


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"max_objects": 3}, "max_objects"),
        ({"max_objects_percent": 1}, "max_objects_percent"),
        ({"max_bytes": 10}, "max_bytes"),
    ],
)
def test_a_plan_over_a_cap_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox, limit: dict[str, Any], says: str
) -> None:
    ill(sandbox, "export_missing")
    environment.policy = environment.policy.model_copy(update=limit)
    assert says in refused(environment, sandbox)


def test_outside_the_change_window_nothing_is_changed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    environment.policy = environment.policy.model_copy(update={"window_days": day})
    assert "outside the change window" in refused(environment, sandbox)


def test_a_changed_scene_is_not_repaired_by_the_plan_that_was_reviewed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    reviewed = recover(environment, wanted=PLAN).plan
    assert reviewed is not None
    damage(sandbox.store, DATA, SCENE, "usd_missing")
    assert reviewed.digest in refused(environment, sandbox, Wanted("apply", plan_digest=reviewed.digest))
    now = recover(environment, wanted=PLAN).plan
    assert now is not None
    assert recover(environment, wanted=Wanted("apply", plan_digest=now.digest)).outcome == "done"


def test_a_risk_that_needs_a_person_waits_for_one(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    environment.policy.approval["high"] = "person"
    before = live(sandbox.store)
    result = recover(environment)
    assert result.outcome == "needs_approval"
    assert result.plan is not None
    assert result.plan.digest in result.reasons[0]
    assert live(sandbox.store) == before
    other = Approval(decision="approve", approver="Ann", plan_digest="0" * 16)
    assert recover(environment, wanted=Wanted("apply", approval=other)).outcome == "refused"
    yes = Approval(decision="approve", approver="Ann", plan_digest=result.plan.digest)
    approved = Wanted("apply", approval=yes)
    assert recover(environment, wanted=approved).outcome == "done"
    (journal,) = journals(environment, sandbox.store)
    assert journal.entries[0].data["approved_by"] == "Ann"


def test_the_same_fault_on_many_scenes_is_refused_unless_accepted(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.policy.systematic_scenes = 3
    for scene_id in ("a", "b", SCENE):
        ill(sandbox, "isaac_missing", scene_id)
    assert [recover(environment, scene_id).outcome for scene_id in ("a", "b")] == ["done", "done"]
    assert "shows on 3 scenes" in refused(environment, sandbox)
    assert recover(environment, wanted=Wanted("apply", accept_systematic=True)).outcome == "done"


def test_another_fault_does_not_count(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.policy.systematic_scenes = 2
    ill(sandbox, "isaac_missing", "a")
    ill(sandbox, "import_manifest_missing")
    assert recover(environment, "a").outcome == "done"
    assert recover(environment).outcome == "done"


def test_beyond_so_many_scenes_an_hour_an_event_escalates_and_a_person_may_act(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.policy.unattended_per_hour = 2
    environment.policy.systematic_scenes = 50
    for scene_id in ("a", "b", SCENE):
        ill(sandbox, "isaac_missing", scene_id, objects=1)
    outcomes = []
    for scene_id in ("a", "a", "b", SCENE):
        request = RecoveryRequest(scene_id=scene_id, mode="apply", unattended=True)
        outcomes.append(run(ExportRecovery(), Context(environment, "an event"), request))
    assert [one.outcome for one in outcomes] == ["done", "nothing_to_do", "done", "escalated"]
    assert "2 other scenes within the last hour" in outcomes[-1].reasons[0]
    assert recover(environment).outcome == "done", "a person looks while he acts"


def test_of_many_events_at_the_same_moment_none_is_let_through_because_all_have_looked_before(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.policy.unattended_per_hour = 2
    environment.policy.systematic_scenes = 50
    ill(sandbox, "isaac_missing", objects=1)

    def all_at_once(environment: PipelineEnvironment, fault: str, scene_id: str) -> None:
        for name in ("a", "b", scene_id):
            fault_log.record_fault(environment, fault, name)

    monkeypatch.setattr("tasks.recovery.procedure.record_fault", all_at_once)
    request = RecoveryRequest(scene_id=SCENE, mode="apply", unattended=True)
    one = run(ExportRecovery(), Context(environment, "an event"), request)
    assert one.outcome == "refused"
    assert "2 other scenes within the last hour" in one.reasons[0]


def test_where_nothing_is_wrong_the_limit_says_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.policy.unattended_per_hour = 0
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="usd")
    request = RecoveryRequest(scene_id=SCENE, mode="apply", unattended=True)
    assert run(ExportRecovery(), Context(environment, "an event"), request).outcome == "nothing_to_do"
