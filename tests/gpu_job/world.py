"""A scene for which a Job is deployed, runs of the procedure, and the cluster as it was deployed."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.gpu_job.facts import JobRequest
from tasks.gpu_job.procedure import DeployGpuJob
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tests.recovery.world import DATA, OPS, without_triggers

SPACE, SCENE = "blueprint", "kitchen_001"
FIRST = "genie-sim-gpu-kitchen-001-1"
CONFIG, ACCOUNT = "genie-sim-gpu-config", "blueprint-pipeline-sa"
DIGEST = "sha256:" + "a" * 64


def with_scene(sandbox: Sandbox) -> None:
    """One small scene, which nothing works on."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="regen3d")


def fresh(sandbox: Sandbox) -> None:
    """Let the cluster be as it was deployed, the ops bucket empty, and nothing counted."""
    sandbox.faults.clear()
    for plural in ("jobs", "configmaps", "serviceaccounts", "resourcequotas", "events", "cronjobs"):
        for item in sandbox.cluster.objects.all(plural, SPACE):
            if sandbox.cluster.objects.find(plural, SPACE, item["metadata"]["name"]) is not None:
                sandbox.cluster.registry.delete(BY_PLURAL[plural], SPACE, item["metadata"]["name"], {})
    sandbox.cluster.deploy(load_catalogue())
    sandbox.cluster.change_pool("gpu-pool", maximum=4)
    for found in list(sandbox.store.list(OPS, "")):
        sandbox.store.delete(OPS, found.name)
    sandbox.requests.reset()


def deploy(environment: PipelineEnvironment, **options: Any) -> Run:
    """One run."""
    context = options.pop("context", None) or Context(environment, "ann", gone=lambda _: True)
    request = JobRequest(**{"scene_id": SCENE, "mode": "apply", "reason": "a test", **options})
    return run(DeployGpuJob(), context, request)


def undone(environment: PipelineEnvironment, one: Run) -> Run:
    """The undo of a run."""
    request = UndoRequest(subject=one.subject, run=one.id, mode="apply")
    return run(undo(), Context(environment, "bo", gone=lambda _: True), request)


def live(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The Jobs of the cluster by name."""
    return {str(one["metadata"]["name"]): one for one in sandbox.cluster.objects.all("jobs", SPACE)}


def manifest(**changes: Any) -> dict[str, Any]:
    """The catalogue's manifest, with other fields at its top."""
    rule = load_catalogue().gpu_job
    assert rule is not None
    return copy.deepcopy(rule.manifest) | changes


def text(*documents: Any) -> str:
    """As a file has them."""
    return yaml.safe_dump_all(documents)


def remove(sandbox: Sandbox, plural: str, name: str) -> None:
    """Take something out of the cluster."""
    sandbox.cluster.registry.delete(BY_PLURAL[plural], SPACE, name, {})


def put(sandbox: Sandbox, plural: str, name: str, **fields: Any) -> None:
    """Put something into the cluster."""
    meta = {"name": name, **fields.pop("metadata", {})}
    sandbox.cluster.registry.create(BY_PLURAL[plural], SPACE, {"metadata": meta, **fields})
