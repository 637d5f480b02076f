"""Undoing a recovery, and noticing a trigger that could not start its flow."""

from __future__ import annotations

from blocks.catalogue_query import class_of
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from flows.trigger_watch import trigger_watch
from flows.undo import undo
from tests.flows.world import BUCKET, EXPORT, Saved, artifacts, everything, run


def contents(sandbox: Sandbox, scene_id: str) -> dict[str, str]:
    return {found.name: found.crc32c for found in sandbox.store.list(BUCKET, f"scenes/{scene_id}/")}


def kind(saved: Saved, name: str) -> str:
    """The catalogue's class of an object."""
    return class_of(saved.environment.catalogue, name.split("/", 2)[2])


def failed_recovery(sandbox: Sandbox, scene_id: str) -> str:
    """A recovery whose rerun fails after the outputs were cleared. Returns the run's id as the message gives it."""
    damage(sandbox.store, BUCKET, scene_id, "export_corrupt")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="raise"))
    state = run(export_recovery, scene_ids=[scene_id], mode="apply")
    assert state.is_failed()
    assert state.message is not None
    return state.message.rpartition(f"remediate undo {scene_id} ")[2].split()[0]


def test_an_undo_shows_first_and_then_brings_the_data_back_but_no_markers(
    saved: Saved, sandbox: Sandbox, kitchen: str
) -> None:
    whole = contents(sandbox, kitchen)
    undone = failed_recovery(sandbox, kitchen)
    gone = {name for name in whole if name not in contents(sandbox, kitchen)}
    markers = {name for name in gone if kind(saved, name) in ("completion_marker", "trigger_object")}
    assert gone > markers > set()
    before = everything(sandbox)
    shown = run(undo, subject=kitchen, run=undone)
    assert shown.message == f"{kitchen}: planned"
    assert everything(sandbox) == before
    assert f"{len(gone - markers)} writes" in artifacts(shown)["plan-kitchen-001"].description
    state = run(undo, subject=kitchen, run=undone, mode="apply")
    assert state.is_completed(), state.message
    now = contents(sandbox, kitchen)
    assert gone - now.keys() == markers
    damaged = f"scenes/{kitchen}/geniesim/scene_graph.json"
    assert {name: now[name] for name in gone - markers - {damaged}} == {
        name: whole[name] for name in gone - markers - {damaged}
    }


def test_an_undo_leaves_everything_alone_that_is_there(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    damage(sandbox.store, BUCKET, kitchen, "export_corrupt")
    done = run(export_recovery, scene_ids=[kitchen], mode="apply")
    report = artifacts(done)["recovery-kitchen-001"].data
    undone = report.rpartition(f"remediate undo {kitchen} ")[2].split("`")[0]
    before = everything(sandbox)
    state = run(undo, subject=kitchen, run=undone, mode="apply")
    assert state.is_completed()
    assert before.items() <= everything(sandbox).items()


def test_undoing_a_run_that_never_was_says_so(saved: Saved, sandbox: Sandbox, kitchen: str) -> None:
    before = everything(sandbox)
    state = run(undo, subject=kitchen, run="20260101t000000z-00000000", mode="apply")
    assert state.is_failed()
    assert state.message is not None
    assert "20260101t000000z-00000000" in state.message
    assert everything(sandbox) == before


def test_a_trigger_that_could_not_start_its_flow_is_a_failed_run_that_says_why(prefect_server: None) -> None:
    state = run(trigger_watch, automation="export-recovery-on-failure__automation_1", reason="Validation failed")
    assert state.is_failed()
    assert state.message is not None
    assert "export-recovery-on-failure__automation_1" in state.message
    assert "Validation failed" in state.message
    assert "next sweep" in artifacts(state)["trigger-watch"].data
