"""A Prefect server on PostgreSQL and Redis, with the settings and the variables of the manifests, and a worker beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis as redis_client

from deployments.stack import Stack, call, prefect
from tests.deployments.world import EXPORT, FINAL, ON_FAILURE, wait_for
from tests.production.manifests import containers, settings
from tests.production.servers import postgres, postgres_folder, redis, redis_program

missing = [name for name, found in (("PostgreSQL", postgres_folder()), ("Redis", redis_program())) if found is None]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"{' and '.join(missing)} not to be had here: the server is not tried on it"
)
SCENE = "kitchen_001"
HERE = ("PREFECT_SERVER_API_HOST", "PREFECT_SERVER_API_PORT", "PREFECT_UI_API_URL")
"""What a stack chooses for itself: where it listens."""


class ProductionStack(Stack):
    """A stack whose server has what the manifests give it, addresses of this test's own database and Redis included."""

    def __init__(self, name: str, secret: dict[str, str]) -> None:
        super().__init__(name)
        (server,) = [one for where, one in containers() if where == "prefect-server/server"]
        keys = {one["name"]: one["valueFrom"]["secretKeyRef"]["key"] for one in server["env"]}
        shipped = {name: value for name, value in settings("server").items() if name not in HERE}
        # The password is left out: a stack's own commands ask without one.
        self.shipped = shipped | {name: secret[key] for name, key in keys.items() if key in secret}

    def environ(self) -> dict[str, str]:
        return super().environ() | self.shipped

    def restart_server(self) -> None:
        """What a new version or a new machine does: the old server ends, then a new one starts."""
        self.children.stop("prefect-server")
        self.children.start("prefect-server", prefect("server", "start", "--log-level", "WARNING"), self.environ())
        self.children.wait_for("prefect-server", self.server_is_up, 400)


@pytest.fixture
def database() -> Iterator[str]:
    with postgres() as address:
        yield address


@pytest.fixture
def store() -> Iterator[str]:
    with redis() as address:
        yield address


@pytest.fixture
def stack(database: str, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProductionStack]:
    monkeypatch.setattr("deployments.stack.STATE", tmp_path)
    monkeypatch.setattr(
        "deployments.stack.START_SECONDS", 400.0
    )  # it makes its tables, beside whatever else is at work
    numbered = zip(("redis-messaging-url", "redis-docket-url", "redis-cleanup-url"), range(3), strict=True)
    secret = {"database-url": database} | {key: f"{store}/{number}" for key, number in numbered}
    with ProductionStack("production", secret) as running:
        yield running


def ask(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    return call(method, f"{stack.api_url}/{path}", body)


def rows(database: str, question: str) -> list[Any]:
    """What PostgreSQL itself answers."""

    async def look() -> list[Any]:
        connection = await asyncpg.connect(database.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(question))
        finally:
            await connection.close()

    return asyncio.run(look())


def alone(found: list[str]) -> list[str]:
    """The lease of the one run that is held, once those of runs that schedules have started are given back."""
    return found if len(found) == 1 else []


def leases(store: str) -> list[str]:
    """The concurrency leases that are in Redis."""
    names = redis_client.Redis.from_url(f"{store}/0", decode_responses=True).scan_iter("prefect:concurrency:lease:*")
    return [str(name).rpartition(":")[2] for name in names]


def test_a_recovery_outlives_a_restart_of_the_server_that_is_on_postgresql_and_redis(
    stack: ProductionStack, database: str, store: str
) -> None:
    stack.control("POST", "scenes", {"scene_id": SCENE, "kind": "office", "objects": 1})
    stack.control("POST", f"scenes/{SCENE}/damage", {"name": "export_corrupt"})
    stack.control("POST", "simulator", {"workflow": EXPORT, "scene_id": SCENE, "kind": "hold"})
    deployment = ask(stack, "GET", f"deployments/name/export-recovery/{ON_FAILURE}")
    body = {"parameters": {"scene_ids": [SCENE]}, "state": {"type": "SCHEDULED"}, "idempotency_key": "one"}
    run = ask(stack, "POST", f"deployments/{deployment['id']}/create_flow_run", body)
    executions = "executions?limit=1000"
    wait_for(
        lambda: [one for one in stack.control("GET", executions)["workflows"] if EXPORT in one["of"]], "the export"
    )
    (lease,) = wait_for(lambda: alone(leases(store)), "the run's lease to be in Redis")

    stack.restart_server()

    assert lease in leases(store)
    renewal = f"v2/concurrency_limits/leases/{lease}/renew"
    ask(stack, "POST", renewal, {"lease_duration": 300})  # refused with 410, the run would be ended by Prefect
    stack.control("DELETE", "simulator")
    ended = wait_for(
        lambda: (now := ask(stack, "GET", f"flow_runs/{run['id']}"))["state_type"] in FINAL and now, "the run to end"
    )
    assert (ended["state_type"], ended["state"]["message"]) == ("COMPLETED", f"{SCENE}: done")
    assert ended["run_count"] == 1
    assert ask(stack, "POST", f"deployments/{deployment['id']}/create_flow_run", body)["id"] == run["id"]
    (row,) = rows(database, f"select state_type from flow_run where id = '{run['id']}'")
    assert row["state_type"] == "COMPLETED"
