"""Objects come back from the cheapest source; newer good ones, locks and markers are left as the rules say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tests.recovery.world import everything, live
from tests.restore.world import (
    DATA,
    MARKERS,
    OPS,
    PREFIX,
    SCENE,
    contents,
    data_only,
    delete_all,
    do,
    executions,
    kind,
    make_night,
    now,
    scene,
    without_history,
)


@pytest.mark.parametrize("source_kind", ["version", "soft_delete", "backup"])
def test_a_lost_scene_comes_back_from_the_cheapest_source_that_has_it(
    environment: PipelineEnvironment, sandbox: Sandbox, source_kind: str
) -> None:
    scene(sandbox)
    sandbox.store.bucket(DATA).settings.versioning = source_kind == "version"
    before = contents(sandbox.store)
    make_night(environment, sandbox.store)
    if source_kind == "backup":
        without_history(sandbox)
    delete_all(sandbox)
    ran = len(executions(sandbox))
    result = do(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert contents(sandbox.store) == data_only(environment, before)
    assert result.counts[f"source:{source_kind}"] == len(data_only(environment, before))
    assert len(executions(sandbox)) == ran, "a restore starts nothing"


def test_a_plan_changes_nothing_and_shows_what_would_start(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    before = everything(sandbox.store)
    result = do(environment, mode="plan", markers=True)
    assert result.outcome == "planned"
    assert everything(sandbox.store) == before
    count = result.counts["list:data"] + result.counts["list:markers"]
    everywhere = [name for name, fired in result.fires.items() if fired == count]
    assert len(everywhere) == 3, "triggers that filter on the bucket alone fire for every object"
    assert result.fires["usd-assembly-trigger"] == 1


def test_the_same_state_gives_the_same_digest_and_another_one_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    first = do(environment, mode="plan").plan
    again = do(environment, mode="plan").plan
    assert first is not None
    assert again is not None
    assert first.digest == again.digest
    sandbox.store.put(DATA, f"{PREFIX}regen3d/new.bin", b"new", quiet=True)
    name = next(iter(contents(sandbox.store, PREFIX, DATA)))
    sandbox.store.delete(DATA, name)
    make_night(environment, sandbox.store, datetime(2030, 1, 1, tzinfo=UTC))
    refused = do(environment, plan_digest=first.digest)
    assert refused.outcome in ("refused", "nothing_to_do")
    assert contents(sandbox.store) == {}


def test_nothing_to_do_is_said_and_nothing_is_written(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    before = live(sandbox.store)
    result = do(environment)
    assert result.outcome == "nothing_to_do"
    assert live(sandbox.store) == before
    assert [name for name in live(sandbox.store, OPS) if "/holds/" in name] == []


def test_a_newer_good_object_is_left_alone_and_listed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    name = f"{PREFIX}logs/notes.txt"
    sandbox.store.put(DATA, name, b"old", quiet=True)
    make_night(environment, sandbox.store, datetime(2029, 1, 1, tzinfo=UTC))
    sandbox.store.put(DATA, name, b"newer", quiet=True)
    result = do(environment)
    assert (result.outcome, result.shown["left_alone"]) == ("nothing_to_do", [name])
    assert contents(sandbox.store)[name] == b"newer"
    assert do(environment, overwrite="never").outcome == "nothing_to_do"
    assert do(environment, overwrite="always").outcome == "done"
    assert contents(sandbox.store)[name] == b"old"


def test_an_object_that_validation_calls_broken_is_replaced(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    before = contents(sandbox.store)
    make_night(environment, sandbox.store)
    damage(sandbox.store, DATA, SCENE, "input_mesh_truncated")
    changed = [name for name, data in contents(sandbox.store).items() if before.get(name) != data]
    result = do(environment)
    assert (result.outcome, result.shown["overwritten"]) == ("done", changed)
    assert contents(sandbox.store) == before


@pytest.mark.parametrize("history", ["soft_delete", "none"])
def test_what_is_replaced_can_be_had_again(environment: PipelineEnvironment, sandbox: Sandbox, history: str) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    name = f"{PREFIX}regen3d/extra.bin"
    sandbox.store.put(DATA, name, b"good", quiet=True)
    make_night(environment, sandbox.store, datetime(2029, 1, 1, tzinfo=UTC))
    if history == "none":
        without_history(sandbox)
    bad = sandbox.store.put(DATA, name, b"bad", quiet=True).generation
    assert do(environment, "object", name, overwrite="always").outcome == "done"
    assert contents(sandbox.store)[name] == b"good"
    if history == "none":
        kept = contents(sandbox.store, "remediation/quarantine/", OPS)
        assert kept == {f"remediation/quarantine/@restore/{name}#{bad}": b"bad"}
    else:
        gone = {(one.name, one.generation) for one in sandbox.store.list(DATA, PREFIX, soft_deleted=True)}
        assert (name, bad) in gone


def test_the_state_of_a_time_is_exact_where_the_bucket_keeps_history(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    name = f"{PREFIX}regen3d/extra.bin"
    sandbox.store.put(DATA, name, b"one", quiet=True)
    at = now()
    sandbox.store.put(DATA, name, b"two", quiet=True)
    sandbox.store.put(DATA, f"{PREFIX}regen3d/later.bin", b"later", quiet=True)
    result = do(environment, at=at, overwrite="always")
    assert result.outcome == "done"
    assert "minutes earlier" not in result.achieved
    assert contents(sandbox.store)[name] == b"one"
    assert f"{PREFIX}regen3d/later.bin" in contents(sandbox.store), "what came later stays unless it is told to go"


def test_without_history_it_is_the_night_and_says_how_much_earlier(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    name = f"{PREFIX}regen3d/extra.bin"
    without_history(sandbox)
    sandbox.store.put(DATA, name, b"of the night", quiet=True)
    make_night(environment, sandbox.store, datetime(2026, 1, 1, 2, tzinfo=UTC))
    sandbox.store.put(DATA, name, b"of today", quiet=True)
    make_night(environment, sandbox.store, datetime(2026, 1, 3, 2, tzinfo=UTC))
    result = do(environment, "object", name, at=datetime(2026, 1, 2, 2, tzinfo=UTC), overwrite="always")
    assert result.outcome == "done"
    assert "1,440 minutes earlier" in result.achieved
    assert contents(sandbox.store)[name] == b"of the night"


def test_what_had_been_deleted_by_then_is_not_brought_back(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    sandbox.store.delete(DATA, f"{PREFIX}regen3d/scene_info.json")
    at = now()
    delete_all(sandbox, f"{PREFIX}regen3d/")
    assert do(environment, at=at).outcome == "done"
    assert f"{PREFIX}regen3d/scene_info.json" not in contents(sandbox.store)
    assert [name for name in contents(sandbox.store) if "/regen3d/" in name]


def test_locks_idempotency_records_and_failure_markers_never_come_back(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    never = [f"{PREFIX}locks/usd-assembly.lock", f"{PREFIX}geniesim/idempotency/a.json", f"{PREFIX}geniesim/.failed"]
    for name in never:
        sandbox.store.put(DATA, name, b"{}", quiet=True)
    at = now()
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    for options in ({}, {"at": at}):
        do(environment, markers=True, overwrite="always", **options)
        assert [name for name in never if name in contents(sandbox.store)] == []
    assert [name for name in contents(sandbox.store) if "regen3d" in name]


def test_markers_come_back_only_if_asked_for_and_after_all_data(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="usd")
    make_night(environment, sandbox.store)
    markers = {name for name in contents(sandbox.store) if kind(environment, name) in MARKERS}
    delete_all(sandbox)
    assert do(environment).outcome == "done"
    assert markers & set(contents(sandbox.store)) == set()
    delete_all(sandbox)
    written: list[str] = []
    sandbox.store.on_finalize(lambda bucket, version: written.append(version.name) if bucket == DATA else None)
    result = do(environment, markers=True)
    assert result.outcome == "done"
    ours = written[: result.counts["list:data"] + result.counts["list:markers"]]
    assert set(ours[-len(markers) :]) == markers, "every marker is written after the last data object"
