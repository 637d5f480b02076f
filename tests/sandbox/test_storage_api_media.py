"""The bytes of objects: ranges, headers, the paths that clients use, and gzip."""

import gzip
import os

import pytest

from tests.sandbox.storage_world import StorageServer

DATA = bytes(range(100))


@pytest.fixture
def path(storage_server: StorageServer) -> str:
    """An object of 100 bytes."""
    storage_server.store.put("data", "dir/ä", DATA, content_type="a/b", metadata={"Key": "v"}, quiet=True)
    return storage_server.object_path("data", "dir/ä")


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-5", 95, 100),
        ("bytes=-500", 0, 100),
        ("bytes=99-99", 99, 100),
    ],
)
def test_a_range_is_a_part_with_its_place(
    storage_server: StorageServer, path: str, header: str, start: int, end: int
) -> None:
    answer = storage_server.call("GET", f"{path}?alt=media", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/100"


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=9-3"])
def test_a_range_behind_the_end_cannot_be_satisfied(storage_server: StorageServer, path: str, header: str) -> None:
    assert storage_server.call("GET", f"{path}?alt=media", headers={"Range": header}).status_code == 416


@pytest.mark.parametrize("header", ["lines=1-2", "bytes=-", "bytes=x"])
def test_a_range_that_makes_no_sense_is_ignored(storage_server: StorageServer, path: str, header: str) -> None:
    assert storage_server.call("GET", f"{path}?alt=media", headers={"Range": header}).content == DATA


def test_the_bytes_come_on_every_path_that_clients_use(storage_server: StorageServer, path: str) -> None:
    for each in (f"{path}?alt=media", f"/download{path}?alt=media", "/data/dir/%C3%A4", "/data/dir%2F%C3%A4"):
        answer = storage_server.call("GET", each)
        assert (answer.status_code, answer.content) == (200, DATA), each
    assert storage_server.requests.count("storage", "objects.media") == 4
    assert storage_server.requests.count("storage", "objects.get") == 0


def test_headers_say_what_the_bytes_are(storage_server: StorageServer, path: str) -> None:
    version = storage_server.live("data", "dir/ä")
    headers = storage_server.call("HEAD", "/data/dir/%C3%A4").headers
    assert headers["x-goog-hash"] == f"crc32c={version.crc32c},md5={version.md5}"
    assert headers["x-goog-generation"] == str(version.generation)
    assert headers["x-goog-metageneration"] == "1"
    assert headers["x-goog-meta-key"] == "v"
    assert headers["Content-Type"] == "a/b" and headers["Content-Length"] == "100"
    assert headers["Last-Modified"].endswith("GMT") and headers["ETag"]


def test_an_old_generation_keeps_its_bytes(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    made = [storage_server.store.put("v", "a", data).generation for data in (b"1", b"2")]
    path = storage_server.object_path("v", "a")
    for generation, data in zip(made, (b"1", b"2"), strict=True):
        assert storage_server.call("GET", path, params={"alt": "media", "generation": generation}).content == data


def test_a_refusal_of_bytes_is_plain_text(storage_server: StorageServer) -> None:
    answer = storage_server.call("GET", "/storage/v1/b/data/o/none?alt=media")
    assert (answer.status_code, answer.text) == (404, "No such object: data/none")
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_xml_api_refuses_in_xml(storage_server: StorageServer) -> None:
    for path, code in (("/data/none", "NoSuchKey"), ("/none/none", "NoSuchBucket")):
        answer = storage_server.call("GET", path)
        assert answer.status_code == 404 and f"<Code>{code}</Code>" in answer.text


def test_gzip_is_unpacked_for_a_client_that_does_not_take_it(storage_server: StorageServer) -> None:
    packed = gzip.compress(DATA)
    storage_server.upload("data", "z", packed)
    path = storage_server.object_path("data", "z")
    storage_server.call("PATCH", path, json={"contentEncoding": "gzip"})
    for accepted in ("identity", "gzip"):
        headers = {"Accept-Encoding": accepted, "Range": "bytes=0-9"} if accepted == "identity" else {}
        answer = storage_server.call("GET", f"{path}?alt=media", headers=headers)
        assert answer.content == DATA
        assert ("Content-Encoding" in answer.headers) == (accepted == "gzip")


def test_32_mib_arrive_whole(storage_server: StorageServer) -> None:
    data = os.urandom(32 << 20)
    assert storage_server.upload("data", "large", data).status_code == 200
    path = storage_server.object_path("data", "large")
    assert storage_server.call("GET", f"{path}?alt=media").content == data
    part = storage_server.call("GET", f"{path}?alt=media", headers={"Range": "bytes=1048577-31457280"})
    assert part.content == data[1048577:31457281]
