"""Look at every scene, cheaply, and say which are broken. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from blocks.catalogue import SCENE_ID
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.policy import RemediationPolicy
from tasks.pipeline.scene_view import scene_view
from tasks.recovery.rerun import earliest_broken
from tasks.validation.findings import Finding
from tasks.validation.scene import validate_scene

CHUNK = 100
"""Scenes validated by one task run."""
PARALLEL = 8
"""Scenes validated at a time within a chunk."""

Item = TypeVar("Item")


class Verdict(BaseModel):
    """What the sweep found of one scene. Small, so that ten thousand fit in memory."""

    scene_id: str
    healthy: bool
    fault: str = ""
    errors: int = 0
    first: str = ""
    unseen: str = ""
    """Why the scene could not be looked at. Unknown is not broken."""
    stages: dict[str, str] = Field(default_factory=dict)
    """The state of every stage of a scene that is broken."""
    stopped: str = ""
    """What a person, or the pipeline itself, has put there to stop work on it; that is no fault of the scene."""


def scene_ids(environment: PipelineEnvironment) -> Iterator[str]:
    """Every scene of the data bucket, page by page. Folders that are no scene ids are left out."""
    root = environment.catalogue.scene_root.partition("{scene_id}")[0]
    for folder in environment.storage.prefixes(environment.data_bucket, root):
        name = folder.removeprefix(root).rstrip("/")
        if SCENE_ID.fullmatch(name):
            yield name


def look(environment: PipelineEnvironment, scene_id: str) -> Verdict:
    """Validate one scene's documents and file list."""
    try:
        report = validate_scene(scene_view(environment, scene_id), environment.catalogue, "documents")
    except OutsideError as error:
        return Verdict(scene_id=scene_id, healthy=False, unseen=str(error))
    errors = [finding for finding in report.findings if finding.severity == "error"]
    start = next(iter(earliest_broken(report.stages, environment.catalogue)), "")
    code = next((f.code for f in errors if f.stage == start), errors[0].code if errors else "")
    return Verdict(
        scene_id=scene_id,
        healthy=bool(report.healthy),
        unseen=f"{report.undecided[0]} was not read" if report.healthy is None else "",
        fault=f"{start}:{code}" if errors else "",
        errors=len(errors),
        first=said(errors[0]) if errors else "",
        stages=dict(report.stages) if errors else {},
        stopped=next((finding.message for finding in report.findings if finding.code == "work-stopped"), ""),
    )


def said(finding: Finding) -> str:
    """What is wrong, with the object, named once."""
    return finding.message if finding.object in finding.message else f"{finding.object}: {finding.message}"


def look_at_all(environment: PipelineEnvironment, wanted: list[str]) -> list[Verdict]:
    """Validate a chunk of scenes, several at a time."""
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return list(pool.map(lambda scene_id: look(environment, scene_id), wanted))


def chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """The items in lists of at most `size`, never all at once."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def fault_table(bad: list[Verdict], most: int) -> list[dict[str, Any]]:
    """Scenes that need attention, those with the most frequent fault first; at most `most` rows."""
    if not bad:
        return []
    import pandas as pd  # only where a table is made: it costs half a second, and most runs make none

    frame = pd.DataFrame([verdict.model_dump() for verdict in bad])
    frame["scenes with this fault"] = frame.groupby("fault")["scene_id"].transform("count")
    frame["what"] = frame["unseen"].where(frame["unseen"] != "", frame["first"])
    ordered = frame.sort_values(["scenes with this fault", "scene_id"], ascending=[False, True]).head(most)
    columns = {"scene_id": "scene", "fault": "fault", "errors": "errors", "what": "first"}
    return list(ordered[[*columns, "scenes with this fault"]].rename(columns=columns).to_dict("records"))


def systematic_faults(bad: list[Verdict], seen: int, policy: RemediationPolicy) -> dict[str, int]:
    """Faults on so many scenes, in number and in percent of those looked at, that the cause is not in the scenes."""
    counts = Counter(verdict.fault for verdict in bad if not verdict.unseen)
    least = max(policy.systematic_scenes, policy.systematic_percent * seen / 100)
    return {fault: count for fault, count in counts.most_common() if count >= least}
