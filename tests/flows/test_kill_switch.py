"""The kill switch as people flip it: it stops everything at once, says who and why, and is lifted knowingly."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from typer.testing import CliRunner

from blocks.environment import PipelineEnvironment
from blocks.kill_switch import read_kill_switch, set_kill_switch
from blocks.policy import RemediationPolicy
from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from flows.kill_switch import kill_switch
from flows.nightly_backup import nightly_backup
from tasks.remediation.context import Context
from tasks.remediation.switch import ledger_of
from tests.flows.world import Saved, artifacts, everything, generations, run


@pytest.fixture(autouse=True)
def broken_scene(saved: Saved, sandbox: Sandbox) -> None:
    from deployments.sandbox.pipeline.damage import damage
    from deployments.sandbox.pipeline.scenes import make_scene

    make_scene(sandbox.store, "sandbox-scenes", "kitchen_009", "kitchen", objects=1)
    damage(sandbox.store, "sandbox-scenes", "kitchen_009", "export_corrupt")


def test_it_stops_a_recovery_before_its_first_action_and_says_who_and_why(sandbox: Sandbox) -> None:
    before = generations(sandbox)
    assert run(kill_switch, turn="on", reason="it deletes too much", requested_by="ann").is_completed()
    stopped = run(export_recovery, scene_ids=["kitchen_009"], mode="apply")
    assert stopped.is_failed()
    assert "ann: it deletes too much" in str(stopped.message)
    assert generations(sandbox) == before
    assert "plan-kitchen-009" in artifacts(run(export_recovery, scene_ids=["kitchen_009"])), "a plan is shown as always"
    assert run(kill_switch, turn="off", reason="mended", requested_by="bo").is_completed()
    assert run(export_recovery, scene_ids=["kitchen_009"], mode="apply").is_completed()


def test_backups_go_on_while_it_is_on(saved: Saved) -> None:
    saved.environment.policy = saved.environment.policy.model_copy(update={"kill_switch": ["2026-11-27 ann: stop"]})
    saved.keep()
    assert run(nightly_backup, mode="apply", what="backup").is_completed()


def test_without_a_reason_it_is_neither_flipped_on_nor_off(saved: Saved, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    assert "Say why everything is to be stopped" in str(run(kill_switch, turn="on", reason="  ").message)
    assert read_kill_switch("default") == []
    saved.keep(kill_switch=["x"])
    assert "Say why changes may be made again" in str(run(kill_switch, turn="off").message)
    assert read_kill_switch("default") == ["x"]
    assert everything(sandbox) == before


def test_of_several_stops_only_the_one_that_is_named_is_lifted(saved: Saved) -> None:
    saved.keep(kill_switch=["one", "two", "three"])
    for unclear in ("", "0", "4", "two", "-1"):
        refused = run(kill_switch, turn="off", reason="r", which=unclear)
        assert refused.is_failed(), unclear
        assert "1. one 2. two 3. three" in str(refused.message)
    assert run(kill_switch, turn="off", reason="r", which="2").is_completed()
    assert read_kill_switch("default") == ["one", "three"]
    assert run(kill_switch, turn="off", reason="r", which="all").is_completed()
    assert read_kill_switch("default") == []
    assert "Nothing is stopped" in str(run(kill_switch, turn="off", reason="r").message)


def test_every_flip_is_recorded_in_a_chain(saved: Saved) -> None:
    run(kill_switch, turn="on", reason="a", requested_by="ann")
    run(kill_switch, turn="on", reason="b", requested_by="bo")
    run(kill_switch, turn="off", reason="c", which="all", requested_by="cy")
    ledger = ledger_of(Context(saved.environment, "reader"), "default")
    ledger.read()
    assert [(one.kind, one.actor, one.data["reason"]) for one in ledger.entries] == [
        ("on", "ann", "a"),
        ("on", "bo", "b"),
        ("off", "cy", "c"),
    ]
    assert len(ledger.entries[-1].data["entries"]) == 2  # type: ignore[arg-type]
    assert ledger.verify() == []


def test_a_stop_holds_where_it_cannot_be_recorded_and_is_then_not_lifted_unrecorded(
    saved: Saved, sandbox: Sandbox
) -> None:
    sandbox.store.delete_bucket("sandbox-ops")
    said = run(kill_switch, turn="on", reason="ops bucket is gone", requested_by="ann")
    assert said.is_completed()
    assert "could not be recorded" in str(said.message)
    assert len(read_kill_switch("default")) == 1
    assert run(kill_switch, turn="off", reason="x").is_failed()
    assert len(read_kill_switch("default")) == 1


def test_a_damaged_record_does_not_keep_anybody_from_stopping(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.store.put("sandbox-ops", "remediation/switch/default/000001.json", b"{}")
    assert run(kill_switch, turn="on", reason="now", requested_by="ann").is_completed()
    assert len(read_kill_switch("default")) == 1


@pytest.mark.usefixtures("saved")
def test_nothing_else_of_the_block_is_changed() -> None:
    before = PipelineEnvironment.load("default").model_dump(mode="json")
    set_kill_switch("default", ["x"])
    after = PipelineEnvironment.load("default").model_dump(mode="json")
    assert after["policy"].pop("kill_switch") == ["x"]
    assert before["policy"].pop("kill_switch") == []
    assert after == before


def test_a_policy_that_is_a_block_of_its_own_is_flipped_there(saved: Saved) -> None:
    own = RemediationPolicy(max_scenes=7).save("shared-limits", overwrite=True)
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name("default", "remediation-environment")
        changed = {"policy": {"$ref": {"block_document_id": str(own)}}}
        client.update_block_document(document.id, BlockDocumentUpdate(data=changed, merge_existing_data=True))
    set_kill_switch("default", ["x"])
    assert RemediationPolicy.load("shared-limits").kill_switch == ["x"]
    assert PipelineEnvironment.load("default").policy.max_scenes == 7


def test_a_block_that_is_not_there_is_named() -> None:
    state = run(kill_switch, environment="nowhere")
    assert state.is_failed()
    assert "nowhere" in str(state.message)


def test_the_command_shows_stops_and_lifts() -> None:
    runner = CliRunner()
    assert "is off" in runner.invoke(app, ["kill-switch", "show"]).output
    assert runner.invoke(app, ["kill-switch", "on", "--by", "ann"]).exit_code == 3
    stopped = runner.invoke(app, ["kill-switch", "on", "--by", "ann", "--reason", "too much"])
    assert (stopped.exit_code, "ann: too much" in stopped.output) == (0, True)
    assert "too much" in runner.invoke(app, ["kill-switch", "show"]).output
    assert runner.invoke(app, ["kill-switch", "off", "--reason", "mended"]).exit_code == 0


def test_the_artifact_lists_every_stop(saved: Saved) -> None:
    saved.keep(kill_switch=["one", "two"])
    assert str(artifacts(run(kill_switch))["kill-switch"].data) == "# Kill switch\n\n1. one\n2. two\n"
