"""Dead letters: messages of jobs that gave up, which nothing in the pipeline takes up again."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import islice

from pydantic import Field

from blocks.errors import NotFound
from blocks.stored_object import StoredObject
from tasks.diagnosis.attempts import cut
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import concerns
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World
from tasks.remediation.report import counted
from tasks.validation.documents.json_values import mapping, text

MOST_LETTERS = 1000
"""Letters that are listed: one page."""
READ = 20
"""Of the newest so many are read, for the job and the scene that they are of."""
MOST_BYTES = 64 * 1024
"""Of one letter: it may hold the whole payload."""


class Waiting(Params):
    """Of letters that wait."""

    prefix: str
    """Where they are in the data bucket."""
    least: int = Field(ge=1)
    """So many new ones since the time that is looked at."""


def look_at_letters(world: World, asked: list[Asked[Waiting]], found: Found) -> None:
    """The letters that came lately, by the job that they are of."""
    storage, bucket = world.environment.storage, world.environment.data_bucket
    for one in asked:
        listed = list(islice(storage.list(bucket, one.params.prefix), MOST_LETTERS))
        if len(listed) == MOST_LETTERS:
            found.notes.append(
                f"Only {MOST_LETTERS:,} letters below {one.params.prefix} were looked at; there are more."
            )
        new = sorted((each for each in listed if each.created >= world.since), key=lambda each: each.created)
        if len(new) < one.params.least:
            continue
        jobs: dict[str, list[tuple[StoredObject, dict[str, object]]]] = defaultdict(list)
        for letter in new[-READ:]:
            read = content(world, letter)
            if concerns(world, text(read.get("scene_id")) or ""):
                jobs[job_of(world, read)].append((letter, read))
        for job, letters in jobs.items():
            say(world, one, job, letters, len(listed), found)


def content(world: World, letter: StoredObject) -> dict[str, object]:
    """What a letter says; nothing when it is gone or no JSON object."""
    try:
        data = world.environment.storage.read(letter.bucket, letter.name, generation=letter.generation, end=MOST_BYTES)
        return dict(mapping(json.loads(data)))
    except (NotFound, ValueError, RecursionError):
        return {}


def job_of(world: World, letter: dict[str, object]) -> str:
    """The job of the catalogue that a letter is of; what it says itself when that is none; empty when it says nothing."""
    said = text(letter.get("job_type")) or ""
    return next((name for name in (said, f"{said}-job") if name in world.catalogue.jobs), said)


def say(
    world: World,
    one: Asked[Waiting],
    job: str,
    letters: list[tuple[StoredObject, dict[str, object]]],
    all_of_them: int,
    found: Found,
) -> None:
    """The letters of one job."""
    who = job or "a job that is not named"
    scenes = {text(read.get("scene_id")) or "" for _, read in letters}
    found.say(
        one.row,
        f"dead letters of {who}",
        f"{counted(len(letters), 'message')} of {who} in {one.params.prefix} since {utc(letters[0][0].created)} "
        f"({all_of_them:,} wait there in all).",
        evidence=[
            f"{letter.uri}#{letter.generation} ({utc(letter.created)}): "
            f"{cut(': '.join(filter(None, (text(read.get(key)) for key in ('scene_id', 'error_type', 'error_message')))))}"
            for letter, read in letters[-3:]
        ],
        tags=frozenset().union(*(tags(scene=scene, job=job) for scene in scenes)),
        values={"job": job or "JOB", "prefix": one.params.prefix, "scene": next(iter(sorted(scenes)), "") or "SCENE"},
        since=letters[0][0].created,
    )


PROBES = (Probe("dead_letters", Waiting, frozenset({"job", "prefix", "scene"}), look_at_letters),)
