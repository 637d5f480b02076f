"""What a body, a parameter or a header may say: requests that once were stored or broke others, and their answers."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.sandbox.storage_world import StorageServer, reason
from tests.sandbox.test_storage_api_reference import fact

B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
UPLOAD = "/upload/storage/v1/b/data/o"


@dataclass(frozen=True)
class Case:
    """A request on bucket `data` with object `f`, the status it must answer, and facts of the answer's body."""

    rule: str
    verb: str
    path: str
    status: int
    json: Any = None
    facts: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("metadata is a mapping", "PATCH", F, 400, {"metadata": "s"}),
    Case("metadata is text", "PATCH", F, 400, {"metadata": {"a": 5}}),
    Case("metadata has at most 8 KiB", "PATCH", F, 400, {"metadata": {"a": "x" * 8192}}),
    Case("8 KiB are allowed", "PATCH", F, 200, {"metadata": {"a": "x" * 8184}}),
    Case("metadata grows by a patch too", "PATCH", F, 400, {"metadata": {"b": "x" * 8190}}),
    Case("versioning is a mapping", "PATCH", f"{B}/data", 400, {"versioning": "yes"}),
    Case("a flag is no text", "PATCH", f"{B}/data", 400, {"versioning": {"enabled": "false"}}),
    Case("soft delete is a mapping", "PATCH", f"{B}/data", 400, {"softDeletePolicy": 5}),
    Case("a duration is a number", "PATCH", f"{B}/data", 400, {"retentionPolicy": {"retentionPeriod": "long"}}),
    Case("labels are a mapping", "PATCH", f"{B}/data", 400, {"labels": "x"}),
    Case("a label is small", "PATCH", f"{B}/data", 400, {"labels": {"Team": "ops"}}),
    Case("a label begins with a letter", "PATCH", f"{B}/data", 400, {"labels": {"1a": "ops"}}),
    Case("a label's value may be empty", "PATCH", f"{B}/data", 200, {"labels": {"a-1_b": ""}}),
    Case("a lifecycle has rules", "PATCH", f"{B}/data", 400, {"lifecycle": {"rule": "x"}}),
    Case("a content type is text", "PATCH", F, 400, {"contentType": 5}),
    Case("no header in a header", "PATCH", F, 400, {"contentDisposition": "a\r\nx-evil: 1"}),
    Case("a hold is a flag", "PATCH", F, 400, {"temporaryHold": "false"}),
    Case("a compose has a list of sources", "POST", f"{F}/compose", 400, {"sourceObjects": "f"}),
    Case("a source has a name", "POST", f"{F}/compose", 400, {"sourceObjects": [{}]}),
    Case("a source's generation is a number", "POST", f"{F}/compose", 400,
         {"sourceObjects": [{"name": "f", "generation": "x"}]}),
    Case("a copy's metadata is a mapping", "POST", f"{F}/rewriteTo/b/data/o/g", 400, {"metadata": []}),
    Case("what a resource does not have is ignored", "PATCH", F, 200, {"colour": "red"}, {"colour": None}),
    Case("a custom time is a time", "PATCH", F, 400, {"customTime": "garbage"}),
    Case("a custom time is no number", "PATCH", F, 400, {"customTime": 5}),
    Case("a custom time has a zone", "PATCH", F, 400, {"customTime": "2026-01-01T00:00:00"}),
    Case("a custom time is shown in UTC", "PATCH", F, 200, {"customTime": "2026-02-01T02:00:00+02:00"},
         {"customTime": "2026-02-01T00:00:00Z"}),
    Case("a storage class is one of Google's", "POST", f"{B}?project=p", 400,
         {"name": "made", "storageClass": "GOLD"}),
    Case("a bucket's name is small", "POST", f"{B}?project=p", 400, {"name": "Made"}),
    Case("a bucket's name has 3 letters", "POST", f"{B}?project=p", 400, {"name": "ab"}),
    Case("a bucket's name has at most 63", "POST", f"{B}?project=p", 400, {"name": "a" * 64}),
    Case("a bucket's name is no address", "POST", f"{B}?project=p", 400, {"name": "192.168.5.4"}),
    Case("a bucket is not Google's", "POST", f"{B}?project=p", 400, {"name": "my-google-data"}),
    Case("a bucket's name may have dots", "POST", f"{B}?project=p", 200, {"name": "a.example_1.com"}),
    Case("fields of an object are an object's", "GET", f"{F}?fields=name,colour", 400),
    Case("fields of a list are a list's", "GET", f"{B}/data/o?fields=items(name,colour)", 400),
    Case("fields of a bucket are a bucket's", "GET", f"{B}/data?fields=temporaryHold", 400),
    Case("fields are checked before anything is done", "DELETE", f"{F}?fields=colour", 400),
    Case("a set of letters backwards is none", "GET", f"{B}/data/o?matchGlob=[z-a]", 400),
    Case("a set of nothing is none", "GET", f"{B}/data/o?matchGlob=[!]", 400),
    Case("a page of buckets has at least one", "GET", f"{B}?project=p&maxResults=0", 400),
    Case("an upload's class is one of Google's", "POST", f"{UPLOAD}?uploadType=resumable&name=x", 400,
         {"storageClass": "GOLD"}),
    Case("an upload's length is a number", "POST", f"{UPLOAD}?uploadType=resumable", 400, {"name": 5}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace(" ", "_"))
