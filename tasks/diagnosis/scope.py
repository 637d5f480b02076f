"""Which scenes are looked at: those that were named, else those that something failed on lately. Never all scenes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_query import is_trial
from blocks.errors import OutsideError
from tasks.diagnosis.attempts import Attempt
from tasks.diagnosis.world import World
from tasks.pipeline.fault_log import ROOT, hour

MOST_SCENES = 50
"""Scenes that are looked at when none are named, the latest trouble first."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The scenes of one diagnosis."""

    scenes: tuple[str, ...]
    left_out: int = 0
    """How many more had trouble."""
    trials: tuple[str, ...] = ()
    """Test scenes with trouble, which are looked at only when they are named."""
    unknown: str = ""
    """Why not every scene with trouble may be known, one sentence."""


def scope_of(world: World) -> Scope:
    """The scenes, worked out once."""
    return world.once(("scope",), lambda: _scope(world))


def _scope(world: World) -> Scope:
    if world.scenes:
        return Scope(world.scenes)
    # What failed comes before what only did nothing, which is usual for triggers that fire for every object.
    attempts = world.attempts()
    failed = [one.scene for one in attempts if one.outcome in ("failed", "cancelled", "partial")]
    nothing_done = [one.scene for one in attempts if one.outcome == "nothing_done" and meant(world.catalogue, one)]
    try:
        recorded, unknown = _recorded(world), ""
    except OutsideError as error:
        recorded, unknown = [], f"Scenes that recoveries found broken: {error}"
    ids = [one for one in dict.fromkeys([*failed, *recorded, *nothing_done]) if SCENE_ID.fullmatch(one)]
    trials = tuple(one for one in ids if is_trial(world.catalogue, one))
    real = [one for one in ids if one not in trials]
    return Scope(tuple(real[:MOST_SCENES]), max(0, len(real) - MOST_SCENES), trials, unknown)


def _recorded(world: World) -> list[str]:
    """Scenes that a recovery found broken lately, also by failure markers; newest first."""
    environment = world.environment
    if not environment.ops_bucket:
        return []
    start = f"{ROOT}{hour(world.since)}"
    found = [one.name for one in environment.storage.list(environment.ops_bucket, ROOT, start=start)]
    return [name.rpartition("/")[2] for name in reversed(found)]


def concerns(world: World, scene_id: str) -> bool:
    """Whether what happened to a scene is asked about; what is of no scene always is."""
    return not scene_id or scene_id in world.scenes or not (world.scenes or is_trial(world.catalogue, scene_id))


def meant(catalogue: Catalogue, attempt: Attempt) -> bool:
    """Whether an execution was started by the event that its workflow is for, and not by any object of the bucket."""
    workflow = catalogue.workflows.get(attempt.entry)
    if attempt.is_job or workflow is None or workflow.event_regex is None:
        return True
    return bool(re.search(workflow.event_regex, attempt.event))
