"""A pipeline in trouble, and what the diagnosis says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.catalogue_query import workflow_argument
from blocks.environment import PipelineEnvironment
from blocks.job_definitions import ImageRef
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.executions import Execution
from tasks.diagnosis.check import Diagnosis, Question, diagnose
from tasks.diagnosis.signs import Cause
from tasks.remediation.context import Context

DATA = "sandbox-scenes"
USD, EXPORT, IMPORT = "usd-assembly-pipeline", "genie-sim-export-pipeline", "genie-sim-import-pipeline"
TRIGGER = "usd-assembly-trigger"
SIMREADY = "simready-job"
PXR = "ModuleNotFoundError: No module named 'pxr'"
BAD_IMAGE = "us-central1-docker.pkg.dev/sandbox-project/blueprint-jobs/simready-job:v2"


def diagnosed(environment: PipelineEnvironment, *scenes: str, hours: float = 24.0, seconds: float = 60.0) -> Diagnosis:
    """What is found."""
    return diagnose(Context(environment, "a test"), Question(scenes, hours, seconds))


def rows(found: Diagnosis) -> list[str]:
    """The rows of its causes, heaviest first."""
    return [cause.row for cause in found.causes]


def only(found: Diagnosis, row: str) -> Cause:
    """Its one cause, which must be of that row, and nothing may be unknown."""
    others = [(cause.row, cause.sentence) for cause in found.causes if cause.row != row]
    assert not others, others
    assert not found.unknown, found.unknown
    (cause,) = found.causes
    return cause


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that other threads do."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.01)


def scene(sandbox: Sandbox, scene_id: str, **wish: Any) -> str:
    """A healthy scene, made an hour ago, so that everything of now is later."""
    at = datetime.now(UTC) - timedelta(hours=1)
    make_scene(sandbox.store, DATA, scene_id, "kitchen", **({"objects": 2, "at": at} | wish))
    return scene_id


def start(
    sandbox: Sandbox,
    environment: PipelineEnvironment,
    workflow: str,
    scene_id: str,
    *,
    wait: bool = True,
    **options: Any,
) -> Execution:
    """Run a workflow on a scene; to its end unless told otherwise."""
    job_id = options.pop("job_id", None)
    argument = workflow_argument(environment.catalogue, workflow, bucket=DATA, scene_id=scene_id, job_id=job_id)
    name = environment.workflows.start(workflow, argument | options, labels={}).name
    found = sandbox.workflows.executions.get(name)
    assert found is not None
    if wait:
        until(lambda: found.state != "ACTIVE")
    return found


def run_job(sandbox: Sandbox, environment: PipelineEnvironment, job: str, scene_id: str) -> Execution:
    """Run a Cloud Run job on a scene to its end."""
    stage = environment.catalogue.jobs[job].stage
    env = {"BUCKET": DATA, "SCENE_ID": scene_id}
    rerun = environment.catalogue.stages[stage].rerun if stage else None
    if rerun is not None and rerun.job == job:
        env |= {key: value.format(bucket=DATA, scene_id=scene_id) for key, value in rerun.env.items()}
    name = environment.jobs.start(job, env).name
    found = sandbox.run.executions.get(name)
    assert found is not None
    until(lambda: found.state != "ACTIVE")
    return found


def held(sandbox: Sandbox, environment: PipelineEnvironment, workflow: str, scene_id: str, **age: float) -> Execution:
    """An execution that is running, since as long ago as that."""
    sandbox.simulator.behave(SimulatorFault(workflow=workflow, scene_id=scene_id, kind="hold", times=1))
    found = start(sandbox, environment, workflow, scene_id, wait=False)
    found.created -= timedelta(**age)
    return found


def cancelled_with_lock(sandbox: Sandbox, environment: PipelineEnvironment, scene_id: str) -> Execution:
    """An execution of usd-assembly that somebody cancelled: its lock is left."""
    found = held(sandbox, environment, USD, scene_id)
    lock = f"scenes/{scene_id}/locks/usd-assembly.lock"
    until(lambda: sandbox.store.get(DATA, lock) is not None)
    sandbox.workflows.executions.cancel(found)
    return found


def deploy_image(environment: PipelineEnvironment, job: str, image: str) -> None:
    """Deploy a job with another image."""
    live = environment.jobs.definition(job)
    assert live is not None
    live.job["template"]["template"]["containers"][0]["image"] = image
    environment.jobs.deploy(replace(live, images=(ImageRef(image, None),)), etag=live.etag)


def bad_image(sandbox: Sandbox, environment: PipelineEnvironment, scenes: Iterable[str]) -> None:
    """simready-job worked, then its image was changed, and since then it fails on these scenes."""
    scenes = list(scenes)
    run_job(sandbox, environment, SIMREADY, scenes[0])
    deploy_image(environment, SIMREADY, BAD_IMAGE)
    sandbox.run.images.broken[BAD_IMAGE] = PXR
    for one in scenes:
        run_job(sandbox, environment, SIMREADY, one)


def delete_trigger(sandbox: Sandbox, name: str = TRIGGER) -> None:
    """A trigger that is not deployed any more."""
    sandbox.eventarc.deployed.put(name, False)


def put(sandbox: Sandbox, name: str, value: object) -> None:
    """An object of the data bucket, which starts nothing."""
    sandbox.store.put(DATA, name, json.dumps(value).encode(), quiet=True)


def manifest_damaged(sandbox: Sandbox, scene_id: str) -> None:
    """The manifest of a scene ends in the middle."""
    damage(sandbox.store, DATA, scene_id, "manifest_truncated")


def five_faults(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """A lock that was left, a deleted trigger, a bad image, a damaged manifest, and Genie Sim down."""
    for name in ("locked", "image-1", "image-2", "damaged", "simulated"):
        scene(sandbox, name, upto="genie-sim-export")
    cancelled_with_lock(sandbox, environment, "locked")
    start(sandbox, environment, USD, "locked")
    delete_trigger(sandbox)
    manifest_damaged(sandbox, "damaged")
    for _ in range(3):
        start(sandbox, environment, USD, "damaged")
    sandbox.genie_sim.switch("down")
    start(sandbox, environment, EXPORT, "simulated")
    bad_image(sandbox, environment, ["image-1", "image-2"])
