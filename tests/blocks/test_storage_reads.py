"""What the storage block reads and lists with a real client against the sandbox, without faults."""

from __future__ import annotations

import pytest

from blocks.errors import NotFound
from blocks.storage import PipelineStorage
from deployments.sandbox.server import Sandbox


def test_a_range_is_read_like_a_slice(storage: PipelineStorage, bucket: str) -> None:
    data = bytes(range(256)) * 10
    storage.create(bucket, "x", data)
    for start, end in [
        (0, None),
        (0, 4),
        (7, 9),
        (2550, None),
        (2550, 9999),
        (2560, None),
        (5000, 6000),
        (3, 3),
        (9, 2),
    ]:
        assert storage.read(bucket, "x", start=start, end=end) == data[start:end], (start, end)


def test_an_empty_object_reads_as_no_bytes(storage: PipelineStorage, bucket: str) -> None:
    storage.create(bucket, "x", b"")
    assert storage.read(bucket, "x") == b""
    assert storage.read(bucket, "x", start=0, end=10) == b""


def test_reading_what_is_not_there_says_so_and_looking_at_it_is_none(storage: PipelineStorage, bucket: str) -> None:
    assert storage.stat(bucket, "x") is None
    with pytest.raises(NotFound, match=f"read gs://{bucket}/x"):
        storage.read(bucket, "x")
    written = storage.create(bucket, "x", b"data")
    assert storage.stat(bucket, "x", generation=written.generation + 1) is None


def test_a_missing_bucket_is_an_error_that_names_the_settings_to_check(storage: PipelineStorage) -> None:
    for ask in (
        lambda: list(storage.list("no-such-bucket")),
        lambda: list(storage.prefixes("no-such-bucket", "scenes/")),
        lambda: storage.stat("no-such-bucket", "x"),
        lambda: storage.read("no-such-bucket", "x"),
        lambda: storage.create("no-such-bucket", "x", b""),
        lambda: storage.delete("no-such-bucket", "x", generation=1),
    ):
        with pytest.raises(NotFound, match="check data_bucket, ops_bucket and backup_bucket"):
            ask()


def test_a_listing_goes_on_over_its_pages(storage: PipelineStorage, sandbox: Sandbox, bucket: str) -> None:
    names = [f"scenes/s{number:04}/x" for number in range(2100)]
    for name in names:
        sandbox.store.put(bucket, name, b"1", quiet=True)
    assert [found.name for found in storage.list(bucket, "scenes/")] == names
    assert sandbox.requests.count("storage", "objects.list") == 3
    assert len(list(storage.prefixes(bucket, "scenes/"))) == 2100


def test_a_listing_asks_for_a_page_only_when_it_is_needed(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str
) -> None:
    for number in range(1100):
        sandbox.store.put(bucket, f"{number:04}", b"1", quiet=True)
    next(storage.list(bucket))
    assert sandbox.requests.count("storage", "objects.list") == 1


def test_a_listing_can_be_narrowed_to_a_range_of_names(storage: PipelineStorage, bucket: str) -> None:
    for name in "abcd":
        storage.create(bucket, name, b"")
    assert [found.name for found in storage.list(bucket, start="b", end="d")] == ["b", "c"]


def test_prefixes_are_the_folders_and_not_the_objects(storage: PipelineStorage, bucket: str) -> None:
    for name in ("scenes/b/1", "scenes/a/1", "scenes/a/2", "scenes/readme", "other/1"):
        storage.create(bucket, name, b"")
    assert list(storage.prefixes(bucket, "scenes/")) == ["scenes/a/", "scenes/b/"]


def test_versions_are_listed_only_when_asked_for(storage: PipelineStorage, bucket: str) -> None:
    first = storage.create(bucket, "x", b"1")
    second = storage.replace(bucket, "x", b"2", generation=first.generation)
    assert list(storage.list(bucket)) == [second]
    assert [(found.generation, found.is_live) for found in storage.list(bucket, versions=True)] == [
        (first.generation, False),
        (second.generation, True),
    ]


def test_protection_tells_whether_a_deletion_can_be_undone(
    storage: PipelineStorage, sandbox: Sandbox, bucket: str
) -> None:
    sandbox.store.create_bucket(f"{bucket}-none", versioning=False, soft_delete_seconds=0)
    sandbox.store.create_bucket(f"{bucket}-soft", versioning=False, soft_delete_seconds=604800)
    assert storage.protection(bucket).versioning
    assert storage.protection(f"{bucket}-soft").soft_delete_seconds == 604800
    assert storage.protection(f"{bucket}-soft").undoable
    assert not storage.protection(f"{bucket}-none").undoable
    assert not storage.protection("no-such-bucket").exists
