"""Batches and the sweep: many scenes, one table, progress, and limits that hold for all of them together."""

from __future__ import annotations

import re

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import TaskRun

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.export_recovery import export_recovery
from flows.export_sweep import export_sweep
from tasks.recovery.sweep_record import NAME, SweepRecord, parsed
from tests.flows.world import BUCKET, Saved, artifacts, everything, generations, rows, run, run_id, task_runs


def make(sandbox: Sandbox, **damages: str) -> list[str]:
    """Small scenes, each with a damage ("" = healthy)."""
    for scene_id, name in damages.items():
        make_scene(sandbox.store, BUCKET, scene_id, "office", objects=1)
        if name:
            damage(sandbox.store, BUCKET, scene_id, name)
    return list(damages)


def but_the_record(sandbox: Sandbox) -> dict[str, int]:
    """Everything but what the sweep has kept for `remediate status`."""
    return {name: generation for name, generation in everything(sandbox).items() if not name.endswith(NAME)}


def sandbox_record(sandbox: Sandbox) -> SweepRecord:
    """What the sweep has kept."""
    stored = sandbox.store.get("sandbox-ops", NAME)
    assert stored is not None
    found = parsed(stored.data)
    assert found is not None
    return found


def recovered(runs: list[TaskRun]) -> list[str]:
    """The task runs that stand for a scene each."""
    return sorted(one.name for one in runs if one.name.startswith("recover "))


def test_a_batch_recovers_its_scenes_and_shows_one_row_for_each(saved: Saved, sandbox: Sandbox) -> None:
    wanted = make(sandbox, a="export_missing", b="export_corrupt", c="", d="input_mesh_truncated")
    state = run(export_recovery, scene_ids=[*wanted, "a"], mode="apply")
    assert state.is_failed(), "one scene needs a person"
    assert state.message == "2 done, 1 escalated, 1 nothing to do"
    left = artifacts(state)
    assert left["recovery-progress"].data == 100.0
    table = rows(left["recovery-batch"])
    assert [(row[""], row["outcome"]) for row in table] == [
        ("d", "escalated"),
        ("a", "done"),
        ("b", "done"),
        ("c", "nothing_to_do"),
    ]
    assert "Input regen3d/" in table[0]["why"]
    assert int(table[1]["deletions"]) > 0
    shown = str(left["recovery-batch"].data)
    assert shown.startswith("# 2 done, 1 escalated, 1 nothing to do\n\n")
    assert "\n\n## Where the scenes stand\n\n![4 scenes by stage: " in shown
    pages = re.findall(r"gs://sandbox-ops/(remediation/pages/[^`]+)`", shown)
    assert [name.split("/")[2] for name in pages] == ["a", "b"], "a page for each run that has begun"
    assert all(sandbox.store.get("sandbox-ops", name) is not None for name in pages)
    # The server hears of each task run by itself, in any order: all four, and the steps of what was done.
    seen = task_runs(state, lambda runs: len(runs) > 12 and len(recovered(runs)) >= len(wanted))
    assert recovered(seen) == ["recover a", "recover b", "recover c", "recover d"]


def test_a_batch_in_which_too_much_goes_wrong_leaves_the_rest_alone(saved: Saved, sandbox: Sandbox) -> None:
    bad = {f"bad_{number}": "input_mesh_truncated" for number in range(3)}
    wanted = make(sandbox, **bad, rest_1="export_missing", rest_2="export_missing")
    before = generations(sandbox)
    state = run(export_recovery, scene_ids=wanted, mode="apply")
    assert state.is_failed()
    assert state.message == "3 escalated, 2 not started"
    assert generations(sandbox) == before


def test_more_scenes_than_the_policy_allows_are_refused_before_anything(saved: Saved, sandbox: Sandbox) -> None:
    saved.keep(max_scenes=2)
    before = everything(sandbox)
    state = run(export_recovery, scene_ids=["a", "b", "c"], mode="apply")
    assert state.is_failed()
    assert state.message == "3 scenes are named; the policy's max_scenes is 2."
    assert everything(sandbox) == before


def test_the_sweep_lists_broken_scenes_the_most_frequent_fault_first_and_changes_nothing(
    saved: Saved, sandbox: Sandbox
) -> None:
    make(sandbox, a="usd_truncated", b="export_missing", c="", d="export_missing")
    before = everything(sandbox)
    state = run(export_sweep)
    record = sandbox_record(sandbox)
    assert [one.scene_id for one in record.bad] == ["a", "b", "d"]
    assert (record.seen.scenes, record.seen.broken, record.seen.unseen) == (4, 3, 0)
    assert state.is_failed(), "green would say that nothing is to be done"
    assert (
        state.message
        == "4 scenes looked at, 3 broken, 0 not readable; see the artifact export-sweep, then recover them."
    )
    assert but_the_record(sandbox) == before
    table = rows(artifacts(state)["export-sweep"])
    assert [row[""] for row in table] == ["b", "d", "a"]
    assert table[0]["fault"] == table[1]["fault"]
    assert table[0]["fault"].startswith("genie-sim-export:")
    assert "geniesim/scene_graph.json" in table[0]["first"]
    assert len(task_runs(state)) == 1, "one task run for a chunk, not for a scene"


def test_the_sweep_recovers_when_told_to(saved: Saved, sandbox: Sandbox) -> None:
    make(sandbox, a="export_missing", b="")
    state = run(export_sweep, mode="recover")
    assert state.is_completed()
    assert state.message == "1 done"
    state = run(export_sweep)
    assert state.is_completed()
    assert state.message == "2 scenes looked at, 0 broken, 0 not readable"


def test_a_scene_that_cannot_be_read_is_not_called_broken_and_not_recovered(saved: Saved, sandbox: Sandbox) -> None:
    make(sandbox, a="", b="")
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=403, times=1))
    before = everything(sandbox)
    state = run(export_sweep, mode="recover")
    assert state.is_failed()
    assert (
        state.message == "2 scenes looked at, 0 broken, 1 not readable; see the artifact export-sweep for the reason."
    )
    assert but_the_record(sandbox) == before
    (row,) = rows(artifacts(state)["export-sweep"])
    assert "storage.objects.get" in row["first"]


def test_a_bucket_without_scenes_is_a_fault_of_the_configuration(saved: Saved) -> None:
    state = run(export_sweep)
    assert state.is_failed()
    assert state.message == "gs://sandbox-scenes/scenes/ holds no scene; check the environment's data bucket."


@pytest.mark.parametrize(
    ("scene_ids", "name"),
    [
        (["a"], "recover a (plan)"),
        (["a", "b", "c"], "recover a, b, c (plan)"),
        (["a", "b", "c", "d"], "recover a, b and 2 more (plan)"),
    ],
)
def test_a_flow_run_is_named_for_what_it_does(saved: Saved, scene_ids: list[str], name: str) -> None:
    state = run(export_recovery, scene_ids=scene_ids)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run_id(state)).name == name
