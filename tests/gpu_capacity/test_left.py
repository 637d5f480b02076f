"""Relief that is not undone is told, and is somebody's to end once GPUs are there."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.check import GpuCheck
from tasks.gpu_capacity.classify import classify
from tasks.gpu_capacity.left import capacity_seen, left_in_force
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tests.gpu_capacity.injected import INJECTED
from tests.gpu_capacity.made_up import healthy, node
from tests.gpu_capacity.test_relief import taken_back
from tests.gpu_capacity.world import RUNS, SPACE, full_pool, older, relieve


def test_it_is_a_note_while_gpus_are_short_and_a_fault_when_they_are_there(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    context = Context(environment, "bo", gone=lambda _: True)
    still = check(GpuCheck(), context, None)
    assert any(f"remediate undo @gpu {one.id}" in note for note in still.notes), still.notes
    assert [run.run for run in left_in_force(context)] == [one.id]
    assert not any("let work wait" in reason for reason in still.reasons)

    sandbox.cluster.set_state(SPACE, RUNS, "succeeded")
    sandbox.cluster.set_state(SPACE, "geniesim-gpu-scene-a-1", "succeeded")
    older(sandbox, 5)
    over = check(GpuCheck(), context, None)
    assert over.outcome == "failed"
    assert f"remediate undo @gpu {one.id} --apply" in over.reasons[0]

    assert taken_back(environment, one).outcome == "done"
    assert left_in_force(context) == []
    assert check(GpuCheck(), context, None).outcome == "nothing_to_do"


@pytest.mark.parametrize(("free", "grows", "seen"), [(True, False, True), (False, True, True), (False, False, False)])
def test_capacity_is_seen_when_a_gpu_is_free_or_a_pool_may_grow(free: bool, grows: bool, seen: bool) -> None:
    made = healthy(1)
    made.pools, made.running = made.pools[:1], []
    pool = made.change(nodes=(node("gpu-pool", 0),), maximum=2 if grows else 1)
    if not free:
        made.running = [made.pod(60)]
        made.running = [type(one)(**{**vars(one), "node": pool.nodes[0].name}) for one in made.running]
    facts = made.facts()
    assert capacity_seen(facts, classify(facts)) is seen


def test_no_capacity_is_seen_while_anything_waits_or_something_was_not_seen() -> None:
    made = healthy(1)
    INJECTED["pool_at_maximum"](made)
    facts = made.facts()
    assert not capacity_seen(facts, classify(facts))
    blind = healthy(2)
    blind.unseen = ["Could not list the GPU nodes."]
    assert not capacity_seen(blind.facts(), classify(blind.facts()))
