"""How many GPUs there were and were used, look by look: what the picture of capacity over time is drawn from.

    remediation/capacity/<day of the month>.json     the looks of that day; a month later another day takes its place

So there are 31 small objects at most. A look that another one overtakes is left out: the next one is minutes away.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError, PreconditionFailed
from tasks.gpu_capacity.capacity_picture import capacity_picture
from tasks.gpu_capacity.facts import GpuFacts
from tasks.remediation.plan import canonical
from tasks.remediation.report import Section

ROOT = "remediation/capacity/"
MOST_LOOKS = 400
"""Looks of one day that are kept: one every four minutes, where the schedule makes one in fifteen."""
HOURS = 24
"""Hours that the picture shows."""


class Look(BaseModel):
    """What one look has seen. Of what could not be looked at nothing is said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    there: int | None
    """GPUs of nodes that are ready; None: not known."""
    used: int | None
    """GPUs of pods that run."""
    waiting: int | None
    """GPUs that pods wait for."""


class Day(BaseModel):
    """The looks of one day, oldest first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    looks: tuple[Look, ...] = ()


def look_of(facts: GpuFacts) -> Look:
    """What is kept of the facts."""
    if facts.unseen:
        return Look(at=facts.at, there=None, used=None, waiting=None)
    nodes = [node for pool in facts.pools for node in pool.nodes if node.ready]
    return Look(
        at=facts.at,
        there=sum(node.gpus for node in nodes),
        used=sum(pod.gpus for pod in facts.running),
        waiting=sum(pod.gpus for pod in facts.waiting),
    )


def capacity_over_time(environment: PipelineEnvironment, facts: GpuFacts) -> Section:
    """Keep this look, and draw it with those of the last 24 hours. Never raises for what lies outside: it says so."""
    title = f"GPUs in the last {HOURS} hours"
    if not environment.ops_bucket:
        return Section(title, "Earlier looks are not kept: the environment names no ops bucket.")
    look, since = look_of(facts), facts.at - timedelta(hours=HOURS)
    try:
        before = () if since.date() == facts.at.date() else read_day(environment, since)[0]
        looks = sorted((one for one in (*before, *keep(environment, look)) if one.at >= since), key=lambda one: one.at)
    except OutsideError as error:
        return Section(title, f"Earlier looks could not be read or kept: {error}")
    return Section(title, picture=capacity_picture(title, looks))


def keep(environment: PipelineEnvironment, look: Look) -> tuple[Look, ...]:
    """Write a look beside those of its day; all of them."""
    (looks, generation), name = read_day(environment, look.at), name_of(look.at)
    looks = (*looks, look)[-MOST_LOOKS:]
    body = canonical(Day(looks=looks).model_dump(mode="json"))
    try:
        if generation:
            environment.storage.replace(environment.ops_bucket, name, body, generation=generation)
        else:
            environment.storage.create(environment.ops_bucket, name, body)
    except PreconditionFailed:
        pass  # somebody else has looked at the same moment
    return looks


def read_day(environment: PipelineEnvironment, when: datetime) -> tuple[tuple[Look, ...], int]:
    """The looks of a day and their object's generation, 0 where there is none; of a former month, or damaged: no looks."""
    storage, bucket, name = environment.storage, environment.ops_bucket, name_of(when)
    there = storage.stat(bucket, name)
    if there is None:
        return (), 0
    try:
        looks = Day.model_validate_json(storage.read(bucket, name, generation=there.generation)).looks
    except (NotFound, ValidationError):
        looks = ()
    day = when.astimezone(UTC).date()
    return tuple(one for one in looks if one.at.astimezone(UTC).date() == day), there.generation


def name_of(when: datetime) -> str:
    """Where the looks of a day are (UTC)."""
    return f"{ROOT}{when.astimezone(UTC):%d}.json"
