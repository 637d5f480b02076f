"""The drill: restore some scenes of the newest good night to a place where nothing listens, and prove them.

Everything below `drill_prefix` of the ops bucket belongs to drills: what a killed one left there is removed by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from blocks.catalogue_query import split_scene
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PermanentError
from blocks.storage_bulk import BulkStorage, Copy, Deletion
from tasks.backup.layout import layout_of
from tasks.backup.nights import last_good, read_entries
from tasks.backup.summary import ManifestEntry, Summary
from tasks.remediation.context import Context, new_run_id
from tasks.restore.drill_record import DrillRecord, SceneDrill, past_drills, summarise, write_record
from tasks.restore.history import Recorded, recorded
from tasks.restore.proof import scene_errors
from tasks.sync.copying import Job, copy_all, delete_all
from tasks.sync.listing import sources
from tasks.sync.order import copy_key
from tasks.sync.shards import Shard
from tasks.sync.walk import walk

SUBJECT = "restore-drill"
"""Of the lease: two drills at once would measure each other."""
NAMED = 3
"""Objects that a problem names; it counts all."""


def drill(context: Context, scene_ids: list[str] | None = None) -> DrillRecord:
    """Restore, prove, measure, clean up, and keep the record.

    Args:
        context: Environment, actor, and how to speak.
        scene_ids: The scenes; by default those whose last drill is the longest ago.

    Raises:
        PermanentError: there is no good night, or it does not hold such a scene.
        LeaseBusy: another drill is under way.
    """
    environment, run = context.environment, new_run_id()
    with context.holding(SUBJECT, run) as lease:
        night = last_good(environment) if environment.backup_bucket else None
        if night is None:
            raise PermanentError("There is no good night to restore from: find out why no backup has succeeded.")
        clean_up(environment, lease.check)
        chosen = choose(environment, night, scene_ids or [])
        scenes: list[SceneDrill] = []
        problems: list[str] = []
        try:
            for scene_id in chosen:
                context.say(f"restoring {scene_id} of night {night.night}")
                scenes.append(drill_scene(environment, night, scene_id, run, lease.check))
        except OutsideError as error:
            problems.append(str(error))
        finally:
            problems += clean_up(environment, lease.check)
        record = summarise(run, night, scenes, problems)
        write_record(environment, record)
    return record


def choose(environment: PipelineEnvironment, night: Summary, asked: list[str]) -> list[str]:
    """The scenes to restore: those asked for, else those whose last drill is the longest ago."""
    known = list(scenes_of(environment, night))
    if unknown := [one for one in asked if one not in known]:
        raise PermanentError(f"Night {night.night} holds no scene {', '.join(unknown)}; it has {len(known)} others.")
    if asked:
        return list(dict.fromkeys(asked))
    last = {one.scene_id: record.at for record in past_drills(environment) for one in record.scenes}
    never = datetime.min.replace(tzinfo=night.begun_at.tzinfo)
    return sorted(known, key=lambda scene_id: (last.get(scene_id, never), scene_id))[: environment.backup.drill_scenes]


def scenes_of(environment: PipelineEnvironment, night: Summary) -> Iterator[str]:
    """The scenes a night holds, each once."""
    last: str | None = None
    for entry in read_entries(environment, night):
        scene_id, _ = split_scene(environment.catalogue, entry.name)
        if scene_id is not None and scene_id != last:
            yield scene_id
            last = scene_id


def drill_scene(
    environment: PipelineEnvironment, night: Summary, scene_id: str, run: str, check: Callable[[], None]
) -> SceneDrill:
    """Restore one scene, compare it with the manifest, and validate it."""
    prefix = environment.catalogue.scene_prefix(scene_id)
    root = f"{environment.backup.drill_prefix}{run}/"
    records = [record for _, record in recorded(environment, layout_of(environment), night, prefix, Shard())]
    began = time.monotonic()
    problems = copy_scene(environment, records, root, check)
    problems += compare(environment, [record.entry for record in records], root, prefix)
    copied = time.monotonic()
    found, notes = validate(environment, [record.entry for record in records], root, scene_id)
    return SceneDrill(
        scene_id=scene_id,
        objects=len(records),
        bytes=sum(record.entry.size for record in records),
        seconds=copied - began,
        validation_seconds=time.monotonic() - copied,
        problems=(*problems, *found),
        notes=tuple(notes),
    )


def copy_scene(
    environment: PipelineEnvironment, records: list[Recorded], root: str, check: Callable[[], None]
) -> list[str]:
    """Copy what the night recorded into the scratch place; one sentence for each kind of failure."""
    source, target = layout_of(environment).bucket, environment.ops_bucket
    gone = [record.entry.name for record in records if record.copy is None]
    jobs = (
        Job(Copy(source, one.copy.name, one.copy.generation, target, root + one.entry.name), one.entry.size, one)
        for one in records
        if one.copy is not None
    )
    bulk, workers = BulkStorage(environment.storage), environment.backup.workers
    failed = [
        f"{one.entry.name} ({answer.message})"
        for one, answer in copy_all(bulk, jobs, workers=workers, check=check)
        if answer.result != "done"
    ]
    problems = [f"{len(gone)} copies are gone: {', '.join(gone[:NAMED])}."] if gone else []
    return problems + ([f"{len(failed)} copies could not be restored: {'; '.join(failed[:NAMED])}."] if failed else [])


def compare(environment: PipelineEnvironment, entries: list[ManifestEntry], root: str, prefix: str) -> list[str]:
    """What was restored against what the night recorded: names, sizes, checksums."""
    bulk = BulkStorage(environment.storage)
    there = (
        (copy_key(entry.name.removeprefix(root), 0), entry)
        for _, entry in sources(bulk, environment.ops_bucket, root + prefix, Shard())
    )
    wanted = ((copy_key(entry.name, 0), entry) for entry in entries)
    wrong = [
        entry.name if entry is not None else found.name if found is not None else ""
        for entry, found in walk(wanted, there)
        if entry is None or found is None or (entry.size, entry.crc32c) != (found.size, found.crc32c)
    ]
    return [f"{len(wrong)} restored objects are not what was recorded: {', '.join(wrong[:NAMED])}."] if wrong else []


def validate(
    environment: PipelineEnvironment, entries: list[ManifestEntry], root: str, scene_id: str
) -> tuple[list[str], list[str]]:
    """Problems and notes: an error of the restored scene that the live scene has too is the scene's own."""
    prefix = environment.catalogue.scene_prefix(scene_id)
    times = {entry.name.removeprefix(prefix): entry.updated for entry in entries}
    errors = scene_errors(environment, scene_id, times, environment.ops_bucket, root)
    if not errors:
        return [], []
    live = scene_errors(environment, scene_id, {})
    own = {path: message for path, message in errors.items() if live.get(path) != message}
    notes = [f"{scene_id} was broken when it was captured, and still is: {path}." for path in errors if path not in own]
    return [f"{path}: {message}" for path, message in own.items()][:NAMED], notes[:NAMED]


def clean_up(environment: PipelineEnvironment, check: Callable[[], None]) -> list[str]:
    """Remove everything below the drills' folder, each generation as listed. What could not be removed is a problem."""
    bulk, bucket = BulkStorage(environment.storage), environment.ops_bucket
    try:
        found = (one for page in bulk.pages(bucket, environment.backup.drill_prefix) for one in page)
        deletions = (Deletion(bucket, one.name, one.generation) for one in found)
        answers = delete_all(bulk, deletions, check=check)
        left = [one.name for one, answer in answers if answer.result not in ("done", "missing")]
    except OutsideError as error:
        return [f"What was restored could not be removed: {error}"]
    where = f"gs://{bucket}/{environment.backup.drill_prefix}"
    return [f"{len(left)} objects are left in {where}: the next drill removes them."] if left else []
