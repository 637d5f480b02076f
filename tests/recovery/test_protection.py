"""Nothing is lost: whatever the bucket keeps by itself, a deleted object can be brought back."""

from __future__ import annotations

from collections.abc import Container, Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.snapshots.layout import layout_of
from tests.recovery.world import (
    BACKUP,
    DATA,
    OPS,
    PLAN,
    PREFIX,
    SCENE,
    Wanted,
    healthy,
    ill,
    inputs,
    journals,
    live,
    plan_undo,
    quick_environment,
    recover,
    recover_scene,
    without_triggers,
)

RESTORE = Wanted("apply", restore_inputs=True)


@pytest.fixture
def versioned() -> Iterator[tuple[PipelineEnvironment, Sandbox]]:
    """A data bucket that keeps old versions."""
    with Sandbox(job_seconds=0.02, seed=7, versioning=True) as sandbox:
        environment = quick_environment(sandbox)
        yield environment, sandbox
        environment.close()


def without_history(sandbox: Sandbox) -> None:
    """From now on the data bucket forgets what is deleted or overwritten."""
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0


def quarantined(sandbox: Sandbox) -> dict[str, bytes]:
    """What the ops bucket keeps of deleted objects."""
    return {found.name: found.data for found in sandbox.store.list(OPS, "remediation/quarantine/")}


def test_a_bucket_without_history_gets_a_copy_of_everything_before_it_is_deleted(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_corrupt")
    without_history(sandbox)
    before = {found.name: (found.generation, found.data) for found in sandbox.store.list(DATA, PREFIX)}
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert result.plan is not None
    deleted = [str(a.params["name"]) for a in result.plan.actions if a.effect == "delete"]
    assert quarantined(sandbox) == {
        f"remediation/quarantine/{SCENE}/{name}#{before[name][0]}": before[name][1] for name in deleted
    }


def test_a_bucket_with_history_needs_no_copies(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_corrupt")
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert quarantined(sandbox) == {}


def test_in_a_versioned_bucket_a_scene_recovers_and_its_old_versions_stay(
    versioned: tuple[PipelineEnvironment, Sandbox],
) -> None:
    environment, sandbox = versioned
    ill(sandbox, "usd_truncated")
    before = live(sandbox.store)
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    kept = {(found.name, found.generation) for found in sandbox.store.list(DATA, PREFIX, versions=True)}
    assert set(before.items()) <= {item for item in kept if item[0] in before}
    (journal,) = journals(environment, sandbox.store)
    assert plan_undo(environment, journal).escalations == ()


def test_a_bad_input_comes_back_from_an_older_version(versioned: tuple[PipelineEnvironment, Sandbox]) -> None:
    environment, sandbox = versioned
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=2, upto="regen3d")
    good = {name: sandbox.store.get(DATA, name) for name in inputs(environment, live(sandbox.store))}
    damage(sandbox.store, DATA, SCENE, "input_mesh_truncated")
    result = recover(environment, wanted=RESTORE)
    assert (result.outcome, result.reasons) == ("done", [])
    assert result.plan is not None
    assert result.facts.candidates[0].source == "version"
    for name, was in good.items():
        now = sandbox.store.get(DATA, name)
        assert was is not None
        assert now is not None
        assert now.data == was.data


@pytest.mark.parametrize("history", ["soft_delete", "none"])
def test_a_bad_input_comes_back_and_the_bad_one_is_kept_too(
    environment: PipelineEnvironment, sandbox: Sandbox, history: str
) -> None:
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=2, upto="regen3d")
    for found in list(sandbox.store.list(DATA, f"{PREFIX}regen3d/")):
        sandbox.store.put(BACKUP, layout_of(environment).copy_name(found.name, found.generation), found.data)
    if history == "none":
        without_history(sandbox)
    damage(sandbox.store, DATA, SCENE, "input_mesh_truncated")
    result = recover(environment, wanted=RESTORE)
    assert (result.outcome, result.reasons) == ("done", [])
    assert result.plan is not None
    (candidate,) = result.facts.candidates
    assert candidate.source == ("backup" if history == "none" else "soft_delete")
    (bad,) = [a for a in result.plan.actions if a.kind == "restore_object"]
    generation = bad.params["live_generation"]
    if history == "none":
        assert f"remediation/quarantine/{SCENE}/{candidate.object}#{generation}" in quarantined(sandbox)
    else:
        gone = {(one.name, one.generation) for one in sandbox.store.list(DATA, PREFIX, soft_deleted=True)}
        assert (candidate.object, generation) in gone
    assert healthy(environment) == []


