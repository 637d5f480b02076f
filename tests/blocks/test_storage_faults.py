"""Every write of the storage block under every fault: it takes effect once or not at all, and the block knows which."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from blocks.calls import CallLimits
from blocks.errors import NotFound, PreconditionFailed, TemporaryError, UnknownOutcome
from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from deployments.sandbox.faults import FaultKind, FaultRule
from deployments.sandbox.server import Sandbox

IMPATIENT = CallLimits(attempts=4, total_seconds=20.0, call_seconds=0.4, first_wait_seconds=0.01)

FAULTS: list[FaultRule] = [
    FaultRule(kind="status", status=408, times=1),
    FaultRule(kind="status", status=429, times=2),
    FaultRule(kind="status", status=500, times=1),
    FaultRule(kind="status", status=503, times=2),
    FaultRule(kind="reset", times=2),
    FaultRule(kind="hang", seconds=1.5, times=1),
    FaultRule(kind="lost_answer", times=1),
    FaultRule(kind="latency", seconds=0.1, times=1),
]


def named(rule: FaultRule) -> str:
    return f"{rule.kind}-{rule.status}" if rule.kind == "status" else rule.kind


@dataclass
class Scene:
    """A bucket with an object `x`, and the block that works on it."""

    storage: PipelineStorage
    sandbox: Sandbox
    bucket: str
    x: StoredObject

    def generations(self, name: str) -> int:
        """How many versions of `name` there ever were."""
        return sum(1 for found in self.storage.list(self.bucket, name, versions=True) if found.name == name)

    def fail(self, rule: FaultRule, method: str) -> None:
        self.sandbox.faults.add(rule.model_copy(update={"service": "storage", "method": method}))


@pytest.fixture
def scene(storage: PipelineStorage, sandbox: Sandbox, bucket: str) -> Scene:
    written = storage.create(bucket, "x", b"data")
    storage.limits = IMPATIENT
    return Scene(storage, sandbox, bucket, written)


@pytest.mark.parametrize("fault", FAULTS, ids=named)
class TestOneFault:
    """One fault, then the sandbox behaves: the caller notices nothing, and the effect took place exactly once."""

    def test_create(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.insert")
        written = scene.storage.create(scene.bucket, "y", b"new")
        assert scene.storage.stat(scene.bucket, "y") == written
        assert scene.storage.read(scene.bucket, "y") == b"new"
        assert scene.generations("y") == 1

    def test_replace(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.insert")
        written = scene.storage.replace(scene.bucket, "x", b"new", generation=scene.x.generation)
        assert scene.storage.stat(scene.bucket, "x") == written
        assert scene.generations("x") == 2

    def test_delete(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.delete")
        assert scene.storage.delete(scene.bucket, "x", generation=scene.x.generation) is True
        assert scene.storage.stat(scene.bucket, "x") is None
        assert scene.generations("x") == 1

    def test_copy(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.rewrite")
        copied = scene.storage.copy(scene.x, scene.bucket, "y")
        assert scene.storage.stat(scene.bucket, "y") == copied
        assert scene.generations("y") == 1

    def test_copy_over_another_object(self, scene: Scene, fault: FaultRule) -> None:
        there = scene.storage.create(scene.bucket, "y", b"old")
        scene.fail(fault, "objects.rewrite")
        copied = scene.storage.copy(scene.x, scene.bucket, "y", generation=there.generation)
        assert scene.storage.stat(scene.bucket, "y") == copied
        assert scene.generations("y") == 2

    def test_restore_of_a_soft_deleted_object(self, scene: Scene, fault: FaultRule) -> None:
        soft = f"{scene.bucket}-soft"
        scene.sandbox.store.create_bucket(soft, versioning=False, soft_delete_seconds=604800)
        written = scene.storage.create(soft, "x", b"data")
        scene.storage.delete(soft, "x", generation=written.generation)
        (gone,) = scene.storage.list(soft, soft_deleted=True)
        scene.fail(fault, "objects.restore")
        back = scene.storage.restore_soft_deleted(gone)
        assert scene.storage.stat(soft, "x") == back
        assert back.same_as(written)

    def test_read(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.media")
        assert scene.storage.read(scene.bucket, "x") == b"data"

    def test_stat(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.get")
        assert scene.storage.stat(scene.bucket, "x") == scene.x

    def test_list(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "objects.list")
        assert list(scene.storage.list(scene.bucket)) == [scene.x]

    def test_protection(self, scene: Scene, fault: FaultRule) -> None:
        scene.fail(fault, "buckets.get")
        assert scene.storage.protection(scene.bucket).versioning


def writes(scene: Scene) -> dict[str, Callable[[], object]]:
    return {
        "objects.insert": lambda: scene.storage.create(scene.bucket, "y", b"new"),
        "objects.delete": lambda: scene.storage.delete(scene.bucket, "x", generation=scene.x.generation),
        "objects.rewrite": lambda: scene.storage.copy(scene.x, scene.bucket, "y"),
    }


@pytest.mark.parametrize("method", ["objects.insert", "objects.delete", "objects.rewrite"])
@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("status", 429, TemporaryError),
        ("status", 503, TemporaryError),
        ("status", 500, UnknownOutcome),
        ("reset", 503, UnknownOutcome),
        ("hang", 503, UnknownOutcome),
        ("lost_answer", 503, UnknownOutcome),
    ],
)
def test_a_write_that_never_gets_an_answer_says_whether_it_may_have_taken_effect(
    scene: Scene, method: str, kind: FaultKind, status: int, expected: type[Exception]
) -> None:
    scene.sandbox.requests.reset()
    scene.fail(FaultRule(kind=kind, status=status, seconds=1.0), method)
    with pytest.raises(expected):
        writes(scene)[method]()
    assert scene.sandbox.requests.count("storage", method) == IMPATIENT.attempts


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_a_read_that_never_gets_an_answer_is_temporary(scene: Scene, kind: FaultKind) -> None:
    scene.fail(FaultRule(kind=kind, seconds=1.0), "objects.*")
    with pytest.raises(TemporaryError, match="try again later"):
        scene.storage.read(scene.bucket, "x")
    with pytest.raises(TemporaryError, match="try again later"):
        scene.storage.stat(scene.bucket, "x")


def test_a_lost_answer_of_create_is_recognised_as_ours_and_another_writer_is_not(scene: Scene) -> None:
    """The first try is cut before it has an effect, and somebody else writes the same bytes in between."""
    scene.fail(FaultRule(kind="reset", times=1), "objects.insert")
    scene.sandbox.store.put(scene.bucket, "y", b"new", content_type="application/json")
    with pytest.raises(PreconditionFailed):
        scene.storage.create(scene.bucket, "y", b"new")
    assert scene.generations("y") == 1


def test_a_lost_answer_of_delete_does_not_hide_that_another_generation_lives_there(scene: Scene) -> None:
    newer = scene.storage.replace(scene.bucket, "x", b"newer", generation=scene.x.generation)
    scene.fail(FaultRule(kind="reset", times=1), "objects.delete")
    with pytest.raises(PreconditionFailed):
        scene.storage.delete(scene.bucket, "x", generation=scene.x.generation)
    assert scene.storage.stat(scene.bucket, "x") == newer


def test_a_lost_answer_of_copy_does_not_hide_that_the_target_holds_something_else(scene: Scene) -> None:
    there = scene.storage.create(scene.bucket, "y", b"something else")
    scene.fail(FaultRule(kind="reset", times=1), "objects.rewrite")
    with pytest.raises(PreconditionFailed):
        scene.storage.copy(scene.x, scene.bucket, "y")
    assert scene.storage.stat(scene.bucket, "y") == there


def test_a_lost_answer_of_copy_does_not_take_the_old_target_for_the_new_one(scene: Scene) -> None:
    """The target holds the same bytes already, under the generation to be overwritten, and the source is gone."""
    plain = f"{scene.bucket}-plain"
    scene.sandbox.store.create_bucket(plain, versioning=False, soft_delete_seconds=0)
    source = scene.storage.create(plain, "from", b"data")
    there = scene.storage.copy(source, scene.bucket, "y")
    scene.storage.delete(plain, "from", generation=source.generation)
    scene.fail(FaultRule(kind="reset", times=1), "objects.rewrite")
    with pytest.raises((NotFound, PreconditionFailed)):
        scene.storage.copy(source, scene.bucket, "y", generation=there.generation)
    assert scene.storage.stat(scene.bucket, "y") == there


def test_a_page_that_fails_is_asked_for_again_without_repeating_the_others(scene: Scene) -> None:
    for number in range(2500):
        scene.sandbox.store.put(scene.bucket, f"many/{number:04}", b"1", quiet=True)
    listing = scene.storage.list(scene.bucket, "many/")
    names = [next(listing).name]
    scene.fail(FaultRule(kind="reset", times=2), "objects.list")
    names += [found.name for found in listing]
    assert names == [f"many/{number:04}" for number in range(2500)]


def test_a_server_that_is_down_is_temporary_because_nothing_was_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    storage = PipelineStorage(endpoint=nobody, limits=IMPATIENT)
    with pytest.raises(TemporaryError, match="no connection"):
        storage.create("bucket", "x", b"")
    with pytest.raises(TemporaryError, match="no connection"):
        storage.delete("bucket", "x", generation=1)
    storage.close()
