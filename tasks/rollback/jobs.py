"""A Cloud Run job: the images that its executions ran with, and going back to one of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from blocks.environment import PipelineEnvironment
from blocks.job_definitions import ImageRef, JobDefinition
from blocks.job_execution import JobExecution
from tasks.actions.definitions import Kept, body_of, same
from tasks.pipeline.activity import short
from tasks.pipeline.image_names import shown
from tasks.remediation.outcome import Refused
from tasks.rollback.canary import find_canary
from tasks.rollback.evidence import Ran, Version, with_record
from tasks.rollback.facts import MOST_EXECUTIONS, Change, Facts, chosen, no_evidence
from tasks.rollback.images import former_versions, images_section, normalised, outside, version_id, version_of
from tasks.rollback.redeploy import redeploy
from tasks.rollback.registered import notes_of, with_registry
from tasks.rollback.request import RollbackRequest

STAYS = "Variables, secrets, resources and everything else of the job stay as they are."


def look_at_job(environment: PipelineEnvironment, request: RollbackRequest) -> Facts:
    """What the job is, what ran with which image, and the way to its target. Raises `Refused` when there is no such job."""
    live = environment.jobs.definition(request.name)
    if live is None:
        jobs = environment.jobs
        raise Refused(f"No job {request.name} is deployed in {jobs.project}/{jobs.region}; check the name.")
    executions = list(islice(environment.jobs.executions(request.name), MOST_EXECUTIONS))
    ran = [said for one in executions if (said := told(one)) is not None]
    images = tuple(one.pinned for one in live.images)
    present = with_record(version_of(images, len(images)), ran, {})
    by_id = {version_id(one.images): one.images for one in executions if one.images}
    former = former_versions(ran, (one.images for one in executions if one.images), present, len(images))
    if request.to and (named := outside(request.to, images)) and version_id(named) not in {present.id, *by_id}:
        by_id[version_id(named)] = named
        former = (*former, version_of(named, len(images)))
    former = with_registry(environment, former, by_id)
    target = chosen(replace(request, to=normalised(request.to)), (present, *former))
    remarks = (*notes(live, executions), *notes_of(target, former))
    found = Facts(present, former, target, running=tuple(running(executions)), notes=remarks)
    if target is None:
        return replace(found, escalations=(no_evidence(request, former, len(executions)),))
    if target is present:
        return replace(found, notes=(*found.notes, *by_tag(live)))
    change = change_of(environment, live, target, by_id[target.id])
    return replace(found, change=change, canary=find_canary(environment, request, executions))


def told(execution: JobExecution) -> Ran | None:
    """What an execution says of its image; nothing while it runs, or when somebody has cancelled it."""
    if execution.state not in ("succeeded", "failed") or not execution.images:
        return None
    at = execution.completed or execution.created
    return Ran(version_id(execution.images), execution.state == "succeeded", at)


def change_of(
    environment: PipelineEnvironment, live: JobDefinition, target: Version, images: tuple[str, ...]
) -> Change | None:
    """Deploying the job with the target's images; None when it has them."""
    wanted = with_images(live, images)
    if same(wanted, live):
        return None
    names = [one.get("name", "") for one in live.job["template"]["template"]["containers"]]
    section = images_section(names, (one.pinned for one in live.images), images, STAYS)
    kept = tuple(Kept("job", live.name, body_of(one)) for one in (wanted, live))
    why = f"{target.shown} instead of {', '.join(shown(one.pinned) for one in live.images)}"
    return Change(redeploy(environment.ops_bucket, "job", wanted, live, why), section, kept)


def with_images(live: JobDefinition, images: tuple[str, ...]) -> JobDefinition:
    """The live job with other images, each by its digest."""
    job = copy.deepcopy(live.job)
    for container, image in zip(job["template"]["template"]["containers"], images, strict=True):
        container["image"] = image
    return replace(live, job=job, images=tuple(ImageRef(one, one.partition("@")[2] or None) for one in images))


def running(executions: list[JobExecution]) -> Iterator[str]:
    """Executions that are at work: a rollback does not touch them."""
    for one in executions:
        if one.state == "running":
            scene = f" on {one.env['SCENE_ID']}" if one.env.get("SCENE_ID") else ""
            yield f"Execution {short(one.name)}{scene} goes on to its end with {', '.join(map(shown, one.images))}."


def by_tag(live: JobDefinition) -> Iterator[str]:
    """Cloud Run looks up a tag's image anew at each execution ("Container image digest and tags for Cloud Run jobs")."""
    for container, one in zip(live.job["template"]["template"]["containers"], live.images, strict=True):
        if "@" not in container["image"] and one.digest is not None:
            yield (
                f"The job names the tag {container['image']}, whose image is looked up at each execution: the last one ran "
                f"{shown(one.pinned)}. To keep it at that: gcloud run jobs update {live.name} --image {one.pinned}"
            )


def notes(live: JobDefinition, executions: list[JobExecution]) -> Iterator[str]:
    """What is not known."""
    for one in live.images:
        if one.digest is None:
            yield (
                f"The job names {one.image} and has not run since it was deployed, so nobody can say which image that is; "
                "afterwards it names a digest."
            )
    if len(executions) >= MOST_EXECUTIONS:
        yield f"Only the newest {MOST_EXECUTIONS:,} executions were looked at."
