"""What a body, a parameter or a header may say: requests that once were stored or broke others, and their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.sandbox.storage_world import StorageServer, multipart, reason
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
