"""For each row of the table a fault that brings it about, in a pipeline that is well but for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from deployments.sandbox.services.executions import Execution
from tasks.delivery.tickets import Held, Ticket, write_ticket
from tests.blocks.test_gke import manifest
from tests.diagnosis.world import (
    DATA,
    EXPORT,
    IMPORT,
    PXR,
    SIMREADY,
    TRIGGER,
    USD,
    bad_image,
    cancelled_with_lock,
    delete_trigger,
    deploy_image,
    held,
    put,
    scene,
    start,
    until,
)
from tests.doctor.world import trigger

Fault = Callable[[Sandbox, PipelineEnvironment], tuple[str, ...]]
"""Breaks something; returns the scenes that are to be named, none where the diagnosis must find them by itself."""
KITCHEN = "kitchen-1"


def stamp() -> str:
    return datetime.now(UTC).isoformat()


def damaged(name: str, **wish: Any) -> Fault:
    """A scene with one of the sandbox's damages."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, **wish)
        damage(sandbox.store, DATA, KITCHEN, name)
        return (KITCHEN,)

    return fault


def written(path: str, value: object, **wish: Any) -> Fault:
    """A scene with one more object; a value that tells a time of its own is made when it is written."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, **wish)
        put(sandbox, f"scenes/{KITCHEN}/{path}", value() if callable(value) else value)
        return (KITCHEN,)

    return fault


def edited(path: str, change: Callable[[Any], object]) -> Fault:
    """A scene with one document that says something else."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        folder = scene(sandbox, KITCHEN)
        (found,) = [
            one for one in sandbox.store.list(DATA, f"scenes/{folder}/") if one.name.endswith(path.rpartition("*")[2])
        ]
        version = sandbox.store.get(DATA, found.name)
        assert version is not None
        document = json.loads(version.content.data)
        change(document)
        put(sandbox, found.name, document)
        return (KITCHEN,)

    return fault


def logged(text: str, job: str = SIMREADY) -> Fault:
    """A job that wrote a line to stderr, on no scene that is known."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.log.of_container(job, f"{job}-x1y2z", text)
        return ()

    return fault


def told(**payload: object) -> Fault:
    """A workflow that logged one of the pipeline's own events."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto="genie-sim-export")  # the simulation was never made
        sandbox.log.of_invocation(EXPORT, "an-execution", {"scene_id": KITCHEN, **payload})
        return ()

    return fault


def simulated(workflow: str, kind: Any, upto: str, named: bool = False) -> Fault:
    """A workflow that misbehaves on a scene."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto=upto)
        sandbox.simulator.behave(SimulatorFault(workflow=workflow, kind=kind))
        start(sandbox, environment, workflow, KITCHEN)
        return (KITCHEN,) if named else ()

    return fault


def gone(kind: str, name: str) -> Fault:
    """Something that is not deployed."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        {"workflow": sandbox.workflows.deployed, "job": sandbox.run.deployed}[kind].put(name, False)
        return ()

    return fault


