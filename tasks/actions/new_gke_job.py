"""The action `create_gke_job`: create a Job under a name of its own, from a kept manifest: that of one that has failed, or one
that was rendered for its scene.

A failed Job stays as it is, for whoever looks into it. Nothing is created beside a Job of the named families that is at work
(two servers would want the same GPU), and nothing for a scene that is in somebody's hands. The manifest is kept in the ops
bucket before, as that of `recreate_gke_job`.
"""

from __future__ import annotations

import re
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from blocks.gke_manifests import ClusterJob
from tasks.actions.definitions import kept_name, read_kept
from tasks.actions.gke_jobs import GKE_JOB
from tasks.actions.work import SetWork, work_action
from tasks.pipeline.activity import LiveBoard
from tasks.pipeline.labels import RUN_LABEL
from tasks.pipeline.stops import scene_stops
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.lease import has_ended, read_holder
from tasks.remediation.plan import Action
from tasks.validation.source import BucketSource

MOST_LETTERS = 63
"""Of a Job's name: its pods carry it as a label (kubernetes.io, "Labels and Selectors")."""


class CreateJob(Params):
    """A kept manifest, and the name under which it is created."""

    name: str
    former: str
    """The Job by whose name the manifest is kept: the one that has failed, or, where there was none, the new one itself."""
    manifest: str
    """SHA-256 of the kept manifest's JSON."""
    family: str = ""
    """How the names of Jobs begin beside which it may not run, in plans of earlier versions."""
    families: tuple[str, ...] = ()
    """The same, for all of them."""
    scene: str = ""
    """The scene that it is of."""

    @property
    def heads(self) -> tuple[str, ...]:
        """How the names of Jobs begin beside which it may not run."""
        return tuple(one for one in (self.family, *self.families) if one)


def next_name(former: str, taken: set[str]) -> str:
    """A free name after RFC 1123 that differs in its last digits alone: by them the pipeline tells runs of a scene apart."""
    stem, digits = re.fullmatch(r"(.*?)-?(\d*)", former.lower(), re.DOTALL).groups()  # type: ignore[union-attr]
    stem = re.sub(r"[^a-z0-9-]+", "-", stem).strip("-") or "job"
    number = int(digits or "0") + 1
    while (name := f"{stem[: MOST_LETTERS - len(str(number)) - 1].rstrip('-')}-{number}") in taken:
        number += 1
    return name


def apply_create(doing: Doing, params: CreateJob) -> str:
    """Create the Job, unless this run has done so already.

    Raises:
        PreconditionFailed: another Job has that name by now.
        PermanentError: a Job of the families is at work, something is at work on its scene or a person's stop holds that, or
            the kept manifest is not what was approved.
    """
    workloads = doing.context.environment.cluster.workloads
    live = workloads.jobs("")
    if mine := next((one for one in live if is_ours(doing, one)), None):
        return f"found with uid {mine.uid}"
    like = (one for one in live if one.name.startswith(params.heads))  # of no family: its scene alone is asked
    if busy := next((one.name for one in like if one.state == "active"), ""):
        raise PermanentError(f"Job {busy} is at work by now, so none is created beside it; look at it.")
    if any(one.name == params.name for one in live):
        raise PreconditionFailed(f"There is a Job {params.name} by now: somebody else has created it. Plan again.")
    if params.scene:
        check_scene(doing, params)
    doing.confirm()
    return f"created with uid {workloads.create_job(wanted(doing, params), RUN_LABEL).uid}"


def check_scene(doing: Doing, params: CreateJob) -> None:
    """Look at the scene of the Job. Raises PermanentError when it is not free: somebody's hands, a lease, a person's stop."""
    environment, scene = doing.context.environment, params.scene
    busy = [work.what for work in LiveBoard(environment).on(scene)]  # as it is now, not as the plan has seen it
    if (held := read_holder(environment.storage, environment.ops_bucket, scene)) and not has_ended(
        *held, doing.context.gone
    ):
        busy.append(held[0].describe())
    if busy:
        raise PermanentError(
            f"{busy[0]} is at work on {scene} by now, so no Job is created for it; wait until it ends."
        )
    stages = {
        one.stage for one in environment.catalogue.gke_jobs if params.former.startswith(one.name.partition("{")[0])
    }
    prefix = environment.catalogue.scene_prefix(scene)
    source = BucketSource(environment.storage, environment.data_bucket, scene, prefix)
    if stop := why_stopped(environment, source, stages):
        raise PermanentError(stop)


def why_stopped(environment: PipelineEnvironment, source: BucketSource, stages: set[str]) -> str:
    """The sentence of a person's stop that holds these stages of a scene; empty: none does."""
    stop = next((one for one in scene_stops(environment, source, ()) if one.stops(stages)), None)
    return f"{source.scene_id} is stopped, so no Job is created for it: {stop.sentence}" if stop is not None else ""


def wanted(doing: Doing, params: CreateJob) -> dict[str, Any]:
    """The manifest that is to be created."""
    environment = doing.context.environment
    where = kept_name(GKE_JOB, params.former, params.manifest)
    manifest = read_kept(environment, environment.ops_bucket, where, params.manifest)
    labels = (manifest["metadata"].get("labels") or {}) | {RUN_LABEL: doing.journal.run}
    manifest["metadata"] |= {"name": params.name, "labels": labels}
    manifest["spec"]["suspend"] = False
    return manifest


def is_ours(doing: Doing, job: ClusterJob) -> bool:
    """Whether this very run has created it."""
    return job.labels.get(RUN_LABEL) == doing.journal.run


def look_created(doing: Doing, params: CreateJob) -> str | None:
    """Whether the Job of that name carries this run's id."""
    live = doing.context.environment.cluster.workloads.job(params.name)
    return f"found with uid {live.uid}" if live is not None and is_ours(doing, live) else None


def inverse_of_create(doing: Doing, params: CreateJob, _result: str) -> Action | None:
    """Suspend it while no pod of it runs; what has ended stays. Raises `NoWayBack` for one that is at work."""
    live = doing.context.environment.cluster.workloads.job(params.name)
    if live is None or not is_ours(doing, live) or live.state in ("complete", "failed", "suspended"):
        return None
    work = doing.context.environment.cluster.switches.get("Job", params.name)
    if work is not None and work.ready:
        raise NoWayBack(f"Job {params.name} is at work: wait until it has ended, or delete it yourself.")
    back = SetWork(kind="Job", name=params.name, uid=live.uid, want=1, former=0)
    return work_action(back, "take back the new Job", f"run {doing.journal.run} has created it")


def create_action(params: CreateJob, why: str, step: str) -> Action:
    """The action that creates one Job."""
    like = f"none like it ({', '.join(params.heads)}) is at work, " if params.heads else ""
    return create_gke_job.action(
        params,
        step=step,
        target=f"gke-job {params.name}",
        precondition=f"there is no Job of that name, {like}and its scene is free",
        undo="undo this run: it is suspended, unless a pod of it runs; no other Job was touched",
        why=why,
    )


create_gke_job = Kind(
    name="create_gke_job",
    params=CreateJob,
    effect="configure",
    apply=apply_create,
    look=look_created,
    inverse=inverse_of_create,
    by_parts=True,
    task="redeploy",
)
