"""How bytes and refusals travel: headers, ranges, batches, sessions of uploads, repeats with a token."""

from __future__ import annotations

import gzip
import http.client
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests

from deployments.sandbox.faults import FaultRule
from deployments.sandbox.storage import api
from tests.sandbox.storage_world import StorageServer, reason

B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
UPLOAD = "/upload/storage/v1/b/data/o"
TOKEN = "X-Goog-Gcs-Idempotency-Token"


def get(server: StorageServer, path: str, **headers: str) -> requests.Response:
    return server.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def begin(server: StorageServer, name: str = "r") -> str:
    """The path of a new resumable upload."""
    answer = server.call("POST", f"{UPLOAD}?uploadType=resumable&name={name}")
    return answer.headers["Location"].removeprefix(server.url)


def batch(server: StorageServer, *calls: str, **headers: str) -> requests.Response:
    parts = "".join(f"--x\r\nContent-Type: application/http\r\n{call}\r\n" for call in calls)
    given = {"Content-Type": "multipart/mixed; boundary=x", **headers}
    return server.call("POST", "/batch/storage/v1", data=f"{parts}--x--", headers=given)


# Reading


def test_an_object_says_in_headers_how_it_is_to_be_shown(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123", metadata={"Wer": "Zoë 日"})
    shown = {"cacheControl": "no-store", "contentLanguage": "de", "contentDisposition": "inline"}
    storage_server.call("PATCH", F, json=shown | {"contentEncoding": "x-own"})
    headers = get(storage_server, f"{F}?alt=media").headers
    assert [headers[name] for name in ("Cache-Control", "Content-Language", "Content-Disposition")] == [
        "no-store", "de", "inline",
    ]  # fmt: skip
    assert (headers["x-goog-stored-content-encoding"], headers["Content-Encoding"]) == ("x-own", "x-own")
    assert headers["x-goog-meta-wer"] == "Zo%C3%AB %E6%97%A5", "what is not ASCII is percent-encoded"


def test_an_object_that_says_nothing_is_bytes_that_nobody_keeps(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123")
    headers = get(storage_server, f"{F}?alt=media").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Cache-Control"] == "no-cache, no-store, max-age=0, must-revalidate"
    assert headers["x-goog-stored-content-encoding"] == "identity"


def test_a_composite_has_no_md5_in_its_headers(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123")
    storage_server.call("POST", f"{B}/data/o/c/compose", json={"sourceObjects": [{"name": "f"}]})
    assert get(storage_server, f"{B}/data/o/c?alt=media").headers["x-goog-hash"] == "crc32c=EHsvsg=="


def test_what_was_unpacked_on_its_way_is_whole_and_says_so(storage_server: StorageServer) -> None:
    storage_server.upload("data", "f", gzip.compress(b"hello"), contentEncoding="gzip")
    answer = get(storage_server, f"{F}?alt=media", Accept_Encoding="identity", Range="bytes=0-1")
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["Warning"] == "214 UploadServer gunzipped"
    assert answer.headers["x-goog-stored-content-encoding"] == "gzip"


@pytest.mark.parametrize(("span", "status"), [("bytes=0-", 416), ("bytes=-1", 416), ("bytes=0-0", 416), ("", 200)])
def test_an_empty_object_has_no_range(storage_server: StorageServer, span: str, status: int) -> None:
    storage_server.store.put("data", "f", b"")
    assert get(storage_server, f"{F}?alt=media", Range=span).status_code == status


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("If-Match", "*", 200), ("If-None-Match", "*", 304), ("If-Match", '"a", "{tag}"', 200),
        ("If-None-Match", '"a", "{tag}"', 304), ("x-goog-if-metageneration-match", "1", 200),
        ("x-goog-if-metageneration-match", "2", 412), ("x-goog-if-metageneration-match", "x", 400),
    ],
)  # fmt: skip
def test_the_xml_api_answers_a_condition(storage_server: StorageServer, header: str, value: str, status: int) -> None:
    tag = storage_server.upload("data", "f", b"123").json()["etag"]
    answer = storage_server.call("GET", "/data/f", headers={header: value.replace("{tag}", tag)})
    assert answer.status_code == status
    assert answer.content == {200: b"123", 304: b""}.get(status, answer.content)


def test_a_refusal_of_the_xml_api_is_xml_whatever_the_name(storage_server: StorageServer) -> None:
    tree = ElementTree.fromstring(get(storage_server, "/data/a%3C%26b").content)
    assert (tree.findtext("Code"), tree.findtext("Details")) == ("NoSuchKey", "No such object: data/a<&b")


def test_a_reading_of_the_head_alone_asks_for_no_change(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"123")
    assert storage_server.call("HEAD", "/data/f").status_code == 200
    batch(storage_server, f"\r\nGET {F} HTTP/1.1\r\n")
    assert storage_server.requests.mutating() == {"total": 0}


# Uploads


def test_an_upload_belongs_to_its_bucket(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("other")
    elsewhere = begin(storage_server).replace("/b/data/", "/b/other/")
    for verb in ("PUT", "DELETE"):
        answer = storage_server.call(verb, elsewhere, data=b"123")
        assert (answer.status_code, reason(answer)) == (404, "notFound")


def test_an_upload_that_is_done_cannot_be_cancelled(storage_server: StorageServer) -> None:
    where = begin(storage_server)
    made = storage_server.call("PUT", where, data=b"123").json()
    assert storage_server.call("DELETE", where).status_code == 499
    again = storage_server.call("PUT", where, data=b"other").json()
    assert (again["generation"], storage_server.live("data", "r").data) == (made["generation"], b"123")


def test_a_cancelled_upload_says_that_it_was(storage_server: StorageServer) -> None:
    where = begin(storage_server)
    storage_server.call("DELETE", where)
    answer = storage_server.call("PUT", where, data=b"123")
    assert (answer.status_code, reason(answer)) == (499, "clientClosedRequest")


def test_a_chunk_behind_a_gap_is_to_be_tried_again(storage_server: StorageServer) -> None:
    answer = storage_server.call("PUT", begin(storage_server), data=b"1", headers={"Content-Range": "bytes 9-9/10"})
    assert (answer.status_code, reason(answer)) == (503, "backendError")


def test_a_question_how_far_it_is_names_the_same_size_as_before(storage_server: StorageServer) -> None:
    answer = storage_server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r",
                                 headers={"X-Upload-Content-Length": "10"})  # fmt: skip
    where = answer.headers["Location"].removeprefix(storage_server.url)
    for total, status in (("10", 308), ("*", 308), ("11", 400), ("9", 400)):
        asked = storage_server.call("PUT", where, headers={"Content-Range": f"bytes */{total}"})
        assert asked.status_code == status, total


def test_the_name_in_the_parameters_counts(storage_server: StorageServer) -> None:
    storage_server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r", json={"name": "other"})
    answer = storage_server.call("POST", f"{UPLOAD}?uploadType=resumable&name=r", json={"name": "other"})
    where = answer.headers["Location"].removeprefix(storage_server.url)
    assert storage_server.call("PUT", where, data=b"1").json()["name"] == "r"


def test_what_is_stored_packed_and_sent_packed_stays_packed(storage_server: StorageServer) -> None:
    packed = gzip.compress(b"hello")
    path = f"{UPLOAD}?uploadType=media&name=f&contentEncoding=gzip"
    storage_server.call("POST", path, data=packed, headers={"Content-Encoding": "gzip"})
    assert storage_server.live("data", "f").data == packed
    empty = storage_server.call(
        "POST", f"{UPLOAD}?uploadType=media&name=e", data=b"", headers={"Content-Encoding": "gzip"}
    )
    assert (empty.status_code, storage_server.live("data", "e").data) == (200, b"")


def test_a_header_that_comes_twice_counts_twice(storage_server: StorageServer) -> None:
    for wrong in ("md5=AAAAAAAAAAAAAAAAAAAAAA==", "crc32c=AAAAAA=="):
        connection = http.client.HTTPConnection(urlsplit(storage_server.url).netloc, timeout=30)
        connection.putrequest("POST", f"{UPLOAD}?uploadType=media&name=f")
        for value in (wrong, "crc32c=EHsvsg=="):
            connection.putheader("X-Goog-Hash", value)
        connection.putheader("Content-Length", "3")
        connection.endheaders(b"123")
        status = connection.getresponse().status
        connection.close()
        assert (status, storage_server.store.get("data", "f") is None) == (
            (400, True) if wrong.startswith("md5") else (200, False)
        ), "of the same checksum the last one counts"


# Batches


@pytest.mark.parametrize("calls", [0, 1001])
def test_a_batch_holds_one_to_a_thousand_calls(storage_server: StorageServer, calls: int) -> None:
    answer = batch(storage_server, *[f"\r\nGET {F} HTTP/1.1\r\n"] * calls)
    assert (answer.status_code, reason(answer)) == (400, "invalid")
    assert str(calls) in answer.text


def test_a_batch_answers_each_call_under_its_id(storage_server: StorageServer) -> None:
    where = begin(storage_server)
    answer = batch(storage_server, f"Content-ID: <a+1>\r\n\r\nDELETE {where} HTTP/1.1\r\n",
                   f"Content-ID: b\r\n\r\nGET {F} HTTP/1.1\r\n", f"\r\nPATCH {F} HTTP/1.1\r\n\r\n{{}}\r\n\r\n")  # fmt: skip
    lines = answer.text.splitlines()
    assert [line for line in lines if line.startswith("Content-ID")] == [
        "Content-ID: <response-a+1>", "Content-ID: <response-b>", "Content-ID: <response-2>",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 499 Unknown", "HTTP/1.1 404 Not Found", "HTTP/1.1 404 Not Found",
    ]  # fmt: skip
    assert lines.count("Content-Type: application/json; charset=UTF-8") == 2, "an answer without a body has no type"


def test_what_slows_a_request_does_not_fail_a_call_in_a_batch(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"1")
    storage_server.faults.add(FaultRule(service="storage", method="objects.get", kind="latency", seconds=0.01))
    assert "HTTP/1.1 200 OK" in batch(storage_server, f"\r\nGET {F} HTTP/1.1\r\n").text


# Repeats


def write(server: StorageServer, name: str, data: bytes, token: str) -> str:
    path = f"{UPLOAD}?uploadType=media&name={name}"
    return str(server.call("POST", path, data=data, headers={TOKEN: token}).json()["generation"])


def test_a_token_is_for_one_verb_on_one_path(storage_server: StorageServer) -> None:
    made = storage_server.call("PATCH", F, json={}, headers={TOKEN: "verb"})
    assert made.status_code == 404
    write(storage_server, "f", b"1", "verb")
    assert storage_server.call("DELETE", F, headers={TOKEN: "verb"}).status_code == 204
    assert storage_server.call("PATCH", F, json={}, headers={TOKEN: "verb"}).status_code == 404


def test_a_read_with_a_token_is_a_new_read(storage_server: StorageServer) -> None:
    for data in (b"1", b"22"):
        storage_server.store.put("data", "f", data)
        assert get(storage_server, F, **{TOKEN: "read"}).json()["size"] == str(len(data))


def test_a_token_is_forgotten_after_a_while(storage_server: StorageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "REPEAT_SECONDS", 0.0)
    assert write(storage_server, "f", b"1", "age") != write(storage_server, "f", b"1", "age")


def test_chunks_of_one_upload_may_share_a_token(storage_server: StorageServer) -> None:
    where, headers = begin(storage_server), {TOKEN: "chunks", "X-GUploader-No-308": "yes"}
    quantum = 256 * 1024
    for start, end in ((0, quantum), (quantum, quantum + 3)):
        span = {"Content-Range": f"bytes {start}-{end - 1}/{quantum + 3}"}
        answer: Any = storage_server.call("POST", where, data=bytes(end - start), headers=headers | span)
    assert answer.json()["size"] == str(quantum + 3)


def test_a_client_that_asks_for_another_word_than_yes_gets_its_308(storage_server: StorageServer) -> None:
    headers = {"X-GUploader-No-308": "no", "Content-Range": "bytes */*"}
    assert storage_server.call("PUT", begin(storage_server), headers=headers).status_code == 308
