"""The kinds of action of a drill: restore and prove one scene in the drills' folder, and empty that folder."""

from __future__ import annotations

import time
from datetime import datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.storage_bulk import BulkStorage, Copy, Deletion
from tasks.remediation.journal import Journal
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.report import counted
from tasks.restore.drill_record import SceneDrill
from tasks.restore.verify_lists import scene_errors
from tasks.restore.versions import Recorded, recorded
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_summary
from tasks.snapshots.summary import ManifestEntry, Summary
from tasks.sync.copy_names import copy_key
from tasks.sync.copying import Job, copy_all, delete_all
from tasks.sync.key_ranges import KeyRange
from tasks.sync.listing import sources
from tasks.sync.merge_join import merge_join

NAMED = 3
"""Objects that a problem names; it counts all."""
LONGEST_NAME = 1024
"""Bytes (Cloud Storage: "Object names"). An object whose name has no room behind the drill's folder is compared where its
copy is."""


class DrillScene(Params):
    """One scene of one night."""

    night: str
    scene: str


class ClearScratch(Params):
    """The drills' folder, all of it."""


def apply_drill(doing: Doing, params: DrillScene) -> str:
    """Restore one scene, compare it with the manifest, and validate it. What goes wrong is a result, not an error."""
    environment = doing.context.environment
    doing.context.say(f"restoring {params.scene} of night {params.night}")
    try:
        found = drilled(doing, environment, params)
    except OutsideError as error:
        doing.note(problem=f"{params.scene}: {error}")
        return "failed"
    doing.note(scene=found.model_dump(mode="json"))
    return "failed" if found.problems else "whole"


def drilled(doing: Doing, environment: PipelineEnvironment, params: DrillScene) -> SceneDrill:
    """What came of one scene."""
    prefix = environment.catalogue.scene_prefix(params.scene)
    root = f"{environment.backup.drill_prefix}{doing.journal.run}/"
    night = read_summary(environment, params.night)
    records = records_of(environment, night, params.scene)
    placed = [one for one in records if len((root + one.entry.name).encode()) <= LONGEST_NAME]
    began = time.monotonic()
    problems = copy_scene(doing, placed, root)
    problems += compare(environment, [record.entry for record in placed], root, prefix)
    problems += compare_in_place([one for one in records if one not in placed])
    copied = time.monotonic()
    found, notes = validate(environment, night, placed, root, params.scene)
    return SceneDrill(
        scene_id=params.scene,
        objects=len(records),
        bytes=sum(record.entry.size for record in records),
        seconds=copied - began,
        validation_seconds=time.monotonic() - copied,
        problems=(*problems, *found),
        notes=tuple(notes),
    )


def records_of(environment: PipelineEnvironment, night: Summary, scene_id: str) -> list[Recorded]:
    """Everything a night has of one scene. Bounded by a scene's size."""
    prefix = environment.catalogue.scene_prefix(scene_id)
    return [record for _, record in recorded(environment, layout_of(environment), night, prefix, KeyRange())]


def copy_scene(doing: Doing, records: list[Recorded], root: str) -> list[str]:
    """Copy what the night recorded into the scratch place; one sentence for each kind of failure."""
    environment = doing.context.environment
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
        for one, answer in copy_all(bulk, jobs, workers=workers, check=doing.check)
        if answer.result not in ("done", "refused")  # refused: this drill copied it before it was tried again
    ]
    problems = [f"{len(gone)} copies are gone: {', '.join(gone[:NAMED])}."] if gone else []
    return problems + ([f"{len(failed)} copies could not be restored: {'; '.join(failed[:NAMED])}."] if failed else [])


def compare(environment: PipelineEnvironment, entries: list[ManifestEntry], root: str, prefix: str) -> list[str]:
    """What was restored against what the night recorded: names, sizes, checksums."""
    bulk = BulkStorage(environment.storage)
    there = (
        (copy_key(entry.name.removeprefix(root), 0), entry)
        for _, entry in sources(bulk, environment.ops_bucket, root + prefix, KeyRange())
    )
    wanted = ((copy_key(entry.name, 0), entry) for entry in entries)
    wrong = [
        entry.name if entry is not None else found.name if found is not None else ""
        for entry, found in merge_join(wanted, there)
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


def apply_clear(doing: Doing, _params: ClearScratch) -> str:
    """Remove everything below the drills' folder, each generation as listed. What could not be removed is a problem."""
    environment = doing.context.environment
    bulk, bucket, prefix = BulkStorage(environment.storage), environment.ops_bucket, environment.backup.drill_prefix
    try:
        found = (one for page in bulk.pages(bucket, prefix) for one in page)
        deletions = (Deletion(bucket, one.name, one.generation) for one in found)
        answers = list(delete_all(bulk, deletions, check=doing.check))
    except OutsideError as error:
        doing.note(problem=f"What was restored could not be removed: {error}")
        return "failed"
    left = [one.name for one, answer in answers if answer.result not in ("done", "missing")]
    if left:
        doing.note(problem=f"{len(left)} objects are left in gs://{bucket}/{prefix}: the next drill removes them.")
    return f"{len(answers) - len(left):,} removed"


def scenes_drilled(journal: Journal) -> list[SceneDrill]:
    """What the journal says of the scenes."""
    return [SceneDrill.model_validate(entry.data["scene"]) for entry in journal.entries if "scene" in entry.data]


def problems_of(journal: Journal) -> list[str]:
    """What else went wrong."""
    return [str(entry.data["problem"]) for entry in journal.entries if "problem" in entry.data]


drill_scene = Kind(name="drill_scene", params=DrillScene, effect="write", apply=apply_drill, task="restore_scenes")
clear_scratch = Kind(
    name="clear_scratch", params=ClearScratch, effect="delete", apply=apply_clear, task="clear_scratch"
)
