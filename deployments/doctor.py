"""`remediate doctor`: is the Prefect server set up so that recoveries outlive what happens to it? Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployments.stack import AUTOMATIONS, LEASE_STORAGE, automation_names

PAGE = "docs/deploy.md, 'On one machine'"


def findings() -> list[str]:
    """What is wrong with the Prefect server in use, one sentence each: what, why it matters, what next.

    Raises httpx.HTTPError when the server does not answer as Prefect's API does.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        settings = client.request("GET", "/admin/settings").json()
        there = [one["name"] for one in client.request("POST", "/automations/filter", json={}).json()]
    return [*of_settings(settings), *of_automations(there)]


def of_settings(settings: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the settings that a Prefect server gives of itself (`/api/admin/settings`)."""
    storage = settings["server"]["concurrency"]["lease_storage"]
    if storage.endswith(".memory"):
        yield (
            "The Prefect server keeps concurrency leases in memory: when it restarts, every run of a deployment with a "
            "concurrency limit is killed within four minutes, and the slots of runs that died are never free again. Set "
            f"{LEASE_STORAGE[0]}={LEASE_STORAGE[1]} on the server and restart it while nothing runs ({PAGE})."
        )
    seconds = settings["server"]["services"]["task_run_recorder"]["flush_interval"]
    if seconds < 1:
        yield (
            f"The Prefect server is told to flush task runs every {seconds:g} s, which it takes for 0 and spins on a "
            "whole core. Set PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL=1 on the server "
            f"({PAGE})."
        )


def of_automations(there: list[str]) -> Iterator[str]:
    """Which of our own automations the server lacks."""
    for name in automation_names():
        if name not in there:
            yield (
                f"The Prefect server has no automation '{name}': a run whose machine dies stays Running for ever, and so "
                f"does its claim. Make it with: prefect automation create --from-file {AUTOMATIONS} ({PAGE})."
            )


def doctor() -> tuple[int, list[str]]:
    """Exit code and sentences: 0 nothing is wrong, 1 something is, 2 the server could not be asked."""
    import httpx
    from prefect.settings import PREFECT_API_URL

    where = PREFECT_API_URL.value()
    if not where:
        return 2, ["No Prefect server is named: set PREFECT_API_URL, as in http://127.0.0.1:4200/api."]
    try:
        found = findings()
    except (httpx.HTTPError, KeyError, ValueError, TypeError) as error:
        return 2, [
            f"The Prefect server at {where} could not be asked ({error}): check PREFECT_API_URL and that it runs."
        ]
    return (1, found) if found else (0, [f"The Prefect server at {where} is set up as these flows need it."])
