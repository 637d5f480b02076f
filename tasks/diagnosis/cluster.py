"""Pods of the GPU Jobs: those that find no node, and those that were killed."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field

from blocks.catalogue import Catalogue
from blocks.gke_pods import PodInfo
from tasks.diagnosis.attempts import cut
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import concerns
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World

VALUES = frozenset({"pod", "job", "namespace", "scene"})


class Pending(Params):
    """Of a pod that waits."""

    minutes: float = Field(ge=0)
    """A node may take so long to come."""
    words: str
    """A regular expression that what Kubernetes says must hold."""


class Killed(Params):
    """Of a container that was ended."""

    words: str


def pods(world: World) -> list[PodInfo]:
    """Those that are asked about, listed once."""
    found = world.once(("pods",), world.environment.cluster.pods)
    return [pod for pod in found if concerns(world, scene_of(world.catalogue, pod))]


def look_for_pending(world: World, asked: list[Asked[Pending]], found: Found) -> None:
    """Pods without a node."""
    for pod in (pod for pod in pods(world) if pod.phase == "Pending"):
        one = next((each for each in asked if re.search(each.params.words, pod.waits)), None)
        if one is None or pod.created > world.now - timedelta(minutes=one.params.minutes):
            continue
        minutes = (world.now - pod.created).total_seconds() / 60
        found.say(
            one.row,
            f"pod {pod.name}",
            f"Pod {pod.name} has been waiting for {minutes:.0f} minutes for a node: {cut(pod.waits)}",
            evidence=[f"pod {pod.name} of Job {pod.job or '(none)'}, made {utc(pod.created)}: {cut(pod.waits)}"],
            tags=tags(scene=scene_of(world.catalogue, pod)),
            values=values_of(world, pod),
            since=pod.created,
        )


def look_for_killed(world: World, asked: list[Asked[Killed]], found: Found) -> None:
    """Pods with a container that was ended lately."""
    for pod in pods(world):
        one = next((each for each in asked if pod.killed and re.search(each.params.words, pod.killed)), None)
        if one is None or (pod.killed_at or pod.created) < world.since or pod.phase == "Succeeded":
            continue
        found.say(
            one.row,
            f"pod {pod.name}",
            f"A container of pod {pod.name} was ended: {pod.killed}.",
            evidence=[f"pod {pod.name} of Job {pod.job or '(none)'}: {pod.killed} ({utc(pod.killed_at)})"],
            tags=tags(scene=scene_of(world.catalogue, pod)),
            values=values_of(world, pod),
            since=pod.killed_at or pod.created,
        )


def scene_of(catalogue: Catalogue, pod: PodInfo) -> str:
    """The scene that a pod works on: its label, else the name of its Job."""
    if scene := pod.labels.get("scene-id", ""):
        return scene
    prefixes = [rule.name.partition("{scene_id}")[0] for rule in catalogue.gke_jobs]
    prefix = next((known for known in prefixes if pod.job.startswith(known)), None)
    return pod.job.removeprefix(prefix).rpartition("-")[0] if prefix is not None else ""


def values_of(world: World, pod: PodInfo) -> dict[str, str]:
    """What fills a remedy."""
    scene = scene_of(world.catalogue, pod) or "SCENE"
    return {"pod": pod.name, "job": pod.job or "JOB", "namespace": world.environment.cluster.namespace, "scene": scene}


PROBES: tuple[Probe[Pending] | Probe[Killed], ...] = (
    Probe("pending_pods", Pending, VALUES, look_for_pending),
    Probe("killed_pods", Killed, VALUES, look_for_killed),
)
