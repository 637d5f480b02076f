"""The record of what was removed: complete, written once, kept small, and never trusted when it was altered."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.pipeline.retention_record import EACH, ROOT, Removal, ledger_of, record, removed_of
from tests.retention.world import NOON

LATER = NOON + timedelta(days=1)


def removal(path: str = "layout/a", at: datetime = NOON, scene: str = "s-1") -> Removal:
    return Removal(scene, path, "intermediate", 30, at)


def entries(sandbox: Sandbox, scene: str = "s-1") -> list[str]:
    return [found.name for found in sandbox.store.list(OPS_BUCKET, f"{ROOT}scenes/{scene}/")]


def test_nothing_is_known_of_a_scene_without_a_record(environment: PipelineEnvironment) -> None:
    assert removed_of(environment, "s-1") == {}


def test_what_was_recorded_is_found_again_by_scene(environment: PipelineEnvironment) -> None:
    assert record(environment, "a test", "s-1", [removal("layout/a"), removal("seg/b", LATER)]) == 2
    assert removed_of(environment, "s-1") == {"layout/a": NOON, "seg/b": LATER}
    assert removed_of(environment, "s-10") == {}


def test_the_same_lines_again_add_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    record(environment, "a test", "s-1", [removal()])
    assert record(environment, "a test", "s-1", [removal(), removal()]) == 0
    assert len(entries(sandbox)) == 1


def test_an_object_that_was_made_again_can_be_removed_again(environment: PipelineEnvironment) -> None:
    record(environment, "a test", "s-1", [removal()])
    assert record(environment, "a test", "s-1", [removal(at=LATER)]) == 1
    assert removed_of(environment, "s-1") == {"layout/a": LATER}


def test_many_objects_become_several_small_entries(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = [f"assets/obj_{number}/asset.glb" for number in range(2 * EACH + 1)]
    assert record(environment, "a test", "s-1", map(removal, names)) == len(names)
    assert len(entries(sandbox)) == 3
    assert set(removed_of(environment, "s-1")) == set(names)
    assert max(one.size for one in sandbox.store.list(OPS_BUCKET, ROOT)) < 100_000


def test_the_record_is_a_chain_that_can_be_verified(environment: PipelineEnvironment) -> None:
    record(environment, "a test", "s-1", [removal(), removal(at=LATER)])
    assert ledger_of(environment, "s-1", "").verify() == []


def test_an_altered_record_is_not_believed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    record(environment, "a test", "s-1", [removal(), removal(at=LATER)])
    sandbox.store.put(OPS_BUCKET, entries(sandbox)[0], json.dumps({"kind": "removed"}).encode())
    assert removed_of(environment, "s-1") == {}


def test_a_record_that_cannot_be_read_leaves_the_scene_to_its_ages(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    record(environment, "a test", "s-1", [removal()])
    sandbox.faults.add(FaultRule(service="storage", kind="status", status=403))
    assert removed_of(environment, "s-1") == {}


def test_a_record_that_does_not_answer_now_is_no_word_that_nothing_expired(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    record(environment, "a test", "s-1", [removal()])
    sandbox.faults.add(FaultRule(service="storage", kind="status", status=503))
    with pytest.raises(TemporaryError):
        removed_of(environment, "s-1")


@pytest.mark.parametrize("data", [
    {}, {"objects": {"a": {}}}, {"objects": ["a"], "removed_at": NOON.isoformat()}, {"objects": {"a": 1}, "removed_at": "then"},
])  # fmt: skip
def test_an_entry_of_another_version_names_nothing_and_hides_nothing(
    environment: PipelineEnvironment, data: dict[str, object]
) -> None:
    ledger = ledger_of(environment, "s-1", "a test")
    ledger.append("removed", data)  # type: ignore[arg-type]
    ledger.append("later", {"objects": {"b": {}}, "removed_at": NOON.isoformat()})
    assert record(environment, "a test", "s-1", [removal()]) == 1
    assert removed_of(environment, "s-1") == {"layout/a": NOON}
