"""A GPU Job for one scene: rendered, tried on the API server, created beside nothing of that scene, and seen to run.

Quota, service account and ConfigMap stay as they are: the pipeline's own script applies them raw, which resets the quota
and breaks the account's annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from blocks.errors import PermanentError
from blocks.gke_manifests import Json, containers
from tasks.actions.definitions import keep_body, kept_name, read_kept
from tasks.actions.gke_jobs import GKE_JOB
from tasks.actions.new_gke_job import CreateJob, create_action, create_gke_job
from tasks.actions.work import set_work
from tasks.gpu_job.facts import JobFacts, JobRequest
from tasks.gpu_job.manifest import RENDERED
from tasks.gpu_job.observe import observe, rule_of
from tasks.gpu_job.watching import settled, verdict
from tasks.pipeline.image_names import shown
from tasks.pipeline.scene_view import scene_view
from tasks.remediation.context import Context
from tasks.remediation.guard import Scope
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Plan
from tasks.remediation.procedure import Procedure, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.table import Cell

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
"""What the value of a label may be (kubernetes.io, "Labels and Selectors")."""
STEP = "create the Job"
SUBJECT = "@gpu-job"
"""With the scene's id. The scene is not leased: an undo would find the very Job that it takes back at work on it. Whoever has
the scene's lease when the Job is to be created keeps it from being created (`create_gke_job`)."""


class DeployGpuJob(Procedure[JobRequest, JobFacts]):
    """Handbook: 'Isaac Sim or Genie Sim outage', redeploy Genie Sim jobs (`deploy-genie-sim-gpu-job.sh`)."""

    name = "job-deploy"
    kinds = (create_gke_job, set_work)

    def subjects(self, context: Context, request: JobRequest) -> tuple[str, ...]:
        """The scene's Job. Raises `Refused` for one that no label can name: nobody would see whose it is."""
        rule_of(context.environment)
        try:
            scene_view(context.environment, request.scene_id)
        except PermanentError as error:
            raise Refused(str(error)) from error
        if not LABEL.fullmatch(request.scene_id):
            raise Refused(
                f"{request.scene_id} cannot be the label of a Job, by which everybody sees whose it is: that has 63 letters at "
                "most and begins and ends with a letter or digit. Have the scene made by its workflow: remediate recover"
            )
        if request.mode == "apply" and not request.reason.strip():
            raise Refused("Say why with a reason: whoever finds the Job must know.")
        return (f"{SUBJECT}.{request.scene_id}",)

    def observe(self, run: Run, request: JobRequest) -> JobFacts:
        """The Job as it would be created, what is there of the scene, and what the API server says."""
        return observe(run.context, request)

    def plan(self, run: Run, facts: JobFacts, request: JobRequest) -> Plan:
        """Create it; nothing when the very same is at work, and nothing beside another one."""
        details: dict[str, JsonValue] = {"images": [*images_of(facts.job)], "reason": request.reason}
        plan = Plan(procedure=self.name, subject=facts.scene, risk="medium", details=details)
        run.notes += facts.notes
        if facts.live is not None:
            return beside(run, plan, facts)
        if facts.problems:
            return plan.model_copy(update={"escalations": facts.problems})
        run.summary = f"Job {facts.name} with {', '.join(images_of(facts.job))}; the API server would take it"
        params = CreateJob(name=facts.name, former=facts.name, manifest=facts.kept.sha256, scene=facts.scene)
        return plan.model_copy(update={"actions": (create_action(params, f"a Job for {facts.scene}", STEP),)})

    def scope(self, run: Run, facts: JobFacts) -> Scope:
        """Nothing is replaced; what is at work on the scene is not disturbed."""
        return Scope(at_work=facts.at_work)

    def stage(self, run: Run, facts: JobFacts, plan: Plan) -> Mapping[str, JsonValue]:
        """Keeps the Job as it is to be created."""
        keep_body(run.context.environment, GKE_JOB, facts.name, facts.kept.body)
        return {}

    def verify(self, run: Run, facts: JobFacts | None) -> Verdict:
        """The Job is there, its pod has a node or says why not, and its images are those that were wanted."""
        params = create_gke_job.read(run.journal.plan().actions[0])
        seen, wanted = settled(run, params.name), wanted_job(run, params)
        found = verdict(seen, params.name, wanted)
        images = (seen.job.ran if seen.job is not None else {}).values()
        ran = ", ".join(sorted(shown(image) for image in images)) or "no image yet"
        where = f"on node {seen.pod.node}" if seen.pod is not None and seen.pod.node else "on no node"
        run.summary = f"Job {params.name} was created; its pod is {where} with {ran}"
        back = () if found.outcome == "done" else (f"Take it back with: remediate undo {run.subject} {run.id}",)
        return Verdict(found.outcome, (*found.reasons, *back))

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> JobRequest:
        """The same Job."""
        scene, manifest, image = (str(asked.get(key, "")) for key in ("scene", "manifest", "image"))
        return JobRequest(scene_id=scene, mode="apply", reason=reason, manifest=manifest, image=image)

    def in_force(self, run: Run) -> Iterable[str]:
        """A Job that it has created before it failed."""
        if run.begun and run.done:
            yield f"Its Job is there: remediate undo {run.subject} {run.id} suspends it, unless a pod of it runs."

    def sections(self, run: Run) -> Iterable[Section]:
        """The scene's Jobs before."""
        if isinstance(run.facts, JobFacts) and run.facts.jobs:
            rows: list[dict[str, Cell]] = [
                {"Job": one.name, "it is": one.state, "created": f"{one.created:%Y-%m-%d %H:%M} UTC"}
                for one in run.facts.jobs
            ]
            yield Section("The scene's Jobs before", rows=tuple(rows))


def beside(run: Run, plan: Plan, facts: JobFacts) -> Plan:
    """Nothing is created: the same Job is at work, or another one, which only a person may end."""
    live = facts.live
    assert live is not None
    known = (live.manifest["metadata"].get("annotations") or {}).get(RENDERED)
    if known == facts.job["metadata"]["annotations"][RENDERED] and live.state == "active":
        run.summary = f"Job {live.name} of the same manifest is at work on {facts.scene}"
        return plan
    space = facts.job["metadata"]["namespace"]
    how = f"Wait until it has ended, or end it yourself: kubectl -n {space} delete job {live.name}"
    if live.state == "suspended":
        how = f"Let it go on, or end it yourself: kubectl -n {space} delete job {live.name}"
    why = f"Job {live.name} of {facts.scene} is {live.state} and another one than this would be; none is created beside it. {how}"
    return plan.model_copy(update={"escalations": (why,)})


def images_of(job: Json) -> tuple[str, ...]:
    """The image of each container."""
    return tuple(str(one["image"]) for one in containers(job["spec"]["template"]))


def wanted_job(run: Run, params: CreateJob) -> Json:
    """The Job as it was kept."""
    environment = run.context.environment
    where = kept_name(GKE_JOB, params.former, params.manifest)
    return read_kept(environment, environment.ops_bucket, where, params.manifest)
