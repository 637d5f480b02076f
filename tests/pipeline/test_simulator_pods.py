"""Since when the simulator is out, and since when it is back, as Kubernetes has it of its pods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_pods import PodInfo
from tasks.pipeline.simulator_pods import back_since, out_since, server_pods

AT = datetime(2026, 1, 18, 12, 0, 5, tzinfo=UTC)


def later(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def pod(minutes: float | None = 0, **changes: Any) -> PodInfo:
    """A pod of the server that is not ready since so long after `AT`."""
    settings: dict[str, Any] = {
        "name": "geniesim-server-1-a", "job": "", "phase": "Running", "created": later(-600), "probed": True,
        "replica_set": "geniesim-server-1", "ready_changed": None if minutes is None else later(minutes),
    }  # fmt: skip
    return PodInfo(**settings | changes)


@pytest.mark.parametrize(
    ("pods", "since"),
    [
        ([], None),
        ([pod(3)], later(3)),
        ([pod(3), pod(1)], later(3)),  # the last one took the service with it
        ([pod(3), pod(1, ready=True)], None),  # one is well: Kubernetes knows of no outage
        ([pod(None)], None),
        ([pod(3, restarts=4)], later(3)),  # its probe never said yes between the restarts
        ([pod(3, restarts=1, probed=False)], later(3)),
        ([pod(3, restarts=2, probed=False)], None),  # ready for a moment after each restart
    ],
)
def test_it_is_out_since_the_last_pod_ceased_to_be_ready(pods: list[PodInfo], since: datetime | None) -> None:
    assert out_since(pods) == since


@pytest.mark.parametrize(
    ("pods", "since"),
    [
        ([], None),
        ([pod(5, ready=True)], later(5)),
        ([pod(9, ready=True), pod(5, ready=True)], later(5)),
        ([pod(0, ready=True)], AT),
        ([pod(-1, ready=True)], None),  # it was ready before: that is no end
        ([pod(-1, ready=True), pod(5, ready=True)], later(5)),
        ([pod(5)], None),
        ([pod(None, ready=True)], None),
    ],
)
def test_it_is_back_since_the_first_pod_became_ready_after_it_went(pods: list[PodInfo], since: datetime | None) -> None:
    assert back_since(pods, AT) == since


@pytest.mark.parametrize(
    ("changes", "its"),
    [
        ({}, True),
        ({"phase": "Failed"}, False),
        ({"phase": "Succeeded"}, False),
        ({"replica_set": "geniesim-server-b-1"}, False),
        ({"replica_set": "", "job": "geniesim-gpu-kitchen-1-1"}, False),  # it has a server of its own
    ],
)
def test_pods_of_the_server_are_those_of_its_deployments_that_have_not_ended(
    environment: PipelineEnvironment, changes: dict[str, str], its: bool
) -> None:
    assert server_pods(environment, [pod(**changes)]) == ([pod(**changes)] if its else [])
