"""What is at work on a scene right now: executions, jobs and GPU Jobs, and nothing that has ended or is elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, TemporaryError
from blocks.execution import Execution
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.delivery.hold import work_on
from tasks.intake.unanswered import at_work
from tasks.pipeline.activity import LiveBoard, LiveWork, live_work, phrases_on, scene_of_argument
from tasks.pipeline.labels import RUN_LABEL, RUN_VARIABLE
from tasks.remediation.context import Context
from tests.blocks.test_gke import manifest

DATA, USD, JOB = "sandbox-scenes", "usd-assembly-pipeline", "replicator-job"


def found(environment: PipelineEnvironment) -> dict[str, list[str]]:
    """What works on each scene, by the first word of its phrase."""
    works: dict[str, list[str]] = {}
    for work in live_work(environment):
        works.setdefault(work.scene_id, []).append(work.what.partition(" (")[0])
    return works


@pytest.mark.parametrize(
    ("argument", "scene"),
    [
        ({"data": {"bucket": DATA, "name": "scenes/a/assets/.regen3d_complete"}}, "a"),
        ({"data": {"name": "scenes/a/x"}}, "a"),
        ({"data": {"bucket": "somebody-elses", "name": "scenes/a/x"}}, None),
        ({"data": {"bucket": DATA, "name": "automation/a/x"}}, None),
        ({"data": {"bucket": DATA, "name": "scenes/a"}}, None),
        ({"data": {"bucket": DATA}, "scene_id": "b"}, None),
        ({"data": {}}, None),
        ({"scene_id": "a"}, "a"),
        ({"scene_id": 7}, "7"),
        ({"scene_id": ""}, None),
        ({"data": "text", "scene_id": "a"}, "a"),
        ({"": 7}, None),
        ({}, None),
    ],
)
def test_an_execution_is_at_work_on_the_scene_of_its_event_else_on_the_one_it_names(
    environment: PipelineEnvironment, argument: dict[str, Any], scene: str | None
) -> None:
    one = Execution("p/x", USD, "ACTIVE", argument, {}, None, None, datetime.now(UTC))
    assert scene_of_argument(one, environment) == scene
    assert scene_of_argument(replace(one, state="FAILED"), environment) == scene


def test_executions_and_jobs_are_seen_while_they_run_with_the_run_that_started_them(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    assert live_work(environment) == []
    sandbox.simulator.behave(SimulatorFault(kind="hold"))
    argument = {"data": {"bucket": DATA, "name": f"scenes/{kitchen}/assets/.regen3d_complete"}}
    execution = environment.workflows.start(USD, argument, labels={RUN_LABEL: "r1"})
    job = environment.jobs.start(JOB, {"SCENE_ID": kitchen, RUN_VARIABLE: "r2"}, timeout_seconds=60)
    short = [one.name.rpartition("/")[2] for one in (execution, job)]
    works = [work for work in live_work(environment) if work.run]
    assert works == [
        LiveWork(kitchen, f"{USD} (execution {short[0]})", "r1"),
        LiveWork(kitchen, f"{JOB} (execution {short[1]})", "r2"),
    ]
    environment.workflows.cancel(execution.name)
    sandbox.simulator.forgive()
    sandbox.workflows.executions.cancel_all()
    sandbox.run.executions.cancel_all()
    assert [work for work in live_work(environment) if work.run] == []


def test_a_job_that_names_no_scene_is_nobodys(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.simulator.behave(SimulatorFault(kind="hold"))
    environment.jobs.start(JOB, {}, timeout_seconds=60)
    assert live_work(environment) == []


def gpu_job(sandbox: Sandbox, name: str, scene: str = "", **spec: Any) -> None:
    """A GPU Job whose label names that scene; by default it has none."""
    body = manifest(name, **spec)
    body["metadata"]["labels"] = {"scene-id": scene} if scene else {}
    sandbox.cluster.create("blueprint", body)


def test_gpu_jobs_are_seen_by_their_names_while_they_are_active(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for name in ("geniesim-gpu-kitchen-1-1700000000", "geniesim-gpu-office-1700000001", "somebodys-job-1-2"):
        gpu_job(sandbox, name)
    sandbox.cluster.set_state("blueprint", "geniesim-gpu-office-1700000001", "succeeded")
    gpu_job(sandbox, "geniesim-gpu-hall-1700000002", suspend=True)
    assert found(environment) == {"kitchen-1": ["GKE Job geniesim-gpu-kitchen-1-1700000000"]}


def test_the_label_of_a_gpu_job_counts_before_its_name_which_cannot_hold_every_id(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    gpu_job(sandbox, "geniesim-gpu-kitchen-1-1700000000", "Kitchen_1")
    assert found(environment) == {"Kitchen_1": ["GKE Job geniesim-gpu-kitchen-1-1700000000"]}


@pytest.mark.parametrize(
    ("scene", "label", "is_on"),
    [
        ("kitchen-1", "", True),
        ("kitchen_1", "", True),
        ("Kitchen_1", "", True),
        ("kitchen_1", "kitchen_1", True),
        ("kitchen-1", "kitchen_1", False),
        ("kitchen-11", "", False),
        ("kitchen", "", False),
        ("1", "", False),
    ],
)
def test_a_gpu_job_without_a_label_may_be_work_on_every_scene_its_name_may_stand_for(
    scene: str, label: str, is_on: bool, context: Context, sandbox: Sandbox
) -> None:
    gpu_job(sandbox, "geniesim-gpu-kitchen-1-1700000000", label)
    phrases = ("GKE Job geniesim-gpu-kitchen-1-1700000000",) if is_on else ()
    assert phrases_on(context, scene) == phrases
    assert tuple(work.what for work in work_on(context, scene)) == phrases
    assert tuple(at_work(context, {scene, "another"}).values()) == phrases


def test_what_is_not_deployed_runs_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for name in list(environment.catalogue.workflows)[:3]:
        sandbox.workflows.deployed.put(name, False)
    sandbox.run.deployed.put(JOB, False)
    assert live_work(environment) == []


def test_what_does_not_answer_is_not_the_same_as_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.workflows.limits = environment.workflows.limits.model_copy(update={"attempts": 1})
    sandbox.faults.add(FaultRule(service="executions", kind="status", status=503))
    with pytest.raises(TemporaryError):
        live_work(environment)


def test_a_cluster_at_a_wrong_address_is_not_one_without_jobs(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", kind="status", status=404))
    with pytest.raises(NotFound):
        live_work(environment)


def working(sandbox: Sandbox, scene: str = "kitchen-1") -> str:
    name = f"geniesim-gpu-{scene}-1700000000"
    gpu_job(sandbox, name)
    return f"GKE Job {name}"


def test_a_run_asks_once_for_all_scenes_and_again_after_a_while(context: Context, sandbox: Sandbox) -> None:
    board = LiveBoard.of(context)
    assert board is LiveBoard.of(context)
    assert 0 < board.seconds <= 5, "nothing is restarted under somebody's hands"
    board.seconds = 3600  # however slow this machine is
    assert board.on("kitchen-1") == ()
    phrase = working(sandbox)
    working(sandbox, "office")
    assert board.on("kitchen-1") == ()
    board._asked -= 3601
    assert [work.what for work in board.on("kitchen-1")] == [phrase]
    assert phrases_on(context, "kitchen-1") == (phrase,)
    assert phrases_on(context, "kitchen") == ()
