"""What Prefect's own scheduler has made of the deployments' schedules: whether runs are made, taken up, and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from blocks.errors import TemporaryError

PAGE = 200
HOLDING = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]
"""States in which a run may hold a slot of its deployment's concurrency limit."""
RUNS = 50
"""Scheduled runs of one deployment that are looked at; Prefect makes at most a hundred ahead."""


@dataclass(frozen=True, slots=True)
class ScheduledDeployment:
    """One deployment that is to run by itself."""

    name: str
    late: datetime | None
    """When the oldest run that nobody has taken up should have begun."""
    following: datetime | None
    """When it is to run next; None: the scheduler makes no runs for it."""
    last: datetime | None
    """When a run of it last ended."""
    last_state: str
    """How, as in `COMPLETED` or `CRASHED`; empty when none has ended."""


def scheduled_deployments(grace: timedelta) -> list[ScheduledDeployment]:
    """Every deployment with an active schedule, as the Prefect server in use sees it.

    Args:
        grace: How late a run may be before it counts.

    Raises:
        TemporaryError: the server does not answer.
    """
    try:
        with get_client(sync_client=True) as client:
            return [look(client, one, grace) for one in every_deployment(client) if is_scheduled(one)]
    except Exception as error:  # httpx's errors and Prefect's own: whichever it is, nothing is known of any schedule
        raise TemporaryError(f"The Prefect server could not be asked about its schedules: {error}") from error


def leaked_slots(grace: timedelta) -> list[str]:
    """Concurrency slots that no flow run holds, one phrase each: runs of that deployment wait for them in vain.

    Args:
        grace: How long a limit must have been unchanged; a slot is taken a moment before its run is Pending.

    Raises:
        TemporaryError: the server does not answer.
    """
    found = []
    try:
        with get_client(sync_client=True) as client:
            names = {f"deployment:{one.id}": one for one in every_deployment(client)}
            for limit in every_limit(client):
                one, taken = names.get(limit["name"]), limit["active_slots"]
                changed = datetime.fromisoformat(limit["updated"])
                if one is None or not taken or changed > datetime.now(UTC) - grace:
                    continue
                holding = len(runs_of(client, one, HOLDING, FlowRunSort.START_TIME_DESC))
                if holding < min(taken, RUNS):  # with as many as are looked at, nobody can tell
                    found.append(f"{one.name} has {taken} of {limit['limit']} slots taken by {holding} runs")
    except Exception as error:
        raise TemporaryError(f"The Prefect server could not be asked about its limits: {error}") from error
    return found


def every_deployment(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """All of them, page by page."""
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(limit=PAGE, offset=len(found)):
        found += page
    return found


def every_limit(client: SyncPrefectClient) -> list[dict[str, Any]]:
    """All concurrency limits, page by page, as the API gives them."""
    found: list[dict[str, Any]] = []
    while page := client.request(
        "POST", "/v2/concurrency_limits/filter", json={"limit": PAGE, "offset": len(found)}
    ).json():
        found += page
    return found


def is_scheduled(one: DeploymentResponse) -> bool:
    """Whether it is to run by itself."""
    return not one.paused and any(schedule.active for schedule in one.schedules)


def look(client: SyncPrefectClient, one: DeploymentResponse, grace: timedelta) -> ScheduledDeployment:
    """What became of one deployment's schedule."""
    now = datetime.now(UTC)
    waiting = runs_of(client, one, [StateType.SCHEDULED], FlowRunSort.EXPECTED_START_TIME_ASC)
    times = sorted(run.expected_start_time for run in waiting if run.auto_scheduled and run.expected_start_time)
    ended = runs_of(
        client,
        one,
        [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED],
        FlowRunSort.END_TIME_DESC,
    )
    last = ended[0] if ended else None
    return ScheduledDeployment(
        name=one.name,
        late=next((time for time in times if time < now - grace), None),
        following=next((time for time in times if time >= now - grace), None),
        last=last.end_time if last else None,
        last_state=last.state_type.value if last and last.state_type else "",
    )


def runs_of(
    client: SyncPrefectClient, one: DeploymentResponse, states: list[StateType], sort: FlowRunSort
) -> list[FlowRun]:
    """Its flow runs in some states."""
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[one.id])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states))),
        sort=sort,
        limit=RUNS,
    )
