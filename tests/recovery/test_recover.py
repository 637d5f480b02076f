"""Every damage that operators meet: the scene ends whole, and nothing else in the bucket has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from pxr import Usd

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import DAMAGES, damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store import ObjectStore
from tasks.remediation.run import Run
from tests.recovery.world import (
    DATA,
    PLAN,
    PREFIX,
    SCENE,
    Live,
    Wanted,
    copy_out,
    errors_of_folder,
    everything,
    inputs,
    journals,
    live,
    ours,
    quick_environment,
    recover,
)

NEIGHBOUR = "kitchen_0010"
"""Its name begins like the scene's, so that a prefix without its slash would hit it."""
JOB_ID = re.compile(r"local-[0-9a-f-]{36}")
BY_ANOTHER_TEST = ("live_lock",)
"""Somebody is at work on the scene: test_refused.py."""


@dataclass
class Mended:
    """One damage and its recovery, looked at by several tests."""

    damage: str
    store: ObjectStore
    environment: PipelineEnvironment
    whole: Live
    before: Live
    planned: Run
    untouched_by_planning: bool
    result: Run
    after: Live

    def named(self, *effects: str) -> set[str]:
        """Objects that the plan said it would delete or write."""
        assert self.result.plan is not None
        return {str(a.params["name"]) for a in self.result.plan.actions if a.effect in effects and "name" in a.params}


def shape(found: Live) -> set[str]:
    """The scene's paths; a run of the simulation made again has another id."""
    return {JOB_ID.sub("*", name) for name in found if name.startswith(PREFIX)}


EACH = [
    pytest.param(name, marks=pytest.mark.xdist_group(name), id=name) for name in DAMAGES if name not in BY_ANOTHER_TEST
]
"""Of several processes that run the tests, one mends a scene for all of its tests."""


@pytest.fixture(scope="module", params=EACH)
def mended(request: pytest.FixtureRequest) -> Iterator[Mended]:
    """A scene with a damage beside a healthy one, first planned, then recovered (inputs are put back if need be)."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick_environment(sandbox)
        for scene_id in (SCENE, NEIGHBOUR):
            make_scene(sandbox.store, DATA, scene_id, "kitchen", objects=3)
        sandbox.store.put(DATA, "scenes/README.txt", b"no scene", quiet=True)
        whole = live(sandbox.store)
        damage(sandbox.store, DATA, SCENE, request.param)
        before, all_before = live(sandbox.store), everything(sandbox.store)
        options = {"restore_inputs": request.param == "input_mesh_truncated"}
        planned = recover(environment, wanted=Wanted("plan", **options))
        untouched = everything(sandbox.store) == all_before
        result = recover(environment, wanted=Wanted("apply", **options))
        after = live(sandbox.store)
        yield Mended(request.param, sandbox.store, environment, whole, before, planned, untouched, result, after)
        environment.close()


def test_a_plan_changes_nothing_at_all(mended: Mended) -> None:
    assert mended.planned.outcome == "planned"
    assert mended.untouched_by_planning


def test_what_is_applied_is_what_was_planned(mended: Mended) -> None:
    assert mended.planned.plan is not None
    assert mended.result.plan is not None
    assert mended.result.plan.digest == mended.planned.plan.digest


def test_the_scene_is_recovered_and_says_so(mended: Mended) -> None:
    assert (mended.result.outcome, mended.result.reasons) == ("done", [])
    assert set(mended.result.details["after"].values()) <= {"complete", "never_ran"}
    assert mended.result.plan is not None
    assert set(mended.result.done) == {action.key for action in mended.result.plan.actions}


def test_an_independent_look_finds_the_scene_whole(mended: Mended, tmp_path: Path) -> None:
    folder = copy_out(mended.store, tmp_path)
    assert errors_of_folder(mended.environment, folder) == []
    stage = Usd.Stage.Open(str(folder / "usd" / "scene.usda"))
    assert len(list(stage.Traverse())) > 3
    assert shape(mended.whole) <= shape(mended.after)


def test_a_neighbour_and_everything_outside_the_scene_stay_as_they_were(mended: Mended) -> None:
    def outside(found: Live) -> Live:
        return {name: generation for name, generation in found.items() if not name.startswith(PREFIX)}

    assert outside(mended.after) == outside(mended.before)


def test_inputs_stay_as_they_were_unless_put_back(mended: Mended) -> None:
    before, after = inputs(mended.environment, mended.before), inputs(mended.environment, mended.after)
    put_back = {name for name in before if before[name] != after.get(name)}
    assert set(before) == set(after)
    assert put_back == {name for name in mended.named("write") if name in before}
    assert len(put_back) == (1 if mended.damage == "input_mesh_truncated" else 0)


def test_only_objects_that_the_plan_names_are_deleted_or_written(mended: Mended) -> None:
    assert set(mended.before) - set(mended.after) <= mended.named("delete")
    assert ours(mended.store) <= mended.named("write")


def test_the_journal_tells_of_every_action_and_ends(mended: Mended) -> None:
    (journal,) = journals(mended.environment, mended.store)
    assert journal.run == mended.result.id
    assert journal.ended
    assert journal.entries[-1].data["outcome"] == "done"
    assert set(journal.outcomes()) == {action.key for action in journal.plan().actions}


def test_a_marker_of_ours_says_when_the_stage_was_made_not_when_it_was_written(mended: Mended) -> None:
    (journal,) = journals(mended.environment, mended.store)
    checks = {str(e.data["step"]).removeprefix("check "): e.at for e in journal.entries if e.kind == "intent"}
    for action in journal.plan().actions:
        if action.kind == "write_object":
            marker = mended.store.get(DATA, action.target)
            assert marker is not None
            said = datetime.fromisoformat(json.loads(marker.data)["timestamp"])
            assert said <= checks[action.step.removeprefix("record ")]


def test_the_lease_is_given_back(mended: Mended) -> None:
    assert [name for name in live(mended.store, "sandbox-ops") if "/leases/" in name] == []


def test_a_healthy_scene_is_left_alone(environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str) -> None:
    before = live(sandbox.store)
    result = recover(environment, kitchen)
    assert (result.outcome, result.id) == ("nothing_to_do", "")
    assert live(sandbox.store) == before
    assert journals(environment, sandbox.store) == []


def test_a_bad_input_is_escalated_with_an_offer_of_a_good_copy(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str
) -> None:
    damage(sandbox.store, DATA, kitchen, "input_mesh_truncated")
    before = live(sandbox.store)
    for wanted in (PLAN, Wanted("apply")):
        result = recover(environment, kitchen, wanted)
        assert result.outcome == "escalated"
        assert "restore_inputs" in result.reasons[0]
        assert result.plan is not None
        (candidate,) = result.facts.candidates
        assert candidate.source == "soft_delete"
        assert live(sandbox.store) == before
    assert journals(environment, sandbox.store) == []
