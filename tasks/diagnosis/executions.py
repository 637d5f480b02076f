"""Executions: those that failed and were not mended, did nothing, run too long, wait for ever, or run twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from pydantic import Field

from blocks.catalogue_query import TemplateError, workflow_argument
from tasks.diagnosis.attempts import Attempt, newest_first
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import concerns, meant, scope_of
from tasks.diagnosis.signs import tag, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World
from tasks.pipeline.stops import settings_of
from tasks.validation.documents.json_values import mapping, text
from tasks.validation.source import Vanished

VALUES = frozenset({"scene", "entry", "kind", "execution", "project", "region"})
SHOWN = 3
"""Executions that are shown of several."""


class Late(Params):
    """Of executions that run too long."""

    grace_seconds: float = Field(default=300.0, ge=0)
    """Beyond the limit of the catalogue: what starting and polling may take."""


class Waiting(Params):
    """Of an execution that waits for something that nobody makes."""

    workflow: str
    seconds: float = Field(gt=0)
    """How long the run that it waits for may take."""
    record: str
    """The run's record within the scene, whose `status` is `completed` when it has ended well."""
    marker: str
    """Name of the catalogue's marker that is waited for."""
    start: str
    """The workflow that would write it."""


class Several(Params):
    """Of executions that must not run twice on a scene."""

    workflows: tuple[str, ...] = Field(min_length=1)


class Ended(Params):
    """Of executions that ended in one of these ways."""

    outcomes: tuple[str, ...] = Field(min_length=1)


def all_attempts(world: World, found: Found) -> list[Attempt]:
    """Every execution that is asked about, newest first; what could not be asked is said."""
    attempts: list[Attempt] = []
    for name, ask in world.entries():
        with found.asking(name):
            known = ask()
            attempts += [one for one in known.newest if concerns(world, one.scene)]
            if known.cut:
                found.notes.append(f"Only the newest {name} were looked at; there are more.")
    return newest_first(attempts)


def by_scene(attempts: Iterable[Attempt]) -> Iterator[list[Attempt]]:
    """The executions of one entry on one scene together, newest first."""
    groups: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for one in attempts:
        groups[one.entry, one.scene].append(one)
    yield from groups.values()


def values_of(world: World, one: Attempt) -> dict[str, str]:
    """What fills a remedy."""
    place = world.environment.jobs if one.is_job else world.environment.workflows
    named = {"scene": one.scene or "SCENE", "entry": one.entry, "kind": one.kind, "execution": one.id}
    return named | {"project": place.project, "region": place.region}


def shown(attempts: Sequence[Attempt]) -> list[str]:
    """The newest few as evidence."""
    rest = [f"and {len(attempts) - SHOWN} more like these"] if len(attempts) > SHOWN else []
    return [one.evidence() for one in attempts[:SHOWN]] + rest


def concerned(world: World, attempts: Sequence[Attempt]) -> frozenset[str]:
    """What they concern, also the jobs at which they failed."""
    jobs = {tag("job", job) for one in attempts for job in world.failed_jobs(one.id)}
    return frozenset(jobs).union(*(one.tags(world.catalogue) for one in attempts))


def look_at_ended(world: World, asked: list[Asked[Ended]], found: Found) -> None:
    """Executions that ended badly and were not made good since."""
    attempts, scope = all_attempts(world, found), set(scope_of(world).scenes)
    for one in asked:
        bad = [each for each in attempts if each.outcome in one.params.outcomes and each.scene in scope | {""}]
        for group in by_scene(each for each in bad if meant(world.catalogue, each)):
            newest = group[0]
            with found.asking(f"scene {newest.scene}"):
                if world.mended(newest) or _nothing_to_do(world, newest):
                    continue
                word = {"nothing_done": "did nothing", "cancelled": "was cancelled"}.get(newest.outcome, newest.outcome)
                times = f" {len(group)} times" if len(group) > 1 else ""
                on = f" on scene {newest.scene}" if newest.scene else ""
                found.say(
                    one.row,
                    f"{newest.entry}{f' on {newest.scene}' if newest.scene else ''}",
                    f"{newest.entry} {word}{times}{on} and was not made good since.",
                    evidence=shown(group),
                    tags=concerned(world, group),
                    values=values_of(world, newest),
                    since=group[-1].created,
                )


def _nothing_to_do(world: World, one: Attempt) -> bool:
    """Whether doing nothing was right: it is optional or switched off, the marker by which it skips is there, or somebody
    else is at work."""
    if one.outcome != "nothing_done" or one.is_job or not one.scene:
        return False
    workflow, view = world.catalogue.workflows[one.entry], world.view(one.scene)
    stages = [world.catalogue.stages[name] for name in workflow.stages]
    settings = mapping(settings_of(view, world.catalogue.settings))
    off = any(settings.get(key) is False for stage in stages for key in stage.promised_by)
    skip = [path for name in workflow.skip_if for path in world.catalogue.markers[name].paths]
    busy = any(other.outcome == "running" and other.scene == one.scene for other in world.of_workflow(one.entry).newest)
    return off or busy or all(stage.optional for stage in stages) or any(path in view.files() for path in skip)


