"""What the damages are made of. Every function raises StageFailed when the scene lacks what it works on."""

from __future__ import annotations

from datetime import datetime

from blocks.catalogue_query import class_of
from deployments.sandbox.pipeline.simulator_failures import write_failure
from deployments.sandbox.pipeline.simulator_faults import SIGNS
from deployments.sandbox.pipeline.stage_writers import WRITERS
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed

ENDED_EXECUTION = "00000000-0000-4000-8000-000000000000"
"""Holder of a stale lock: the id of an execution that no sandbox ever starts."""


def remove(folder: SceneFolder, *paths: str) -> None:
    """Delete these objects, all of which must be there."""
    for path in paths:
        folder.read(path)
        folder.delete(path)


def truncate(folder: SceneFolder, path: str) -> None:
    """Leave the first half of an object."""
    data = folder.read(path)
    folder.write(path, data[: len(data) // 2])


def first(folder: SceneFolder, below: str, name: str) -> str:
    """The first object of that name whose path starts with `below`; the background does not count."""
    found = [path for path in folder.paths(below) if path.endswith(f"/{name}") and "scene_background" not in path]
    if not found:
        raise StageFailed(f"there is no {folder.prefix}{below}*/{name}")
    return found[0]


def outputs(folder: SceneFolder, below: str) -> list[str]:
    """Everything below a folder but its markers."""
    found = [path for path in folder.paths(below) if class_of(folder.catalogue, path) not in SIGNS]
    if not found:
        raise StageFailed(f"there is nothing below {folder.prefix}{below}")
    return found


def fail(folder: SceneFolder, stage: str, message: str) -> None:
    """Both failure markers of a stage, written now and so that triggers hear of them."""
    folder.quiet = False
    for path in folder.catalogue.stages[stage].failure_markers:
        if path.endswith("/.failed") and "-job/" not in path:
            folder.delete(path)
    write_failure(folder, stage, WRITERS[stage].steps[0].job, StageFailed(message), ENDED_EXECUTION)


def put_lock(folder: SceneFolder, holder: str, since: datetime) -> None:
    """Write the lock as its workflow would have done at `since`."""
    lock = folder.catalogue.locks[0]
    folder.at = since
    body = {"scene_id": folder.scene_id, "workflow": lock.workflow, "timestamp": folder.now, lock.holder_field: holder}
    folder.write_json(lock.path, body)
