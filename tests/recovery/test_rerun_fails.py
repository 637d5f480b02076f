"""A rerun that goes wrong: said in a sentence, the journal ended, later data left alone, and all of it undoable."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.recovery.world import (
    APPLY,
    DATA,
    PREFIX,
    SCENE,
    healthy,
    ill,
    journals,
    live,
    recover,
    recover_scene,
    stopped_by,
    undo_run,
    worked,
)

EXPORT, USD, REGEN = "genie-sim-export-pipeline", "usd-assembly-pipeline", "regen3d-pipeline"


def undone(environment: PipelineEnvironment, result: Run) -> Run:
    """Undo a run's deletions, data only."""
    return undo_run(Context(environment, "a test"), SCENE, result.id, "apply", markers=False)


def sentences(result: Run) -> str:
    """The reasons of a failure: each one line for a person, and where to go from here."""
    assert result.outcome == "failed"
    for reason in result.reasons:
        assert "\n" not in reason
        assert "Traceback" not in reason
    assert result.reasons[-1] == f"Undo with: remediate undo {SCENE} {result.id}"
    return result.reasons[0]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "skipped"}, r"SUCCEEDED but its result says 'nothing to do' \(nothing done\)"),
    ({"kind": "failed_result"}, r"SUCCEEDED but its result says 'FAILED' \(failed\)"),
    ({"kind": "raise"}, r"ended FAILED: .*failed for scene kitchen_001"),
    ({"kind": "stock_out"}, r"ended FAILED: .*enough resources"),
    ({"kind": "corrupt_output", "output": "geniesim/scene_graph.json"}, r"did not prove itself: .*scene_graph.json"),
    ({"kind": "no_output", "output": "geniesim/scene_graph.json"}, r"did not prove itself: .*scene_graph.json"),
    ({"kind": "no_output", "output": "episodes/**/import_manifest.json"}, r"did not prove itself: .*import_manifest"),
]


@pytest.mark.parametrize(
    ("fault", "says"), FAULTS, ids=lambda value: str(value.get("kind", "")) if isinstance(value, dict) else ""
)
def test_a_rerun_that_did_not_do_it_fails_with_a_sentence_and_can_be_undone(
    environment: PipelineEnvironment, sandbox: Sandbox, fault: dict[str, Any], says: str
) -> None:
    ill(sandbox, "export_corrupt")
    before = live(sandbox.store)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, **fault))
    result = recover(environment)
    assert re.search(says, sentences(result))
    (journal,) = journals(environment, sandbox.store)
    assert journal.ended
    assert journal.entries[-1].data["outcome"] == "failed"
    assert undone(environment, result).outcome in ("done", "nothing_to_do")
    lost = {
        name for name in set(before) - set(live(sandbox.store)) if not name.rpartition("/")[2].startswith((".", "_"))
    }
    assert lost == set(), "data that was there before is there again; markers stay away"


def test_after_a_failed_rerun_the_next_one_mends_what_is_owed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_corrupt")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="skipped", times=1))
    assert recover(environment).outcome == "failed"
    result = recover(environment)
    assert result.outcome == "done"
    assert healthy(environment) == []
    assert f"{PREFIX}geniesim/scene_graph.json" in live(sandbox.store)


def test_what_a_failed_run_cleared_is_owed_even_if_nothing_shows_that_it_was_ever_there(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "isaac_missing")
    sandbox.simulator.behave(SimulatorFault(workflow="isaac-lab-job", kind="raise", times=1))
    assert recover(environment).outcome == "failed"
    assert healthy(environment) == [], "without its marker the stage looks as if it had never run"
    assert recover(environment).outcome == "done"
    assert f"{PREFIX}isaac_lab/env_cfg.py" in live(sandbox.store)
    assert recover(environment).outcome == "nothing_to_do", "what was owed is paid"


@pytest.mark.parametrize("status", [403, 503])
def test_an_undo_that_was_interrupted_does_not_hide_what_a_failed_run_owes(
    environment: PipelineEnvironment, sandbox: Sandbox, status: int
) -> None:
    ill(sandbox, "isaac_missing")
    sandbox.simulator.behave(SimulatorFault(workflow="isaac-lab-job", kind="raise", times=1))
    failed = recover(environment)
    environment.storage.limits = CallLimits(attempts=1)
    sandbox.faults.add(FaultRule(service="storage", method="objects.restore", kind="status", status=status))
    assert undo_run(Context(environment, "a test"), SCENE, failed.id, "apply", markers=True).outcome == "failed"
    assert journals(environment, sandbox.store)[-1].ended == (status == 403)
    sandbox.faults.clear()
    result = recover(environment)
    assert result.outcome == "done"
    assert result.plan is not None
    assert result.plan.procedure == "export-recovery"
    assert f"{PREFIX}isaac_lab/env_cfg.py" in live(sandbox.store)


