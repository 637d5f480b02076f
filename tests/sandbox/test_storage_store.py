"""The object store as the simulator and the services use it, without HTTP."""

import gc
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from deployments.sandbox.storage.store import NoSuchThing, ObjectStore, StoredVersion, StoreError
from deployments.sandbox.storage.store_errors import ConditionNotMet
from tests.sandbox.storage_world import serve_storage


@pytest.fixture
def store() -> ObjectStore:
    """A store with the bucket `b`."""
    made = ObjectStore()
    made.create_bucket("b")
    return made


def test_every_loud_write_is_announced_and_no_quiet_one(store: ObjectStore) -> None:
    heard: list[tuple[str, str]] = []
    store.on_finalize(lambda bucket, version: heard.append((bucket, version.name)))
    store.on_finalize(lambda bucket, version: heard.append(("again", version.name)))
    store.put("b", "loud", b"")
    store.put("b", "quiet", b"", quiet=True)
    with pytest.raises(ConditionNotMet):
        store.put("b", "loud", b"", if_generation_match=0)
    assert heard == [("b", "loud"), ("again", "loud")]


def test_a_listener_may_use_the_store_even_from_another_thread(store: ObjectStore) -> None:
    def listen(bucket: str, version: StoredVersion) -> None:
        if version.name == "first":
            worker = threading.Thread(target=store.put, args=(bucket, "second", version.data))
            worker.start()
            worker.join(timeout=60)
            assert not worker.is_alive(), "a lock was held while the listener was called"

    store.on_finalize(listen)
    store.put("b", "first", b"x")
    assert store.get("b", "second") is not None


def test_writes_over_http_are_announced_too() -> None:
    heard: list[str] = []
    with serve_storage() as server:
        server.store.create_bucket("data")
        server.store.on_finalize(lambda bucket, version: heard.append(f"{bucket}/{version.name}"))
        server.upload("data", "a", b"x")
        server.call("POST", "/storage/v1/b/data/o/a/rewriteTo/b/data/o/b")
        server.call("POST", "/storage/v1/b/data/o/c/compose", json={"sourceObjects": [{"name": "a"}]})
        generation = server.live("data", "a").generation
        server.call("DELETE", "/storage/v1/b/data/o/a")
        server.call("POST", f"/storage/v1/b/data/o/a/restore?generation={generation}")
        server.call("PATCH", "/storage/v1/b/data/o/a", json={"metadata": {"a": "b"}})
        server.upload("data", "a", b"x", ifGenerationMatch=0)
    assert heard == ["data/a", "data/b", "data/c", "data/a"]


def test_a_backdated_write_has_the_time_and_a_generation_that_fits(store: ObjectStore) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    old = store.put("b", "a", b"1", at=yesterday)
    assert abs((old.time_created - yesterday).total_seconds()) < 0.001 and old.updated == old.time_created
    assert abs(old.generation / 1e6 - yesterday.timestamp()) < 0.001
    again = store.put("b", "a", b"2", at=yesterday - timedelta(days=1))
    assert again.generation > old.generation, "generations of a name grow whatever the times say"
    assert store.put("b", "a", b"3").generation > again.generation


def test_generations_grow_even_when_the_clock_stands_still(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    made = [store.put("b", name, b"").generation for name in ("a", "b", "a")]
    assert made == sorted(set(made))


def test_a_snapshot_does_not_change_when_the_object_does(store: ObjectStore) -> None:
    before = store.put("b", "a", b"1", metadata={"k": "v"})
    store.put("b", "a", b"2")
    store.delete("b", "a")
    assert (before.data, before.metadata, before.is_live) == (b"1", {"k": "v"}, True)
    assert store.get("b", "a") is None


def test_one_of_many_writers_that_create_wins(store: ObjectStore) -> None:
    won: list[int] = []
    begin = threading.Barrier(8)

    def create(number: int) -> None:
        begin.wait()
        for name in range(200):
            try:
                store.put("b", str(name), str(number).encode(), if_generation_match=0)
                won.append(name)
            except StoreError:
                pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(200))
    generations = [version.generation for version in store.list("b")]
    assert len(set(generations)) == 200
    assert [version.name for version in store.list("b")] == sorted(str(number) for number in range(200))


def test_objects_with_equal_bytes_share_them(store: ObjectStore) -> None:
    first = store.put("b", "a", b"x" * 1000)
    second = store.put("b", "c", bytes(bytearray(b"x" * 1000)))
    assert first.content is second.content
    assert store.put("b", "d", b"y").content is not first.content


def test_a_hundred_thousand_small_objects_are_small(store: ObjectStore) -> None:
    version = store.put("b", "a", b"x")
    assert not hasattr(version, "__dict__") and not hasattr(version.content, "__dict__")
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(10_000):
        store.put("b", f"n{number}", b"x", quiet=True)
    assert (sys.getallocatedblocks() - before) / 10_000 < 12


def test_unknown_buckets_and_objects_are_told(store: ObjectStore) -> None:
    with pytest.raises(NoSuchThing):
        store.put("none", "a", b"")
    with pytest.raises(NoSuchThing):
        store.delete("b", "none")
    with pytest.raises(NoSuchThing):
        store.get("none", "a")
    assert store.get("b", "none") is None


def test_lists_are_in_order_and_below_their_prefix(store: ObjectStore) -> None:
    for number in reversed(range(2500)):
        store.put("b", f"{number % 2}/{number:04d}", b"", quiet=True)
    found = [version.name for version in store.list("b", "1/")]
    assert found == [f"1/{number:04d}" for number in range(1, 2500, 2)]
