"""The action `prove_ready`: what was deployed is taken up by its service, or the service says why not."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.gke_manifests import Deployment
from tasks.actions.rollouts import live_deployment
from tasks.actions.starting import wait_until_ended
from tasks.remediation.kind import Doing, Kind, Params
from tasks.rollback.request import TargetKind

ROLLOUT_SECONDS = 600.0
"""How long a rollout is waited for: Kubernetes' default `progressDeadlineSeconds`, after which it says that it failed."""


class ProveReady(Params):
    """Of what it is asked."""

    kind: TargetKind
    name: str


def apply_prove(doing: Doing, params: ProveReady) -> str:
    """Wait for a rollout, ask everything else.

    Raises:
        PermanentError: the service has refused it; the sentence says why.
        StillRunning: a rollout has not ended in time.
    """
    if params.kind == "deployment":
        await_rollout(doing, params.name)
    if why := not_ready(doing.context.environment, params.kind, params.name):
        raise PermanentError(why)
    return "ready"


def await_rollout(doing: Doing, name: str) -> None:
    """Wait until a Deployment's rollout has finished or failed."""
    environment = doing.context.environment

    def over(found: Deployment) -> bool:
        return bool(found.failure()) or not found.waits_for()

    wait_until_ended(doing, lambda: live_deployment(environment, name), over, ROLLOUT_SECONDS)


def not_ready(environment: PipelineEnvironment, kind: TargetKind, name: str) -> str:
    """Why what is deployed does not work, as its service says; empty: it does."""
    why = ""
    if kind == "job":
        job = environment.jobs.get(name)
        why = job.problem if job is not None else "it is gone"
    elif kind == "workflow":
        workflow = environment.workflows.get(name)
        gone = workflow is None
        why = "it is gone" if gone else "" if workflow.state == "ACTIVE" else workflow.problem or workflow.state  # type: ignore[union-attr]
    elif kind == "deployment":
        deployment = environment.cluster.workloads.deployment(name)
        why = "it is gone" if deployment is None else deployment.failure() or deployment.waits_for()
    elif kind == "gke-job":
        gpu_job = environment.cluster.workloads.job(name)
        why = "it is gone" if gpu_job is None else "it has failed again" if gpu_job.state == "failed" else ""
    return f"The {kind} {name} is deployed but not ready: {why.rstrip('.')}." if why else ""


prove_ready = Kind(name="prove_ready", params=ProveReady, effect="read", apply=apply_prove, task="prove_ready")
