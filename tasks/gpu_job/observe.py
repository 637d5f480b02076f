"""Everything that a GPU Job is planned by: itself as it would be created, what is there of its scene, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from blocks.catalogue_rules import GpuJob
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, TemporaryError
from tasks.actions.new_gke_job import next_name, why_stopped
from tasks.gpu_job.facts import JobFacts, JobRequest
from tasks.gpu_job.manifest import job_in, named, rendered
from tasks.gpu_job.needs import look_at_needs
from tasks.pipeline.activity import LiveBoard
from tasks.pipeline.gpu_jobs import plain, scene_of
from tasks.pipeline.scene_view import scene_view
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.report import listed

MOST_ENDED = 3
"""Jobs that have ended and are named."""


def rule_of(environment: PipelineEnvironment) -> GpuJob:
    """What the catalogue says of it. Raises `Refused` where there is no cluster, or no such Job."""
    if not environment.cluster.enabled:
        raise Refused("This installation has no cluster (enabled is off in its cluster block), so no Job is created.")
    if environment.catalogue.gpu_job is None:
        raise Refused(
            "The catalogue has no gpu_job, so nobody knows how its Jobs are called; add it (docs/catalogue.md)."
        )
    return environment.catalogue.gpu_job


def observe(context: Context, request: JobRequest) -> JobFacts:
    """Render the Job and look. When one of the scene is there already, nothing more is asked."""
    environment, scene = context.environment, request.scene_id
    rule = rule_of(environment)
    head = rule.name.partition("{")[0]
    stages = {one.name.partition("{")[0]: one.stage for one in environment.catalogue.gke_jobs}
    families = tuple(one for one, stage in stages.items() if stage == stages[head])
    template, others = job_in(request.manifest) if request.manifest else (rule.manifest, ())
    job = rendered(template, values_of(environment, scene), scene, request.image)
    every = environment.cluster.workloads.jobs("")
    mine = tuple(one for one in every if one.name.startswith(families) and scene_of(one, families, [scene]))
    name = next_name(f"{head}{plain(scene)}-0", {one.name for one in every})
    facts = JobFacts(scene=scene, stage=stages[head], name=name, job=named(job, name), jobs=mine)
    facts = replace(facts, notes=(*ended(facts), *left_alone(others)))
    return facts if facts.live is not None else asked(context, facts)


def asked(context: Context, facts: JobFacts) -> JobFacts:
    """The facts with what the API server says of the Job, what it needs, and what is at work. Raises `Refused`."""
    environment = context.environment
    source = scene_view(environment, facts.scene)
    if not source.files():
        raise Refused(f"There is no scene {facts.scene} in gs://{environment.data_bucket}; check its id.")
    if refusal := refused_by_server(environment, facts):
        return replace(facts, problems=(refusal,))
    problems, notes = look_at_needs(environment, facts.job)
    stop = why_stopped(environment, source, {facts.stage})
    return replace(
        facts,
        at_work=tuple(work.what for work in LiveBoard.of(context).on(facts.scene)),
        problems=tuple(filter(None, (stop, *problems))),
        notes=(*facts.notes, *notes),
    )


def refused_by_server(environment: PipelineEnvironment, facts: JobFacts) -> str:
    """Why the API server would not take the Job, in its own words; empty: it would. Nothing is kept there."""
    try:
        environment.cluster.workloads.try_job(facts.job)
    except TemporaryError:
        raise
    except PermanentError as error:
        return f"The API server would refuse the Job, so nothing was created: {error}"
    return ""


def values_of(environment: PipelineEnvironment, scene: str) -> dict[str, str]:
    """What a manifest's placeholders stand for."""
    return {
        "BUCKET": environment.data_bucket,
        "NAMESPACE": environment.cluster.namespace,
        "PROJECT_ID": environment.project,
        "REGION": environment.region,
        "SCENE_ID": scene,
    }


def ended(facts: JobFacts) -> Iterator[str]:
    """The scene's Jobs that have ended: they stay."""
    over = [one for one in facts.jobs if one.state in ("complete", "failed")]
    for one in over[:MOST_ENDED]:
        how = {"complete": "is complete", "failed": "has failed"}[one.state]
        yield f"Job {one.name} of {facts.scene}, created {one.created:%Y-%m-%d %H:%M} UTC, {how}; it stays as it is."
    if len(over) > MOST_ENDED:
        yield f"So do {len(over) - MOST_ENDED} more of its Jobs that have ended."


def left_alone(others: tuple[str, ...]) -> Iterator[str]:
    """What else a given manifest holds."""
    if others:
        yield f"The manifest also holds {listed(others, 5)}: what is there of that stays as it is, and nothing of it is created."