def overdue(world: World, one: Attempt, grace: float) -> bool:
    """Whether it is running longer than its limits added up."""
    if one.outcome != "running":
        return False
    table = world.catalogue.jobs if one.is_job else world.catalogue.workflows
    limit = table[one.entry].timeout_seconds or 3600
    return world.now - one.created > timedelta(seconds=limit + grace)


def look_for_late(world: World, asked: list[Asked[Late]], found: Found) -> None:
    """Executions that should have ended long ago."""
    attempts = all_attempts(world, found)
    for one in asked:
        for late in (each for each in attempts if overdue(world, each, one.params.grace_seconds)):
            table = world.catalogue.jobs if late.is_job else world.catalogue.workflows
            hours = (world.now - late.created).total_seconds() / 3600
            limit = (table[late.entry].timeout_seconds or 3600) / 3600
            found.say(
                one.row,
                f"{late.entry} execution {late.id}",
                f"{late.entry}{f' on scene {late.scene}' if late.scene else ''} has been running for {hours:.1f} hours, "
                f"and all its steps together may take {limit:.1f}.",
                evidence=[late.evidence()],
                tags=late.tags(world.catalogue),
                values=values_of(world, late),
                since=late.created,
            )


def look_for_waiting(world: World, asked: list[Asked[Waiting]], found: Found) -> None:
    """An execution that polls for a marker which nobody writes, as the run that should have led to it ended well."""
    for one in asked:
        params = one.params
        with found.asking(f"executions of workflow {params.workflow}"):
            for each in world.of_workflow(params.workflow).newest:
                long = world.now - each.created > timedelta(seconds=params.seconds)
                if each.outcome == "running" and long and each.scene and concerns(world, each.scene):
                    _judge_waiting(world, one, each, found)


def _judge_waiting(world: World, one: Asked[Waiting], waits: Attempt, found: Found) -> None:
    view, params = world.view(waits.scene), one.params
    files = view.files()
    record = files.get(params.record)
    if record is None or any(path in files for path in world.catalogue.markers[params.marker].paths):
        return
    try:
        job = mapping(json.loads(view.read(params.record)))
    except (ValueError, Vanished):
        return
    if text(job.get("status")) != "completed":
        return
    bucket, job_id = world.environment.data_bucket, text(job.get("job_id")) or ""
    try:
        argument = workflow_argument(world.catalogue, params.start, bucket=bucket, scene_id=waits.scene, job_id=job_id)
    except TemplateError as error:
        found.unknown.append(f"{waits.scene}: how {params.start} is started cannot be said: {error}")
        return
    hours = (world.now - waits.created).total_seconds() / 3600
    found.say(
        one.row,
        f"{waits.entry} on {waits.scene}",
        f"{waits.entry} has been waiting for {hours:.1f} hours for {world.catalogue.markers[params.marker].paths[0]} of "
        f"scene {waits.scene}. The run it waits for has ended, and nobody writes that marker.",
        evidence=[
            waits.evidence(),
            f"gs://{bucket}/scenes/{waits.scene}/{params.record}#{record.generation} says completed ({utc(record.updated)})",
        ],
        tags=waits.tags(world.catalogue),
        values=values_of(world, waits) | {"start": params.start, "argument": json.dumps(argument)},
        since=record.updated,
    )


def look_for_several(world: World, asked: list[Asked[Several]], found: Found) -> None:
    """Several executions of one workflow that are at work on one scene."""
    for one in asked:
        for workflow in one.params.workflows:
            with found.asking(f"executions of workflow {workflow}"):
                running = [each for each in world.of_workflow(workflow).newest if each.outcome == "running"]
                running = [each for each in running if each.scene and concerns(world, each.scene)]
                for group in by_scene(each for each in running if meant(world.catalogue, each)):
                    if len(group) > 1:
                        _say_several(world, one, group, found)


def _say_several(world: World, one: Asked[Several], group: list[Attempt], found: Found) -> None:
    youngest = group[0]
    found.say(
        one.row,
        f"{youngest.entry} on {youngest.scene}",
        f"{len(group)} executions of {youngest.entry} are at work on scene {youngest.scene} at the same time.",
        evidence=shown(group),
        tags=frozenset().union(*(each.tags(world.catalogue) for each in group)),
        values=values_of(world, youngest),
        since=youngest.created,
    )


PROBES: tuple[Probe[Ended] | Probe[Late] | Probe[Waiting] | Probe[Several], ...] = (
    Probe("ended_executions", Ended, VALUES, look_at_ended),
    Probe("late_executions", Late, VALUES, look_for_late),
    Probe("waiting_executions", Waiting, VALUES | {"start", "argument"}, look_for_waiting),
    Probe("several_executions", Several, VALUES, look_for_several),
)
