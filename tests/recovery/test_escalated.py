"""When a rerun would not help, a person is told why, and nothing is touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tests.recovery.world import APPLY, PLAN, SCENE, healthy, ill, live, put_json, recover, recover_scene, worked

EXPORT = "genie-sim-export-pipeline"


@pytest.mark.parametrize("state", ["down", "not_serving"])
def test_a_genie_sim_that_cannot_work_is_escalated(
    environment: PipelineEnvironment, sandbox: Sandbox, state: Any
) -> None:
    ill(sandbox, "export_missing")
    sandbox.genie_sim.switch(state)
    before = live(sandbox.store)
    result = recover(environment)
    assert result.outcome == "escalated"
    assert f"Genie Sim is {state.replace('_', ' ')}" in result.reasons[0]
    assert live(sandbox.store) == before
    assert worked(sandbox, EXPORT) == []


def test_a_genie_sim_without_a_health_service_is_no_reason_to_stop(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    sandbox.genie_sim.switch("unimplemented")
    assert recover(environment, wanted=PLAN).outcome == "planned"

    def ready_for_the_simulator(sentence: str) -> None:
        if "rerun" in sentence:
            sandbox.genie_sim.switch("serving")

    result = recover_scene(Context(environment, "a test", say=ready_for_the_simulator), SCENE, APPLY)
    assert (result.outcome, result.reasons) == ("done", [])


def test_one_lost_answer_of_genie_sim_is_no_reason_to_call_a_person(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    sandbox.faults.add(FaultRule(service="genie_sim", method="Check", kind="status", status=503, times=1))
    assert recover(environment, wanted=PLAN).outcome == "planned"
    assert sandbox.requests.count("genie_sim", "Check") == 2


@pytest.mark.parametrize(
    ("name", "asked"), [("isaac_missing", 0), ("import_manifest_missing", 0), ("export_missing", 1)]
)
def test_genie_sim_is_asked_only_when_it_is_concerned(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str, asked: int
) -> None:
    ill(sandbox, name)
    sandbox.requests.reset()
    recover(environment, wanted=PLAN)
    assert sandbox.requests.count("genie_sim", "Check") == asked


@pytest.mark.parametrize(
    ("name", "entry", "deployed"),
    [("export_missing", EXPORT, "workflows"), ("isaac_missing", "isaac-lab-job", "run")],
)
def test_a_workflow_or_job_that_is_not_deployed_is_escalated(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str, entry: str, deployed: str
) -> None:
    ill(sandbox, name)
    getattr(sandbox, deployed).deployed.put(entry, False)
    before = live(sandbox.store)
    result = recover(environment)
    assert result.outcome == "escalated"
    assert any(entry in reason and "not deployed" in reason for reason in result.reasons)
    assert live(sandbox.store) == before


def test_errors_that_no_rerun_can_mend_are_escalated_not_called_healthy(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    gate = {"gate_id": "physics", "checkpoint": "usd", "passed": False, "severity": "error", "message": "no"}
    report = {
        "scene_id": kitchen,
        "timestamp": (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z"),
        "summary": {"total_gates": 1, "passed": 0, "failed": 1, "blocking_failures": 1, "can_proceed": False},
        "results": [gate],
    }
    put_json(sandbox, "usd-assembly-job/quality_gate_report.json", report)
    assert healthy(environment) != []
    result = recover(environment)
    assert result.outcome == "escalated"
    assert "usd" in result.reasons[0]
    assert "physics" in result.reasons[0]
