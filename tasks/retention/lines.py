"""What the clean-up job logs, read: one line of JSON for each object, behind the prefix of Python's logging.

The job writes `INFO:root:{"action": "deleted", "class": "intermediate", "path": "/mnt/gcs/scenes/...", ...}` to its stderr
(the pipeline's tools/checkpoint/retention_cleanup.py). A job that logs structured entries says the same in their JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_rules import kept_as
from blocks.logs import LogLine
from tasks.pipeline.retention_record import Removal


@dataclass(slots=True)
class Tally:
    """What the lines of some runs said, counted."""

    runs: int = 0
    """Runs that came to their end."""
    failed: int = 0
    """Objects that could not be removed."""
    dry: int = 0
    """Objects that a dry run would have removed."""
    unread: int = 0
    """Lines that say something was removed, but not what."""
    elsewhere: int = 0
    """Lines about another bucket than the pipeline's."""
    unsure: int = 0
    """Objects that were removed by runs of which nobody can say any more which bucket they cleaned; they count."""
    days: dict[str, int] = field(default_factory=dict)
    """How long each class of the catalogue is kept, as the newest line about it says."""


ACTIONS = ("summary", "delete_failed", "dry_run", "deleted")


def query_of(jobs: set[str], region: str) -> str:
    """The filter of Cloud Logging for everything that these jobs of a region write."""
    names = " OR ".join(f'"{name}"' for name in sorted(jobs))
    where = f'resource.labels.location="{region}"'
    return f'resource.type="cloud_run_job" AND {where} AND resource.labels.job_name=({names})'


def removal_of(
    line: LogLine, catalogue: Catalogue, tally: Tally, ours: Callable[[LogLine], bool | None] = lambda _: True
) -> Removal | None:
    """The object that a line says was removed; everything else is counted.

    `ours`: whether a line is about the pipeline's own bucket; None when nobody knows: then it counts, and that is counted.
    """
    said = line.data or told(line.text)
    action = said.get("action")
    known = ours(line) if isinstance(action, str) and action in ACTIONS else True
    if known is False:
        tally.elsewhere += 1
        return None
    match action:
        case "summary":
            tally.runs += 1
        case "delete_failed":
            tally.failed += 1
        case "dry_run":
            tally.dry += 1
        case "deleted":
            found = _removal(said, line.at, catalogue)
            tally.unread += found is None
            if found is not None:
                tally.unsure += known is None
                _note_days(found, catalogue, tally)
            return found
    return None


def told(text: str) -> dict[str, Any]:
    """The JSON in a line of text; empty when there is none."""
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _removal(said: dict[str, Any], at: datetime, catalogue: Catalogue) -> Removal | None:
    scene, whole = said.get("scene"), said.get("path")
    if not isinstance(scene, str) or not isinstance(whole, str) or not SCENE_ID.fullmatch(scene):
        return None
    _, root, path = whole.partition(f"/{catalogue.scene_prefix(scene)}")  # below wherever the bucket is mounted
    if not root or not path:
        return None
    days, modified, kept_as = said.get("retention_days"), said.get("last_modified"), said.get("class")
    return Removal(
        scene=scene,
        path=path,
        kept_as=kept_as if isinstance(kept_as, str) else "",
        days=days if isinstance(days, int) else 0,
        removed_at=_moment(said.get("deleted_at"), at),
        last_modified=modified if isinstance(modified, str) else "",
    )


def _note_days(one: Removal, catalogue: Catalogue, tally: Tally) -> None:
    """Keep how long the class is kept, by its own name or else by the path."""
    classes = catalogue.retention
    by_path = kept_as(classes, one.path)
    name = one.kept_as if one.kept_as in classes else by_path[0] if by_path else ""
    if name and one.days > 0:
        tally.days[name] = one.days


def _moment(value: object, otherwise: datetime) -> datetime:
    """The time of the run, which all its lines give alike; of a line that gives none, its own."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else otherwise
    except ValueError:
        return otherwise
    return found if found.tzinfo else found.replace(tzinfo=UTC)
