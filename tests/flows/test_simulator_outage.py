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
from tests.simulator_outage.world import deploy_server, goes_out, outage

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


def test_unattended_it_is_only_planned_until_the_policy_lets_it_restart(saved: Saved, sandbox: Sandbox) -> None:
    out(sandbox)
    asked = {"mode": "apply", "reason": "its pod is unwell", "unattended": True, "without_smoke": True}
    before = everything(sandbox)
    told = run(simulator_outage, **asked)
    assert told.is_failed()
    assert told.data is None or "needs_approval" in str(told.message)
    assert "simulator_restart is off, so a person decides: remediate simulator restart genie-sim --plan-digest " in (
        told.message or ""
    )
    assert everything(sandbox) == before
    assert sandbox.requests.count("kubernetes", "deployments.patch") == 0

    saved.keep(simulator_restart=True)
    try:
        done = run(simulator_outage, **asked)
    finally:
        saved.keep(simulator_restart=False)
    assert done.is_completed(), done.message
    assert sandbox.requests.count("kubernetes", "deployments.patch") == 1
    assert run(simulator_outage, **asked).is_completed(), "there is nothing to plan any more"


def test_what_a_dead_flow_owes_is_made_by_the_next_one_whoever_starts_it(saved: Saved, sandbox: Sandbox) -> None:
    out(sandbox)
    make_scene(sandbox.store, "sandbox-scenes", "test_late", "kitchen", objects=1, upto="variation")
    assert outage(saved.environment, trial="test_late").outcome == "done", "and its flow has died"
    made = run(simulator_outage, mode="apply", reason="a smoke run is owed", unattended=True)
    assert made.is_completed(), made.message
    assert "smoke run on test_late: done" in (made.message or "")
    assert sandbox.requests.count("kubernetes", "deployments.patch") == 1


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