def test_a_request_is_judged_at_the_door(storage_server: StorageServer, case: Case) -> None:
    storage_server.store.put("data", "f", b"123", metadata={"kept": "yes"}, quiet=True)
    answer = storage_server.call(case.verb, case.path, json=case.json)
    assert answer.status_code == case.status, answer.text
    if case.status == 400:
        assert reason(answer) == "invalid"
        assert "\n" not in answer.json()["error"]["message"]
    body = answer.json()
    assert {path: fact(body, path) for path in case.facts} == case.facts
    assert storage_server.call("GET", f"{B}/data/o").json()["items"]
    assert storage_server.call("GET", f"{B}?project=p").status_code == 200
    assert storage_server.call("GET", f"{F}?alt=media").content == b"123"


# An update replaces


def test_an_update_replaces_metadata(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"1", content_type="a/b", metadata={"old": "1"}, quiet=True)
    storage_server.call("PATCH", F, json={"cacheControl": "no-store", "temporaryHold": True})
    answer = storage_server.call("PUT", F, json={"metadata": {"new": "2"}}).json()
    shown = {name: answer.get(name) for name in ("metadata", "contentType", "cacheControl", "temporaryHold")}
    assert shown == {"metadata": {"new": "2"}, "contentType": None, "cacheControl": None, "temporaryHold": None}


def test_an_update_of_a_bucket_replaces_labels_and_versioning(storage_server: StorageServer) -> None:
    wish = {"labels": {"a": "1"}, "versioning": {"enabled": True}, "retentionPolicy": {"retentionPeriod": "60"}}
    storage_server.call("PATCH", f"{B}/data", json=wish)
    answer = storage_server.call("PUT", f"{B}/data", json={"labels": {"b": "2"}}).json()
    assert (answer["labels"], answer.get("versioning"), answer.get("retentionPolicy")) == ({"b": "2"}, None, None)
    assert (answer["location"], answer["metageneration"]) == ("US-CENTRAL1", "3")


def test_a_patch_of_a_part_keeps_the_rest_of_it(storage_server: StorageServer) -> None:
    wish = {"iamConfiguration": {"publicAccessPrevention": "enforced"}}
    shown = storage_server.call("PATCH", f"{B}/data", json=wish).json()["iamConfiguration"]
    assert (shown["publicAccessPrevention"], shown["uniformBucketLevelAccess"]["enabled"]) == ("enforced", True)


# Compressed on the way


def multipart(resource: dict[str, Any], data: bytes) -> tuple[dict[str, str], bytes]:
    head = f"--x\r\nContent-Type: application/json\r\n\r\n{json.dumps(resource)}\r\n--x\r\nContent-Type: a/b\r\n\r\n"
    return {"Content-Type": "multipart/related; boundary=x"}, head.encode() + data + b"\r\n--x--"


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


def listed(server: StorageServer, **query: Any) -> tuple[list[str], list[str], int]:
    """Names, prefixes and the number of pages."""
    names: list[str] = []
    prefixes: list[str] = []
    pages, token = 0, None
    while pages == 0 or token:
        page = server.listing("data", **query, **({"pageToken": token} if token else {}))
        names += [one["name"] for one in page.get("items", [])]
        prefixes += page.get("prefixes", [])
        token, pages = page.get("nextPageToken"), pages + 1
    return names, prefixes, pages


@pytest.mark.parametrize("size", [1, 1000])
def test_a_prefix_is_there_as_soon_as_one_name_below_it_matches(storage_server: StorageServer, size: int) -> None:
    for name in ("a/1.bin", "a/2.txt", "b/1.bin", "c.txt", "d/x/9.txt", "d/y.txt", "e.bin"):
        storage_server.store.put("data", name, b"", quiet=True)
    names, prefixes, _ = listed(storage_server, delimiter="/", matchGlob="**.txt", maxResults=size)
    assert (names, prefixes) == (["c.txt"], ["a/", "d/"])


