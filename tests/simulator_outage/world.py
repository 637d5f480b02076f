"""A cluster that runs the simulator, its log, and looks at both."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.genie_sim import GenieSimState
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.simulator_outage.check import Judged, SimulatorCheck
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.look import HealthQuestion
from tasks.simulator_outage.procedure import SimulatorOutage
from tasks.simulator_outage.request import OutageRequest

SPACE, SERVER = "blueprint", "geniesim-server"
BEGINS = "[RESTART] Attempting server restart (#1): sudo docker restart geniesim-server"


def overlaid(environment: PipelineEnvironment, overlay: str) -> PipelineEnvironment:
    """The same with an overlay of its catalogue."""
    return environment.model_copy(update={"catalogue_overlay": overlay}, deep=True)


def looked_at(environment: PipelineEnvironment, **asked: Any) -> tuple[Run, Judged]:
    """One check, with what it found."""
    one = check(SimulatorCheck(), Context(environment, "ann"), HealthQuestion(**asked))
    assert one.facts is not None, one.sentence()
    return one, one.facts.facts


def state_of(environment: PipelineEnvironment, name: str = "genie-sim", **asked: Any) -> ServiceState:
    """The judgement of one service."""
    _, found = looked_at(environment, **asked)
    return next(one for one in found.states if one.name == name)


def deploy_server(sandbox: Sandbox, *, probe: bool = True, minutes: float = 60, name: str = SERVER) -> str:
    """The simulator as a Deployment of one pod, begun so long ago; the name of the pod."""
    container: dict[str, Any] = {"name": "server", "image": "gcr.io/p/geniesim-server:1"}
    if probe:
        container["readinessProbe"] = {"exec": {"command": ["python", "readiness_probe.py"]}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    sandbox.cluster.registry.create(BY_PLURAL["deployments"], SPACE, {"metadata": {"name": name}, "spec": spec})
    pod = pods_of(sandbox, name)[0]
    change_pod(sandbox, pod, created=datetime.now(UTC) - timedelta(minutes=minutes))
    return pod


def pods_of(sandbox: Sandbox, name: str = SERVER) -> list[str]:
    """The names of a Deployment's pods."""
    every = (str(one["metadata"]["name"]) for one in sandbox.cluster.objects.all("pods", SPACE))
    return sorted(one for one in every if one.startswith(f"{name}-"))


def change_pod(
    sandbox: Sandbox, name: str, *, created: datetime | None = None, ready: bool | None = None, restarts: int = 0
) -> None:
    """Let a pod be older, or not ready, or restarted so often."""
    pod = copy.deepcopy(
        next(one for one in sandbox.cluster.objects.all("pods", SPACE) if one["metadata"]["name"] == name)
    )
    if created is not None:
        pod["metadata"]["creationTimestamp"] = f"{created:%Y-%m-%dT%H:%M:%SZ}"
    for condition in pod["status"]["conditions"] if ready is not None else ():
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = str(ready)
    for container in pod["status"].get("containerStatuses", ()):
        container["restartCount"] = restarts
    sandbox.cluster.objects.put("pods", pod)


def goes_out(sandbox: Sandbox, state: GenieSimState = "down") -> None:
    """The simulator does so, and Kubernetes has seen it by the probes of its pods."""
    sandbox.genie_sim.switch(state)
    for name in pods_of(sandbox):
        change_pod(sandbox, name, ready=False)


def logged(sandbox: Sandbox, text: str, *, pod: str = "", seconds_ago: float = 0, space: str = SPACE) -> None:
    """A line of a pod's container; without a pod, of the virtual machine of the server."""
    labels = {"namespace_name": space, "pod_name": pod} if pod else {"instance_id": "1"}
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    sandbox.log.write(
        {
            "logName": "projects/sandbox-project/logs/stderr",
            "resource": {"type": "k8s_container" if pod else "gce_instance", "labels": labels},
            "severity": "WARNING",
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
            "textPayload": text,
        }
    )


def forget_log(sandbox: Sandbox) -> None:
    """Nothing was logged."""
    sandbox.log._entries.clear()


def outage(environment: PipelineEnvironment, **options: Any) -> Run:
    """One run of the procedure, by a process that knows that the earlier one is gone."""
    context = options.pop("context", None) or Context(environment, "ann", gone=lambda _: True)
    request = OutageRequest(**{"mode": "apply", "reason": "exports fail", **options})
    return run(SimulatorOutage(), context, request)


def rollouts(sandbox: Sandbox) -> int:
    """How often a Deployment was changed."""
    return sandbox.requests.count("kubernetes", "deployments.patch")


def jobs_of(sandbox: Sandbox) -> list[str]:
    """The names of the cluster's Jobs."""
    return sorted(str(one["metadata"]["name"]) for one in sandbox.cluster.objects.all("jobs", SPACE))


def just_before(environment: PipelineEnvironment, step: str, act: Any) -> Context:
    """A context in which something happens just before a step."""
    return Context(environment, "ann", say=lambda said: act() if said.endswith(step) else None, gone=lambda _: True)
