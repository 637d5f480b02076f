"""A pipeline that is well has no cause, whatever its age, its extras and its odd but valid states."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.pipeline.varied import make_varied_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.diagnosis.check import word_of
from tests.diagnosis.world import (
    BAD_IMAGE,
    DATA,
    EXPORT,
    SIMREADY,
    USD,
    deploy_image,
    diagnosed,
    held,
    put,
    rows,
    run_job,
    scene,
    start,
    until,
)


def test_nothing_is_wrong_with_a_sandbox_that_is_well(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    found = diagnosed(environment)
    assert (found.causes, found.unknown, found.notes) == ([], [], [])
    assert word_of(found) == "nothing_to_do"


@pytest.mark.parametrize("from_text", [False, True])
def test_fifty_varied_scenes_have_no_cause(from_text: bool) -> None:
    """Fifty as in January and fifty as in June, of every age and with what lies about in them."""
    overlay = files("blocks").joinpath("catalogue-2026-06.yaml").read_text() if from_text else ""
    ids = [f"varied-{seed:03}" for seed in range(50)]
    with Sandbox(job_seconds=0.02, catalogue=load_catalogue(overlay or None)) as sandbox:
        for seed, one in enumerate(ids):
            make_varied_scene(sandbox.store, DATA, one, seed + 1000 * from_text, from_text=from_text)
        environment = for_sandbox(sandbox.endpoints)
        environment.catalogue_overlay = overlay
        found = diagnosed(environment, *ids)
        environment.close()
    assert [(cause.row, cause.sentence) for cause in found.causes] == []
    assert found.unknown == []


def test_an_execution_that_runs_long_but_not_too_long_is_no_cause(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "busy", upto="regen3d")
    running = held(sandbox, environment, USD, "busy", hours=3)  # of 3.7 that its steps may take together
    until(lambda: sandbox.store.get(DATA, "scenes/busy/locks/usd-assembly.lock"))
    for scenes in ((), ("busy",)):
        found = diagnosed(environment, *scenes)
        assert rows(found) == []
        assert found.unknown == []  # its lock is held by a running execution
    running.created -= timedelta(hours=1)
    assert rows(diagnosed(environment)) == ["execution-late"]
    sandbox.simulator.forgive()


def test_an_old_failure_of_a_scene_that_was_mended_since_is_no_cause(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "mended", upto="regen3d")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    failed = start(sandbox, environment, USD, "mended")
    assert failed.state == "FAILED"
    failed.created -= timedelta(minutes=30)
    assert rows(diagnosed(environment)) == ["stage-failed"]
    assert start(sandbox, environment, USD, "mended").state == "SUCCEEDED"
    found = diagnosed(environment, "mended")
    assert (rows(found), found.unknown) == ([], [])


def test_a_failure_of_a_scene_that_is_gone_is_no_cause(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "deleted-meanwhile")
    for found in list(sandbox.store.list(DATA, "scenes/deleted-meanwhile/")):
        sandbox.store.delete(DATA, found.name)
    assert rows(diagnosed(environment)) == []


def test_test_scenes_are_looked_at_only_when_they_are_named(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "test_001", upto="regen3d")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "test_001")
    found = diagnosed(environment)
    assert rows(found) == []
    assert found.notes == ["Test scenes with trouble were not looked at: test_001. Name them to do so."]
    named = diagnosed(environment, "test_001")
    assert rows(named) == ["stage-failed"]
    assert "test_001 is a test scene: what is wrong with it may be meant." in named.notes


def test_an_image_that_was_changed_without_an_execution_since_is_no_cause(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    run_job(sandbox, environment, SIMREADY, "kitchen-1")
    deploy_image(environment, SIMREADY, BAD_IMAGE)
    sandbox.run.images.broken[BAD_IMAGE] = "No module named 'pxr'"
    assert rows(diagnosed(environment)) == []


def test_events_that_are_for_other_workflows_put_no_scene_under_suspicion(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    """Triggers that filter on the bucket alone start executions for every object, and most answer SKIPPED."""
    scene(sandbox, "kitchen-1")
    for number in range(5):
        sandbox.store.put(DATA, f"scenes/kitchen-1/logs/{number}.txt", b"x")
    until(lambda: any(one.skipped for one in sandbox.workflows.executions.newest_first(EXPORT)))
    found = diagnosed(environment)
    assert (found.causes, found.unknown) == ([], [])


def test_a_stage_that_the_scenes_owner_has_switched_off_is_no_cause(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="variation")
    put(sandbox, "scenes/kitchen-1/config.json", {"use_geniesim": False})
    assert "use_geniesim=false" in start(sandbox, environment, EXPORT, "kitchen-1").result
    assert rows(diagnosed(environment)) == []
    put(sandbox, "scenes/kitchen-1/config.json", {"use_geniesim": True})
    assert rows(diagnosed(environment)) == ["execution-skipped"]


def test_an_optional_stage_that_an_installation_has_switched_off_is_no_cause(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="isaac-lab")
    assert "ENABLE_DWM" in start(sandbox, environment, "dwm-preparation-pipeline", "kitchen-1").result
    assert rows(diagnosed(environment)) == []


def test_a_run_that_skips_what_is_there_already_is_no_cause(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1")
    skipped = start(sandbox, environment, EXPORT, "kitchen-1")
    assert "SKIPPED" in skipped.result
    assert rows(diagnosed(environment, "kitchen-1")) == []
