"""The action `recreate_gke_job`: delete a Job that has ended and create it again with other images.

Jobs cannot be changed (kubernetes.io, "Jobs": the Pod template is immutable), so it is one action that deletes and
creates. The new Job carries the run's id as a label, by which it is known again after a kill in between. The manifest is
kept in the ops bucket before, without what the API server had given it:

    remediation/definitions/gke-jobs/<name>/<sha256>.json        created once
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from blocks.gke_manifests import ClusterJob, as_new, with_images
from tasks.actions.definitions import keep_body, kept_name, read_kept
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action, canonical

GKE_JOB = "gke-job"
"""What the kept manifests are called in the ops bucket."""


class RecreateJob(Params):
    """A kept manifest, and the Job whose place it takes."""

    name: str
    manifest: str
    """SHA-256 of the kept manifest's JSON."""
    images: dict[str, str] = Field(default_factory=dict)
    """What each image of that manifest is replaced by; empty: as it is."""
    uid: str
    """Of the Job that was seen: no other one is deleted."""
    suspend: bool = False
    """Create it suspended: it is there again, and runs only when somebody resumes it."""


def manifest_of(job: ClusterJob) -> bytes:
    """A Job as it would be created again, as JSON."""
    return canonical(as_new(job.manifest))


def keep_manifest(environment: PipelineEnvironment, job: ClusterJob) -> str:
    """Keep a Job's manifest; its SHA-256."""
    return keep_body(environment, GKE_JOB, job.name, manifest_of(job))


def apply_recreate(doing: Doing, params: RecreateJob) -> str:
    """Delete the Job that was seen, if it has ended, and create it again.

    Raises:
        PreconditionFailed: another Job has that name by now.
        PermanentError: it is at work again, the kept manifest is not what was approved, or the new one was refused.
    """
    environment = doing.context.environment
    workloads = environment.cluster.workloads
    manifest = wanted(doing, params)
    live = workloads.job(params.name)
    if live is not None and is_ours(doing, live):
        return f"found with uid {live.uid}"
    if live is not None and live.uid != params.uid:
        raise PreconditionFailed(
            f"Job {params.name} is another one than was seen: somebody has created it again. It was left alone; plan again."
        )
    if live is not None and live.state == "active":
        raise PermanentError(f"Job {params.name} is at work; wait until it has ended, or delete it yourself.")
    doing.confirm()
    if live is not None:
        workloads.delete_job(params.name, live.uid)
    return f"created with uid {workloads.create_job(manifest, RUN_LABEL).uid}"


def wanted(doing: Doing, params: RecreateJob) -> dict[str, Any]:
    """The manifest that is to be created."""
    environment = doing.context.environment
    where = kept_name(GKE_JOB, params.name, params.manifest)
    kept = read_kept(environment, environment.ops_bucket, where, params.manifest)
    manifest = with_images(kept, lambda image: params.images.get(image, image))
    manifest["metadata"]["labels"] = (manifest["metadata"].get("labels") or {}) | {RUN_LABEL: doing.journal.run}
    manifest["spec"]["suspend"] = params.suspend
    return manifest


def is_ours(doing: Doing, job: ClusterJob) -> bool:
    """Whether this very run has created it."""
    return job.labels.get(RUN_LABEL) == doing.journal.run


def look_recreated(doing: Doing, params: RecreateJob) -> str | None:
    """Whether the Job of that name carries this run's id."""
    live = doing.context.environment.cluster.workloads.job(params.name)
    return f"found with uid {live.uid}" if live is not None and is_ours(doing, live) else None


def inverse_of_recreate(doing: Doing, params: RecreateJob, _result: str) -> Action | None:
    """Create the former Job again, suspended: it had ended, so nobody wants it to run. Raises `NoWayBack`."""
    live = doing.context.environment.cluster.workloads.job(params.name)
    run = doing.journal.run
    if live is not None and live.uid == params.uid:
        return None  # it was not touched
    if live is not None and not is_ours(doing, live):
        raise NoWayBack(f"Job {params.name} was created again since run {run}: that one is left alone.")
    if live is not None and live.state == "active":
        raise NoWayBack(
            f"Job {params.name} is at work with the image that run {run} gave it: wait until it has ended, or delete it "
            "yourself, and undo again."
        )
    back = params.model_copy(update={"images": {}, "uid": live.uid if live is not None else "", "suspend": True})
    return recreate_action(back, f"it was so before run {run}; suspended, because it had ended")


def recreate_action(params: RecreateJob, why: str, step: str = "redeploy") -> Action:
    """The action that deletes and creates one Job."""
    return recreate_gke_job.action(
        params,
        step=step,
        target=f"gke-job {params.name}",
        precondition=f"the Job of that name is not at work and still the one that was seen (uid {params.uid[:8] or 'none'})",
        undo="undo this run: the former Job is created again from its kept manifest, suspended",
        why=why,
    )


recreate_gke_job = Kind(
    name="recreate_gke_job",
    params=RecreateJob,
    effect="delete",
    apply=apply_recreate,
    look=look_recreated,
    inverse=inverse_of_recreate,
    by_parts=True,
    task="redeploy",
)
