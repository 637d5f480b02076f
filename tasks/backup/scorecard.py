"""What the backups have achieved beside what is aimed at, measured and never estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pydantic import BaseModel, ValidationError

from blocks.environment import PipelineEnvironment
from blocks.storage_bulk import BulkStorage
from tasks.remediation.outcome import read_word
from tasks.remediation.table import Cell
from tasks.snapshots.summary import Summary

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
    """What one scene took in the last good restore drill; None: there was none."""
    drilled: str
    """The night it restored from."""

    def rows(self, environment: PipelineEnvironment) -> list[dict[str, Cell]]:
        """The table: achieved beside the targets."""
        rules = environment.backup
        of_night = f" (night {self.drilled})" if self.drilled else ""
        rpo, rto = (
            (rules.target_rpo_minutes, rules.pipeline_rpo_minutes),
            (rules.target_rto_minutes, rules.pipeline_rto_minutes),
        )
        return [
            row("RPO: work that a loss would cost now", self.rpo_minutes, *rpo),
            row("RPO: the worst of the last 30 days", self.worst_gap_minutes, *rpo),
            row(f"RTO: one scene in the last restore drill{of_night}", self.rto_minutes, *rto),
        ]


def row(what: str, achieved: float | None, ours: int, pipelines: int) -> dict[str, Cell]:
    """One line of the table."""
    return {
        "measure": what,
        "achieved": NOT_MEASURED if achieved is None else minutes(achieved),
        "our target": f"{minutes(ours)} {mark(achieved, ours)}".strip(),
        "the pipeline's goal": f"{minutes(pipelines)} {mark(achieved, pipelines)}".strip(),
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
    begun = [summary.begun_at for summary in summaries if summary.good and summary.begun_at <= moment]
    gaps = [later - earlier for earlier, later in pairwise([*begun, moment]) if later > moment - WINDOW]
    drill = last_drill(environment)
    return Scorecard(
        rpo_minutes=in_minutes(moment - begun[-1]) if begun else None,
        worst_gap_minutes=in_minutes(max(gaps)) if begun else None,
        rto_minutes=drill.minutes if drill else None,
        drilled=drill.night if drill else "",
    )


def in_minutes(span: timedelta) -> float:
    """A time span in minutes."""
    return span.total_seconds() / 60


class DrilledScene(BaseModel):
    """What a drill's record says of a scene; the rest of it is not needed here."""

    seconds: float
    validation_seconds: float


class Drill(BaseModel):
    """A restore drill's record."""

    night: str
    outcome: str
    scenes: tuple[DrilledScene, ...]

    @property
    def minutes(self) -> float:
        """What the slowest scene took to come back and be proved whole."""
        return max(one.seconds + one.validation_seconds for one in self.scenes) / 60


def last_drill(environment: PipelineEnvironment) -> Drill | None:
    """The last restore drill that succeeded; None when there was none. Other records are passed over."""
    bulk = BulkStorage(environment.storage)
    records = [entry for page in bulk.pages(environment.ops_bucket, DRILLS) for entry in page]
    for entry in sorted(records, key=lambda entry: (entry.updated, entry.generation), reverse=True):
        try:
            found = Drill.model_validate_json(environment.storage.read(environment.ops_bucket, entry.name))
        except ValidationError:
            continue
        if read_word(found.outcome) == "done" and found.scenes:
            return found
    return None
