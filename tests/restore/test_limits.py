"""A restore keeps to its scope and its caps, removes last, and says what it cannot bring back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.actions import object_lists
from tasks.remediation.context import Context
from tasks.restore.request import RestoreRequest
from tests.recovery.world import everything
from tests.restore.world import (
    BACKUP,
    DATA,
    MARKERS,
    PREFIX,
    SCENE,
    USD,
    contents,
    data_only,
    delete_all,
    do,
    executions,
    kind,
    make_night,
    now,
    restore,
    scene,
    without_history,
)


def test_extra_objects_are_removed_last_and_only_if_told_to(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    before = contents(sandbox.store)
    extra, own_input = f"{PREFIX}usd/extra.bin", f"{PREFIX}regen3d/extra.bin"
    for name in (extra, own_input):
        sandbox.store.put(DATA, name, b"x", quiet=True)
    assert do(environment).outcome == "nothing_to_do"
    assert extra in contents(sandbox.store)
    result = do(environment, remove_extra=True)
    assert (result.outcome, result.counts["list:extra"]) == ("done", 1)
    assert contents(sandbox.store) == before | {own_input: b"x"}, "inputs are nobody's to delete"
    assert extra in {one.name for one in sandbox.store.list(DATA, PREFIX, soft_deleted=True)}


def test_nothing_is_removed_after_an_error(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    damage(sandbox.store, DATA, SCENE, "input_mesh_truncated")
    make_night(environment, sandbox.store, datetime(2029, 1, 1, tzinfo=UTC))
    extra = f"{PREFIX}usd/extra.bin"
    sandbox.store.put(DATA, extra, b"x", quiet=True)
    delete_all(sandbox, f"{PREFIX}regen3d/")
    result = do(environment, remove_extra=True)
    assert result.outcome == "partial"
    assert "broken" in result.reasons[0]
    assert extra in contents(sandbox.store)


@pytest.mark.parametrize(("cap", "value"), [("max_objects", 1), ("max_objects_percent", 1.0), ("max_bytes", 1)])
def test_caps_are_kept_before_the_first_write(
    environment: PipelineEnvironment, sandbox: Sandbox, cap: str, value: float
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    for number in range(3):
        sandbox.store.put(DATA, f"{PREFIX}usd/extra-{number}.bin", b"x", quiet=True)
    environment.policy = environment.policy.model_copy(update={cap: value})
    before = everything(sandbox.store)
    result = do(environment, remove_extra=True, mode="plan")
    assert result.outcome == "refused"
    assert cap in " ".join(result.reasons)
    assert everything(sandbox.store) == before


def test_a_copy_that_is_gone_or_spoilt_is_said_and_the_rest_comes_back(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    copies = [found for found in sandbox.store.list(BACKUP, "objects/") if "/regen3d/objects/" in found.name]
    sandbox.store.delete(BACKUP, copies[0].name)
    sandbox.store.put(BACKUP, copies[1].name, b"spoilt")
    result = do(environment)
    assert result.outcome == "partial"
    assert "2 objects could not be brought back" in result.reasons[0]
    assert len(result.shown["lost"]) == 2
    assert len(contents(sandbox.store)) == result.counts["list:data"]


@pytest.mark.parametrize("what", ["stage", "prefix", "object"])
def test_only_the_scope_is_touched(environment: PipelineEnvironment, sandbox: Sandbox, what: str) -> None:
    scene(sandbox)
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    name = {"stage": f"{SCENE}/usd", "prefix": f"{PREFIX}usd/", "object": USD}[what]
    assert do(environment, what, name).outcome == "done"  # type: ignore[arg-type]
    found = contents(sandbox.store)
    assert USD in found
    assert [one for one in found if "/regen3d/" in one or "/geniesim/" in one] == []


def test_a_bucket_comes_back_scene_by_scene_in_many_ranges(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for number in range(3):
        scene(sandbox, f"room_{number}", upto="regen3d")
    sandbox.store.put(DATA, "scenes/room_1/regen3d/a+b (2).bin", b"plus", quiet=True)
    sandbox.store.put(DATA, "scenes/room_1/regen3d/a+b", b"plus", quiet=True)
    sandbox.store.put(DATA, "scenes/room_1/regen3d/a", b"plain", quiet=True)
    before = contents(sandbox.store, "scenes/")
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox, "scenes/")
    result = do(environment, "bucket", "")
    assert (result.outcome, result.reasons) == ("done", [])
    assert contents(sandbox.store, "scenes/") == data_only(environment, before)
    assert result.plan is not None
    assert result.plan.risk == "high"


def test_without_a_backup_and_without_a_time_it_asks_for_one(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    result = do(environment)
    assert result.outcome == "refused"
    assert "no good night" in result.reasons[0]


def test_a_name_that_nobody_knows_is_refused_and_not_called_done(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    for options in ({}, {"at": now()}):
        result = do(environment, "scene", "kitchen_999", **options)
        assert result.outcome == "refused"
        assert "check its name" in result.reasons[0]


def test_a_time_of_which_nothing_is_known_is_refused_and_removes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    before = contents(sandbox.store)
    for options, says in (({}, "Nothing is known"), ({"remove_extra": True}, "nobody can tell what is extra")):
        result = do(environment, at=datetime(2020, 1, 1, tzinfo=UTC), **options)
        assert result.outcome == "refused"
        assert says in result.reasons[0]
    assert contents(sandbox.store) == before


def test_a_scene_that_is_being_recovered_keeps_a_restore_of_everything_waiting(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox, f"{PREFIX}regen3d/")
    wanted = RestoreRequest(kind="bucket", mode="apply", reason="a test")
    with Context(environment, "somebody").holding(SCENE, "their-run"):
        result = restore(Context(environment, "a test"), wanted)
    assert result.outcome == "refused"
    assert "somebody" in result.reasons[0]
    assert restore(Context(environment, "a test"), wanted).outcome == "done"


def test_what_the_service_refuses_for_good_is_not_asked_for_ever(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", status=403, times=1))
    result = do(environment)
    assert result.outcome == "partial", "the others were restored"
    assert "1 object could not be restored: Could not copy gs://" in result.reasons[0]
    assert executions(sandbox) == []
    assert do(environment).outcome == "done"


def test_an_object_that_does_not_stay_is_found_by_the_proof_and_nothing_follows_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    make_night(environment, sandbox.store)
    delete_all(sandbox)
    extra = f"{PREFIX}usd/extra.bin"
    sandbox.store.put(DATA, extra, b"x", quiet=True)
    lost: list[str] = []

    def say(sentence: str) -> None:
        if "verify data" in sentence and not lost:
            lost.append(next(iter(contents(sandbox.store, f"{PREFIX}regen3d/"))))
            sandbox.store.delete(DATA, lost[0])

    wanted = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test", markers=True, remove_extra=True)
    result = restore(Context(environment, "a test", say=say), wanted)
    assert result.outcome == "partial"
    assert f"1 restored objects are not as they should be: {lost[0]}" in result.reasons[0]
    found = contents(sandbox.store)
    assert [name for name in found if kind(environment, name) in MARKERS] == []
    assert extra in found


def test_a_long_list_is_carried_out_in_parts_and_goes_on_with_the_first_that_has_not_ended(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_lists, "PART", 4)
    scene(sandbox, upto="regen3d")
    before = contents(sandbox.store)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    delete_all(sandbox)
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    written: list[str] = []

    def note(bucket: str, version: object) -> None:
        if bucket == DATA:
            written.append(version.name)  # type: ignore[attr-defined]
            if len(written) == 10:
                sandbox.faults.add(FaultRule(service="storage", method="objects.rewrite", kind="status", times=1))

    sandbox.store.on_finalize(note)
    first = do(environment)
    assert first.outcome == "failed"
    assert "continues where it stopped" in first.reasons[0]
    assert 10 <= len(contents(sandbox.store)) < len(data_only(environment, before))
    assert do(environment).outcome == "done"
    assert contents(sandbox.store) == data_only(environment, before)
    assert len(written) == len(set(written)), "nothing was written twice"
    assert executions(sandbox) == []
