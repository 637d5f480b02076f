"""Who works on scenes that a restore of many scenes writes: it takes none of their leases, so it looks."""

from __future__ import annotations

from collections.abc import Container

from blocks.catalogue_query import split_scene
from blocks.errors import PermanentError
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing
from tasks.remediation.lease import ROOT as LEASES
from tasks.remediation.lease import LeaseDamaged, has_ended, read_holder


def workers(context: Context, scenes: Container[str] | None = None) -> tuple[list[str], list[str]]:
    """Whoever holds the lease on a scene, one phrase each, and what else should be known.

    A damaged lease keeps nobody waiting: whoever held it finds out when it is next renewed and stops, nobody can take
    it, and what runs on the scene is seen by itself. It is named.

    Args:
        context: The run's surroundings.
        scenes: Those that matter; None: all.
    """
    environment = context.environment
    storage, ops = environment.storage, environment.ops_bucket
    busy: list[str] = []
    notes: list[str] = []
    for found in storage.list(ops, LEASES):
        subject = found.name.removeprefix(LEASES).removesuffix(".json")
        if subject.startswith("@") or (scenes is not None and subject not in scenes):
            continue
        try:
            held = read_holder(storage, ops, subject)
        except LeaseDamaged as error:
            notes.append(f"{error} It is passed over: no run can work on {subject} by it.")
            continue
        if held is not None and not has_ended(*held, context.gone):
            busy.append(f"{held[0].describe()} on {subject}")
    return busy, notes


def check_nobody(doing: Doing, names: set[str]) -> None:
    """Raise PermanentError when somebody works on a scene of these objects by now."""
    catalogue = doing.context.environment.catalogue
    scenes = {scene_id for name in names if (scene_id := split_scene(catalogue, name)[0]) is not None}
    busy, _ = workers(doing.context, scenes)
    if busy:
        raise PermanentError(
            f"{busy[0]} is at work by now; nothing is written there. Run this again when that has ended, for what is left."
        )
