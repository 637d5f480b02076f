"""The recovery as a flow: what it leaves in Prefect, and that it does to the bucket what its report says."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from tasks.pipeline.scene_view import scene_view
from tasks.validation.scene import validate_scene
from tests.flows.world import BUCKET, Saved, actions, artifacts, everything, generations, run, task_runs


def healthy(environment: PipelineEnvironment, scene_id: str) -> bool:
    return validate_scene(scene_view(environment, scene_id), environment.catalogue, "full").healthy


def test_a_plan_changes_nothing_and_leaves_the_plan_and_the_report(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    before = everything(sandbox)
    state = run(export_recovery, scene_ids=[kitchen])
    assert state.is_completed()
    assert state.message == "kitchen_001: planned"
    assert everything(sandbox) == before
    left = artifacts(state)
    assert set(left) == {"plan-kitchen-001", "recovery-kitchen-001"}
    plan = left["plan-kitchen-001"]
    deletions = [row for row in actions(plan) if row["effect"] == "delete"]
    sizes = {found.name: found.size for found in sandbox.store.list(BUCKET, "")}
    assert deletions
    assert {row["target"]: row["bytes"] for row in deletions} == {
        row["target"]: f"{sizes[row['target']]:,}" for row in deletions
    }
    assert f"{len(deletions)} deletions ({sum(sizes[row['target']] for row in deletions):,} bytes)" in plan.description
    digest = plan.description.split()[1]
    assert len(digest) == 16
    assert "kitchen_001: planned" in left["recovery-kitchen-001"].data
    assert digest in left["recovery-kitchen-001"].data


def test_apply_recovers_the_scene_and_touches_no_other(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    make_scene(sandbox.store, BUCKET, "office_001", "office", objects=2)
    damage(sandbox.store, BUCKET, kitchen, "export_missing")
    neighbour = generations(sandbox, "scenes/office_001/")
    assert not healthy(saved.environment, kitchen)
    state = run(export_recovery, scene_ids=[kitchen], mode="apply")
    assert state.is_completed()
    assert state.message == "kitchen_001: done"
    assert healthy(saved.environment, kitchen)
    assert generations(sandbox, "scenes/office_001/") == neighbour
    assert "| genie-sim-export | ❌ missing | ✅ complete |" in artifacts(state)["recovery-kitchen-001"].data


def test_a_healthy_scene_is_left_alone(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    before = generations(sandbox)
    state = run(export_recovery, scene_ids=[kitchen], mode="apply")
    assert state.is_completed()
    assert state.message == "kitchen_001: nothing_to_do"
    assert generations(sandbox) == before


@pytest.mark.parametrize(
    ("scene_ids", "says"),
    [
        ([], "No scene is named."),
        (["nobody_001"], "There is no scene 'nobody_001' in gs://sandbox-scenes/scenes/"),
        (["../elsewhere"], "'../elsewhere' is not a scene id"),
    ],
)
@pytest.mark.parametrize("mode", ["plan", "apply"])
def test_what_cannot_be_done_fails_with_one_sentence(
    saved: Saved, sandbox: Sandbox, scene_ids: list[str], says: str, mode: str
) -> None:
    state = run(export_recovery, scene_ids=scene_ids, mode=mode)
    assert state.is_failed()
    assert state.message is not None
    assert says in state.message
    assert "\n" not in state.message


def test_a_bad_input_is_escalated_and_nothing_is_changed(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    damage(sandbox.store, BUCKET, kitchen, "input_mesh_truncated")
    before = generations(sandbox)
    state = run(export_recovery, scene_ids=[kitchen], mode="apply")
    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith("kitchen_001: escalated - Input regen3d/")
    assert generations(sandbox) == before


def test_another_plan_than_the_one_that_was_read_is_refused(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    read = artifacts(run(export_recovery, scene_ids=[kitchen]))["plan-kitchen-001"].description.split()[1]
    damage(sandbox.store, BUCKET, kitchen, "export_failed_marker")
    before = generations(sandbox)
    refused = run(export_recovery, scene_ids=[kitchen], mode="apply", plan_digest=read)
    assert refused.is_failed()
    assert refused.message is not None
    assert f"not {read}: something has changed" in refused.message
    assert generations(sandbox) == before
    now = artifacts(run(export_recovery, scene_ids=[kitchen]))["plan-kitchen-001"].description.split()[1]
    assert run(export_recovery, scene_ids=[kitchen], mode="apply", plan_digest=now).message == "kitchen_001: done"


def test_there_is_one_task_run_for_each_step_and_none_for_an_object(saved: Saved, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, BUCKET, "large_001", "warehouse", objects=30)
    damage(sandbox.store, BUCKET, "large_001", "simready_missing")
    planned = run(export_recovery, scene_ids=["large_001"])
    planned_actions = actions(artifacts(planned)["plan-large-001"])
    steps = list(dict.fromkeys(row["step"] for row in planned_actions))
    assert len(planned_actions) > 5 * len(steps), "the scene is too small to show anything"
    assert len(task_runs(planned)) == 1
    state = run(export_recovery, scene_ids=["large_001"], mode="apply")
    assert state.message == "large_001: done"
    found = task_runs(state, lambda runs: len(runs) > len(steps))
    assert len(found) == 1 + len(steps)
    assert all("large_001" in one.name for one in found)
