"""The stock Google client (google-cloud-storage) does its work against the sandbox."""

import io
import os
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import storage
from google.cloud.storage import Bucket

from deployments.sandbox.storage.store import BucketSettings
from tests.sandbox.storage_world import StorageServer, serve_storage

MIB = 1 << 20


@pytest.fixture
def client(storage_server: StorageServer) -> Iterator[storage.Client]:
    """The client."""
    made = storage_server.client()
    yield made
    made.close()


@pytest.fixture
def bucket(client: storage.Client) -> Bucket:
    """The bucket `data`."""
    return client.bucket("data")


def test_the_client_makes_changes_and_deletes_a_bucket(client: storage.Client) -> None:
    bucket = client.bucket("made")
    bucket.versioning_enabled = True
    bucket.soft_delete_policy.retention_duration_seconds = 0
    client.create_bucket(bucket, location="us-central1")
    assert {each.name for each in client.list_buckets()} == {"data", "made"}
    assert (bucket.versioning_enabled, bucket.location) == (True, "US-CENTRAL1")
    bucket.labels = {"team": "ops"}
    bucket.versioning_enabled = False
    bucket.patch(if_metageneration_match=bucket.metageneration)
    again = client.get_bucket("made")
    assert (again.labels, again.versioning_enabled, again.metageneration) == ({"team": "ops"}, False, 2)
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("made")
    again.delete()
    assert client.lookup_bucket("made") is None


def test_the_client_works_through_the_emulator_variable(
    storage_server: StorageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server.url)
    client = storage.Client(project="sandbox-project")
    client.bucket("data").blob("a").upload_from_string("x")
    assert storage_server.live("data", "a").data == b"x"


@pytest.mark.parametrize("name", ["plain", "dir/with space+plus.json", "ä/✓/100%.txt", "a?b=c&d#e", "a/../b", "a//b/"])
def test_a_name_goes_there_and_back(storage_server: StorageServer, bucket: Bucket, name: str) -> None:
    blob = bucket.blob(name)
    blob.upload_from_string(b"bytes", content_type="a/b")
    assert storage_server.live("data", name).data == b"bytes"
    assert bucket.blob(name).download_as_bytes() == b"bytes"
    assert [each.name for each in bucket.list_blobs()] == [name]
    bucket.copy_blob(blob, bucket, "copy")
    blob.delete()
    assert [each.name for each in bucket.list_blobs()] == ["copy"]


def test_the_client_checks_what_it_downloads(bucket: Bucket) -> None:
    data = os.urandom(100_000)
    bucket.blob("a").upload_from_string(data, checksum="crc32c")
    blob = bucket.get_blob("a")
    assert blob is not None and blob.size == len(data)
    for checksum in ("crc32c", "md5"):
        assert blob.download_as_bytes(checksum=checksum) == data
    assert blob.download_as_bytes(start=10, end=19) == data[10:20]
    blob.chunk_size = 256 * 1024
    whole = io.BytesIO()
    blob.download_to_file(whole)
    assert whole.getvalue() == data


def test_a_resumable_upload_in_small_chunks(storage_server: StorageServer, bucket: Bucket) -> None:
    data = os.urandom(MIB + 17)
    blob = bucket.blob("big", chunk_size=256 * 1024)
    blob.metadata = {"k": "v"}
    blob.upload_from_file(io.BytesIO(data), content_type="a/b", if_generation_match=0)
    version = storage_server.live("data", "big")
    assert (version.data, version.metadata, version.content_type) == (data, {"k": "v"}, "a/b")
    assert storage_server.requests.count("storage", "objects.insert") == 1 + 5
    with bucket.blob("written", chunk_size=256 * 1024).open("wb") as stream:
        stream.write(data)
    with bucket.blob("written").open("rb") as stream:
        assert stream.read() == data


