"""A state is put back under Terraform's own lock, only over the generation that was seen, and only what was approved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage.store_version import StoredVersion
from tasks.actions.terraform_state import (
    PutState,
    kept_state,
    lock_info,
    lock_name,
    lock_of,
    put_action,
    read_lock,
    read_state,
    restore_state,
)
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tasks.remediation.outcome import Stopped
from tests.kernel.world import policies
from tests.remediation.world import apply, doing, inverse
from tests.restore.test_terraform import BUCKET, LOCK, NAME, body


@pytest.fixture
def context(environment: PipelineEnvironment, sandbox: Sandbox) -> Context:
    """With remote state in a bucket that keeps versions."""
    sandbox.store.create_bucket(BUCKET, versioning=True)
    where = {"terraform_state_bucket": BUCKET, "terraform_state_prefix": "state", "terraform_lock_wait_seconds": 0.0}
    environment.backup = environment.backup.model_copy(update=where)
    return Context(environment, "ann")


def put(sandbox: Sandbox, serial: int, name: str = NAME, bucket: str = BUCKET) -> StoredVersion:
    return sandbox.store.put(bucket, name, body(serial), quiet=True)


def serial(sandbox: Sandbox) -> int | None:
    found = sandbox.store.get(BUCKET, NAME)
    return None if found is None else int(json.loads(found.data)["serial"])


def putting(context: Context, good: StoredVersion, live: int, **more: Any) -> Doing:
    told = {"name": NAME, "source_bucket": BUCKET, "source_name": NAME, "generation": good.generation}
    told |= {"size": good.size, "crc32c": good.crc32c, "live_generation": live}
    return doing(context, restore_state, PutState.model_validate(told | more), "@restore")


@pytest.fixture
def two(context: Context, sandbox: Sandbox) -> Doing:
    """Serial 3 is to be put back over serial 4."""
    good = put(sandbox, 3)
    return putting(context, good, put(sandbox, 4).generation)


def test_it_is_put_back_the_lock_is_given_back_and_so_it_is_found(two: Doing, sandbox: Sandbox) -> None:
    assert apply(restore_state, two).startswith("put back as generation ")
    assert (serial(sandbox), sandbox.store.get(BUCKET, LOCK)) == (3, None)
    assert apply(restore_state, two).startswith("found there as generation ")


def test_one_that_was_written_since_is_left_alone_and_the_lock_given_back(two: Doing, sandbox: Sandbox) -> None:
    put(sandbox, 5)
    with pytest.raises(PreconditionFailed):
        apply(restore_state, two)
    assert (serial(sandbox), sandbox.store.get(BUCKET, LOCK)) == (5, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "elsewhere/default.tfstate"},
        {"name": "state/default.tflock"},
        {"name": "scenes/a/x"},
        {"source_bucket": "sandbox-scenes"},
    ],
)
def test_only_states_are_put_and_only_from_where_states_are_kept(
    context: Context, sandbox: Sandbox, changes: dict[str, str]
) -> None:
    good = put(sandbox, 3)
    put(sandbox, 3, bucket="sandbox-scenes")
    sandbox.requests.reset()
    with pytest.raises(PermanentError, match="Nothing was done; look who wrote it"):
        apply(restore_state, putting(context, good, 0, **changes))
    assert sandbox.requests.count("storage", "objects.rewrite") == 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"generation": 7}, NotFound, "is gone; plan again"),
        ({"size": 1}, PermanentError, "is not what the plan was approved with"),
        ({"crc32c": "AAAAAA=="}, PermanentError, "is not what the plan was approved with"),
    ],
)
def test_a_source_that_is_gone_or_another_is_not_put(
    two: Doing, context: Context, sandbox: Sandbox, changes: dict[str, Any], error: type[Exception], says: str
) -> None:
    params = restore_state.read(two.action).model_copy(update=changes)
    with pytest.raises(error, match=says):
        apply(restore_state, doing(context, restore_state, params, "@restore"))
    assert (serial(sandbox), sandbox.store.get(BUCKET, LOCK)) == (4, None)


def test_the_switch_stops_it_under_the_lock(two: Doing, context: Context, sandbox: Sandbox) -> None:
    policies(context.environment, kill_switch=["by ann: fire"])
    context._asked = float("-inf")
    with pytest.raises(Stopped):
        apply(restore_state, two)
    assert (serial(sandbox), sandbox.store.get(BUCKET, LOCK)) == (4, None)


@pytest.mark.parametrize("history", [True, False])
def test_what_it_replaced_comes_back_from_the_history_or_from_the_copy(
    two: Doing, context: Context, sandbox: Sandbox, history: bool
) -> None:
    if not history:
        good = sandbox.store.put("sandbox-backup", NAME, body(3), quiet=True)
        settings = sandbox.store.bucket(BUCKET).settings
        settings.versioning, settings.soft_delete_seconds = False, 0
        live = put(sandbox, 4).generation
        two = putting(context, good, live, source_bucket="sandbox-backup")
    apply(restore_state, two)
    replaced = restore_state.read(two.action).live_generation
    assert (sandbox.store.get("sandbox-ops", kept_state(NAME, replaced)) is None) == history
    back = inverse(restore_state, two)
    assert back is not None
    assert (back.replaced, "serial 4" in back.target) == (1, True)
    apply(restore_state, doing(context, restore_state, restore_state.read(back), "@restore"))
    assert serial(sandbox) == 4


def test_what_somebody_has_written_since_is_not_taken_back(two: Doing, sandbox: Sandbox) -> None:
    assert inverse(restore_state, two) is None, "nothing was put"
    apply(restore_state, two)
    put(sandbox, 5)
    assert inverse(restore_state, two) is None
    sandbox.store.delete(BUCKET, NAME)
    assert inverse(restore_state, two) is None


def test_where_there_was_none_or_it_is_kept_no_more_a_person_takes_it_back(context: Context, sandbox: Sandbox) -> None:
    good = sandbox.store.put("sandbox-backup", NAME, body(3), quiet=True)
    for live, says in ((0, "remove it by hand"), (7, "generation 7 is not kept any more")):
        acting = putting(context, good, live, source_bucket="sandbox-backup")
        put(sandbox, 3)
        with pytest.raises(NoWayBack, match=says):
            inverse(restore_state, acting)


def test_the_lock_of_this_run_is_taken_again_and_nobody_elses(two: Doing, context: Context, sandbox: Sandbox) -> None:
    sandbox.store.put(BUCKET, LOCK, lock_info(two.journal.run, "ann", "x"))
    assert lock_of(context.environment, two.journal) is not None
    assert apply(restore_state, two).startswith("put back")
    for theirs in (lock_info("another", "bo", "x"), b"{", b"7", b""):
        sandbox.store.put(BUCKET, LOCK, theirs)
        assert lock_of(context.environment, two.journal) is None
        with pytest.raises(PermanentError, match=r"is held by (bo|somebody) since"):
            apply(restore_state, two)
        found = sandbox.store.get(BUCKET, LOCK)
        assert found is not None
        assert found.data == theirs


def test_a_lock_that_somebody_gives_back_in_time_is_waited_for(two: Doing, context: Context, sandbox: Sandbox) -> None:
    backup = context.environment.backup
    context.environment.backup = backup.model_copy(update={"terraform_lock_wait_seconds": 30.0})
    context.environment.policy.poll_seconds = 0.01
    sandbox.store.put(BUCKET, LOCK, lock_info("another", "bo", "x"))
    draw, looks = sandbox.faults.draw, []

    def give_back(service: str, method: str, kinds: Any = None) -> Any:
        looks.append(method)
        if method == "objects.media" and looks.count(method) == 2:
            sandbox.store.delete(BUCKET, LOCK)
        return draw(service, method, kinds)

    sandbox.faults.draw = give_back  # type: ignore[method-assign]
    assert apply(restore_state, two).startswith("put back")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"lineage": "x"}', b'{"lineage": "x", "serial": "y"}'])
def test_what_is_no_state_is_named(context: Context, sandbox: Sandbox, content: bytes) -> None:
    sandbox.store.put(BUCKET, NAME, content)
    stored = context.environment.storage.stat(BUCKET, NAME)
    assert stored is not None
    with pytest.raises(PermanentError, match="is no Terraform state; choose another time"):
        read_state(context.environment, stored, "version")


def test_the_plan_says_serials_and_bytes_and_nothing_of_the_content(context: Context, sandbox: Sandbox) -> None:
    put(sandbox, 3)
    stored = context.environment.storage.stat(BUCKET, NAME)
    assert stored is not None
    version = read_state(context.environment, stored, "version")
    over, first = put_action(NAME, version, version), put_action(NAME, version, None)
    assert (over.replaced, over.replaced_bytes, "serial 3" in over.precondition) == (1, stored.size, True)
    assert (first.replaced, first.replaced_bytes, "serial none" in first.precondition) == (0, 0, True)
    assert "hunter2" not in over.model_dump_json()


def test_a_lock_stands_beside_its_state_and_says_what_terraform_shows(context: Context, sandbox: Sandbox) -> None:
    assert lock_name("state/default.tfstate") == "state/default.tflock"
    sandbox.store.put(BUCKET, LOCK, lock_info("r", "ann", "gs://x"))
    stored = context.environment.storage.stat(BUCKET, LOCK)
    assert stored is not None
    said = read_lock(context.environment, stored)
    assert (said["ID"], said["Who"], said["Path"], said["Created"][-1]) == ("r", "ann", "gs://x", "Z")
