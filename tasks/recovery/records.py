"""Records by which a workflow knows that it has done a piece of work already (idempotency records).

While the record of a job is there, running the simulation or its import again does nothing: the workflow answers
SKIPPED, with `job.json` already gone. So the records of the job that is run again are moved to quarantine with it.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blocks.catalogue import Catalogue
from blocks.patterns import matches
from tasks.validation.documents.json_values import at, mapping, text
from tasks.validation.source import BucketSource, Vanished

KEYS = ("key", "task_config_hash", "export_manifest_hash")
"""Where the job's own record keeps the hash that its idempotency record is named after."""


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """One such record of a scene."""

    path: str
    stage: str
    """What does nothing while it is there."""
    ours: bool | None
    """Whether it is of the job that `job.json` names; None when nobody can tell."""


def work_records(source: BucketSource, catalogue: Catalogue, job_id: str | None, job_path: str) -> list[WorkRecord]:
    """The scene's records, each with whether it is the current job's."""
    job = content(source, job_path)
    names = {text(at(job, "idempotency", key)) for key in KEYS} | {job_id}
    found = []
    for path in source.files():
        stage = stage_of_record(catalogue, path)
        if stage:
            found.append(WorkRecord(path, stage, is_ours(source, path, names - {None}, job_id)))
    return found


def stage_of_record(catalogue: Catalogue, path: str) -> str:
    """The stage a record is about, by the first rule whose pattern fits; empty for everything else."""
    return next((rule.stage for rule in catalogue.work_records if matches(rule.path, path)), "")


def is_ours(source: BucketSource, path: str, names: Iterable[str | None], job_id: str | None) -> bool | None:
    record = content(source, path)
    stem = posixpath.splitext(posixpath.basename(path))[0]
    said = {stem, text(record.get("job_id")), text(record.get("hash"))}
    if said & set(names):
        return True
    return None if job_id is None or text(record.get("job_id")) is None else False


def content(source: BucketSource, path: str) -> dict[str, object]:
    """A small JSON object; empty when there is none that can be read."""
    try:
        return mapping(json.loads(source.read(path))) if path in source.files() else {}
    except (ValueError, RecursionError, Vanished):
        return {}


def undecided(records: Iterable[WorkRecord], stages: Iterable[str]) -> Iterator[str]:
    """One sentence for each record of which nobody can tell whether it makes the rerun skip."""
    made = set(stages)
    for record in records:
        if record.stage in made and record.ours is None:
            yield (
                f"{record.path} may make the rerun of {record.stage} answer SKIPPED, and nothing tells which job it is "
                "of; look at it, and move it out of the scene by hand if it is of the run that is made again."
            )
