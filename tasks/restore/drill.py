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
from tasks.recovery.present import counted
from tasks.remediation.context import Context, new_run_id
from tasks.restore.drill_record import DrillRecord, SceneDrill, past_drills, summarise, write_record
from tasks.restore.history import Recorded, recorded
from tasks.restore.night_source import was_whole
from tasks.restore.proof import scene_errors
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import last_good, read_entries
from tasks.snapshots.summary import ManifestEntry, Summary
from tasks.sync.copying import Job, copy_all, delete_all
from tasks.sync.listing import sources
from tasks.sync.order import copy_key
from tasks.sync.shards import Shard
from tasks.sync.walk import walk

SUBJECT = "restore-drill"
"""Of the lease: two drills at once would measure each other."""
NAMED = 3
"""Objects that a problem names; it counts all."""
LOOKED_AT = 20
"""Scenes of the night that are looked at, at most, to find some that were whole."""
LONGEST_NAME = 1024
"""Bytes (Cloud Storage: "Object names"). An object whose name has no room behind the drill's folder is compared where its
copy is."""


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
    """The scenes to restore: those asked for, else whole ones whose last drill is the longest ago."""
    known = list(scenes_of(environment, night))
    if unknown := [one for one in asked if one not in known]:
        raise PermanentError(f"Night {night.night} holds no scene {', '.join(unknown)}; it has {len(known)} others.")
    if asked:
        return list(dict.fromkeys(asked))
    last = {one.scene_id: record.at for record in past_drills(environment) for one in record.scenes}
    never = datetime.min.replace(tzinfo=night.begun_at.tzinfo)
    in_turn = sorted(known, key=lambda scene_id: (last.get(scene_id, never), scene_id))
    return whole_ones_first(environment, night, in_turn)[: environment.backup.drill_scenes]


def whole_ones_first(environment: PipelineEnvironment, night: Summary, in_turn: list[str]) -> list[str]:
    """Scenes that were whole before those that were broken already: only the former prove that a scene comes back.

    Where most are broken these are drilled too, so that each has its turn.
    """
    whole: list[str] = []
    broken: list[str] = []
    for scene_id in in_turn[:LOOKED_AT]:
        good = was_whole(environment, scene_id, records_of(environment, night, scene_id))
        (whole if good else broken).append(scene_id)
        if len(whole) == environment.backup.drill_scenes:
            break
    return [*whole, *broken]


def records_of(environment: PipelineEnvironment, night: Summary, scene_id: str) -> list[Recorded]:
    """Everything a night has of one scene. Bounded by a scene's size."""
    prefix = environment.catalogue.scene_prefix(scene_id)
    return [record for _, record in recorded(environment, layout_of(environment), night, prefix, Shard())]


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
    records = records_of(environment, night, scene_id)
    placed = [one for one in records if len((root + one.entry.name).encode()) <= LONGEST_NAME]
    began = time.monotonic()
    problems = copy_scene(environment, placed, root, check)
    problems += compare(environment, [record.entry for record in placed], root, prefix)
    problems += compare_in_place([one for one in records if one not in placed])
    copied = time.monotonic()
    found, notes = validate(environment, night, placed, root, scene_id)
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
        f"{one.entry.name} ({answer.message.rstrip('.')})"
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


def compare_in_place(records: list[Recorded]) -> list[str]:
    """The copies that cannot be put into the drill's folder, against what the night recorded."""
    wrong = [
        one.entry.name
        for one in records
        if one.copy is None or (one.copy.size, one.copy.crc32c) != (one.entry.size, one.entry.crc32c)
    ]
    return [f"{counted(len(wrong), 'copy')} with a long name: not what was recorded: {wrong[0]}."] if wrong else []


def validate(
    environment: PipelineEnvironment, night: Summary, records: list[Recorded], root: str, scene_id: str
) -> tuple[list[str], list[str]]:
    """Problems and notes. What is restored byte for byte and has errors, was captured with them.

    That is the scene's fault and no backup's, unless the night caught the scene while somebody wrote it: then what was
    captured may never have existed at one time.
    """
    prefix = environment.catalogue.scene_prefix(scene_id)
    times = {one.entry.name.removeprefix(prefix): one.entry.updated for one in records}
    errors = scene_errors(environment, scene_id, times, environment.ops_bucket, root)
    if not errors:
        return [], []
    first = "; ".join(f"{path}: {message.rstrip('.')}" for path, message in list(errors.items())[:NAMED])
    said = f"{counted(len(errors), 'object')} of {scene_id} with an error: {first}."
    if any(datetime.fromisoformat(time) >= night.begun_at for time in times.values()):
        return [f"It was written while night {night.night} captured it, and the copy is broken: {said}"], []
    return [], [f"Restored exactly as night {night.night} recorded it, when it was broken already: {said}"]


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
