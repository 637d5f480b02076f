"""What a GPU Job needs beside itself: ConfigMaps, its service account, room in the quota, its images. It is only looked at.

What may not be looked at is unknown and not missing. Secrets are not asked for: whoever may look at one reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.gke_manifests import Json, config_maps, containers
from blocks.gke_pods import GPU, gpus_of
from blocks.gke_references import GOOGLE_ACCOUNT

HERE = "nothing but the Job is created from here"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a person must know."""

    sentence: str
    stops: bool = False
    """The Job could not run."""


Look = Callable[[PipelineEnvironment, Json], Iterator[Said]]


def look_at_needs(environment: PipelineEnvironment, job: Json) -> tuple[list[str], list[str]]:
    """Why the Job could not run, and what else a person should know; one sentence each."""
    looks: tuple[Look, ...] = (look_at_config_maps, look_at_account, look_at_quota, look_at_images)
    said = [one for look in looks for one in known(look, environment, job)]
    return [one.sentence for one in said if one.stops], [one.sentence for one in said if not one.stops]


def known(look: Look, environment: PipelineEnvironment, job: Json) -> list[Said]:
    """What a look says, and where it could not go on, that."""
    said: list[Said] = []
    try:
        said += look(environment, job)
    except (OutsideError, ValueError) as error:
        said.append(Said(f"Not everything that the Job needs is known: {error}"))
    return said


def pod_of(job: Json) -> Json:
    """The spec of its pods."""
    spec: Json = job["spec"]["template"]["spec"]
    return spec


def look_at_config_maps(environment: PipelineEnvironment, job: Json) -> Iterator[Said]:
    """ConfigMaps that are not there."""
    for name in sorted(config_maps(pod_of(job))):
        if not environment.cluster.references.has_config_map(name):
            yield Said(
                f"There is no ConfigMap {name} in namespace {environment.cluster.namespace}, so the Job's pod could not "
                f"start: apply that part of the pipeline's own manifest; {HERE}.",
                stops=True,
            )


def look_at_account(environment: PipelineEnvironment, job: Json) -> Iterator[Said]:
    """A service account that is not there, or that stands for nobody at Google."""
    name, space = pod_of(job).get("serviceAccountName"), environment.cluster.namespace
    if not name:
        return
    google = environment.cluster.references.google_account(str(name))
    how = f"kubectl -n {space} annotate --overwrite serviceaccount {name} {GOOGLE_ACCOUNT}=NAME@PROJECT.iam.gserviceaccount.com"
    if google is None:
        yield Said(
            f"There is no service account {name} in namespace {space}, so the Job could make no pod: the pipeline's "
            f"Terraform makes it; {HERE}.",
            stops=True,
        )
    elif not google:
        yield Said(f"Service account {name} has no annotation {GOOGLE_ACCOUNT}; if the Job shall have Google's: {how}")
    elif "${" in google:
        yield Said(f"Service account {name} stands for {google}, which was never filled in and is nobody: {how}")


def look_at_quota(environment: PipelineEnvironment, job: Json) -> Iterator[Said]:
    """Quotas of the namespace that its pod would exceed, or that there are none."""
    space, wanted = environment.cluster.namespace, gpus_of(containers(job["spec"]["template"]))
    figures = environment.cluster.capacity.quotas()
    if not figures:
        yield Said(
            f"Namespace {space} has no quota and gets none from here; the pipeline's Terraform has blueprint-quota."
        )
    for one in figures:
        if one.what == f"requests.{GPU}" and one.used + wanted > one.hard:
            yield Said(
                f"Quota {one.name} of namespace {space} has {one.used} of {one.hard} GPUs in use and the Job wants {wanted}: its "
                "pod waits until one is given back; see remediate gpu status."
            )


def look_at_images(environment: PipelineEnvironment, job: Json) -> Iterator[Said]:
    """Images that are in their registry no more, or of which nobody can tell beforehand which they are."""
    for image in (str(one["image"]) for one in containers(job["spec"]["template"])):
        if "@" not in image:
            yield Said(
                f"{image} is a tag: whatever image it stands for then is run. Name one by its digest to be sure."
            )
        elif environment.registry.look(image) is None:
            yield Said(f"{image} is not in its registry, so the Job could not run it; name another image.", stops=True)
