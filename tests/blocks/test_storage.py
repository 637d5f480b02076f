"""What the storage block does with a real client against the sandbox, without faults."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.storage import PipelineStorage
from blocks.stored_object import WRITE_TOKEN
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox


def test_a_written_object_reads_back_with_its_description(storage: PipelineStorage, bucket: str) -> None:
    written = storage.create(bucket, "a/b c.json", b'{"a": 1}', metadata={"reason": "test"})
    assert storage.stat(bucket, "a/b c.json") == written
    assert storage.read(bucket, "a/b c.json") == b'{"a": 1}'
    assert (written.size, written.content_type, written.is_live) == (8, "application/json", True)
    assert written.metadata["reason"] == "test"
    assert written.created.tzinfo is not None
    assert written.uri == f"gs://{bucket}/a/b c.json#{written.generation}"


def test_create_does_not_touch_what_is_there(storage: PipelineStorage, bucket: str) -> None:
    first = storage.create(bucket, "x", b"first")
    with pytest.raises(PreconditionFailed, match="write gs://"):
        storage.create(bucket, "x", b"second")
    assert storage.stat(bucket, "x") == first
    assert storage.read(bucket, "x") == b"first"


def test_replace_overwrites_only_the_generation_it_names(storage: PipelineStorage, bucket: str) -> None:
    first = storage.create(bucket, "x", b"first")
    second = storage.replace(bucket, "x", b"second", generation=first.generation)
    assert storage.read(bucket, "x") == b"second"
    with pytest.raises(PreconditionFailed):
        storage.replace(bucket, "x", b"third", generation=first.generation)
    assert storage.stat(bucket, "x") == second


def test_a_delete_with_an_old_generation_changes_nothing(storage: PipelineStorage, bucket: str) -> None:
    first = storage.create(bucket, "x", b"first")
    second = storage.replace(bucket, "x", b"second", generation=first.generation)
    with pytest.raises(PreconditionFailed):
        storage.delete(bucket, "x", generation=first.generation)
    assert storage.stat(bucket, "x") == second
    assert len(list(storage.list(bucket, versions=True))) == 2


def test_a_delete_says_whether_there_was_anything(storage: PipelineStorage, bucket: str) -> None:
    written = storage.create(bucket, "x", b"data")
    assert storage.delete(bucket, "x", generation=written.generation) is True
    assert storage.stat(bucket, "x") is None
    assert storage.delete(bucket, "x", generation=written.generation) is False
    assert storage.delete(bucket, "never-was", generation=1) is False


def test_a_deleted_version_can_be_copied_back(storage: PipelineStorage, bucket: str) -> None:
    written = storage.create(bucket, "x", b"data", metadata={"k": "v"})
    storage.delete(bucket, "x", generation=written.generation)
    (old,) = storage.list(bucket, "x", versions=True)
    assert not old.is_live
    assert storage.read(bucket, "x", generation=old.generation) == b"data"
    back = storage.copy(old, bucket, "x")
    assert storage.read(bucket, "x") == b"data"
    assert back.same_as(written)
    assert back.generation != written.generation


def test_a_soft_deleted_object_comes_back(storage: PipelineStorage, sandbox: Sandbox, bucket: str) -> None:
    sandbox.store.create_bucket(f"{bucket}-soft", versioning=False, soft_delete_seconds=604800)
    written = storage.create(f"{bucket}-soft", "x", b"data")
    storage.delete(f"{bucket}-soft", "x", generation=written.generation)
    (gone,) = storage.list(f"{bucket}-soft", soft_deleted=True)
    assert gone.soft_deleted_at is not None
    assert not gone.is_live
    back = storage.restore_soft_deleted(gone)
    assert storage.read(f"{bucket}-soft", "x") == b"data"
    assert storage.stat(f"{bucket}-soft", "x") == back


def test_a_soft_deleted_object_does_not_come_back_over_another(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str
) -> None:
    name = f"{bucket}-soft"
    sandbox.store.create_bucket(name, versioning=False, soft_delete_seconds=604800)
    written = storage.create(name, "x", b"old")
    storage.delete(name, "x", generation=written.generation)
    (gone,) = storage.list(name, soft_deleted=True)
    new = storage.create(name, "x", b"new")
    with pytest.raises(PreconditionFailed):
        storage.restore_soft_deleted(gone)
    assert storage.stat(name, "x") == new


def test_a_copy_keeps_bytes_type_and_metadata(storage: PipelineStorage, bucket: str) -> None:
    source = storage.create(bucket, "from", b"\x00" * 3_000_000, metadata={"k": "v"}, content_type="model/gltf-binary")
    target = storage.copy(source, bucket, "to/there")
    assert target.same_as(source)
    assert (target.content_type, target.metadata["k"]) == ("model/gltf-binary", "v")


def test_a_copy_over_another_generation_than_named_changes_nothing(storage: PipelineStorage, bucket: str) -> None:
    source = storage.create(bucket, "from", b"data")
    there = storage.create(bucket, "to", b"other")
    with pytest.raises(PreconditionFailed):
        storage.copy(source, bucket, "to")
    with pytest.raises(PreconditionFailed):
        storage.copy(source, bucket, "to", generation=there.generation - 1)
    assert storage.stat(bucket, "to") == there
    assert storage.copy(source, bucket, "to", generation=there.generation).crc32c == source.crc32c


def test_a_copy_takes_the_version_that_was_observed_even_if_it_is_no_longer_live(
    storage: PipelineStorage, bucket: str
) -> None:
    first = storage.create(bucket, "from", b"first")
    storage.replace(bucket, "from", b"second", generation=first.generation)
    storage.copy(first, bucket, "to")
    assert storage.read(bucket, "to") == b"first"


def test_a_copy_of_a_version_that_is_gone_says_so(storage: PipelineStorage, sandbox: Sandbox, bucket: str) -> None:
    sandbox.store.create_bucket(f"{bucket}-plain", versioning=False, soft_delete_seconds=0)
    source = storage.create(f"{bucket}-plain", "from", b"data")
    storage.delete(f"{bucket}-plain", "from", generation=source.generation)
    with pytest.raises(NotFound):
        storage.copy(source, bucket, "to")
    assert storage.stat(bucket, "to") is None


def test_sixteen_threads_share_one_client_without_losing_connections(storage: PipelineStorage, bucket: str) -> None:
    with warnings.catch_warnings(), ThreadPoolExecutor(16) as pool:
        warnings.simplefilter("error")
        written = list(pool.map(lambda number: storage.create(bucket, f"{number:03}", b"1"), range(200)))
    assert [found.name for found in storage.list(bucket)] == sorted(one.name for one in written)


def test_connections_are_not_thrown_away_under_load(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add(FaultRule(service="storage", kind="latency", seconds=0.02))
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda number: storage.stat(bucket, str(number)), range(96)))
    assert "pool is full" not in caplog.text


def test_the_client_asks_for_nothing_that_was_not_asked_for(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str
) -> None:
    written = storage.create(bucket, "x", b"1")
    storage.stat(bucket, "x")
    storage.read(bucket, "x")
    list(storage.list(bucket))
    storage.delete(bucket, "x", generation=written.generation)
    time.sleep(0.2)
    assert sandbox.requests.snapshot() == {
        "storage.objects.delete": 1,
        "storage.objects.get": 1,
        "storage.objects.insert": 1,
        "storage.objects.list": 1,
        "storage.objects.media": 1,
    }


def test_a_closed_block_opens_again(storage: PipelineStorage, bucket: str) -> None:
    storage.create(bucket, "x", b"1")
    storage.close()
    storage.close()
    assert storage.read(bucket, "x") == b"1"


def test_every_write_carries_a_token_of_its_own(storage: PipelineStorage, bucket: str) -> None:
    tokens = {storage.create(bucket, name, b"").metadata[WRITE_TOKEN] for name in "abc"}
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("objects.get", "storage.objects.get"),
        ("objects.list", "storage.objects.list"),
        ("objects.insert", "storage.objects.create"),
        ("objects.delete", "storage.objects.delete"),
        ("buckets.get", "storage.buckets.get"),
    ],
)
def test_a_refusal_names_the_permission_to_grant(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str, method: str, permission: str
) -> None:
    written = storage.create(bucket, "x", b"data")
    sandbox.requests.reset()
    sandbox.faults.add(FaultRule(service="storage", method=method, kind="status", status=403))
    calls = {
        "objects.get": lambda: storage.stat(bucket, "x"),
        "objects.list": lambda: list(storage.list(bucket)),
        "objects.insert": lambda: storage.create(bucket, "y", b""),
        "objects.delete": lambda: storage.delete(bucket, "x", generation=written.generation),
        "buckets.get": lambda: storage.protection(bucket),
    }
    with pytest.raises(PermanentError, match=f"grant {permission} to the account the flows run as"):
        calls[method]()
    assert sandbox.requests.count("storage", method) == 1
