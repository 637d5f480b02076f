"""Markers whose trigger should have started a workflow, and nothing came of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from pydantic import Field

from blocks.stored_object import StoredObject
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import MOST_SCENES, concerns, scope_of
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import PARALLEL, World
from tasks.pipeline.links import Link, marker_links
from tasks.validation.findings import SceneReport


class Silence(Params):
    """Of a marker that nothing follows."""

    minutes: float = Field(gt=0)
    """How long after the marker its event may be on its way."""


def links(world: World) -> list[Link]:
    """Which marker should start which workflow, of what a scene must have.

    It is whole without what an optional workflow makes, and many installations have that turned off.
    """
    workflows, stages = world.catalogue.workflows, world.catalogue.stages
    return [
        link
        for link in marker_links(world.catalogue)
        if not all(stages[stage].optional for stage in workflows[link.workflow].stages)
    ]


def scenes_to_look_at(world: World) -> list[str]:
    """Those with trouble, and those for which something was made lately: what follows it may be missing."""
    made = [one.scene for one in world.attempts() if one.outcome in ("success", "partial") and one.scene]
    made = [scene for scene in dict.fromkeys(made) if concerns(world, scene)]
    return list(dict.fromkeys([*scope_of(world).scenes, *made[:MOST_SCENES]]))


def look_for_silence(world: World, asked: list[Asked[Silence]], found: Found) -> None:
    """Each marker of each scene."""
    wanted = links(world)
    pairs = [(scene, link) for scene in scenes_to_look_at(world) for link in wanted]
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = [(scene, link, pool.submit(marker, world, scene, link)) for scene, link in pairs]
        for scene, link, answer in answers:
            with found.asking(f"{link.path} of scene {scene}"):
                stored = answer.result()
                for one in asked if stored else ():
                    judge(world, one, scene, link, stored, found)


def marker(world: World, scene: str, link: Link) -> StoredObject | None:
    """The marker's object."""
    world.go_on()
    name = world.catalogue.scene_prefix(scene) + link.path
    return world.environment.storage.stat(world.environment.data_bucket, name)


def judge(world: World, one: Asked[Silence], scene: str, link: Link, stored: StoredObject | None, found: Found) -> None:
    """Whether anything followed a marker that was written lately, but not just now."""
    if stored is None or not world.since <= stored.updated <= world.now - timedelta(minutes=one.params.minutes):
        return
    known = world.of_workflow(link.workflow)
    if any(each.scene == scene and each.created >= stored.updated - timedelta(seconds=5) for each in known.newest):
        return
    if known.cut:
        found.unknown.append(
            f"Whether anything followed {link.path} of scene {scene} cannot be said: {link.workflow} had more executions "
            "than were looked at. Look at a shorter time with --hours."
        )
        return
    report = world.report(scene)
    if report is None or not nothing_made(world, report, link.workflow):
        return
    found.say(
        one.row,
        f"{link.path} of {scene}",
        f"{link.path} of scene {scene} was written at {utc(stored.updated)}, and no execution of {link.workflow} followed.",
        evidence=[
            f"{stored.uri}#{stored.generation} ({utc(stored.updated)})",
            f"no execution of {link.workflow} on {scene} since, though trigger {link.trigger} is for this object",
        ],
        tags=tags(scene=scene, workflow=link.workflow, trigger=link.trigger),
        values={
            "scene": scene,
            "workflow": link.workflow,
            "trigger": link.trigger,
            "bucket": stored.bucket,
            "object": stored.name,
        },
        since=stored.updated,
    )


def nothing_made(world: World, report: SceneReport, workflow: str) -> bool:
    """Whether none of what the workflow must make was ever made."""
    stages = [
        stage for stage in world.catalogue.workflows[workflow].stages if not world.catalogue.stages[stage].optional
    ]
    return all(report.stages.get(stage, "never_ran") in ("never_ran", "missing") for stage in stages)


PROBES = (
    Probe("silent_markers", Silence, frozenset({"scene", "workflow", "trigger", "bucket", "object"}), look_for_silence),
)
