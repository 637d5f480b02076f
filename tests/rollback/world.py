"""What the tests of rollback share: versions that worked or failed, and one rollback as a process of its own makes it."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kubernetes import client as kubernetes

from blocks.environment import PipelineEnvironment
from blocks.execution import Execution
from blocks.gke_manifests import Deployment
from blocks.job_definitions import JobDefinition
from blocks.job_execution import JobExecution
from blocks.workflow_definitions import WorkflowDefinition
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.report import plan_markdown, run_markdown
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.rollback.procedure import Rollback
from tasks.rollback.request import RollbackRequest
from tests.recovery.world import without_triggers
from tests.restore.world import DATA

JOB, WORKFLOW, TEST_SCENE = "simready-job", "usd-assembly-pipeline", "test_kitchen"
SPACE = "blueprint"


def rollback(environment: PipelineEnvironment, kind: str, name: str, **options: object) -> Run:
    """One rollback with a context of its own."""
    context = options.pop("context", None) or Context(environment, "ann", gone=lambda _: True)
    settings = {"mode": "apply", "reason": "it broke", "kind": kind, "name": name} | options
    return run(Rollback(), context, RollbackRequest(**settings))  # type: ignore[arg-type]


def undone(environment: PipelineEnvironment, one: Run, **options: Any) -> Run:
    """The undo of a rollback."""
    request = UndoRequest(subject=one.subject, run=one.id, mode="apply", **options)
    return run(undo(), Context(environment, "bo", gone=lambda _: True), request)


def on_step(environment: PipelineEnvironment, step: str, act: Any) -> Context:
    """A context that acts just before a step."""
    return Context(environment, "ann", say=lambda said: act() if said.endswith(step) else None, gone=lambda _: True)


def page(one: Run) -> str:
    """All that a person is shown of a run."""
    plan = plan_markdown(one.plan) if one.plan is not None else ""
    return plan + run_markdown(one, Rollback().sections(one))


# Cloud Run jobs


def live_job(environment: PipelineEnvironment, job: str = JOB) -> JobDefinition:
    """As it is deployed."""
    found = environment.jobs.definition(job)
    assert found is not None
    return found


def live_digest(environment: PipelineEnvironment, job: str = JOB) -> str:
    """Of its image, as far as it is known."""
    return str(live_job(environment, job).images[0].digest)


def make_test_scene(sandbox: Sandbox) -> None:
    """A scene for trials that has everything up to simready."""
    make_scene(sandbox.store, DATA, TEST_SCENE, "kitchen", objects=1, upto="simready")


def run_job(environment: PipelineEnvironment, scene: str = TEST_SCENE, job: str = JOB) -> JobExecution:
    """One execution, to its end."""
    started = environment.jobs.start(
        job, {"BUCKET": DATA, "SCENE_ID": scene, "ASSETS_PREFIX": f"scenes/{scene}/assets"}
    )
    return ended(environment, started)


def ended(environment: PipelineEnvironment, started: JobExecution) -> JobExecution:
    """The execution once it is over."""
    until = time.monotonic() + 30
    while (found := environment.jobs.execution(started.name)).state == "running":
        assert time.monotonic() < until, "it did not end in time"
        time.sleep(0.01)
    return found


def push(sandbox: Sandbox, environment: PipelineEnvironment, job: str = JOB) -> None:
    """Push a new image under the tag that the job names."""
    sandbox.run.images.push(live_job(environment, job).images[0].image)


def broken_job(sandbox: Sandbox, environment: PipelineEnvironment, good: int = 3, bad: int = 2) -> tuple[str, str]:
    """A job whose image worked `good` times, was pushed anew, and has failed `bad` times since; both digests.

    Whatever runs next works again, as if the image had been the reason.
    """
    without_triggers(sandbox)
    make_test_scene(sandbox)
    for _ in range(good):
        assert run_job(environment).state == "succeeded"
    former = live_digest(environment)
    push(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise"))
    for _ in range(bad):
        assert run_job(environment).state == "failed"
    sandbox.simulator.forgive()
    return former, live_digest(environment)


def set_secret(environment: PipelineEnvironment, value: str, job: str = JOB) -> JobDefinition:
    """Deploy the job with a variable that nobody shall see."""
    live = live_job(environment, job)
    wanted: dict[str, Any] = live.pinned()
    wanted["template"]["template"]["containers"][0]["env"] = [{"name": "API_KEY", "value": value}]
    return environment.jobs.deploy(replace(live, job=wanted), etag=live.etag)


# Workflows


def live_workflow(environment: PipelineEnvironment, workflow: str = WORKFLOW) -> WorkflowDefinition:
    """As it is deployed."""
    found = environment.workflows.definition(workflow)
    assert found is not None
    return found


def deploy_source(environment: PipelineEnvironment, source: str, workflow: str = WORKFLOW) -> WorkflowDefinition:
    """Deploy another source."""
    live = live_workflow(environment, workflow)
    return environment.workflows.deploy(replace(live, source=source), expected_revision=live.revision_id)


def source(word: str) -> str:
    """A small workflow."""
    return f"main:\n  steps:\n    - done:\n        return: {word}\n"


def run_workflow(sandbox: Sandbox, environment: PipelineEnvironment, scene: str = TEST_SCENE, *, good: bool) -> None:
    """One execution of the workflow, to its end."""
    if not good:
        sandbox.simulator.behave(SimulatorFault(workflow=WORKFLOW, kind="raise", times=1))
    argument = {"data": {"bucket": DATA, "name": f"scenes/{scene}/assets/.regen3d_complete"}}
    started = environment.workflows.start(WORKFLOW, argument, labels={})
    found = workflow_ended(environment, started.name)
    assert (found.state == "SUCCEEDED") == good, found


def workflow_ended(environment: PipelineEnvironment, name: str) -> Execution:
    """The execution once it is over."""
    until = time.monotonic() + 30
    while (found := environment.workflows.execution(name)).live:
        assert time.monotonic() < until, "it did not end in time"
        time.sleep(0.01)
    return found


def broken_workflow(sandbox: Sandbox, environment: PipelineEnvironment, good: int = 3, bad: int = 1) -> tuple[str, str]:
    """A workflow whose revision worked, then was replaced, and has failed since; both revisions."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, TEST_SCENE, "kitchen", objects=1, upto="usd")
    former = live_workflow(environment).revision_id
    for _ in range(good):
        run_workflow(sandbox, environment, good=True)
    deploy_source(environment, source("changed"))
    for _ in range(bad):
        run_workflow(sandbox, environment, good=False)
    return former, live_workflow(environment).revision_id


