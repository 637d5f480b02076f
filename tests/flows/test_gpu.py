"""The flows and the commands of GPU capacity: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from flows.gpu_capacity import gpu_capacity
from flows.gpu_check import gpu_check
from flows.undo import undo
from tasks.gpu_capacity.capacity_record import read_day
from tasks.remediation.latest_page import day_name
from tests.flows.world import Saved, actions, artifacts, everything, run
from tests.gpu_capacity.world import CRITICAL, PRICES, WAITS, full_pool, states


def test_a_shortage_is_told_then_planned_then_relieved_and_undone(saved: Saved, sandbox: Sandbox) -> None:
    saved.keep(gpu_nodes_most=4, gpu_node_prices=PRICES, gpu_budget=100.0)
    full_pool(sandbox)
    told = run(gpu_check)
    assert told.is_failed()
    assert "pool at maximum" in (told.message or "")
    told_page = str(artifacts(told)["check-gpu-check"].data)
    assert "max node group size reached" in told_page
    assert "GPUs in the last 24 hours" in told_page

    before, phases = everything(sandbox), states(sandbox)
    shown = run(gpu_capacity)
    assert shown.is_completed(), shown.message
    assert (everything(sandbox), states(sandbox)) == (before, phases)
    assert [row["effect"] for row in actions(artifacts(shown)["plan-gpu"])] == ["configure"] * 3

    done = run(gpu_capacity, mode="apply", reason="exports wait", requested_by="ann")
    assert done.is_completed(), done.message
    page = str(artifacts(done)["gpu-gpu"].data)
    assert "1 x 8 h x 2 = 16" in page
    assert states(sandbox)[CRITICAL] == "Running"
    relieved = run(gpu_check)
    assert relieved.is_completed(), relieved.message

    run_id = page.partition("remediate undo @gpu ")[2].split()[0]
    back = run(undo, subject="@gpu", run=run_id, mode="apply", requested_by="bo")
    assert back.is_completed(), back.message
    assert states(sandbox)[WAITS] == "Pending"
    assert saved.environment.node_pools.get("gpu-pool").maximum == 1


def test_a_cluster_that_is_well_completes(saved: Saved) -> None:
    state = run(gpu_check)
    assert state.is_completed(), state.message
    assert "GPUs are not short" in (state.message or "")
    (look,) = read_day(saved.environment, datetime.now(UTC))[0]
    assert (look.used, look.waiting) == (0, 0)
    page = saved.environment.storage.read("sandbox-ops", day_name("gpu-check", datetime.now(UTC))).decode()
    assert "GPUs in the last 24 hours" in page


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_tells_the_shortage_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    full_pool(sandbox)
    said = CliRunner().invoke(app, ["gpu", "status", *["--json"] * as_json])
    assert said.exit_code == 1, said.output
    if as_json:
        found = json.loads(said.stdout)
        assert (found["outcome"], found["exit_code"]) == ("failed", 1)
        assert [one["class"] for one in found["shortages"]] == ["pool_at_maximum"]
        assert found["pools"][0]["maximum"] == 1
        assert len(found["waiting"]) == 2
        assert found["steps"]
    else:
        assert "gpu-pool: pool at maximum" in said.stdout
        assert "What to do:" in said.stdout


def test_the_command_says_what_it_could_not_ask_with_exit_code_5(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="container", kind="status", status=403))
    said = CliRunner().invoke(app, ["gpu", "status"])
    assert said.exit_code == 5, said.output
    assert "Could not look: Could not list the node pools" in said.stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_cannot_begin_without_its_environment(saved: Saved, as_json: bool) -> None:
    said = CliRunner().invoke(app, ["gpu", "status", "--environment", "nowhere", *["--json"] * as_json])
    assert said.exit_code == 2
    assert "nowhere" in said.output
