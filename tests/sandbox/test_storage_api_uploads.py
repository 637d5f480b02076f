"""Uploads as the wire has them: media, multipart, resumable with chunks, status questions and cancelling."""

from typing import Any

import pytest
from requests import Response

from tests.sandbox.storage_world import StorageServer, reason

QUANTUM = 256 * 1024
PATH = "/upload/storage/v1/b/data/o"


class Session:
    """A resumable upload of `big` by hand."""

    def __init__(self, server: StorageServer, resource: dict[str, Any] | None = None, **query: Any) -> None:
        """Start the upload."""
        self.server = server
        answer = server.call(
            "POST",
            PATH,
            params={"uploadType": "resumable", "name": "big", **query},
            json=resource,
            headers={"X-Upload-Content-Type": "a/b"},
        )
        assert answer.status_code == 200, answer.text
        self.where = answer.headers["Location"].removeprefix(server.url)

    def put(self, data: bytes, span: str | None, verb: str = "PUT", **headers: str) -> Response:
        """Send a chunk with this Content-Range."""
        given = headers | ({"Content-Range": f"bytes {span}"} if span else {})
        return self.server.call(verb, self.where, data=data, headers=given)


def test_a_multipart_upload_keeps_bytes_that_look_like_line_ends(storage_server: StorageServer) -> None:
    data = b"\r\n--x\r\n\r\nline\n\r\n"
    head = b'--sep\r\nContent-Type: application/json\r\n\r\n{"name":"m","metadata":{"a":"b"}}\r\n'
    body = head + b"--sep\r\nContent-Type: text/csv\r\n\r\n" + data + b"\r\n--sep--\r\n"
    answer = storage_server.call(
        "POST", f"{PATH}?uploadType=multipart", data=body, headers={"Content-Type": 'multipart/related; boundary="sep"'}
    )
    assert answer.status_code == 200, answer.text
    version = storage_server.live("data", "m")
    assert (version.data, version.content_type, version.metadata) == (data, "text/csv", {"a": "b"})


@pytest.mark.parametrize("body", [b"", b"--sep\r\n\r\n{}\r\n--sep--", b"nothing"])
def test_a_malformed_multipart_upload_is_refused(storage_server: StorageServer, body: bytes) -> None:
    headers = {"Content-Type": "multipart/related; boundary=sep"}
    answer = storage_server.call("POST", f"{PATH}?uploadType=multipart&name=m", data=body, headers=headers)
    assert answer.status_code == 400 and storage_server.store.get("data", "m") is None


def test_an_empty_object_can_be_uploaded_in_every_way(storage_server: StorageServer) -> None:
    assert storage_server.upload("data", "media", b"").json()["size"] == "0"
    assert Session(storage_server).put(b"", "*/0").json()["size"] == "0"
    head = b'--s\r\nContent-Type: application/json\r\n\r\n{"name":"multi"}\r\n--s\r\nContent-Type: a/b\r\n\r\n\r\n--s--'
    headers = {"Content-Type": "multipart/related; boundary=s"}
    answer = storage_server.call("POST", f"{PATH}?uploadType=multipart", data=head, headers=headers)
    assert answer.json()["size"] == "0"


def test_a_resumable_upload_comes_in_chunks_and_says_how_far_it_is(storage_server: StorageServer) -> None:
    data = bytes(QUANTUM) + b"x" * QUANTUM + b"end"
    upload = Session(storage_server, {"metadata": {"k": "v"}})
    status = upload.put(b"", "*/*")
    assert (status.status_code, status.headers.get("Range")) == (308, None)
    first = upload.put(data[:QUANTUM], f"0-{QUANTUM - 1}/*")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    second = upload.put(data[QUANTUM : 2 * QUANTUM], f"{QUANTUM}-{2 * QUANTUM - 1}/{len(data)}")
    assert (second.status_code, second.headers["Range"]) == (308, f"bytes=0-{2 * QUANTUM - 1}")
    assert storage_server.store.get("data", "big") is None
    last = upload.put(data[2 * QUANTUM :], f"{2 * QUANTUM}-{len(data) - 1}/{len(data)}")
    assert last.status_code == 200 and last.json()["size"] == str(len(data))
    version = storage_server.live("data", "big")
    assert (version.data, version.metadata, version.content_type) == (data, {"k": "v"}, "a/b")
    again = upload.put(b"", f"*/{len(data)}")
    assert again.status_code == 200 and again.json()["generation"] == str(version.generation)


def test_bytes_that_are_sent_again_are_not_kept_twice(storage_server: StorageServer) -> None:
    upload = Session(storage_server)
    upload.put(bytes(QUANTUM), f"0-{QUANTUM - 1}/*")
    done = upload.put(bytes(QUANTUM) + b"end", f"0-{QUANTUM + 2}/{QUANTUM + 3}")
    assert done.status_code == 200
    assert storage_server.live("data", "big").data == bytes(QUANTUM) + b"end"


