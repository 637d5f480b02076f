"""An interrupted restore of another kind that still holds something: it is finished or given up before a new one begins."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.delivery.tickets import open_ticket
from tasks.remediation.continuing import LOOKED_BACK_HOURS
from tasks.remediation.run import Run
from tasks.remediation.runs import UNFINISHED, past_runs
from tasks.restore.request import SUBJECT


def unfinished_others(run: Run) -> Iterator[str]:
    """Says which interrupted restore of another kind holds delivery."""
    environment = run.context.environment
    past = past_runs(environment.storage, environment.ops_bucket, SUBJECT, LOOKED_BACK_HOURS)
    if not past or past[-1].outcome != UNFINISHED or past[-1].procedure == run.procedure:
        return
    ticket = open_ticket(environment, past[-1].run)
    if ticket is not None:
        yield (
            f"Run {past[-1].run} was interrupted, and {ticket.sentence()}: run that one again to finish it, or hold-watch "
            "with mode apply to give it up; then run this."
        )
