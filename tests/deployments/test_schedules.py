"""What `prefect deploy` leaves behind: schedules that make runs, and automations, each once."""

from __future__ import annotations

import sys
from pathlib import Path

from deployments.children import Children
from tests.deployments.world import RunningStack, wait_for

AUTOMATIONS = {
    "export-failed",
    "self-continue-crashed",
    "self-crash-stuck-flow-runs",
    "self-crash-zombie-flow-runs",
    "self-trigger-watch",
}


def automations(stack: RunningStack) -> list[str]:
    return [one["name"] for one in stack.prefect("POST", "automations/filter", {}) if one["enabled"]]


def test_the_scheduler_makes_runs(stack: RunningStack) -> None:
    """SQLAlchemy 2.1 stopped Prefect 3.8's scheduler without a word; nothing on a schedule would ever have run."""
    found = stack.prefect("GET", "deployments/name/export-sweep/export-sweep")
    body = {"active": True, "schedule": {"interval": 3600.0}}
    stack.prefect("POST", f"deployments/{found['id']}/schedules", [body])

    def scheduled() -> list[str]:
        runs = stack.runs("export-sweep")
        return [run["id"] for run in runs if run["state_type"] == "SCHEDULED" and run["auto_scheduled"]]

    try:
        wait_for(scheduled, "a scheduled run")
    finally:  # the stack is shared, and the doctor compares it with the checkout
        now = stack.prefect("GET", f"deployments/{found['id']}")["schedules"]
        for one in {one["id"] for one in now} - {one["id"] for one in found["schedules"]}:
            stack.prefect("DELETE", f"deployments/{found['id']}/schedules/{one}")


def test_deploying_again_leaves_every_automation_once(stack: RunningStack, tmp_path: Path) -> None:
    assert sorted(automations(stack)) == sorted(AUTOMATIONS)
    again = stack.environ | {
        "PREFECT_API_URL": stack.api_url,
        "PREFECT_HOME": str(tmp_path),
    }
    Children(tmp_path).run(
        "bootstrap", [sys.executable, "-m", "deployments.bootstrap", stack.endpoints.model_dump_json()], again
    )
    assert sorted(automations(stack)) == sorted(AUTOMATIONS)
