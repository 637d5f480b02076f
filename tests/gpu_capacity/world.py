"""A cluster of the sandbox in which GPUs are short, and runs of the procedure in it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.procedure import GpuCapacity, GpuRequest
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run

SPACE = "blueprint"
CRITICAL, WAITS, RUNS = "geniesim-gpu-scene-a-1", "dwm-preparation-scene-b", "dream2flow-preparation-scene-c"
PRICES = {"gpu-pool": 2.0, "gpu-pool-b": 2.0}


def job(sandbox: Sandbox, name: str, **pod: Any) -> None:
    """A Job that wants a GPU as the pipeline's do."""
    container = {
        "name": "main",
        "image": "gcr.io/p/image:1",
        "resources": {"limits": {"nvidia.com/gpu": pod.pop("gpus", 1)}},
    }
    selector = {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
    spec = {"restartPolicy": "Never", "containers": [container], "nodeSelector": selector, **pod}
    sandbox.cluster.create(SPACE, {"metadata": {"name": name}, "spec": {"template": {"spec": spec}}})


def deployment(sandbox: Sandbox, name: str, replicas: int) -> None:
    """A Deployment whose pods want a GPU each."""
    container = {"name": "main", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    sandbox.cluster.registry.create(BY_PLURAL["deployments"], SPACE, {"metadata": {"name": name}, "spec": spec})


def nightly(sandbox: Sandbox, name: str = "episode-generation-scheduled") -> None:
    """A CronJob that makes Jobs with a GPU."""
    container = {"name": "main", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    sandbox.cluster.objects.remove("cronjobs", SPACE, name)  # the sandbox has the pipeline's own, suspended
    sandbox.cluster.registry.create(BY_PLURAL["cronjobs"], SPACE, {"metadata": {"name": name}, "spec": spec})


def older(sandbox: Sandbox, minutes: float) -> None:
    """Let everything in the cluster, and all that happened to it, be so much older."""
    objects = sandbox.cluster.objects
    for plural in ("nodes", "pods", "jobs", "events"):
        for item in objects.all(plural):
            changed = copy.deepcopy(item)
            for place in (changed["metadata"], changed, *((changed.get("status") or {}).get("conditions") or [])):
                for key in ("creationTimestamp", "lastTimestamp", "firstTimestamp", "lastTransitionTime"):
                    if isinstance(place, dict) and key in place:
                        place[key] = earlier(place[key], minutes)
            objects.put(plural, changed)


def earlier(text: str, minutes: float) -> str:
    """A time as Kubernetes writes it, so much earlier."""
    moment = datetime.fromisoformat(text) - timedelta(minutes=minutes)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def full_pool(sandbox: Sandbox, minutes: float = 20) -> None:
    """One node, all that the pool may have; work that can wait runs on it, and critical work waits with other such work."""
    sandbox.cluster.change_pool("gpu-pool", maximum=1)
    job(sandbox, RUNS)
    job(sandbox, CRITICAL)
    job(sandbox, WAITS)
    nightly(sandbox)
    older(sandbox, minutes)


def policy(environment: PipelineEnvironment, **changes: Any) -> None:
    """Change the policy; nodes have prices, and there is a budget, unless the changes say otherwise."""
    allowed = {"gpu_nodes_most": 4, "gpu_node_prices": PRICES, "gpu_budget": 100.0, "gpu_hours": 8.0}
    environment.policy = RemediationPolicy.model_validate(environment.policy.model_dump() | allowed | changes)


def relieve(environment: PipelineEnvironment, mode: Any = "apply", **options: Any) -> Run:
    """One run with a context of its own, as a process of its own would have."""
    request = GpuRequest(mode=mode, reason="GPUs are short", **options)
    return run(GpuCapacity(), Context(environment, "ann", gone=lambda _: True), request)


def actions(one: Run) -> list[str]:
    """What it would do or has done, in order."""
    return [action.target for action in one.plan.actions] if one.plan is not None else []


def states(sandbox: Sandbox) -> dict[str, str]:
    """The phase of each Job's pod; `none` where it has none."""
    pods = {
        pod["metadata"]["labels"].get("job-name"): pod["status"]["phase"] for pod in sandbox.cluster.objects.all("pods")
    }
    return {
        one["metadata"]["name"]: pods.get(one["metadata"]["name"], "none")
        for one in sandbox.cluster.objects.all("jobs")
    }