def test_several_bad_inputs_come_back_in_one_run(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=6, upto="regen3d")
    meshes = [found for found in sandbox.store.list(DATA, f"{PREFIX}regen3d/objects/") if found.name.endswith(".glb")]
    for mesh in meshes:
        sandbox.store.put(DATA, mesh.name, mesh.data[:100], quiet=True)
    result = recover(environment, wanted=RESTORE)
    assert (result.outcome, result.reasons) == ("done", [])
    assert result.plan is not None
    assert [candidate.object for candidate in result.facts.candidates] == sorted(mesh.name for mesh in meshes), (
        "in an order of their own, so that two processes make the same plan"
    )


@pytest.mark.parametrize("what", ["regen3d/scene_info.json", "regen3d/objects/counter_0/mesh.glb"])
def test_an_input_that_was_deleted_is_escalated_and_comes_back_when_asked(
    environment: PipelineEnvironment, sandbox: Sandbox, what: str
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=2)
    gone = live(sandbox.store, prefix=PREFIX + what)
    assert gone
    for name in gone:
        sandbox.store.delete(DATA, name)
    assert recover(environment).outcome == "escalated"
    result = recover(environment, wanted=RESTORE)
    assert (result.outcome, result.reasons) == ("done", [])
    assert set(gone) <= set(live(sandbox.store))


def test_an_input_without_a_good_copy_anywhere_is_only_escalated(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=2)
    without_history(sandbox)
    damage(sandbox.store, DATA, SCENE, "input_mesh_truncated")
    before = live(sandbox.store)
    result = recover(environment, wanted=RESTORE)
    assert result.outcome == "escalated"
    assert "no good copy was found" in result.reasons[0]
    assert live(sandbox.store) == before


def test_a_rerun_without_its_inputs_is_escalated_before_anything_is_cleared(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "manifest_truncated")
    for name in live(sandbox.store, prefix=f"{PREFIX}regen3d/objects/"):
        sandbox.store.delete(DATA, name)
    before = live(sandbox.store)
    result = recover(environment)
    assert result.outcome == "escalated"
    assert "regen3d needs regen3d/objects/" in result.reasons[0]
    assert live(sandbox.store) == before


def test_an_object_that_is_replaced_while_its_copy_is_made_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_corrupt")
    without_history(sandbox)
    draw, replaced = sandbox.faults.draw, dict[str, int]()

    def somebody_is_quicker(service: str, method: str, kinds: Container[str] | None = None) -> FaultRule | None:
        if method == "objects.rewrite" and not replaced:
            for found in list(sandbox.store.list(DATA, f"{PREFIX}geniesim/")):
                replaced[found.name] = sandbox.store.put(DATA, found.name, found.data, quiet=True).generation
        return draw(service, method, kinds)

    def look(sentence: str) -> None:
        if "rerun" in sentence:
            left_alone.update(replaced.items() & live(sandbox.store).items())

    left_alone: set[tuple[str, int]] = set()
    sandbox.faults.draw = somebody_is_quicker  # type: ignore[method-assign]
    recover_scene(Context(environment, "a test", say=look), SCENE, Wanted("apply"))
    assert replaced
    assert left_alone == set(replaced.items())


def test_an_object_under_a_hold_is_named_before_anything_is_deleted(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_corrupt")
    planned = recover(environment, wanted=PLAN).plan
    assert planned is not None
    held = [action.target for action in planned.actions if action.effect == "delete"][-1]
    blob = environment.storage.client().bucket(DATA).blob(held)
    blob.temporary_hold = True
    blob.patch()
    before = live(sandbox.store)
    result = recover(environment)
    assert (result.outcome, held in result.reasons[0]) == ("refused", True)
    assert "temporary hold" in result.reasons[0]
    assert live(sandbox.store) == before
