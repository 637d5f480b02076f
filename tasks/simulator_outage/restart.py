"""How a service is restarted, by what really runs it; where that is a person's, the exact command. Pure functions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blocks.catalogue_services import Service
from blocks.gke_manifests import CAUSE, ClusterJob, Deployment, Json
from tasks.actions.definitions import Kept
from tasks.actions.gke_jobs import GKE_JOB, manifest_of
from tasks.actions.new_gke_job import CreateJob, create_action, next_name
from tasks.actions.rollouts import DEPLOYMENT, RollDeployment, roll_action, template_digest
from tasks.pipeline.gpu_jobs import scene_of
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.plan import Action, canonical
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.request import STEP

RESTARTED = "blueprint-remediation/restarted-at-generation"
"""Annotation of the Pod template by which a rollout begins: the same generation is never restarted twice."""
BY_US = "remediation: restart"
AGAIN = timedelta(minutes=60)
"""A server that is out again so soon after a restart needs a person: a second one would not help either."""
LATELY_HOURS = 24.0
"""How far back failed executions and Jobs are looked at: when an outage began is recorded nowhere."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The way to restart a service, or why only a person can."""

    action: Action | None = None
    kept: tuple[Kept, ...] = ()
    escalation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsIt:
    """What in the cluster runs a service."""

    deployments: tuple[Deployment, ...] = ()
    rolled: Mapping[str, datetime] = field(default_factory=dict)
    """When the live revision of each Deployment was made."""
    jobs: tuple[ClusterJob, ...] = ()
    """GPU Jobs that simulate, newest first."""
    families: tuple[str, ...] = ()
    """How their names begin."""
    namespace: str = ""
    """Where all of that is."""
    failed: tuple[str, ...] = ()
    """Scenes whose last execution of a workflow that simulates has failed lately."""


def restart_of(state: ServiceState, rule: Service, it: RunsIt, at: datetime) -> Restart:
    """A Deployment is rolled, a Job that failed is created again, and what is neither is a person's."""
    if state.word == "down" and state.ready_pod:
        why = f"Kubernetes calls its pod {state.ready_pod} ready, and it cannot be reached from here"
        return Restart(
            escalation=f"{state.sentence} {why}: look at its address ({state.address}) and at the network first."
        )
    if len(it.deployments) > 1:
        names = ", ".join(one.name for one in it.deployments)
        return Restart(escalation=f"Several Deployments may run {state.name} ({names}): say which in the catalogue.")
    if it.deployments:
        return of_deployment(state, it.deployments[0], it, at)
    if rule.gke_jobs and it.jobs:
        return of_job(state, it, at)
    how = rule.by_hand or "nobody has said how; add by_hand to its entry in the catalogue"
    return Restart(escalation=f"{state.sentence} Nothing in the cluster runs it. Restart it by hand: {how}")


def of_deployment(state: ServiceState, live: Deployment, it: RunsIt, at: datetime) -> Restart:
    """Give its Pod template another annotation, as `kubectl rollout restart` does."""
    if why := not_now(live, it, at):
        return Restart(escalation=f"{state.sentence} {why}")
    wanted = restarted(live)
    params = RollDeployment(
        name=live.name,
        template=template_digest(wanted),
        former=template_digest(live.template),
        cause=f"{BY_US}, {state.name} was {state.word.replace('_', ' ')}",
    )
    kept = tuple(Kept(DEPLOYMENT, live.name, canonical(one)) for one in (wanted, live.template))
    action = roll_action(params, state.sentence, STEP)
    return Restart(action.model_copy(update={"replaced": 0}), kept)  # but for an annotation the template stays as it is


def not_now(live: Deployment, it: RunsIt, at: datetime) -> str:
    """Why a Deployment is not restarted; empty: it may be."""
    meta, spec = live.manifest["metadata"], live.manifest["spec"]
    if live.paused:
        return f"Deployment {live.name} is paused, so nothing of it is rolled out; resume it first."
    if spec.get("replicas") == 0:
        return f"Deployment {live.name} is scaled to no replica: find out who did that, and bring it back."
    status = live.manifest.get("status") or {}
    updated, wanted = int(status.get("updatedReplicas") or 0), int(spec.get("replicas") or 1)
    if not live.failure() and (int(status.get("observedGeneration") or 0) < live.generation or updated < wanted):
        return f"Deployment {live.name} is being rolled out already ({live.waits_for()}): wait for it."
    ours = str((meta.get("annotations") or {}).get(CAUSE, "")).startswith(BY_US)
    rolled = it.rolled.get(live.name)
    if ours and rolled is not None and at - rolled < AGAIN:
        ago = (at - rolled).total_seconds() / 60
        return f"It was restarted {ago:.0f} minutes ago and is out again, so another restart does not help: look at its log."
    return ""


def restarted(live: Deployment) -> Json:
    """The template with the annotation of this generation."""
    template = copy.deepcopy(live.template)
    meta = template.setdefault("metadata", {})
    meta["annotations"] = (meta.get("annotations") or {}) | {RESTARTED: str(live.generation)}
    return template


def of_job(state: ServiceState, it: RunsIt, at: datetime) -> Restart:
    """Create the newest Job again if it has failed lately, as its scene has, and none is at work."""
    if busy := next((one.name for one in it.jobs if one.state == "active"), ""):
        why = f"Job {busy} is at work, and a running Job is never ended from here: its work would be lost."
        delete = f"kubectl -n {it.namespace} delete job {busy}"
        return Restart(escalation=f"{state.sentence} {why} If it hangs, delete it yourself: {delete}")
    newest = it.jobs[0]
    if newest.state != "failed":
        why = f"The newest Job that simulates, {newest.name}, is {newest.state}: there is none to create again."
        return Restart(escalation=f"{state.sentence} {why} Have one made by its workflow: remediate recover SCENE")
    scene = scene_of(newest, it.families, it.failed)
    if why := not_again(newest, scene, at):
        return Restart(escalation=f"{state.sentence} {why}")
    kept = Kept(GKE_JOB, newest.name, manifest_of(newest))
    params = CreateJob(
        name=next_name(newest.name, {one.name for one in it.jobs}),
        former=newest.name,
        manifest=kept.sha256,
        families=it.families,
        scene=scene,
    )
    return Restart(create_action(params, f"{state.sentence} Job {newest.name} has failed.", STEP), (kept,))


def not_again(job: ClusterJob, scene: str, at: datetime) -> str:
    """Why a Job that has failed is not created again; empty: it may be."""
    age = at - job.created
    if job.labels.get(RUN_LABEL) and age < AGAIN:
        ago = age.total_seconds() / 60
        return f"Job {job.name} was created again {ago:.0f} minutes ago and has failed too: look at its log."
    how = "make what is missing with: remediate recover SCENE"
    if age > timedelta(hours=LATELY_HOURS):
        return f"Job {job.name} has failed, and is older than {LATELY_HOURS:.0f} hours: nobody waits for it; {how}"
    if not scene:
        return f"Job {job.name} has failed, and its scene is none whose last simulation failed lately; {how}"
    return ""
