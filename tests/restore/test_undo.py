"""A restore is undone by what its kinds say: what it replaced or removed comes back, under a hold of its own."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.procedure import Mode
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tests.restore.test_definitions import WORKFLOW, captured, change, live_workflow
from tests.restore.test_terraform import BUCKET, NAME, body, lock
from tests.restore.test_terraform import live as live_serial
from tests.restore.world import (
    DATA,
    OPS,
    PREFIX,
    SCENE,
    Restored,
    contents,
    delete_all,
    do,
    executions,
    give_back,
    interrupt,
    make_night,
    now,
    pushing,
    scene,
    started_for,
    without_history,
)

ONE, TWO, EXTRA = f"{PREFIX}regen3d/one.bin", f"{PREFIX}regen3d/two.bin", f"{PREFIX}usd/extra.bin"


def undone(environment: PipelineEnvironment, run_id: str, mode: Mode = "apply") -> Run:
    """Undo one run, as a process of its own would."""
    context = Context(environment, "a test", gone=lambda _: True)
    return run(undo(), context, UndoRequest(subject="@restore", run=run_id, mode=mode))


def spoilt(environment: PipelineEnvironment, sandbox: Sandbox, history: str) -> dict[str, bytes]:
    """A scene with two spoilt objects and one too many; its contents."""
    scene(sandbox, upto="regen3d")
    for name in (ONE, TWO):
        sandbox.store.put(DATA, name, b"good", quiet=True)
    make_night(environment, sandbox.store)
    settings = sandbox.store.bucket(DATA).settings
    settings.versioning = history == "version"
    if history == "quarantine":
        without_history(sandbox)
    for name in (ONE, TWO):
        sandbox.store.put(DATA, name, f"bad {name}".encode(), quiet=True)
    sandbox.store.put(DATA, EXTRA, b"extra", quiet=True)
    return contents(sandbox.store)


@pytest.mark.parametrize("history", ["version", "soft_delete", "quarantine"])
def test_what_a_restore_replaced_and_removed_comes_back_and_nothing_starts(
    environment: PipelineEnvironment, sandbox: Sandbox, history: str
) -> None:
    before, push = spoilt(environment, sandbox, history), pushing(environment)
    result = do(environment, overwrite="always", remove_extra=True)
    assert result.outcome == "done"
    assert contents(sandbox.store) != before
    planned = undone(environment, result.id, "plan")
    assert planned.plan is not None
    assert (planned.outcome, planned.plan.replaced()) == ("planned", 2)
    back = undone(environment, result.id)
    assert (back.outcome, back.reasons) == ("done", [])
    assert contents(sandbox.store) == before
    assert executions(sandbox) == []
    assert pushing(environment) == push


def test_the_undo_of_a_restore_obeys_the_caps(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    spoilt(environment, sandbox, "soft_delete")
    result = do(environment, overwrite="always")
    environment.policy = environment.policy.model_copy(update={"max_objects": 1})
    back = undone(environment, result.id)
    assert back.outcome == "refused"
    assert "max_objects" in back.reasons[0]


def test_what_somebody_has_written_over_a_restored_object_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before = spoilt(environment, sandbox, "quarantine")
    result = do(environment, overwrite="always")
    sandbox.store.put(DATA, ONE, b"newer", quiet=True)
    assert undone(environment, result.id).outcome == "done"
    assert contents(sandbox.store) == before | {ONE: b"newer"}


def test_what_a_restore_put_where_nothing_was_is_not_deleted(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    result = do(environment)
    restored = contents(sandbox.store)
    back = undone(environment, result.id)
    assert back.outcome == "escalated"
    assert "put where nothing was" in back.reasons[0]
    assert contents(sandbox.store) == restored


def test_an_interrupted_restore_is_undone_as_far_as_it_came_and_what_it_holds_is_given_back(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    before, push = spoilt(environment, sandbox, "quarantine"), pushing(environment)
    interrupt(environment, "scene", SCENE, "verify data", overwrite="always")
    (name, *_) = [one.name for one in sandbox.store.list(OPS, "remediation/journal/@restore/")]
    sandbox.store.put(DATA, f"{PREFIX}usd/theirs.bin", b"theirs")
    back = undone(environment, name.split("/")[3])
    assert (back.outcome, back.reasons) == ("done", [])
    assert contents(sandbox.store) == before | {f"{PREFIX}usd/theirs.bin": b"theirs"}
    assert pushing(environment) == push
    for trigger in ("genie-sim-export-trigger", "episode-generation-trigger"):
        workflow = sandbox.catalogue.triggers[trigger].workflow
        assert started_for(sandbox, workflow) == [f"{PREFIX}usd/theirs.bin"], "its own writes start nothing"
    assert do(environment, overwrite="always").outcome == "done", "the run that was undone is not carried on"


def test_one_whose_hold_somebody_else_gave_back_is_not_undone_without_a_hold(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    spoilt(environment, sandbox, "quarantine")
    interrupt(environment, "scene", SCENE, "verify data", overwrite="always")
    (name, *_) = [one.name for one in sandbox.store.list(OPS, "remediation/journal/@restore/")]
    run_id = name.split("/")[3]
    give_back(environment, run_id)
    now_there = contents(sandbox.store)
    back = undone(environment, run_id)
    assert back.outcome == "escalated"
    assert "given back by somebody else" in back.reasons[0]
    assert contents(sandbox.store) == now_there


def test_an_undo_leases_the_scene_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    spoilt(environment, sandbox, "quarantine")
    result = do(environment, overwrite="always")
    with Context(environment, "somebody").holding(SCENE, "their-run"):
        context = Context(environment, "a test")
        back = run(undo(), context, UndoRequest(subject="@restore", run=result.id, mode="apply"))
    assert back.outcome == "busy"
    assert "somebody" in back.reasons[0]


def redeployed(environment: PipelineEnvironment, sandbox: Sandbox) -> Restored:
    """A workflow that was changed and went back to what a night recorded."""
    live = live_workflow(environment)
    found = captured(environment, "workflows", WORKFLOW, live.revision_id, asdict(live))
    make_night(environment, sandbox.store, definitions=[found])
    change(environment)
    return do(environment, "workflow", WORKFLOW)


def test_a_redeployed_workflow_goes_back_to_the_one_it_replaced(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    result = redeployed(environment, sandbox)
    assert result.outcome == "done"
    assert "return: changed" not in live_workflow(environment).source
    assert undone(environment, result.id).outcome == "done"
    assert "return: changed" in live_workflow(environment).source


def test_a_workflow_that_was_deployed_again_since_is_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    result = redeployed(environment, sandbox)
    newest = change(environment, "main:\n  steps:\n    - done:\n        return: newest\n")
    back = undone(environment, result.id)
    assert back.outcome == "escalated"
    assert "deployed again" in back.reasons[0]
    assert live_workflow(environment) == newest


@pytest.mark.parametrize("versioning", [True, False])
def test_a_terraform_state_goes_back_to_the_one_that_was_replaced(
    environment: PipelineEnvironment, sandbox: Sandbox, versioning: bool
) -> None:
    sandbox.store.create_bucket(BUCKET, versioning=True)
    where = {"terraform_state_bucket": BUCKET, "terraform_state_prefix": "state"}
    environment.backup = environment.backup.model_copy(update=where)
    sandbox.store.put(BUCKET, NAME, body(3))
    at = now()
    sandbox.store.put(BUCKET, NAME, body(4))
    if not versioning:
        without_history(sandbox, BUCKET)
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert (result.outcome, live_serial(sandbox)) == ("done", 3)
    assert undone(environment, result.id).outcome == "done"
    assert (live_serial(sandbox), lock(sandbox)) == (4, None)
