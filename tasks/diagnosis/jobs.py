"""Cloud Run jobs: missing, not ready, or with an image since which nothing has succeeded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pydantic import Field

from blocks.run_jobs import JobInfo
from tasks.diagnosis.attempts import Attempt, newest_first, of_job
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Nothing, Params
from tasks.diagnosis.world import MOST_EXECUTIONS, World
from tasks.pipeline.deployed import Unread

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


class Changed(Params):
    """Of an image that was changed."""

    failures: int = Field(ge=1)
    """So many executions must have failed with it: one may have had a bad scene."""
    days: float = Field(gt=0)
    """How far back the image before it is looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two images, one after the other."""

    image: str
    former: str
    failed: tuple[Attempt, ...]
    """Every execution with the new one, newest first."""
    last_good: Attempt
    """The newest that succeeded with the former one."""


def look_for_changed(world: World, asked: list[Asked[Changed]], found: Found) -> None:
    """Jobs that have only failed since their image was changed, and succeeded with the one before."""
    for one in asked:
        for job in world.catalogue.jobs:
            with found.asking(f"executions of job {job}"):
                newest = world.of_job(job).newest
                if not any(each.outcome == "failed" for each in newest):
                    continue
                change = changed(history(world, job, one.params.days), one.params.failures)
                if change and not replaced(world, job, change):
                    _say_changed(world, one, job, change, found)


def history(world: World, job: str, days: float) -> list[Attempt]:
    """The executions of a job over days, newest first, as many as are looked at."""
    since = world.now - timedelta(days=days)
    return newest_first(map(of_job, islice(world.environment.jobs.executions(job, since=since), MOST_EXECUTIONS)))


def changed(attempts: Sequence[Attempt], failures: int) -> Change | None:
    """The last change of the image, if everything with the new one failed and the former one worked.

    An image that is not known by its digest says nothing: a tag may be another image at any time.
    """
    ended = [one for one in attempts if one.outcome in ("success", "failed") and _DIGEST.search(one.image)]
    if not ended:
        return None
    image = ended[0].image
    with_it = [one for one in ended if one.image == image]
    good = next((one for one in ended if one.image != image and one.outcome == "success"), None)
    if good is None or len(with_it) < failures or any(one.outcome == "success" for one in with_it):
        return None
    return Change(image, good.image, tuple(with_it), good)


def replaced(world: World, job: str, change: Change) -> bool:
    """Whether the job names another image by its digest by now: nothing runs with the bad one any more."""
    live = world.deployed.jobs().get(job)
    return isinstance(live, JobInfo) and bool(_DIGEST.search(live.image)) and live.image != change.image


def changed_at(world: World, job: str, change: Change) -> datetime:
    """When its image was changed: the job's own last change where that fits, else the first execution since."""
    live, first = world.deployed.jobs().get(job), change.failed[-1].created
    at = live.updated if isinstance(live, JobInfo) else None
    return at if at is not None and change.last_good.created < at <= first else first


def _say_changed(world: World, one: Asked[Changed], job: str, change: Change, found: Found) -> None:
    first = change.failed[-1]
    place = world.environment.jobs
    found.say(
        one.row,
        f"job {job}",
        f"Job {job} runs another image since {utc(first.created)} at the latest, and all {len(change.failed)} executions "
        "since have failed.",
        evidence=[
            f"now {change.image}",
            f"before {change.former}, which succeeded last at {utc(change.last_good.created)} ({change.last_good.id})",
            change.failed[0].evidence(),
        ],
        tags=tags(job=job),
        values={"job": job, "image": change.image, "former": change.former}
        | {"project": place.project, "region": place.region},
        since=changed_at(world, job, change),
    )


def look_for_unready(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """Jobs that Cloud Run refuses to run, and those that are not deployed though scenes need them."""
    for name, job in world.deployed.jobs().items():
        known = world.catalogue.jobs[name]
        if isinstance(job, Unread):
            found.unknown.append(f"job {name}: {job.sentence}")
            continue
        if (job is None and known.criticality != "critical") or (job is not None and not job.problem):
            continue
        said = "is not deployed" if job is None else f"cannot be run: {job.problem}"
        place = world.environment.jobs
        for one in asked:
            found.say(
                one.row,
                f"job {name}",
                f"Job {name}{f', which makes {known.stage},' if known.stage else ''} {said}.",
                evidence=[f"image {job.image}" if job else f"projects/{place.project}/locations/{place.region}"],
                tags=tags(job=name),
                values={"job": name, "project": place.project, "region": place.region},
            )


PROBES: tuple[Probe[Changed] | Probe[Nothing], ...] = (
    Probe("changed_images", Changed, frozenset({"job", "image", "former", "project", "region"}), look_for_changed),
    Probe("unready_jobs", Nothing, frozenset({"job", "project", "region"}), look_for_unready),
)
