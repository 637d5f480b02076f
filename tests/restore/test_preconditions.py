"""A restore writes only over what was seen, and is settled by bytes and not by size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.restore.request import RestoreRequest
from tests.restore.world import (
    DATA,
    EXTRA,
    OPS,
    SCENE,
    Restored,
    contents,
    do,
    make_night,
    restore,
    scene,
    without_history,
)


def meanwhile(environment: PipelineEnvironment, act: Callable[[], object], **options: Any) -> Restored:
    """A restore of everything of the scene, during which something happens before its first object is written."""

    def say(sentence: str) -> None:
        if sentence.endswith("restore data"):
            act()

    request = RestoreRequest(kind="scene", name=SCENE, mode="apply", reason="a test", **options)
    return restore(Context(environment, "a test", say=say), request)


@pytest.mark.parametrize("history", ["soft_delete", "none"])
@pytest.mark.parametrize("was", ["other bytes", "nothing"])
def test_an_object_is_restored_only_over_the_generation_that_was_seen_or_where_nothing_was(
    environment: PipelineEnvironment, sandbox: Sandbox, history: str, was: str
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    if history == "none":
        without_history(sandbox)
    if was == "nothing":
        sandbox.store.delete(DATA, EXTRA)
    else:
        sandbox.store.put(DATA, EXTRA, b"bad!", quiet=True)
    result = meanwhile(
        environment, lambda: sandbox.store.put(DATA, EXTRA, b"new!", quiet=True), overwrite="always", without_hold=True
    )
    assert contents(sandbox.store)[EXTRA] == b"new!", "somebody wrote it meanwhile"
    assert "1 left alone" in " ".join(result.run.done.values())


def test_a_restore_is_settled_by_bytes_and_not_by_size(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    sandbox.store.put(DATA, EXTRA, b"bad", quiet=True)
    result = meanwhile(environment, lambda: sandbox.store.put(DATA, EXTRA, b"evil", quiet=True), overwrite="always")
    said = " ".join(result.run.done.values())
    assert "0 restored, 1 left alone because somebody else wrote them meanwhile" in said
    assert contents(sandbox.store)[EXTRA] == b"evil"


def test_the_proof_finds_other_bytes_of_the_same_size(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    sandbox.store.delete(DATA, EXTRA)

    def spoil(sentence: str) -> None:
        if sentence.endswith("verify data"):
            sandbox.store.put(DATA, EXTRA, b"evil", quiet=True)

    request = RestoreRequest(kind="object", name=EXTRA, mode="apply", reason="a test")
    result = restore(Context(environment, "a test", say=spoil), request)
    said = " ".join(result.run.done.values())
    assert "0 objects have the wanted size and checksum, 1 were written by somebody else meanwhile" in said


def test_what_is_kept_before_it_is_replaced_is_settled_by_bytes_and_not_by_size(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    without_history(sandbox)
    bad = sandbox.store.put(DATA, EXTRA, b"bad!", quiet=True).generation
    sandbox.store.put(OPS, f"remediation/quarantine/@restore/{EXTRA}#{bad}", b"evil")
    result = do(environment, "object", EXTRA, overwrite="always")
    assert result.outcome == "failed"
    assert "holds something else" in result.reasons[0]
    assert contents(sandbox.store)[EXTRA] == b"bad!"


def test_a_soft_deleted_copy_that_is_past_recovery_makes_no_room_for_itself(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, upto="regen3d")
    sandbox.store.put(DATA, EXTRA, b"good", quiet=True)
    make_night(environment, sandbox.store)
    sandbox.store.put(DATA, EXTRA, b"bad", quiet=True)

    gone = next(one for one in sandbox.store.list(DATA, EXTRA, soft_deleted=True))
    result = meanwhile(environment, lambda: past_recovery(sandbox, gone.name, gone.generation), overwrite="always")
    assert contents(sandbox.store)[EXTRA] == b"bad"
    assert "0 restored, 1 whose source is gone" in " ".join(result.run.done.values())


def past_recovery(sandbox: Sandbox, name: str, generation: int) -> None:
    """The soft-delete period of one object is over."""
    bucket = sandbox.store.bucket(DATA)
    with bucket.lock:
        bucket._expiring = [(datetime(2020, 1, 1, tzinfo=UTC), name, generation)]
