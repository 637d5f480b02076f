"""Slots of a concurrency limit whose holder died: Prefect itself gives them back, so nothing of ours has to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Completed, Crashed, Pending, Running

from blocks.schedules import leaked_slots
from tests.deployments.world import RunningStack, wait_for

LONG_AGO = "2026-06-01T00:00:00+00:00"
HOLDER = """
import sys, time, urllib.request
while True:
    renew = urllib.request.Request(sys.argv[1], b'{"lease_duration": 60}', {"content-type": "application/json"})
    urllib.request.urlopen(renew, timeout=60).close()
    print("renewed", flush=True)
    time.sleep(0.2)
"""
"""What a run's process does for its slot (Prefect: `maintain_concurrency_lease`), only more often."""


class Limited:
    """A deployment that two runs at most may have, and that no worker carries out."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.name = f"limited-{uuid4().hex[:8]}"
        flow = stack.prefect("POST", "flows/", {"name": self.name})["id"]
        made = stack.prefect("POST", "deployments/", {"name": self.name, "flow_id": flow, "concurrency_limit": 2})
        self.id: str = made["id"]

    def run(self) -> FlowRun:
        """A run that has a slot and runs, as Prefect sees it. By its own client: of others it takes the lease away."""
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(UUID(self.id))
            states: list[State[Any]] = [Pending(), Running()]
            for state in states:
                assert client.set_flow_run_state(run.id, state).status == SetStateStatus.ACCEPT
            return client.read_flow_run(run.id)

    @property
    def taken(self) -> int:
        """Slots that are taken now."""
        return int(self.stack.prefect("GET", f"v2/concurrency_limits/deployment:{self.id}")["active_slots"])

    def leaked(self) -> list[str]:
        """What the watchdog would say of it."""
        return [one for one in leaked_slots(timedelta(0)) if one.startswith(self.name)]


@pytest.fixture
def limited(stack: RunningStack) -> Iterator[Limited]:
    made = Limited(stack)
    with temporary_settings({PREFECT_API_URL: stack.api_url}):
        yield made
    for run in stack.runs(made.name):
        stack.prefect("DELETE", f"flow_runs/{run['id']}")
    stack.prefect("DELETE", f"deployments/{made.id}")


def lease_of(run: FlowRun) -> str:
    assert run.state is not None
    return str(run.state.state_details.deployment_concurrency_lease_id)


@contextmanager
def held(stack: RunningStack, run: FlowRun) -> Iterator[subprocess.Popen[str]]:
    """A process that renews the lease of a run, until it is killed."""
    url = f"{stack.api_url}/v2/concurrency_limits/leases/{lease_of(run)}/renew"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "renewed\n"
        yield holder
    finally:
        holder.kill()
        holder.wait(60)


def leases(stack: RunningStack) -> Path:
    """Where the server keeps them."""
    (folder,) = stack.root.rglob("concurrency_leases")
    return folder


def grown_old(stack: RunningStack, lease: str) -> None:
    """As if five minutes had gone by in which nobody renewed it."""
    folder = leases(stack)
    kept = json.loads((folder / f"{lease}.json").read_text())
    (folder / f"{lease}.json").write_text(json.dumps(kept | {"expiration": LONG_AGO}))
    index = json.loads((folder / "expirations.json").read_text())
    (folder / "expirations.json").write_text(json.dumps(index | {lease: LONG_AGO}))


def test_the_slot_of_a_killed_holder_comes_back_by_itself_and_a_living_one_keeps_its_own(
    stack: RunningStack, limited: Limited
) -> None:
    dead, alive = limited.run(), limited.run()
    assert limited.taken == 2
    with held(stack, dead) as holder:
        holder.kill()
        holder.wait(60)
    with held(stack, alive):
        grown_old(stack, lease_of(dead))
        wait_for(lambda: limited.taken == 1, "the slot to come back", 60.0)
    assert state_of(dead) == "RUNNING", "nobody has said that it is dead: its lease alone did it"
    assert (leases(stack) / f"{lease_of(alive)}.json").exists()


@pytest.mark.parametrize("end", [Crashed, Cancelled, Completed])
def test_a_run_that_ends_gives_its_slot_back_though_its_lease_is_lost(
    stack: RunningStack, limited: Limited, end: Callable[[], State[Any]]
) -> None:
    """Crashed: so the automation ends a run that has no heartbeat any more."""
    run = limited.run()
    lost(stack, run)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, end(), force=True)
    assert (limited.taken, limited.leaked()) == (0, [])


def test_a_run_that_is_deleted_gives_its_slot_back_though_its_lease_is_lost(
    stack: RunningStack, limited: Limited
) -> None:
    kept, deleted = limited.run(), limited.run()
    lost(stack, deleted)
    stack.prefect("DELETE", f"flow_runs/{deleted.id}")
    assert (limited.taken, limited.leaked()) == (1, [])
    assert state_of(kept) == "RUNNING"


def lost(stack: RunningStack, run: FlowRun) -> None:
    """As all leases are by a restart of a server that has them in memory."""
    (leases(stack) / f"{lease_of(run)}.json").unlink()


def state_of(run: FlowRun) -> str:
    """What Prefect says of it now."""
    with get_client(sync_client=True) as client:
        now = client.read_flow_run(run.id).state
    assert now is not None
    return now.type.value
