"""Questions to people that nobody answered: flow runs that waited for an approval until its time was over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

from blocks.errors import TemporaryError

PAGE = 200
NEVER = "never resumed"
"""What Prefect says of such a run: no state, no tag and no event tells it from one that failed otherwise."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A run that waited for a person in vain."""

    name: str
    ended: datetime


def undecided(since: datetime) -> list[Undecided]:
    """Flow runs whose time to be approved has run out since then.

    Raises:
        TemporaryError: the Prefect server does not answer.
    """
    failed = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED]))
    wanted = FlowRunFilter(state=failed, end_time=FlowRunFilterEndTime(after_=since))
    found: list[Undecided] = []
    offset = 0
    try:
        with get_client(sync_client=True) as client:
            while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset):
                offset += len(page)
                for run in page:
                    if run.state is not None and NEVER in (run.state.message or "") and run.end_time is not None:
                        found.append(Undecided(run.name, run.end_time))
    except Exception as error:  # httpx's errors and Prefect's own: whichever it is, nothing is known of any run
        raise TemporaryError(f"The Prefect server could not be asked about approvals: {error}") from error
    return found
