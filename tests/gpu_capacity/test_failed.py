"""Which scenes failed for want of GPUs: by their newest run of a GPU workflow, or by the record it left, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.failed import failed_for_gpus, gpu_workflows, says_no_gpu
from tests.gpu_capacity.shortage import EXPORT, export, scenes, start_export
from tests.recovery.world import put_json, quick_environment, without_triggers

HOUR = timedelta(hours=1)
NO_GPU, BUILD, AGAIN, OTHER, RECORD, OLD_RECORD, WELL = range(7)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[PipelineEnvironment, list[str], datetime]]:
    """Scenes that failed in every way, and when the last of them had."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick_environment(sandbox)
        without_triggers(sandbox)
        names = scenes(sandbox, 7)
        put_json(sandbox, "geniesim/.failed", {"error": {"message": "No GPU nodes found"}}, names[OLD_RECORD])
        before = datetime.now(UTC)
        for number in (NO_GPU, AGAIN):
            sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, scene_id=names[number], kind="stock_out", times=1))
        for number in (BUILD, OTHER, RECORD, OLD_RECORD):
            sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, scene_id=names[number], kind="raise"))
        export(environment, names)
        words = "ERROR: GPU capacity is not reported on GPU nodes."
        put_json(
            sandbox,
            "geniesim/.failed",
            {"error": {"code": "geniesim_gpu_start_failed", "message": words}},
            names[BUILD],
        )
        put_json(sandbox, "geniesim/.failed", {"reason": "Insufficient nvidia.com/gpu"}, names[RECORD])
        export(environment, [names[AGAIN]])
        yield environment, names, before
        environment.close()


def found(world: tuple[PipelineEnvironment, list[str], datetime], since: datetime, until: datetime) -> set[int]:
    environment, names, _ = world
    return {names.index(name) for name in failed_for_gpus(environment, since, until)}


def test_what_says_so_itself_or_by_its_record_is_found_and_nothing_else(
    world: tuple[PipelineEnvironment, list[str], datetime],
) -> None:
    assert found(world, world[2], datetime.now(UTC)) == {NO_GPU, BUILD, RECORD}, (
        "not those that ended well or otherwise"
    )


def test_what_ran_again_and_ended_otherwise_is_not_owed(world: tuple[PipelineEnvironment, list[str], datetime]) -> None:
    assert AGAIN not in found(world, world[2] - HOUR, datetime.now(UTC))


def test_a_record_of_an_earlier_failure_says_nothing_of_this_one(
    world: tuple[PipelineEnvironment, list[str], datetime],
) -> None:
    assert OLD_RECORD not in found(world, world[2], datetime.now(UTC))


def test_what_failed_before_or_after_is_not_of_this_shortage(
    world: tuple[PipelineEnvironment, list[str], datetime],
) -> None:
    assert found(world, datetime.now(UTC) + HOUR, datetime.now(UTC) + 2 * HOUR) == set()
    assert found(world, world[2] - 2 * HOUR, world[2] - HOUR) == set()


def test_what_runs_again_is_not_owed(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    without_triggers(sandbox)
    names, before = scenes(sandbox, 2), datetime.now(UTC)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="stock_out", times=2))
    export(environment, names)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="hold"))
    start_export(environment, names[0])
    assert failed_for_gpus(environment, before, datetime.now(UTC)) == [names[1]]
    sandbox.simulator.forgive()


def test_only_workflows_with_a_gpu_stage_are_asked(world: tuple[PipelineEnvironment, list[str], datetime]) -> None:
    assert set(gpu_workflows(world[0].catalogue)) == {EXPORT, "episode-generation-pipeline"}


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("code 8: ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", True),
        ("The zone 'z' does not have enough resources available to fulfill the request", True),
        ("Quota 'NVIDIA_T4_GPUS' exceeded. Limit: 4.0 in region us-central1.", True),
        ("Quota 'GPUS_ALL_REGIONS' exceeded", True),
        ("exceeded quota: blueprint-quota, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4", True),
        ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", True),
        ("error: no gpu nodes found with accelerator label nvidia-tesla-t4", True),
        ("CUDA out of memory", False),
        ("Quota exceeded for quota metric 'Read requests' of service 'storage.googleapis.com'", False),
        ("exceeded quota: blueprint-quota, requested: count/jobs.batch=1", False),
        ("genie-sim-export-job exited with code 1", False),
        ("the GPU driver could not be loaded", False),
        ("", False),
    ],
)
def test_words_that_say_that_there_was_no_gpu(
    world: tuple[PipelineEnvironment, list[str], datetime], text: str, yes: bool
) -> None:
    assert says_no_gpu(world[0].catalogue, text) is yes
