"""Verify: prove that a rerun made what it should have, from its outputs and not from what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from blocks.catalogue import Catalogue
from blocks.catalogue_query import class_of, expand
from blocks.errors import PermanentError
from blocks.patterns import matches
from tasks.pipeline.scene_view import scene_view
from tasks.remediation.kind import Doing, Kind, Params
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.source import BucketSource, SceneFile, Vanished

CLOCK_SKEW = timedelta(seconds=2)
"""How far the clocks of Cloud Storage and Workflows may differ when 'newer than the rerun' is decided."""


class VerifyStages(Params):
    """What is to be proved."""

    stages: list[str]
    after: str
    """Target of the start that made them."""


def apply_verify(doing: Doing, params: VerifyStages) -> str:
    """Check that the stages of the action are complete, whole, and newer than the execution that made them.

    Raises:
        PermanentError: something is missing, broken, or older than the rerun; the message names it.
    """
    environment = doing.context.environment
    source = scene_view(environment, doing.journal.subject)
    stages = params.stages
    report = validate_scene(source, environment.catalogue, "full")
    began = started_at(doing, params)
    files = source.files()
    problems = [*broken(report, stages, to_be_recorded(environment.catalogue, stages))]
    problems += old_outputs(environment.catalogue, stages, files, object_ids(source), began)
    problems += changed_inputs(doing, files)
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise PermanentError(f"The rerun of {doing.journal.subject} did not prove itself: {shown}.")
    return f"verified: {', '.join(stages)}"


def to_be_recorded(catalogue: Catalogue, stages: Iterable[str]) -> set[str]:
    """Markers that a later step writes once the stages are proved: their absence is no fault yet."""
    names = [name for stage in stages for name in catalogue.stages[stage].markers]
    return {path for name in names if catalogue.markers[name].rewrite for path in catalogue.markers[name].paths}


def broken(report: SceneReport, stages: Iterable[str], expected_absent: set[str]) -> list[str]:
    """Stages that are not complete, with their first error."""
    found = []
    for stage in stages:
        state = report.stages.get(stage, "never_ran")
        errors = [f for f in report.findings if f.stage == stage and f.severity == "error"]
        real = [finding for finding in errors if finding.object not in expected_absent]
        if state != "complete" and (real or not errors):
            found.append(f"{stage} is {state}" + (f" ({real[0].message})" if real else ""))
    return found


def started_at(doing: Doing, params: VerifyStages) -> datetime:
    """When the execution that made the stages was created, by its own service's clock."""
    environment, after = doing.context.environment, params.after
    for entry in reversed(doing.journal.entries):
        if entry.kind == "note" and "execution" in entry.data and str(entry.data["action"]).endswith(f":{after}"):
            name = str(entry.data["execution"])
            source = environment.jobs if "/jobs/" in name else environment.workflows
            return source.execution(name).created
    raise PermanentError(f"The journal names no execution of {after}; nothing can be proved about its outputs.")


def old_outputs(
    catalogue: Catalogue, stages: Iterable[str], files: Mapping[str, SceneFile], objects: list[str], began: datetime
) -> list[str]:
    """Required outputs and markers that were there before the rerun began."""
    found = []
    for stage in stages:
        for output in catalogue.stages[stage].outputs:
            if not output.required or class_of(catalogue, output.path) == "input":
                continue
            for pattern in expand(output.path, objects, None):
                newest = max(
                    (f.updated for path, f in files.items() if f.updated and matches(pattern, path)), default=None
                )
                if newest is not None and newest < began - CLOCK_SKEW:
                    found.append(f"{pattern} is from {newest:%H:%M:%S}, before the rerun of {began:%H:%M:%S} UTC")
    return found


def changed_inputs(doing: Doing, files: Mapping[str, SceneFile]) -> list[str]:
    """Inputs that are not the generation they were when the run began (nothing in a plan may touch them)."""
    seen = doing.journal.entries[0].data.get("inputs", {})
    if not isinstance(seen, dict):
        return []
    return [
        f"input {path} changed while the run was under way"
        for path, generation in seen.items()
        if (file := files.get(path)) is None or file.generation != generation
    ]


def object_ids(source: BucketSource) -> list[str]:
    """The ids of the scene's manifest; none when it cannot be read (validation says so itself)."""
    try:
        manifest = json.loads(source.read("assets/scene_manifest.json"))
        return [str(found["id"]) for found in manifest["objects"]]
    except (KeyError, TypeError, ValueError, Vanished):
        return []


verify_stages = Kind(
    name="verify_stages", params=VerifyStages, effect="read", apply=apply_verify, task="validate_outputs"
)
