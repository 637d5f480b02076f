"""The door of uploads: compressed bodies, content encodings, ranges that add up, other services."""

from __future__ import annotations

import gzip

import pytest
import requests

from tests.sandbox.storage_world import StorageServer, multipart, reason

B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
UPLOAD = "/upload/storage/v1/b/data/o"


def test_what_was_compressed_on_its_way_is_stored_as_it_was(storage_server: StorageServer) -> None:
    packed = {"Content-Encoding": "gzip"}
    data = b"hello " * 100
    storage_server.call("POST", f"{UPLOAD}?uploadType=media&name=m", data=gzip.compress(data), headers=packed)
    headers, body = multipart({"name": "p"}, data)
    storage_server.call("POST", f"{UPLOAD}?uploadType=multipart", data=gzip.compress(body), headers=headers | packed)
    begun = storage_server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r")
    chunk = packed | {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
    storage_server.session.put(begun.headers["location"], data=gzip.compress(data), headers=chunk, timeout=60)
    for name in ("m", "p", "r"):
        version = storage_server.live("data", name)
        assert (version.data, version.extra.get("contentEncoding")) == (data, None)


def test_a_body_that_is_not_the_gzip_it_is_said_to_be_is_refused(storage_server: StorageServer) -> None:
    answer = storage_server.call(
        "POST", f"{UPLOAD}?uploadType=media&name=m", data=b"plain", headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, storage_server.store.get("data", "m")) == (400, None)


def test_a_content_encoding_in_the_parameters_is_the_objects(storage_server: StorageServer) -> None:
    packed = gzip.compress(b"hello")
    shown = storage_server.upload("data", "m", packed, contentEncoding="gzip").json()
    assert (shown["contentEncoding"], storage_server.live("data", "m").data) == ("gzip", packed)


def test_bytes_that_are_no_gzip_under_that_encoding_come_as_they_are(storage_server: StorageServer) -> None:
    for number, data in enumerate((b"plain", b"", gzip.compress(b"hello")[:-9])):
        storage_server.upload("data", f"m{number}", data, contentEncoding="gzip")
        path = storage_server.object_path("data", f"m{number}")
        answer = storage_server.call("GET", f"{path}?alt=media", headers={"Accept-Encoding": "identity"}, stream=True)
        assert (answer.status_code, answer.raw.read(decode_content=False)) == (200, data)


def test_a_key_that_can_be_no_header_does_not_spoil_the_download(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123", quiet=True)
    storage_server.call("PATCH", F, json={"metadata": {"a\r\nx-evil": "1", "ä b": "2", "fine": "3"}})
    answer = storage_server.call("GET", f"{F}?alt=media")
    assert (answer.content, answer.headers.get("x-goog-meta-fine")) == (b"123", "3")
    assert "x-evil" not in answer.headers


# Lists


def begin(server: StorageServer, **headers: str) -> str:
    return server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r", headers=headers).headers["location"]


def put(server: StorageServer, where: str, data: bytes, content_range: str) -> requests.Response:
    return server.session.put(where, data=data, headers={"Content-Range": content_range}, timeout=60)


@pytest.mark.parametrize(
    ("declared", "content_range", "status"),
    [
        (None, "bytes 0-9/5", 400),
        (None, "bytes 0-9/10", 200),
        (None, "bytes 0-*/*", 200),
        (None, "bytes 0-*/10", 200),
        (None, "bytes 0-*/9", 400),
        ("5", "bytes 0-9/10", 400),
        ("5", "bytes 0-9/*", 400),
        ("11", "bytes 0-9/10", 400),
        ("10", "bytes 0-9/10", 200),
        ("10", "bytes 0-*/*", 200),
    ],
)
def test_a_resumable_upload_adds_up(
    storage_server: StorageServer, declared: str | None, content_range: str, status: int
) -> None:
    where = begin(storage_server, **({"X-Upload-Content-Length": declared} if declared else {}))
    assert put(storage_server, where, b"0123456789", content_range).status_code == status
    assert (storage_server.store.get("data", "r") is not None) == (status == 200)


def test_the_length_of_an_upload_is_a_number(storage_server: StorageServer) -> None:
    headers = {"X-Upload-Content-Length": "many"}
    assert storage_server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r", headers=headers).status_code == 400


# Other services


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/p/locations/us-central1/workflows",
        "/v2/projects/p/locations/us-central1/jobs",
        "/compute/v1/projects/p/regions",
        "/v1beta1/projects/p/anything",
    ],
)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_what_another_google_service_is_asked_is_said_not_to_be_here(
    storage_server: StorageServer, verb: str, path: str
) -> None:
    answer = storage_server.call(verb, path)
    assert (answer.status_code, reason(answer)) == (501, "notImplemented")


def test_a_bucket_may_be_called_like_a_service(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("compute")
    storage_server.store.put("compute", "v1/a", b"1", quiet=True)
    assert storage_server.call("GET", "/compute/v1/a").content == b"1"


def test_a_bad_call_in_a_batch_spoils_only_itself(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123", quiet=True)
    calls = ('{"metadata": "s"}', '{"contentType": "a/b"}')
    parts = "".join(
        f"--x\r\nContent-Type: application/http\r\n\r\nPATCH {F} HTTP/1.1\r\n\r\n{body}\r\n" for body in calls
    )
    headers = {"Content-Type": "multipart/mixed; boundary=x"}
    answer = storage_server.call("POST", "/batch/storage/v1", data=f"{parts}--x--", headers=headers)
    assert [line.split()[1] for line in answer.text.splitlines() if line.startswith("HTTP/1.1")] == ["400", "200"]
    assert storage_server.live("data", "f").content_type == "a/b"
