"""Undo: what a run deleted comes back where nothing newer is; markers only when asked, and last; locks never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from blocks.catalogue_query import class_of
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.actions.objects import MARKERS, NEVER_RESTORED
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.recovery.world import (
    APPLY,
    DATA,
    PREFIX,
    SCENE,
    everything,
    ill,
    journals,
    live,
    plan_undo,
    quick_environment,
    recover,
    recover_scene,
    stopped_by,
    undo_run,
    worked,
)

EXPORT = "genie-sim-export-pipeline"


def failed_run(environment: PipelineEnvironment, sandbox: Sandbox, name: str = "export_corrupt") -> Run:
    """A recovery that has cleared what it should and then failed."""
    ill(sandbox, name)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="skipped"))
    result = recover(environment)
    assert result.outcome == "failed"
    return result


def undo(
    environment: PipelineEnvironment, run: str, mode: Literal["plan", "apply"] = "apply", markers: bool = False
) -> Run:
    return undo_run(Context(environment, "a test"), SCENE, run, mode, markers)


def deleted(environment: PipelineEnvironment, result: Run, *, markers: bool) -> dict[str, str]:
    """What the run deleted, either its markers or its data, with checksums."""
    assert result.plan is not None
    return {
        str(a.params["name"]): str(a.params["crc32c"])
        for a in result.plan.actions
        if a.effect == "delete"
        and (class_of(environment.catalogue, a.target.removeprefix(PREFIX)) in MARKERS) == markers
    }


def contents(sandbox: Sandbox) -> dict[str, str]:
    return {found.name: found.crc32c for found in sandbox.store.list(DATA)}


def test_the_data_comes_back_and_the_markers_stay_away(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    data, markers = (deleted(environment, result, markers=kind) for kind in (False, True))
    assert data
    assert markers
    assert undo(environment, result.id).outcome == "done"
    now = contents(sandbox)
    assert {name: now.get(name) for name in data} == data
    assert set(markers) & set(now) == set()


def test_markers_come_back_when_asked_after_all_data(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    everything_deleted = deleted(environment, result, markers=False) | deleted(environment, result, markers=True)
    order: list[str] = []
    sandbox.store.on_finalize(lambda bucket, version: order.append(version.name) if bucket == DATA else None)
    undone = undo(environment, result.id, markers=True)
    assert undone.outcome == "done"
    now = contents(sandbox)
    assert {name: now.get(name) for name in everything_deleted} == everything_deleted
    marker = [name in deleted(environment, result, markers=True) for name in order if name in everything_deleted]
    assert len(marker) == len(everything_deleted)
    assert marker == sorted(marker), "every marker is written after the last of the data"


def test_the_plan_says_which_triggers_a_marker_fires(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow="regen3d-pipeline", kind="raise"))
    result = failed_run(environment, sandbox, "manifest_truncated")
    planned = undo(environment, result.id, "plan", markers=True)
    assert planned.plan is not None
    (marker,) = [a for a in planned.plan.actions if a.target == f"{PREFIX}assets/.regen3d_complete"]
    assert "usd-assembly-trigger" in marker.why


def test_looking_at_an_undo_changes_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    before = everything(sandbox.store)
    planned = undo(environment, result.id, "plan")
    assert planned.outcome == "planned"
    assert everything(sandbox.store) == before
    assert undo(environment, result.id).outcome == "done"


def test_a_newer_object_is_left_alone(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    name = f"{PREFIX}geniesim/asset_index.json"
    newer = sandbox.store.put(DATA, name, b'{"made": "by hand"}', quiet=True).generation
    assert undo(environment, result.id, markers=True).outcome == "done"
    assert live(sandbox.store)[name] == newer


def test_what_appears_after_the_plan_is_left_alone_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    name = f"{PREFIX}geniesim/asset_index.json"
    assert name not in live(sandbox.store)
    (journal,) = journals(environment, sandbox.store)
    plan = plan_undo(environment, journal)
    assert name in {action.target for action in plan.actions}
    newer = sandbox.store.put(DATA, name, b'{"made": "by hand"}', quiet=True).generation
    again = plan_undo(environment, journal)
    assert name not in {action.target for action in again.actions}
    assert undo(environment, result.id).outcome == "done"
    assert live(sandbox.store)[name] == newer


def test_a_lock_never_comes_back(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_corrupt")
    damage(sandbox.store, DATA, SCENE, "stale_lock")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="skipped"))
    result = recover(environment)
    assert result.plan is not None
    locks = [
        a.target
        for a in result.plan.actions
        if class_of(environment.catalogue, a.target.removeprefix(PREFIX)) in NEVER_RESTORED
    ]
    assert locks == [f"{PREFIX}locks/usd-assembly.lock"]
    assert undo(environment, result.id, markers=True).outcome == "done"
    assert locks[0] not in live(sandbox.store)


def test_after_a_recovery_that_went_well_there_is_little_to_undo(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "isaac_missing")
    result = recover(environment)
    before = live(sandbox.store)
    undone = undo(environment, result.id, markers=True)
    assert (undone.outcome, undone.reasons) == (
        "nothing_to_do",
        [],
    )
    assert live(sandbox.store) == before


def test_an_undo_twice_finds_nothing_more_to_do(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    assert undo(environment, result.id).outcome == "done"
    after = live(sandbox.store)
    assert undo(environment, result.id).outcome == "nothing_to_do"
    assert live(sandbox.store) == after


def test_copies_in_the_ops_bucket_come_back_where_the_bucket_keeps_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    result = failed_run(environment, sandbox)
    data = deleted(environment, result, markers=False)
    assert undo(environment, result.id).outcome == "done"
    now = contents(sandbox)
    assert {name: now.get(name) for name in data} == data


def test_in_a_versioned_bucket_the_older_generation_comes_back() -> None:
    with Sandbox(job_seconds=0.02, seed=7, versioning=True) as sandbox:
        environment = quick_environment(sandbox)
        result = failed_run(environment, sandbox)
        data = deleted(environment, result, markers=False)
        assert undo(environment, result.id).outcome == "done"
        now = contents(sandbox)
        assert {name: now.get(name) for name in data} == data
        environment.close()


def test_what_is_lost_for_good_is_escalated_and_nothing_is_half_done(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    result = failed_run(environment, sandbox)
    sandbox.store.bucket(DATA).settings.soft_delete_seconds = 0
    before = live(sandbox.store)
    undone = undo(environment, result.id)
    assert undone.outcome == "escalated"
    assert "cannot be brought back: no copy of generation" in undone.reasons[0]
    assert live(sandbox.store) == before


def test_an_interrupted_undo_is_finished_by_the_next(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    result = failed_run(environment, sandbox)
    data = deleted(environment, result, markers=False)
    sandbox.faults.add(FaultRule(service="storage", method="objects.restore", kind="status", status=403, times=1))
    assert undo(environment, result.id).outcome == "failed"
    assert all(journal.ended for journal in journals(environment, sandbox.store))
    assert undo(environment, result.id).outcome == "done"
    now = contents(sandbox)
    assert {name: now.get(name) for name in data} == data


@pytest.mark.parametrize("why", ["kill switch", "window", "somebody at work"])
def test_an_undo_obeys_the_same_limits(environment: PipelineEnvironment, sandbox: Sandbox, why: str) -> None:
    result = failed_run(environment, sandbox)
    before = live(sandbox.store)
    if why == "kill switch":
        environment.policy.kill_switch = ["ann: fire"]
    elif why == "window":
        day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
        environment.policy = environment.policy.model_copy(update={"window_days": day})
    else:
        sandbox.simulator.forgive()
        sandbox.simulator.behave(SimulatorFault(workflow="isaac-lab-job", kind="hold"))
        environment.jobs.start("isaac-lab-job", {"SCENE_ID": SCENE, "BUCKET": DATA})
    assert undo(environment, result.id).outcome == "refused"
    assert live(sandbox.store) == before


def test_a_run_that_was_undone_is_not_continued(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_corrupt")
    on: list[str] = []
    context = Context(
        environment,
        "a test",
        say=lambda s: on.append("x") if "rerun" in s else None,
        policy=lambda: stopped_by(environment, on),
    )
    stopped = recover_scene(context, SCENE, APPLY)
    assert stopped.outcome == "stopped"
    assert undo(environment, stopped.id).outcome == "done"
    again = recover(environment)
    assert again.outcome == "done"
    assert again.id != stopped.id
    assert len(worked(sandbox, EXPORT)) == 1
