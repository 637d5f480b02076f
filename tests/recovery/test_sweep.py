"""The sweep: every scene is looked at, nothing is changed, and what is broken everywhere is told apart."""

from __future__ import annotations

from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.recovery.sweep import Verdict, chunks, fault_table, look, look_at_all, scene_ids, systematic_faults

BUCKET = "sandbox-scenes"


def verdict(scene_id: str, fault: str = "usd:usd-missing", **more: Any) -> Verdict:
    return Verdict(scene_id=scene_id, healthy=False, fault=fault, errors=1, first="first", **more)


def scenes(sandbox: Sandbox, *names: str) -> None:
    for name in names:
        make_scene(sandbox.store, BUCKET, name, "office", objects=2)


def test_every_scene_is_found_and_other_folders_are_not(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scenes(sandbox, "b", "a")
    sandbox.store.put(BUCKET, "scenes/not a scene/x", b"", quiet=True)
    sandbox.store.put(BUCKET, "dead-letter/pending/x.json", b"", quiet=True)
    assert list(scene_ids(environment)) == ["a", "b"]


def test_the_broken_are_told_from_the_whole_and_nothing_is_written(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scenes(sandbox, "a", "b")
    damage(sandbox.store, BUCKET, "b", "usd_missing")
    before = [(found.name, found.generation) for found in sandbox.store.list(BUCKET, "")]
    found = look_at_all(environment, ["a", "b"])
    assert [(v.scene_id, v.healthy, v.fault.partition(":")[0]) for v in found] == [("a", True, ""), ("b", False, "usd")]
    assert [(stored.name, stored.generation) for stored in sandbox.store.list(BUCKET, "")] == before


def test_what_could_not_be_read_is_unknown_and_not_broken(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scenes(sandbox, "a")
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    found = look(environment, "a")
    assert found.unseen
    assert not found.fault


def test_the_most_frequent_fault_comes_first() -> None:
    rows = fault_table([verdict("z", "x:1"), verdict("b"), verdict("a")], most=10)
    assert [row["scene"] for row in rows] == ["a", "b", "z"]
    assert [row["scenes with this fault"] for row in rows] == [2, 2, 1]
    assert len(fault_table([verdict(str(n)) for n in range(9)], most=3)) == 3
    assert fault_table([], most=3) == []


def test_a_fault_is_systematic_only_in_number_and_in_percent() -> None:
    policy = RemediationPolicy(systematic_scenes=3, systematic_percent=50)
    three = [verdict(str(number)) for number in range(3)]
    assert systematic_faults(three, 6, policy) == {"usd:usd-missing": 3}
    assert systematic_faults(three, 7, policy) == {}
    assert systematic_faults(three[:2], 2, policy) == {}
    assert systematic_faults([verdict(str(n), fault="", unseen="no") for n in range(9)], 9, policy) == {}
    assert systematic_faults([], 0, policy) == {}


def test_chunks_never_hold_everything() -> None:
    taken = chunks(iter(range(7)), 3)
    assert next(taken) == [0, 1, 2]
    assert list(taken) == [[3, 4, 5], [6]]
