"""The flow and the command of an outage: restart, smoke run on a trial, and what failed meanwhile."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.simulator_outage import new_trial, simulator_outage
from tests.flows.world import Saved, actions, artifacts, everything, run
from tests.recovery.world import until, without_triggers
from tests.simulator_outage.world import deploy_server, goes_out

FAILED, EXPORT = "failed-kitchen", "genie-sim-export-pipeline"


def out(sandbox: Sandbox) -> None:
    """The simulator is down, and the Deployment that runs it is an hour old."""
    without_triggers(sandbox)
    deploy_server(sandbox)
    goes_out(sandbox)


def test_an_outage_is_planned_then_ended_tried_on_a_trial_and_what_failed_is_named_and_recovered(
    saved: Saved, sandbox: Sandbox
) -> None:
    out(sandbox)
    make_scene(sandbox.store, "sandbox-scenes", FAILED, "kitchen", objects=1, upto="variation")
    environment = saved.environment
    marker = f"scenes/{FAILED}/variation_assets/.variation_pipeline_complete"
    begun = environment.workflows.start(EXPORT, {"data": {"bucket": "sandbox-scenes", "name": marker}}, labels={})
    until(lambda: not environment.workflows.execution(begun.name).live)
    before = everything(sandbox)
    shown = run(simulator_outage)
    assert shown.is_completed(), shown.message
    assert everything(sandbox) == before
    assert [row["effect"] for row in actions(artifacts(shown)["plan-simulator"])] == ["read", "configure", "read"]

    done = run(simulator_outage, mode="apply", reason="exports fail", recover_failed=True, requested_by="ann")
    assert done.is_completed(), done.message
    assert "genie-sim was restarted and is serving" in (done.message or "")
    assert f"remediate recover {FAILED} --accept-systematic --apply" in str(artifacts(done)["simulator-simulator"].data)
    trials = list(sandbox.store.list("sandbox-scenes", "scenes/test_smoke-"))
    assert any(name.name.endswith("geniesim/job.json") for name in trials), "it was simulated"
    assert sandbox.store.get("sandbox-scenes", f"scenes/{FAILED}/geniesim/job.json") is not None, "it was recovered"
    assert run(simulator_outage, mode="apply", reason="again").is_completed()
    assert sandbox.requests.count("kubernetes", "deployments.patch") == 1, "restarted once"


def test_a_trial_that_was_simulated_before_proves_nothing(saved: Saved, sandbox: Sandbox) -> None:
    out(sandbox)
    make_scene(sandbox.store, "sandbox-scenes", "test_old", "kitchen", objects=1)
    done = run(simulator_outage, mode="apply", reason="exports fail", trial="test_old", requested_by="ann")
    assert done.is_failed()
    assert "nothing is proved" in (done.message or "")


def test_a_person_who_is_needed_fails_the_flow_and_no_trial_is_made(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.genie_sim.switch("down")
    before = everything(sandbox)
    done = run(simulator_outage, mode="apply", reason="exports fail")
    assert done.is_failed()
    assert "scripts/vm-start.sh" in (done.message or "")
    assert {name for name in everything(sandbox) if "/scenes/" in name} == {n for n in before if "/scenes/" in n}


@pytest.mark.parametrize(("args", "code"), [(["--apply"], 3), ([], 3), (["nobody"], 3)])
def test_the_command_ends_with_the_code_of_the_word(saved: Saved, sandbox: Sandbox, args: list[str], code: int) -> None:
    sandbox.genie_sim.switch("down")
    assert CliRunner().invoke(app, ["simulator", "restart", *args]).exit_code == code


def test_the_command_shows_a_plan_and_changes_nothing(saved: Saved, sandbox: Sandbox) -> None:
    out(sandbox)
    before = everything(sandbox)
    said = CliRunner().invoke(app, ["simulator", "restart"])
    assert said.exit_code == 0, said.output
    assert everything(sandbox) == before


def test_a_new_trial_fits_the_catalogue(saved: Saved) -> None:
    from blocks.catalogue_query import is_trial

    catalogue = saved.environment.catalogue
    assert is_trial(catalogue, new_trial(catalogue))