def test_conditions_of_the_client(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1", if_generation_match=0)
    first = blob.generation
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string("2", if_generation_match=0)
    blob.upload_from_string("2", if_generation_match=first)
    for refused in (
        lambda: bucket.blob("a").delete(if_generation_match=first),
        lambda: bucket.blob("a").reload(if_generation_match=first),
        lambda: bucket.blob("a").download_as_bytes(if_generation_match=first),
        lambda: bucket.copy_blob(blob, bucket, "b", if_source_generation_match=first),
        lambda: bucket.blob("b").rewrite(bucket.blob("a"), if_source_generation_match=first),
    ):
        with pytest.raises(exceptions.PreconditionFailed):
            refused()
    with pytest.raises(exceptions.NotModified):
        bucket.blob("a").reload(if_generation_not_match=blob.generation)
    assert bucket.blob("a").download_as_bytes() == b"2"
    bucket.blob("a").delete(if_generation_match=blob.generation)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("a").delete(if_generation_match=blob.generation)


def test_metadata_is_patched(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("x")
    blob.metadata = {"a": "1", "b": "2"}
    blob.cache_control = "no-store"
    blob.patch(if_metageneration_match=1)
    blob.metadata = {"a": None}
    blob.patch()
    again = bucket.get_blob("a")
    assert again is not None
    assert (again.metadata, again.cache_control, again.metageneration) == ({"b": "2"}, "no-store", 3)
    assert again.generation == blob.generation
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=1)


def test_a_large_object_is_rewritten_over_several_calls() -> None:
    data = os.urandom(3 * MIB + 5)
    with serve_storage(rewrite_bytes_per_call=MIB) as server:
        for name in ("data", "backup"):
            server.store.create_bucket(name)
        server.store.put("data", "big", data, metadata={"k": "v"})
        source, target = server.client().bucket("data").blob("big"), server.client().bucket("backup").blob("big")
        steps, token = [], None
        while True:
            token, done, total = target.rewrite(source, token=token, if_generation_match=0)
            steps.append((done, total))
            if token is None:
                break
            assert server.store.get("backup", "big") is None, "nothing is there before the end"
        assert steps == [(MIB, len(data)), (2 * MIB, len(data)), (3 * MIB, len(data)), (len(data), len(data))]
        assert server.live("backup", "big").data == data
        assert server.live("backup", "big").metadata == {"k": "v"}


def test_a_rewrite_does_not_mix_two_versions_of_its_source() -> None:
    with serve_storage(rewrite_bytes_per_call=MIB) as server:
        server.store.create_bucket("data")
        server.store.put("data", "big", bytes(2 * MIB))
        path = "/storage/v1/b/data/o/big/rewriteTo/b/data/o/copy"
        token = server.call("POST", path).json()["rewriteToken"]
        server.store.put("data", "big", b"x" * 2 * MIB)
        assert server.call("POST", path, params={"rewriteToken": token}).status_code == 404
        other = path.replace("copy", "other")
        assert server.call("POST", other, params={"rewriteToken": token}).status_code == 400
        assert server.store.get("data", "copy") is None


def test_a_rewrite_is_refused_at_its_first_call_when_the_target_is_taken() -> None:
    with serve_storage(rewrite_bytes_per_call=MIB) as server:
        server.store.create_bucket("data")
        server.store.put("data", "big", bytes(2 * MIB))
        server.store.put("data", "taken", b"x")
        bucket = server.client().bucket("data")
        with pytest.raises(exceptions.PreconditionFailed):
            bucket.blob("taken").rewrite(bucket.blob("big"), if_generation_match=0)


def test_versions_and_soft_deleted_objects_through_the_client(
    storage_server: StorageServer, client: storage.Client
) -> None:
    storage_server.store.create_bucket("v", settings=BucketSettings(versioning=True))
    bucket = client.bucket("v")
    bucket.blob("a").upload_from_string("1")
    bucket.blob("a").upload_from_string("2")
    old, live = bucket.list_blobs(versions=True)
    assert old.time_deleted is not None and live.time_deleted is None
    assert bucket.blob("a", generation=old.generation).download_as_bytes() == b"1"
    bucket.delete_blob("a", generation=old.generation)
    (gone,) = bucket.list_blobs(soft_deleted=True)
    assert gone.generation == old.generation and gone.hard_delete_time > gone.soft_delete_time
    restored = bucket.restore_blob("a", generation=gone.generation, if_generation_match=live.generation)
    assert restored.generation > live.generation
    assert bucket.blob("a").download_as_bytes() == b"1"
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.restore_blob("a", generation=gone.generation, if_generation_match=0)


def test_a_batch_deletes_patches_and_tells_which_call_failed(storage_server: StorageServer, bucket: Bucket) -> None:
    for number in range(150):
        storage_server.store.put("data", f"a b/{number}", b"x", quiet=True)
    blobs = list(bucket.list_blobs())
    with bucket.client.batch():
        for blob in blobs[:149]:
            blob.delete(if_generation_match=blob.generation)
        blobs[149].metadata = {"k": "v"}
        blobs[149].patch()
    (left,) = bucket.list_blobs()
    assert left.metadata == {"k": "v"} == blobs[149].metadata
    counts = storage_server.requests.snapshot()
    assert (counts["storage.batch"], counts["storage.objects.delete"], counts["storage.objects.patch"]) == (1, 149, 1)
    with pytest.raises(exceptions.NotFound), bucket.client.batch():
        bucket.blob("none").delete()
        left.delete()
    assert list(bucket.list_blobs()) == []


def test_pages_through_the_client(storage_server: StorageServer, client: storage.Client) -> None:
    for number in range(25):
        storage_server.store.put("data", f"d{number % 3}/{number:02d}", b"x", quiet=True)
    found = client.list_blobs("data", page_size=10, fields="items(name,generation),nextPageToken")
    assert [len(list(page)) for page in found.pages] == [10, 10, 5]
    folders = client.list_blobs("data", delimiter="/", page_size=2)
    assert [each.name for each in folders] == [] and folders.prefixes == {"d0/", "d1/", "d2/"}


def test_objects_are_composed(bucket: Bucket) -> None:
    parts = [bucket.blob(name) for name in ("a", "b")]
    for part in parts:
        part.upload_from_string(part.name * 3)
    whole = bucket.blob("whole")
    whole.content_type = "text/plain"
    whole.compose(parts, if_generation_match=0)
    assert (whole.component_count, whole.md5_hash) == (2, None)
    assert bucket.blob("whole").download_as_bytes(checksum="crc32c") == b"aaabbb"
    with pytest.raises(exceptions.NotFound):
        whole.compose([bucket.blob("none")])
