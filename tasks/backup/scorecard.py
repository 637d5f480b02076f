"""What the backups have achieved beside what is aimed at, measured and never estimated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage
from tasks.backup.summary import Summary

DRILLS = "remediation/backup/drills/"
WINDOW = timedelta(days=30)
"""How far back the worst gap is looked for."""
NOT_MEASURED = "not measured yet"


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Achieved recovery point and recovery time."""

    rpo_minutes: float | None
    """From the beginning of the last good night to now: what a loss would cost this minute."""
    worst_gap_minutes: float | None
    """The longest time between the beginnings of two good nights (or since the last one) in 30 days."""
    rto_minutes: float | None
    """What the last good restore drill took; None: there was none."""
    drilled: str
    """When that was."""

    def rows(self, environment: PipelineEnvironment) -> list[dict[str, str]]:
        """The table: achieved beside the targets."""
        rules = environment.backup
        rpo, rto = (
            (rules.target_rpo_minutes, rules.pipeline_rpo_minutes),
            (rules.target_rto_minutes, rules.pipeline_rto_minutes),
        )
        return [
            row("RPO: work that a loss would cost now", self.rpo_minutes, *rpo),
            row("RPO: the worst of the last 30 days", self.worst_gap_minutes, *rpo),
            row(f"RTO: the last restore drill{self.drilled and ', ' + self.drilled}", self.rto_minutes, *rto),
        ]


def row(what: str, achieved: float | None, ours: int, pipelines: int) -> dict[str, str]:
    """One line of the table."""
    return {
        "measure": what,
        "achieved": NOT_MEASURED if achieved is None else minutes(achieved),
        "our target": f"{minutes(ours)} {mark(achieved, ours)}".strip(),
        "the pipeline's own goal": f"{minutes(pipelines)} {mark(achieved, pipelines)}".strip(),
    }


def mark(achieved: float | None, target: float) -> str:
    """Whether the target is met."""
    return "" if achieved is None else "✅" if achieved <= target else "❌"


def minutes(value: float) -> str:
    """`42 min`, `25.0 h`; small ones in seconds."""
    if value < 1:
        return f"{60 * value:.0f} s"
    return f"{value:.0f} min" if value < 120 else f"{value / 60:.1f} h"


def scorecard(environment: PipelineEnvironment, summaries: Sequence[Summary], now: datetime | None = None) -> Scorecard:
    """Measure.

    Args:
        environment: The pipeline.
        summaries: The nights that can be trusted, oldest first.
        now: The time.
    """
    moment = now or datetime.now(UTC)
    begun = [summary.begun_at for summary in summaries if summary.good]
    gaps = [later - earlier for earlier, later in pairwise([*begun, moment]) if later > moment - WINDOW]
    drill = last_drill(environment)
    return Scorecard(
        rpo_minutes=in_minutes(moment - begun[-1]) if begun else None,
        worst_gap_minutes=in_minutes(max(gaps)) if begun else None,
        rto_minutes=float(drill["seconds"]) / 60 if drill else None,
        drilled=str(drill.get("night", "")) and f"of night {drill['night']}" if drill else "",
    )


def in_minutes(span: timedelta) -> float:
    """A time span in minutes."""
    return span.total_seconds() / 60


def last_drill(environment: PipelineEnvironment) -> dict[str, Any]:
    """The record of the last restore drill that succeeded; empty when there is none."""
    bulk = BulkStorage(environment.storage)
    names = [entry.name for page in bulk.pages(environment.ops_bucket, DRILLS) for entry in page]
    for name in sorted(names, reverse=True):
        try:
            found = json.loads(environment.storage.read(environment.ops_bucket, name))
        except ValueError:
            continue
        if (
            isinstance(found, dict)
            and found.get("outcome") == "clean"
            and isinstance(found.get("seconds"), int | float)
        ):
            return found
    return {}
