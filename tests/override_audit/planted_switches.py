"""Switches that let a gate be passed, planted in every place that can hold one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import scheduler_v1

from blocks.catalogue_gates import GateSwitch
from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import config_maps
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tests.doctor.world import job, source
from tests.override_audit.world import gpu_job_made, job_ran, workflow_ran

Plant = Callable[[Sandbox, PipelineEnvironment, str], object]
EPISODES, IMPORT, POLLER = "episode-generation-pipeline", "genie-sim-import-pipeline", "genie-sim-import-poller"


def ago(hours: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(hours=hours)


def on_job(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    job("simready-job", BYPASS_QUALITY_GATES="true")(sandbox, environment)


def in_config_map(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    """For every GPU Job."""
    (name,) = config_maps(environment.catalogue.gpu_job.manifest)  # type: ignore[union-attr]
    found = sandbox.cluster.objects.find("configmaps", "blueprint", name)
    assert found is not None
    sandbox.cluster.objects.put("configmaps", {**found, "data": {"GENIESIM_MOCK": "true", "GENIESIM_PORT": "50051"}})


def in_variables(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    source(POLLER, [{"done": {"return": "ok"}}], MONITORING_GATE_STRICT="false")(sandbox, environment)


def in_definition(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    env = [{"name": "REQUIRE_QUALITY_GATES", "value": "false"}]
    run = {"call": "googleapis.run.v2.projects.locations.jobs.run", "args": {"body": {"overrides": {"env": env}}}}
    source(IMPORT, [{"run": run}])(sandbox, environment)


def in_schedule(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
    client = environment.schedulers._open()
    name = f"{LOCATION}/jobs/genie-sim-import-poller"
    live = client.get_job(name=name)
    live.http_target.body = b'{"argument": "{\\"bucket\\": \\"b\\", \\"enforce_quality_gates\\": false}"}'
    client.delete_job(name=name)
    client.create_job(scheduler_v1.CreateJobRequest(parent=LOCATION, job=live))


def in_run(hours: float = 5.0, **env: str) -> Plant:
    """A run of a job with these variables, which the job itself does not have. Its number is of the moment it began at."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        job_ran(sandbox, "usd-assembly-job", ago(hours), SCENE_ID=scene, **env)

    return plant


def on_gpu(main: dict[str, str] | None = None, **env: str) -> Plant:
    """A GPU Job of the cluster with these variables in the container that prepares it, and those in its main one."""
    return lambda sandbox, _, scene: gpu_job_made(sandbox, f"geniesim-gpu-{scene}-17", main, **env)


def in_argument(**extra: Any) -> Plant:
    """An execution with that in its argument."""

    def plant(sandbox: Sandbox, environment: PipelineEnvironment, scene: str) -> None:
        data = {"bucket": environment.data_bucket, "name": f"scenes/{scene}/usd/.usd_complete"}
        workflow_ran(sandbox, EPISODES, ago(5), {"data": data, **extra})

    return plant


def setting(switch: GateSwitch) -> dict[str, str]:
    """The switch as it would be set to pass its gates."""
    value = {"on": "true", "off": "false", "set": "0.1", "value": next(iter(switch.values), "")}[switch.when]
    return {switch.name.replace("*", "X"): value}


SWITCHES: dict[str, tuple[str, Plant]] = {
    f"switch-in-run-{one.name}": (f"run-{number}", in_run(5 + number / 10, **setting(one)))
    for number, one in enumerate(load_catalogue().gates.switches)
}
"""Every switch of the catalogue, each in a run of its own."""
