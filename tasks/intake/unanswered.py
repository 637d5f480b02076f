"""Objects of a pause whose event started nothing: no execution of their workflow, and nothing of what that makes.

An event is lost when its trigger was deleted and made again, when its subscription was cut off, or when it waited longer
than Pub/Sub keeps it. The objects themselves tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blocks.catalogue import SCENE_ID
from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.execution import Execution
from blocks.stored_object import StoredObject
from tasks.pipeline.activity import live_work
from tasks.pipeline.links import Link, all_links
from tasks.remediation.context import Context
from tasks.remediation.lease import has_ended, read_holder

CLOCK_SKEW = timedelta(seconds=5)
PARALLEL = 8
"""Listings, and looks for what was made, at a time."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One object that should have started a workflow."""

    scene_id: str
    stored: StoredObject
    trigger: str
    workflow: str


@dataclass(slots=True)
class Reconciled:
    """What was found of one pause."""

    seen: int = 0
    """Objects of that time that should have started something."""
    unanswered: list[Unanswered] = field(default_factory=list)
    busy: dict[str, str] = field(default_factory=dict)
    """Scenes of them on which something is at work, with what it is: left alone."""
    untold: list[str] = field(default_factory=list)
    """Triggers of which nobody can tell: by names, because their workflow is not deployed, or because others hold them."""


def reconcile(context: Context, since: datetime, until: datetime, held: set[str]) -> Reconciled:
    """Look at everything that was written in [since, until] and should have started a workflow.

    Args:
        context: The pipeline and what runs in it.
        since: When the pause began.
        until: When its resume began: what was written later may still be on its way.
        held: The triggers that the pause held, of which some may be gone by now.

    Raises:
        OutsideError: something was not answered. What was not looked at is not missing.
    """
    environment, found = context.environment, Reconciled()
    links = wanted(environment, held, found)
    written = objects_of(environment, links, since, until)
    found.seen = len(written)
    started = executions_of(environment, {one.workflow for one in written}, since)
    silent = [one for one in written if not any(answers(each, one) for each in started[one.workflow, one.stored.name])]
    with ThreadPoolExecutor(PARALLEL) as pool:
        made = list(pool.map(lambda one: was_made(environment, one), silent))
    found.unanswered = [one for one, ready in zip(silent, made, strict=True) if not ready]
    if found.unanswered:
        found.busy = at_work(context, {one.scene_id for one in found.unanswered})
    return found


def wanted(environment: PipelineEnvironment, held: set[str], found: Reconciled) -> list[Link]:
    """The links of triggers that are there or were, and whose workflows are: what is not deployed can start nothing.

    What waits in a subscription that somebody else holds is not lost, so its trigger is left out.
    """
    catalogue, delivery = environment.catalogue, environment.delivery
    live = [one for one in environment.triggers.list() if one.name in catalogue.triggers]
    waiting = {one.name for one in live if one.subscription and delivery.push_config(one.subscription) == {}}
    asked = ({one.name for one in live} | held) - waiting
    links = [link for link in all_links(catalogue) if link.trigger in asked and catalogue.triggers[link.trigger].intake]
    there = {name for name in {link.workflow for link in links} if environment.workflows.get(name) is not None}
    found.untold = sorted(asked - {link.trigger for link in links if link.workflow in there} | waiting)
    return [link for link in links if link.workflow in there]


def objects_of(
    environment: PipelineEnvironment, links: list[Link], since: datetime, until: datetime
) -> list[Unanswered]:
    """The live objects of that time by links, each link's by name: one listing for each path, whatever the scenes hold."""
    root, bucket = environment.catalogue.scene_root, environment.data_bucket
    prefix = root.partition("{scene_id}")[0]
    by_path: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        by_path[link.path].append(link)

    def listed(path: str) -> list[StoredObject]:
        fits = environment.storage.list(bucket, prefix, glob=root.format(scene_id="*") + path)
        return [one for one in fits if since <= one.created <= until]

    load_libraries()  # before the threads, which would do it in each other's way
    with ThreadPoolExecutor(PARALLEL) as pool:
        lists = dict(zip(by_path, pool.map(listed, by_path), strict=True))
    return [
        Unanswered(scene, stored, link.trigger, link.workflow)
        for path, found in lists.items()
        for stored in found
        if SCENE_ID.fullmatch(scene := stored.name.removeprefix(prefix).partition("/")[0])
        for link in by_path[path]
    ]


def executions_of(
    environment: PipelineEnvironment, workflows: Iterable[str], since: datetime
) -> dict[tuple[str, str], list[Execution]]:
    """What was started since then, by workflow and by the object that it is about."""
    found: dict[tuple[str, str], list[Execution]] = defaultdict(list)
    for name in workflows:
        for execution in environment.workflows.executions(name, since=since - CLOCK_SKEW):
            data = execution.argument.get("data")
            found[name, str(data.get("name")) if isinstance(data, dict) else ""].append(execution)
    return found


def answers(execution: Execution, one: Unanswered) -> bool:
    """Whether an execution that is about the object is about this generation, or began after it was written."""
    data = execution.argument.get("data")
    same = isinstance(data, dict) and str(data.get("generation") or "") == str(one.stored.generation)
    return same or execution.created >= one.stored.created - CLOCK_SKEW


def was_made(environment: PipelineEnvironment, one: Unanswered) -> bool:
    """Whether a completion marker of what the workflow makes is newer than the object: somebody did it by hand."""
    for path in made_by(environment, one.workflow):
        name = environment.catalogue.scene_prefix(one.scene_id) + path
        marker = environment.storage.stat(environment.data_bucket, name)
        if marker is not None and marker.name != one.stored.name and marker.created >= one.stored.created:
            return True
    return False


def made_by(environment: PipelineEnvironment, workflow: str) -> Iterator[str]:
    """The completion markers of a workflow's stages."""
    catalogue = environment.catalogue
    for stage in catalogue.workflows[workflow].stages:
        for marker in catalogue.stages[stage].markers:
            yield from catalogue.markers[marker].paths


def at_work(context: Context, scenes: set[str]) -> dict[str, str]:
    """Which of the scenes something is at work on: the pipeline, or a remediation that holds the scene."""
    storage, ops = context.environment.storage, context.environment.ops_bucket
    found = {scene: work.what for work in live_work(context.environment) for scene in scenes if work.is_on(scene)}
    for scene in sorted(scenes - found.keys()):
        held = read_holder(storage, ops, scene)
        if held is not None and not has_ended(*held, context.gone):
            found[scene] = f"a remediation, {held[0].describe()}"
    return found