# The cluster


def apps(environment: PipelineEnvironment) -> kubernetes.AppsV1Api:
    """The stock client."""
    return kubernetes.AppsV1Api(environment.cluster.workloads.client())


def manifest_of(image: str, name: str = "web", **env: str) -> dict[str, Any]:
    """A Deployment of two Pods."""
    container = {"name": "main", "image": image, "env": [{"name": key, "value": env[key]} for key in env]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def deploy(environment: PipelineEnvironment, image: str, name: str = "web", **env: str) -> Deployment:
    """Make the Deployment, or give it another template."""
    body = manifest_of(image, name, **env)
    if environment.cluster.workloads.deployment(name) is None:
        apps(environment).create_namespaced_deployment(SPACE, body)
    else:
        apps(environment).replace_namespaced_deployment(name, SPACE, body)
    return live_deployment(environment, name)


def live_deployment(environment: PipelineEnvironment, name: str = "web") -> Deployment:
    """As it is now."""
    found = environment.cluster.workloads.deployment(name)
    assert found is not None
    return found


def gpu_job(sandbox: Sandbox, name: str, image: str, state: str = "succeeded", **spec: object) -> dict[str, Any]:
    """A GPU Job that has ended so."""
    container = {"name": "main", "image": image, "env": [{"name": "TOKEN", "value": "hunter2"}]}
    template = {"metadata": {"labels": {"app": "gpu"}}, "spec": {"containers": [container], "restartPolicy": "Never"}}
    meta = {"name": name, "labels": {"scene-id": "kitchen"}}
    sandbox.cluster.create(SPACE, {"metadata": meta, "spec": {"template": template, **copy.deepcopy(spec)}})
    if state != "running":
        sandbox.cluster.set_state(SPACE, name, state)  # type: ignore[arg-type]
    return sandbox.cluster.get(SPACE, name)


def broken_gpu_job(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, str]:
    """One Job that has failed with an image, and its like of before, which has succeeded; their names."""
    good, bad = "geniesim-gpu-office-1", "geniesim-gpu-kitchen-2"
    gpu_job(sandbox, good, "gcr.io/p/blueprint-genie-sim:v1")
    gpu_job(sandbox, bad, "gcr.io/p/blueprint-genie-sim:v2", "failed")
    return good, bad


def images(items: Iterable[Any]) -> list[str]:
    """Of the first container of each template."""
    return [one["spec"]["containers"][0]["image"] for one in items]