def test_a_chunk_is_kept_in_multiples_of_256_kib(storage_server: StorageServer) -> None:
    answer = Session(storage_server).put(bytes(QUANTUM + 100), f"0-{QUANTUM + 99}/*")
    assert answer.headers["Range"] == f"bytes=0-{QUANTUM - 1}"


def test_a_gap_in_the_chunks_is_temporary_trouble(storage_server: StorageServer) -> None:
    answer = Session(storage_server).put(bytes(QUANTUM), f"{QUANTUM}-{2 * QUANTUM - 1}/*")
    assert answer.status_code == 503 and "exceeds already uploaded size" in answer.text


@pytest.mark.parametrize("span", ["0-5/*", "nonsense"])
def test_a_content_range_that_does_not_fit_is_refused(storage_server: StorageServer, span: str) -> None:
    assert Session(storage_server).put(b"abc", span).status_code == 400


def test_a_go_client_posts_its_chunks_and_wants_no_308(storage_server: StorageServer) -> None:
    upload = Session(storage_server)
    answer = upload.put(bytes(QUANTUM), f"0-{QUANTUM - 1}/*", "POST", **{"X-GUploader-No-308": "yes"})
    assert (answer.status_code, answer.headers["X-Http-Status-Code-Override"]) == (200, "308")


def test_gcloud_starts_its_resumable_uploads_on_a_path_of_its_own(storage_server: StorageServer) -> None:
    start = storage_server.call("POST", f"/resumable{PATH}?uploadType=resumable&name=big", json={})
    done = storage_server.session.put(start.headers["Location"], data=b"abc", headers={"Content-Range": "bytes 0-2/3"})
    assert done.status_code == 200 and storage_server.live("data", "big").data == b"abc"


def test_a_cancelled_upload_is_gone(storage_server: StorageServer) -> None:
    upload = Session(storage_server)
    assert storage_server.call("DELETE", upload.where).status_code == 499
    assert upload.put(b"abc", "0-2/3").status_code == 499
    assert storage_server.store.get("data", "big") is None


def test_an_unknown_upload_is_not_found(storage_server: StorageServer) -> None:
    answer = storage_server.call("PUT", f"{PATH}?uploadType=resumable&upload_id=none", data=b"x")
    assert (answer.status_code, reason(answer)) == (404, "notFound")


def test_a_resumable_upload_holds_its_conditions_until_the_end(storage_server: StorageServer) -> None:
    upload = Session(storage_server, ifGenerationMatch=0)
    storage_server.store.put("data", "big", b"somebody else's", quiet=True)
    assert upload.put(b"abc", "0-2/3").status_code == 412
    assert storage_server.live("data", "big").data == b"somebody else's"


@pytest.mark.parametrize("hashes", [{"crc32c": "AAAAAA=="}, {"md5Hash": "AAAAAAAAAAAAAAAAAAAAAA=="}])
def test_bytes_with_another_checksum_are_refused(storage_server: StorageServer, hashes: dict[str, str]) -> None:
    answer = Session(storage_server, hashes).put(b"123", "0-2/3")
    assert answer.status_code == 400 and "doesn't match calculated" in answer.text
    (name, value), *_ = hashes.items()
    header = {"X-Goog-Hash": f"{name.removesuffix('Hash')}={value}"}
    answer = storage_server.call("POST", f"{PATH}?uploadType=media&name=big", data=b"123", headers=header)
    assert answer.status_code == 400
    assert storage_server.store.get("data", "big") is None


def test_a_repeated_write_with_its_token_is_answered_as_the_first_time(storage_server: StorageServer) -> None:
    header = {"X-Goog-Gcs-Idempotency-Token": "one"}
    path = f"{PATH}?uploadType=media&name=a&ifGenerationMatch=0"
    first = storage_server.call("POST", path, data=b"mine", headers=header)
    storage_server.store.put("data", "a", b"another's", quiet=True)
    again = storage_server.call("POST", path, data=b"mine", headers=header)
    assert (again.status_code, again.content) == (200, first.content)
    assert storage_server.live("data", "a").data == b"another's"
    other = storage_server.call("POST", path, data=b"mine", headers={"X-Goog-Gcs-Idempotency-Token": "two"})
    assert other.status_code == 412


def test_a_refused_write_is_not_remembered_by_its_token(storage_server: StorageServer) -> None:
    header = {"X-Goog-Gcs-Idempotency-Token": "one"}
    path = storage_server.object_path("data", "a")
    assert storage_server.call("DELETE", path, headers=header).status_code == 404
    storage_server.store.put("data", "a", b"x", quiet=True)
    assert storage_server.call("DELETE", path, headers=header).status_code == 204


def test_an_object_name_has_at_most_1024_bytes_and_no_line_end(storage_server: StorageServer) -> None:
    assert storage_server.upload("data", "ä" * 512, b"x").status_code == 200
    for name in ("ä" * 513, "a\nb", "..", ""):
        assert storage_server.upload("data", name, b"x").status_code == 400
