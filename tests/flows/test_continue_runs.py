"""The flow that carries on runs that were left: what it tells, what it leaves to people."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.continue_runs import continue_runs, hands_off
from flows.kill_switch import kill_switch
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.context import Context
from tasks.remediation.runner import run as run_procedure
from tests.flows.world import Saved, artifacts, everything, rows, run, run_id
from tests.kernel.world import Killed, killed_at
from tests.recovery.world import SCENE, ill, quick_environment, without_triggers


@pytest.fixture
def left(saved: Saved, sandbox: Sandbox) -> Saved:
    """A recovery whose process died, and whose lease was given up."""
    saved.environment.policy = quick_environment(sandbox).policy
    saved.keep()
    without_triggers(sandbox)
    ill(sandbox, "isaac_missing", upto="isaac-lab", objects=1)
    context = Context(saved.environment, "the dead one")
    with killed_at(3, before=False), pytest.raises(Killed):
        run_procedure(ExportRecovery(), context, RecoveryRequest(scene_id=SCENE, mode="apply"))
    sandbox.store.delete("sandbox-ops", f"remediation/leases/{SCENE}.json")
    return saved


@pytest.mark.usefixtures("saved")
def test_where_nothing_was_left_it_says_so() -> None:
    state = run(continue_runs, mode="continue")
    assert (state.is_completed(), state.message) == (True, "No run was left.")
    assert artifacts(state) == {}


@pytest.mark.usefixtures("left")
def test_looking_tells_what_was_left_changes_nothing_and_is_not_green(sandbox: Sandbox) -> None:
    before = everything(sandbox)
    state = run(continue_runs)
    assert state.is_failed()
    assert "1 run left" in str(state.message)
    (row,) = rows(artifacts(state)["runs-left"])
    assert (row[""], row["procedure"], row["was"]) == (SCENE, "export-recovery", "left")
    assert everything(sandbox) == before


@pytest.mark.usefixtures("left")
def test_what_no_deployment_began_is_left_to_people_unless_they_ask(sandbox: Sandbox) -> None:
    before = everything(sandbox)
    state = run(continue_runs, mode="continue")
    assert state.is_failed()
    assert "not begun by a flow run" in str(state.message)
    assert everything(sandbox) == before
    asked = run(continue_runs, mode="continue", by_hand=True, requested_by="ann")
    assert asked.is_completed(), asked.message
    assert [row["now"] for row in rows(artifacts(asked)["runs-left"])] == ["done"]


def test_whose_run_it_is_decides_the_flow_run_that_began_it(prefect_server: None, saved: Saved) -> None:
    by_hand = run_id(run(kill_switch))
    assert "was begun on a command line" in hands_off(str(by_hand))
    assert "is not on this server" in hands_off("00000000-0000-4000-8000-000000000000")
    assert "is not on this server" in hands_off("nonsense")


@pytest.mark.usefixtures("left")
def test_the_command_looks_and_carries_on_when_told_to() -> None:
    runner = CliRunner()
    looked = runner.invoke(app, ["unfinished"])
    assert looked.exit_code == 1
    assert "1 run left" in looked.output
    assert runner.invoke(app, ["unfinished", "--continue", "--by-hand"]).exit_code == 0
    assert runner.invoke(app, ["unfinished"]).exit_code == 0