def test_a_stage_that_was_restarted_twice_in_vain_is_not_restarted_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="raise"))
    assert [recover(environment).outcome for _ in range(2)] == ["failed", "failed"]
    result = recover(environment)
    assert result.outcome == "refused"
    assert "genie-sim-export of kitchen_001 was restarted 2 times" in result.reasons[0]
    assert len(worked(sandbox, EXPORT)) == 2


def test_a_failed_rerun_leaves_the_outputs_of_later_stages(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "manifest_truncated")
    before = live(sandbox.store)
    sandbox.simulator.behave(SimulatorFault(workflow=REGEN, kind="raise"))
    assert recover(environment).outcome == "failed"
    later = ("usd/", "replicator/", "isaac_lab/", "variation_assets/", "geniesim/", "episodes/")
    lost = {
        name
        for name in set(before) - set(live(sandbox.store))
        if name.removeprefix(PREFIX).startswith(later) and not name.rpartition("/")[2].startswith((".", "_"))
    }
    assert lost == set()


def test_a_failure_in_the_middle_of_the_line_leaves_what_comes_after(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "usd_missing")
    before = live(sandbox.store)
    sandbox.simulator.behave(SimulatorFault(workflow="variation-assets-pipeline", kind="failed_result"))
    assert recover(environment).outcome == "failed"
    after = live(sandbox.store)
    data = {name for name in before if "/geniesim/" in name and name.endswith(".json")}
    assert data
    assert {name: after.get(name) for name in data} == {name: before[name] for name in data}


def test_a_rerun_that_takes_too_long_is_left_alone_and_adopted_by_the_next_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="hold"))
    environment.policy.wait_seconds = 0.2
    result = recover(environment)
    assert result.outcome == "failed"
    assert "still running" in result.reasons[0]
    (execution,) = worked(sandbox, EXPORT)
    assert execution.state == "ACTIVE"
    environment.policy.wait_seconds = None

    def let_it_end(sentence: str) -> None:
        if "running for" in sentence:
            sandbox.simulator.forgive()

    assert recover_scene(Context(environment, "a test", say=let_it_end), SCENE, APPLY).outcome == "done"
    assert worked(sandbox, EXPORT) == [execution]


def test_a_refused_start_fails_and_the_deletions_before_it_can_be_undone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_corrupt")
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="status", status=403))
    result = recover(environment)
    assert "workflows.executions.create" in sentences(result)
    assert undone(environment, result).outcome == "done"
    assert f"{PREFIX}geniesim/asset_index.json" in live(sandbox.store)


def test_the_same_scene_can_break_and_be_mended_twice_in_a_row(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    assert recover(environment).outcome == "done"
    damage(sandbox.store, DATA, SCENE, "export_missing")
    assert recover(environment).outcome == "done"
    assert len(worked(sandbox, EXPORT)) == 2, "the first recovery's execution is not taken for the second's"


def test_the_kill_switch_stops_between_two_steps_and_the_next_run_continues(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    reasons: list[str] = []

    def turn_on(sentence: str) -> None:
        if "rerun" in sentence:
            reasons.append("ann: bucket migration")

    context = Context(environment, "a test", say=turn_on, policy=lambda: stopped_by(environment, reasons))
    stopped = recover_scene(context, SCENE, APPLY)
    assert stopped.outcome == "stopped"
    assert "ann: bucket migration" in stopped.reasons[0]
    assert worked(sandbox, EXPORT) == []
    cleared = live(sandbox.store)
    assert recover_scene(context, SCENE, APPLY).outcome == "refused", "it is asked again before anything goes on"
    assert live(sandbox.store) == cleared
    again = recover(environment)
    assert (again.outcome, again.id) == ("done", stopped.id)
    assert len(journals(environment, sandbox.store)) == 1
    assert len(worked(sandbox, EXPORT)) == 1


def test_the_kill_switch_stops_before_the_first_change(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    before = live(sandbox.store)
    environment.policy.kill_switch = ["ann: fire"]
    result = recover(environment)
    assert result.outcome == "refused"
    assert "ann: fire" in result.reasons[0]
    assert live(sandbox.store) == before
    environment.policy.kill_switch = []
    assert recover(environment).outcome == "done"


def test_a_reviewed_plan_does_not_continue_another_plans_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    on: list[str] = []
    context = Context(
        environment,
        "a test",
        say=lambda s: on.append("stop") if "rerun" in s else None,
        policy=lambda: stopped_by(environment, on),
    )
    first = recover_scene(context, SCENE, APPLY)
    assert first.outcome == "stopped"
    assert first.plan is not None
    other = recover(environment, wanted=replace(APPLY, plan_digest="0123456789abcdef"))
    assert other.outcome == "refused"
    assert first.plan.digest in other.reasons[0]
    assert worked(sandbox, EXPORT) == []
    assert recover(environment, wanted=replace(APPLY, plan_digest=first.plan.digest)).outcome == "done"