def test_a_set_in_a_glob_is_letters_not_a_regular_expression(storage_server: StorageServer) -> None:
    for name in ("a", "^", "\\", "[", "&", "-"):
        storage_server.store.put("data", name, b"", quiet=True)
    for glob, found in (("[a^]", ["^", "a"]), ("[!a^&-]", ["[", "\\"]), ("[[\\]", ["[", "\\"]), ("[&&]", ["&"])):
        assert listed(storage_server, matchGlob=glob)[0] == found, glob


def test_buckets_are_listed_in_pages(storage_server: StorageServer) -> None:
    for name in ("b1", "b2", "b3"):
        storage_server.store.create_bucket(name)
    names = [bucket.name for bucket in storage_server.client().list_buckets(page_size=2)]
    assert names == ["b1", "b2", "b3", "data"]
    first = storage_server.call("GET", f"{B}?project=p&maxResults=2").json()
    assert ([one["name"] for one in first["items"]], "nextPageToken" in first) == (["b1", "b2"], True)


# Holds, times, etags, classes


def test_under_an_event_based_hold_nobody_knows_the_retention_which_runs_from_its_release(
    storage_server: StorageServer,
) -> None:
    storage_server.call("PATCH", f"{B}/data", json={"retentionPolicy": {"retentionPeriod": "3600"}})
    made = storage_server.upload("data", "f", b"1").json()
    assert made["retentionExpirationTime"]
    held = storage_server.call("PATCH", F, json={"eventBasedHold": True}).json()
    assert "retentionExpirationTime" not in held
    assert storage_server.call("DELETE", F).status_code == 403
    freed = storage_server.call("PATCH", F, json={"eventBasedHold": False}).json()
    assert freed["retentionExpirationTime"] > made["retentionExpirationTime"]
    assert reason(storage_server.call("DELETE", F)) == "retentionPolicyNotMet"


def test_new_objects_of_a_bucket_with_a_default_hold_are_held(storage_server: StorageServer) -> None:
    storage_server.call("PATCH", f"{B}/data", json={"defaultEventBasedHold": True})
    assert storage_server.upload("data", "f", b"1").json()["eventBasedHold"] is True
    assert storage_server.call("DELETE", F).status_code == 403
    headers, body = multipart({"name": "g", "eventBasedHold": False}, b"2")
    free = storage_server.call("POST", f"{UPLOAD}?uploadType=multipart", data=body, headers=headers).json()
    assert free["eventBasedHold"] is False


def test_a_custom_time_only_moves_on(storage_server: StorageServer) -> None:
    storage_server.upload("data", "f", b"1")
    storage_server.call("PATCH", F, json={"customTime": "2026-02-01T00:00:00Z"})
    for wish, status in (
        ({"customTime": "2026-01-31T00:00:00Z"}, 400),
        ({"customTime": None}, 400),
        ({"contentType": "a/b"}, 200),
        ({"customTime": "2026-02-01T00:00:00.5Z"}, 200),
    ):
        assert storage_server.call("PATCH", F, json=wish).status_code == status, wish
    assert storage_server.call("PUT", F, json={}).json()["customTime"] == "2026-02-01T00:00:00.500Z"


@pytest.mark.parametrize("verb", ["PATCH", "PUT", "DELETE"])
def test_an_etag_is_a_condition_of_a_change_too(storage_server: StorageServer, verb: str) -> None:
    tag = storage_server.upload("data", "f", b"1").json()["etag"]
    assert storage_server.call(verb, F, json={}, headers={"If-Match": '"other"'}).status_code == 412
    assert storage_server.call(verb, F, json={}, headers={"If-Match": f'"{tag}"'}).ok


def test_a_composite_that_is_rewritten_into_another_class_is_one_no_more(storage_server: StorageServer) -> None:
    storage_server.upload("data", "f", b"1")
    storage_server.call("POST", f"{B}/data/o/c/compose", json={"sourceObjects": [{"name": "f"}, {"name": "f"}]})
    path = f"{B}/data/o/c/rewriteTo/b/data/o"
    same = storage_server.call("POST", f"{path}/same", json={}).json()["resource"]
    cold = storage_server.call("POST", f"{path}/cold", json={"storageClass": "COLDLINE"}).json()["resource"]
    assert (same["componentCount"], "md5Hash" in same) == (2, False)
    assert ("componentCount" in cold, "md5Hash" in cold) == (False, True)


# Resumable uploads that do not add up


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
