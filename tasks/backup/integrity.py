"""Are the summaries ours, and is none missing? Each names the SHA-256 of the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from tasks.backup.findings import Findings
from tasks.snapshots.layout import layout_of, night_time
from tasks.snapshots.nights import NightDamaged, read_summary
from tasks.snapshots.summary import Summary


def check_chain(
    environment: PipelineEnvironment, known: Sequence[str], findings: Findings, now: datetime
) -> list[Summary]:
    """Every summary that can be trusted, oldest first; what is wrong with the others goes to `findings`."""
    layout, trusted = layout_of(environment), []
    oldest = now - timedelta(days=environment.backup.keep_nights)
    for night in known:
        where = f"gs://{layout.bucket}/{layout.summary_name(night)}"
        try:
            summary = read_summary(environment, night, list(known))
        except (NightDamaged, OutsideError) as error:
            findings.add("chain", where, str(error))
            continue
        trusted.append(summary)
        before = summary.previous_night
        if before and before not in known and night_time(before) > oldest:
            gone = f"The night before it, {before}, is gone although it had not expired."
            findings.add("chain", where, gone)
    return trusted
