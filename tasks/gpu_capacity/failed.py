"""Which scenes failed for want of GPUs: by what their newest run of a GPU workflow said, or by the record it left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from blocks.catalogue import Catalogue
from blocks.catalogue_query import expand
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from blocks.execution import Execution
from tasks.pipeline.activity import scene_of_argument


def failed_for_gpus(environment: PipelineEnvironment, since: datetime, until: datetime) -> list[str]:
    """The scenes whose newest run of a GPU workflow ended between two moments because there was no GPU, oldest first.

    What runs again by now, or ran again and ended otherwise, is not among them. Raises OutsideError.
    """
    found: dict[str, datetime] = {}
    for workflow in gpu_workflows(environment.catalogue):
        for scene, one in newest_runs(environment, workflow, since):
            if one.ended is not None and since <= one.ended <= until and was_for_gpus(environment, scene, one, since):
                found.setdefault(scene, one.ended)
    return sorted(found, key=lambda scene: (found[scene], scene))


def gpu_workflows(catalogue: Catalogue) -> list[str]:
    """Workflows that make a stage which needs a GPU."""
    stages = catalogue.stages
    return [name for name, one in catalogue.workflows.items() if any(stages[stage].gpu for stage in one.stages)]


def newest_runs(environment: PipelineEnvironment, workflow: str, since: datetime) -> Iterator[tuple[str, Execution]]:
    """The newest execution on each scene, of those that can have ended after `since`."""
    longest = timedelta(seconds=environment.catalogue.workflows[workflow].timeout_seconds or 3600)
    seen: set[str] = set()
    for one in environment.workflows.executions(workflow, since=since - longest):
        scene = scene_of_argument(one, environment)
        if scene and scene not in seen:
            seen.add(scene)
            yield scene, one


def was_for_gpus(environment: PipelineEnvironment, scene: str, one: Execution, since: datetime) -> bool:
    """Whether an execution that has ended says so itself or, where it failed without a word of it, the scene's record."""
    if says_no_gpu(environment.catalogue, f"{one.error or ''} {json.dumps(one.result)}"):
        return True
    records = failure_records(environment, scene, one.workflow, since) if one.state == "FAILED" else ()
    return any(says_no_gpu(environment.catalogue, text) for text in records)


def says_no_gpu(catalogue: Catalogue, text: str) -> bool:
    """Whether a text has one of the catalogue's words for that."""
    said = text.casefold()
    return any(word.casefold() in said for word in (*catalogue.gpu.failures, *catalogue.gpu.preflight))


def failure_records(environment: PipelineEnvironment, scene: str, workflow: str, since: datetime) -> Iterator[str]:
    """What the failure markers of the workflow's GPU stages say, as far as they were written after `since`."""
    catalogue, bucket = environment.catalogue, environment.data_bucket
    stages = [catalogue.stages[name] for name in catalogue.workflows[workflow].stages]
    paths = [path for stage in stages if stage.gpu for path in stage.failure_markers]
    for path in dict.fromkeys(name for one in paths for name in expand(one, (), None) if "*" not in name):
        found = environment.storage.stat(bucket, catalogue.scene_prefix(scene) + path)
        if found is None or found.updated < since:
            continue
        try:
            yield environment.storage.read(bucket, found.name, generation=found.generation).decode(errors="replace")
        except NotFound:
            continue  # somebody has just removed it
