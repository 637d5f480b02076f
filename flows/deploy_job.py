"""Deploy a GPU Job: the Job of one scene, tried on the API server first, then created and seen to run.

Handbook: 'Isaac Sim or Genie Sim outage', redeploy Genie Sim jobs (`deploy-genie-sim-gpu-job.sh`). Documentation for the
person on call: docs/operations/entry-points.md, 'A GPU Job for one scene'.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.gpu_job.facts import JobRequest
from tasks.gpu_job.procedure import DeployGpuJob
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved


@flow(name="job-deploy", flow_run_name="GPU Job for {scene_id} ({mode})")
def deploy_job(
    scene_id: str,
    mode: Literal["plan", "apply"] = "plan",
    reason: str = "",
    manifest: str = "",
    image: str = "",
    environment: str = "default",
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Create the GPU Job of one scene. What is there of quota, service account and ConfigMap stays as it is.

    Args:
        scene_id: The scene that is simulated, e.g. kitchen_001.
        mode: "plan" changes nothing and shows the Job that the API server would take; "apply" creates it and sees it run.
        reason: Why you do it; needed with mode "apply", and recorded.
        manifest: YAML with one Job, whose ${SCENE_ID} and so on are filled in. Empty: the catalogue's.
        image: What its one container runs, best by its digest. Empty: what the manifest says.
        environment: Name of the Remediation Environment block, which says whose cluster this is.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), DeployGpuJob()
    request = JobRequest(
        scene_id=scene_id, manifest=manifest, image=image, mode=mode, reason=reason, plan_digest=plan_digest
    )

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "job-deploy")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