def not_ready(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    sandbox.run.images.put("registry/gone:v3", False)
    with suppress(OutsideError):
        deploy_image(environment, SIMREADY, "registry/gone:v3")
    return ()


def image(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    for name in ("image-1", "image-2"):
        scene(sandbox, name)
    bad_image(sandbox, environment, ["image-1", "image-2"])
    return ()


def no_trigger(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    delete_trigger(sandbox)
    return ()


def misdirected(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    trigger(TRIGGER, bucket="somebody-elses")(sandbox, environment)
    return ()


def holding(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    now = datetime.now(UTC)
    one = Held(trigger=TRIGGER, workflow=USD, subscription="projects/p/subscriptions/s", push_config={})
    write_ticket(
        environment,
        Ticket(
            run="20261127t120000z-abc", procedure="pause-intake", lease="@intake", subject="@intake", owner="ann",
            made_at=now, deadline=now + timedelta(hours=4), held=(one,),
        ),
    )  # fmt: skip
    return ()


def genie_sim(state: Any) -> Fault:
    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.genie_sim.switch(state)
        return ()

    return fault


def locked(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN)
    cancelled_with_lock(sandbox, environment, KITCHEN)
    start(sandbox, environment, USD, KITCHEN)  # answers SKIPPED
    return ()


def paused(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    put(sandbox, "automation/text_daily/.paused", {"paused": True, "reason": "consecutive_failures_threshold"})
    return ()


def build_log(text: str) -> Fault:
    """A line of a Cloud Build build, which no job and no workflow wrote."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        resource = {"type": "build", "labels": {"build_id": "b-1"}}
        log = "projects/sandbox-project/logs/cloudbuild"
        sandbox.log.write({"logName": log, "resource": resource, "severity": "ERROR", "textPayload": text})
        return ()

    return fault


def pod(state: Any, minutes: float) -> Fault:
    """A GPU Job whose pod stands so, since as long ago as that."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        sandbox.cluster.create("blueprint", manifest("geniesim-gpu-kitchen-1-1"))
        sandbox.cluster.set_state("blueprint", "geniesim-gpu-kitchen-1-1", state)
        (made,) = sandbox.cluster.objects.all("pods", "blueprint")
        since = datetime.now(UTC) - timedelta(minutes=minutes)
        meta = {**made["metadata"], "creationTimestamp": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        sandbox.cluster.objects.put("pods", {**made, "metadata": meta})
        return ()

    return fault


def running(workflow: str, upto: str, *, times: int = 1, **age: float) -> Fault:
    """Executions that run, since as long ago as that."""

    def fault(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
        scene(sandbox, KITCHEN, upto=upto)
        for _ in range(times):
            held(sandbox, environment, workflow, KITCHEN, **age)
        return ()

    return fault


def failed_alone(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="isaac-lab")
    name = environment.workflows.start(IMPORT, {"scene_id": KITCHEN}, labels={}).name  # without its other keys
    wait_for(sandbox, name)
    return ()


def cancelled(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="variation")
    sandbox.workflows.executions.cancel(held(sandbox, environment, EXPORT, KITCHEN))
    return ()


def silent(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    scene(sandbox, KITCHEN, upto="regen3d")
    return (KITCHEN,)


def letters(sandbox: Sandbox, environment: PipelineEnvironment) -> tuple[str, ...]:
    letter = {
        "message_id": "m-1",
        "scene_id": KITCHEN,
        "job_type": "regen3d",
        "error_type": "ValueError",
        "error_message": "x",
    }
    put(sandbox, "dead-letter/pending/m-1.json", letter)
    return ()


def wait_for(sandbox: Sandbox, name: str) -> Execution:
    found = sandbox.workflows.executions.get(name)
    assert found is not None
    until(lambda: found.state != "ACTIVE")
    return found


def gate(blocks: int) -> dict[str, object]:
    counts = {"total_gates": 1, "passed": 0, "failed": 1, "blocking_failures": blocks, "can_proceed": False}
    results = [{"gate_id": "qg-3-usd", "passed": False, "severity": "error"}]
    return {"scene_id": KITCHEN, "timestamp": stamp(), "summary": counts, "results": results}


def interactive(reason: str) -> dict[str, object]:
    return {"scene_id": KITCHEN, "status": "failed", "success": False, "reason": reason, "timestamp": stamp()}


def open_breaker() -> dict[str, object]:
    return {"scene_id": KITCHEN, "failure_count": 3, "threshold": 3, "status": "open", "opened_at": stamp()}


def heavy(document: Any) -> None:
    document["objects"][0]["physics"]["mass"] = -5


FAULTS: dict[str, Fault] = {
    "bad-image": image,
    "job-not-ready": not_ready,
    "workflow-missing": gone("workflow", USD),
    "trigger-missing": no_trigger,
    "trigger-misdirected": misdirected,
    "delivery-held": holding,
    "genie-sim-down": genie_sim("down"),
    "genie-sim-not-ready": genie_sim("not_serving"),
    "stale-lock": locked,
    "input-damaged": damaged("input_mesh_truncated"),
    "manifest-damaged": damaged("manifest_truncated"),
    "layout-missing": damaged("layout_missing"),
    "layout-damaged": damaged("layout_nan"),
    "stopped-by-person": written("geniesim/.canary_rollback", {"by": "bo"}),
    "breaker-open": written("geniesim/.circuit_breaker.json", open_breaker),
    "pipeline-paused": paused,
    "pxr-missing": logged(PXR),
    "module-missing": logged("ModuleNotFoundError: No module named 'isaaclab'", "isaac-lab-job"),
    "placeholder-secret": logged("ValueError: GEMINI_API_KEY is REPLACE_WITH_KEY", "variation-gen-job"),
    "no-gpu-nodes": build_log("ERROR: No GPU nodes found with accelerator label nvidia-tesla-t4"),
    "gpu-stock-out": build_log("ZONE_RESOURCE_POOL_EXHAUSTED: the zone does not have enough resources"),
    "out-of-memory": logged("Memory limit of 2048 MiB exceeded with 2101 MiB used."),
    "quota-exhausted": logged("google.api_core.exceptions.ResourceExhausted: 429 RESOURCE_EXHAUSTED"),
    "gpu-pending": pod("pending", 15),
    "out-of-memory-pod": pod("oom_killed", 15),
    "export-waits": running(EXPORT, "genie-sim-run", hours=5),
    "several-exports": running(EXPORT, "variation", times=2, minutes=5),
    "execution-late": running(USD, "regen3d", hours=5),
    "scene-usd-missing": damaged("usd_missing"),
    "scene-usd-damaged": damaged("usd_truncated"),
    "simready-physics": damaged("simready_missing"),
    "mesh-damaged": damaged("glb_truncated"),
    "physics-unusual": edited("assets/scene_manifest.json", heavy),
    "replicator-scripts": damaged("replicator_missing"),
    "isaac-lab-scripts": damaged("isaac_missing"),
    "gate-blocked": written("usd-assembly-job/quality_gate_report.json", partial(gate, 1)),
    "particulate-unhealthy": written("assets/.interactive_failed", partial(interactive, "particulate_unhealthy")),
    "interactive-failed": written("assets/.interactive_failed", partial(interactive, "unapproved_particulate_model")),
    "import-failed": edited("*/import_manifest.json", lambda value: value["quality"].update(average_score=0.2)),
    "stage-failed": damaged("failed_marker"),
    "scene-damaged": damaged("import_manifest_missing"),
    "execution-failed": failed_alone,
    "execution-cancelled": cancelled,
    "execution-skipped": simulated(USD, "skipped", "regen3d"),
    "silent-marker": silent,
    "not-found": logged(
        "404 GET https://storage.googleapis.com/...: No such object: scenes/x/layout/scene_layout.json"
    ),
    "sla-violated": told(bp_metric="geniesim_sla_violation", sla_seconds=14400, duration_seconds=15000),
    "timed-out": told(
        bp_metric="job_invocation", job="genie-sim-submit-job", event="complete", timed_out=True, status="FAILED"
    ),
    "retry-exhausted": told(
        bp_metric="job_retry_exhausted", job="genie-sim-submit-job", retry_max=3, error="ConnectionError"
    ),
    "dead-letters-grow": letters,
}
"""By row."""
