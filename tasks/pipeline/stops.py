"""What stands in the way of a rerun: guards of a scene and of the bucket, and locks with their holders. Read-only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from blocks.catalogue_query import lock_of
from blocks.catalogue_rules import Guard, Lock
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.pipeline.locks import LockFact, holder_lives, holder_of
from tasks.validation.source import BucketSource, SceneFile, Vanished
from tasks.validation.stages.guards import Stop, bucket_guards, guard_of, judge, named_paths


def scene_stops(
    environment: PipelineEnvironment, source: BucketSource, arguments: Iterable[Mapping[str, object]]
) -> tuple[Stop, ...]:
    """Every guard that says something now.

    Args:
        environment: The pipeline.
        source: The scene.
        arguments: Arguments of its former executions, which may name another place for a guard.
    """
    found = [
        stop for path, guard in of_the_scene(environment, source, arguments) if (stop := read(source, path, guard))
    ]
    return tuple(found + list(of_the_bucket(environment, source, arguments)))


def of_the_scene(
    environment: PipelineEnvironment, source: BucketSource, arguments: Iterable[Mapping[str, object]]
) -> Iterator[tuple[str, Guard]]:
    """The scene's objects that are guards."""
    named = elsewhere(environment, source, arguments)
    for path in source.files():
        if (guard := named.get(path) or guard_of(environment.catalogue, path)) is not None:
            yield path, guard


def elsewhere(
    environment: PipelineEnvironment, source: BucketSource, arguments: Iterable[Mapping[str, object]]
) -> dict[str, Guard]:
    """Guards by the places that the scene's settings and former arguments name."""
    found: dict[str, Guard] = {}
    for options in (settings_of(source, environment.catalogue.settings), *arguments):
        found |= named_paths(environment.catalogue, source.scene_id, options)
    return found


def settings_of(source: BucketSource, path: str) -> object:
    """The scene's own settings; None when there are none that can be read."""
    try:
        return json.loads(source.read(path)) if path in source.files() else None
    except (ValueError, Vanished):
        return None


def read(source: BucketSource, path: str, guard: Guard) -> Stop | None:
    try:
        return judge(guard, path, source.read(path))
    except Vanished:
        return None


def of_the_bucket(
    environment: PipelineEnvironment, source: BucketSource, arguments: Iterable[Mapping[str, object]]
) -> Iterator[Stop]:
    """Guards that stand outside the scene."""
    named = elsewhere(environment, source, arguments)
    outside = [(path.lstrip("/"), guard) for path, guard in named.items() if path not in source.files()]
    for name, guard in [*bucket_guards(environment.catalogue), *outside]:
        stored = environment.storage.stat(environment.data_bucket, name)
        if stored is None:
            continue
        try:
            data = environment.storage.read(environment.data_bucket, name, generation=stored.generation)
        except NotFound:
            continue
        if (stop := judge(guard, name, data)) is not None:
            yield stop


def scene_locks(environment: PipelineEnvironment, source: BucketSource) -> list[LockFact]:
    """The scene's lock objects, each with the liveness of the execution it names."""
    found = []
    for path, file in source.files().items():
        lock = lock_of(environment.catalogue, path)
        if lock is None:
            continue
        try:
            body = source.read(path)
        except Vanished:
            continue
        known = named_by_itself(lock, body)
        holder = holder_of(body, known)
        alive = liveness(environment, known, holder, file)
        found.append(LockFact(path, file.generation or 0, file.size, holder, alive))
    return found


def named_by_itself(lock: Lock, body: bytes) -> Lock:
    """The lock with the workflow that the object names, where the catalogue names none."""
    if lock.workflow:
        return lock
    try:
        payload = json.loads(body)
    except ValueError:
        return lock
    workflow = payload.get("workflow") if isinstance(payload, dict) else None
    return lock.model_copy(update={"workflow": workflow}) if isinstance(workflow, str) else lock


def liveness(environment: PipelineEnvironment, lock: Lock, holder: str, file: SceneFile) -> bool | None:
    """Whether the holder lives; None when nobody can be asked, because no workflow of that name is deployed."""
    if holder and "/" not in holder and (not lock.workflow or environment.workflows.get(lock.workflow) is None):
        return None
    return holder_lives(environment, lock, holder, file)
