"""For each row of the table a fault that brings it about, in a pipeline that is well but for it."""

from __future__ import annotations

from functools import partial

from tests.diagnosis.faults_deployed import (
    cancelled,
    failed_alone,
    genie_sim,
    gone,
    holding,
    image,
    locked,
    misdirected,
    no_trigger,
    not_ready,
    pod,
    running,
    simulated,
)
from tests.diagnosis.faults_written import (
    Fault,
    build_log,
    damaged,
    edited,
    gate,
    heavy,
    interactive,
    letters,
    logged,
    open_breaker,
    paused,
    silent,
    told,
    workflow_log,
    written,
)
from tests.diagnosis.world import EXPORT, PXR, USD

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
    "monitoring-gate": workflow_log(
        "Monitoring gate failed. Missing assets (false indicates missing): dashboard_overview_ok=true, alert_retry_ok=false",
        "episode-generation-pipeline",
    ),
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
