"""Which nights are kept and which may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.backup import BackupPolicy
from tasks.snapshots.summary import Summary


@dataclass(frozen=True, slots=True)
class Choice:
    """Nights to keep and nights to remove, oldest first."""

    kept: tuple[Summary, ...]
    expired: tuple[Summary, ...]


def choose(summaries: Sequence[Summary], rules: BackupPolicy, now: datetime, held: timedelta = timedelta()) -> Choice:
    """Keep what is young, enough good nights however old they are, and what the bucket's retention holds anyway.

    Without a single good night everything is kept: something is wrong, and what there is may be all there is.

    Args:
        summaries: All nights, oldest first.
        rules: The policy.
        now: The time.
        held: The bucket's retention period.
    """
    good = [summary.night for summary in summaries if summary.good]
    enough = set(good[-rules.keep_at_least :])
    oldest = now - timedelta(days=rules.keep_nights)

    def keeps(summary: Summary) -> bool:
        young = summary.begun_at >= oldest or summary.ended_at + held > now
        return young or not good or summary.night in enough

    return Choice(
        tuple(summary for summary in summaries if keeps(summary)),
        tuple(summary for summary in summaries if not keeps(summary)),
    )
