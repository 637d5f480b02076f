"""Requests and answers as Google's reference of the JSON API has them: status, error reason, facts of the body."""

import base64
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployments.sandbox.storage.resource import etag
from tests.sandbox.storage_world import StorageServer, reason

DATA = b"123456789"  # the check value of CRC32C is e3069283, and of MD5 25f9e794...0b


@dataclass(frozen=True)
class Case:
    """One line of the reference: a request, the status it must answer, and facts of the JSON body."""

    rule: str
    verb: str
    path: str
    status: int
    facts: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    json: Any = None


B, O = "/storage/v1/b", "/storage/v1/b/data/o"  # noqa: E741
MISSING_BUCKET = {"error.message": "The specified bucket does not exist."}

CASES = [
    Case("a bucket says what protects its objects", "GET", f"{B}/data", 200, {
        "kind": "storage#bucket", "name": "data", "location": "US-CENTRAL1", "storageClass": "STANDARD",
        "metageneration": "1", "softDeletePolicy.retentionDurationSeconds": "604800", "locationType": "region",
        "iamConfiguration.uniformBucketLevelAccess.enabled": True, "etag": "CAE="}),
    Case("an unknown bucket is not found", "GET", f"{B}/none", 404, MISSING_BUCKET, "notFound"),
    Case("listing an unknown bucket is not found", "GET", f"{B}/none/o", 404, MISSING_BUCKET, "notFound"),
    Case("an object of an unknown bucket is not found", "GET", f"{B}/none/o/x", 404, MISSING_BUCKET, "notFound"),
    Case("folders are only names", "GET", f"{B}/data/storageLayout", 200,
         {"bucket": "data", "locationType": "region", "hierarchicalNamespace": None}),
    Case("buckets are listed for a project", "GET", f"{B}?project=p", 200, {"items.0.name": "data"}),
    Case("a project is needed to list buckets", "GET", B, 400, {}, "required"),
    Case("a bucket is made with its settings", "POST", f"{B}?project=p", 200, {
        "versioning.enabled": True, "location": "EU", "labels.team": "ops", "softDeletePolicy.effectiveTime": None,
        "softDeletePolicy.retentionDurationSeconds": "0"}, json={
        "name": "made", "location": "eu", "versioning": {"enabled": True}, "labels": {"team": "ops"},
        "softDeletePolicy": {"retentionDurationSeconds": "0"}}),
    Case("a bucket needs a name", "POST", f"{B}?project=p", 400, {}, "required", json={"location": "US"}),
    Case("a bucket that exists is a conflict", "POST", f"{B}?project=p", 409, {}, "conflict", json={"name": "data"}),
    Case("soft delete keeps 7 to 90 days", "PATCH", f"{B}/data", 400, {}, "invalid",
         json={"softDeletePolicy": {"retentionDurationSeconds": "60"}}),
    Case("a bucket that holds objects is not deleted", "DELETE", f"{B}/data", 409, {}, "conflict"),
    Case("an object has all its properties", "GET", f"{O}/dir%2Ffox.txt", 200, {
        "kind": "storage#object", "name": "dir/fox.txt", "bucket": "data", "size": "9", "metageneration": "1",
        "contentType": "text/plain", "md5Hash": "JfnnlDI7RTiF9RgfG2JNCw==", "crc32c": "4waSgw==",
        "storageClass": "STANDARD", "metadata.origin": "test", "timeDeleted": None, "softDeleteTime": None}),
    Case("an unknown object is not found", "GET", f"{O}/none", 404,
         {"error.message": "No such object: data/none"}, "notFound"),
    Case("an unknown generation is not found", "GET", f"{O}/dir%2Ffox.txt?generation=5", 404, {}, "notFound"),
    Case("a generation is a number", "GET", f"{O}/dir%2Ffox.txt?generation=x", 400, {}, "invalid"),
    Case("fields choose parts of an object", "GET", f"{O}/dir%2Ffox.txt?fields=name,metadata/origin", 200,
         {"": {"name": "dir/fox.txt", "metadata": {"origin": "test"}}}),
    Case("fields choose parts of a list", "GET", f"{O}?fields=items(name,size),nextPageToken,prefixes", 200,
         {"": {"items": [{"name": "dir/fox.txt", "size": "9"}]}}),
    Case("fields that make no sense are refused", "GET", f"{O}?fields=items(name", 400, {}, "invalid"),
    Case("an empty list has no items", "GET", f"{O}?prefix=zzz", 200, {"": {"kind": "storage#objects"}}),
    Case("a page has at least one entry", "GET", f"{O}?maxResults=0", 400, {}, "invalid"),
    Case("a page token is one of ours", "GET", f"{O}?pageToken=xxx", 400, {}, "invalid"),
    Case("versions and soft-deleted objects are not one list", "GET", f"{O}?versions=true&softDeleted=true", 400),
    Case("a patch changes what it names", "PATCH", f"{O}/dir%2Ffox.txt", 200, {
        "metageneration": "2", "contentType": "text/plain", "metadata": {"origin": "test", "new": "1"},
        "cacheControl": "no-store"}, json={"metadata": {"new": "1"}, "cacheControl": "no-store"}),
    Case("a patch with null takes away", "PATCH", f"{O}/dir%2Ffox.txt", 200, {"metadata": None, "contentType": None},
         json={"metadata": {"origin": None}, "contentType": None}),
    Case("an update clears what it does not name", "PUT", f"{O}/dir%2Ffox.txt", 200,
         {"metadata": None, "contentType": "text/x"}, json={"contentType": "text/x"}),
    Case("a patch of an unknown object is not found", "PATCH", f"{O}/none", 404, {}, "notFound", json={}),
    Case("a delete answers without a body", "DELETE", f"{O}/dir%2Ffox.txt", 204),
    Case("a delete of an unknown object is not found", "DELETE", f"{O}/none", 404, {}, "notFound"),
    Case("a restore names its generation", "POST", f"{O}/dir%2Ffox.txt/restore", 400, {}, "required"),
    Case("a live object cannot be restored", "POST", f"{O}/dir%2Ffox.txt/restore?generation=7", 404, {}, "notFound"),
    Case("a copy of an unknown object is not found", "POST", f"{O}/none/copyTo/b/data/o/x", 404, {}, "notFound"),
    Case("a copy into an unknown bucket is not found", "POST", f"{O}/dir%2Ffox.txt/copyTo/b/none/o/x", 404,
         MISSING_BUCKET, "notFound"),
    Case("a copy has the metadata of its source", "POST", f"{O}/dir%2Ffox.txt/copyTo/b/data/o/x", 200,
         {"name": "x", "metadata.origin": "test", "contentType": "text/plain", "crc32c": "4waSgw=="}),
    Case("metadata sent with a copy is all of the copy's", "POST", f"{O}/dir%2Ffox.txt/rewriteTo/b/data/o/x", 200,
         {"done": True, "objectSize": "9", "totalBytesRewritten": "9", "resource.metadata": None,
          "resource.contentType": "a/b"}, json={"contentType": "a/b"}),
    Case("a rewrite token is one of ours", "POST", f"{O}/dir%2Ffox.txt/rewriteTo/b/data/o/x?rewriteToken=t", 400),
    Case("a rewrite goes on in whole MiB", "POST",
         f"{O}/dir%2Ffox.txt/rewriteTo/b/data/o/x?maxBytesRewrittenPerCall=5", 400, {}, "invalid"),
    Case("a compose joins its sources", "POST", f"{O}/joined/compose", 200,
         {"size": "18", "componentCount": 2, "md5Hash": None, "contentType": "a/b"},
         json={"sourceObjects": [{"name": "dir/fox.txt"}] * 2, "destination": {"contentType": "a/b"}}),
    Case("a compose needs sources", "POST", f"{O}/joined/compose", 400, {}, "required", json={}),
    Case("a compose takes at most 32 sources", "POST", f"{O}/joined/compose", 400, {}, "invalid",
         json={"sourceObjects": [{"name": "dir/fox.txt"}] * 33}),
    Case("a compose of an unknown object is not found", "POST", f"{O}/joined/compose", 404, {}, "notFound",
         json={"sourceObjects": [{"name": "none"}]}),
    Case("what the sandbox does not have it says", "GET", f"{B}/data/iam", 501, {}, "notImplemented"),
    Case("a body is JSON", "PATCH", f"{O}/dir%2Ffox.txt", 400, {}, "invalid", json=[1]),
]  # fmt: skip


def fact(body: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for name in path.split(".") if path else []:
        body = body[int(name)] if isinstance(body, list) else (body or {}).get(name)
    return body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace(" ", "_"))
def test_a_request_is_answered_as_the_reference_says(storage_server: StorageServer, case: Case) -> None:
    storage_server.store.put(
        "data", "dir/fox.txt", DATA, content_type="text/plain", metadata={"origin": "test"}, quiet=True
    )
    answer = storage_server.call(case.verb, case.path, json=case.json)
    assert answer.status_code == case.status, answer.text
    body = answer.json() if answer.content else None
    assert {path: fact(body, path) for path in case.facts} == case.facts
    if case.reason:
        assert reason(answer) == case.reason


def test_times_have_milliseconds_and_numbers_are_strings(storage_server: StorageServer) -> None:
    resource = storage_server.upload("data", "a", DATA).json()
    assert resource["timeCreated"] == resource["updated"] == resource["timeFinalized"]
    assert len(resource["timeCreated"]) == len("2026-01-31T12:00:00.123Z") and resource["timeCreated"].endswith("Z")
    assert isinstance(resource["generation"], str) and len(resource["generation"]) == 16
    assert resource["id"] == f"data/a/{resource['generation']}"


def test_an_etag_holds_generation_and_metageneration(storage_server: StorageServer) -> None:
    """The ETag of a listing that Google answered: generation 1790696465415283, metageneration 1."""
    assert etag(1790696465415283, 1) == "CPP44pWQlJcDEAE="
    before = storage_server.upload("data", "a", DATA).json()["etag"]
    after = storage_server.call("PATCH", storage_server.object_path("data", "a"), json={"metadata": {"a": "b"}}).json()
    assert base64.b64decode(before)[:-1] == base64.b64decode(after["etag"])[:-1]
    assert before != after["etag"]


def test_links_lead_back_to_the_server_that_was_asked(storage_server: StorageServer) -> None:
    resource = storage_server.upload("data", "dir/ä b", DATA).json()
    assert storage_server.session.get(resource["mediaLink"], timeout=60).content == DATA
    assert storage_server.session.get(resource["selfLink"], timeout=60).json() == resource


def test_an_empty_patch_of_a_bucket_changes_nothing(storage_server: StorageServer) -> None:
    patched = storage_server.call("PATCH", "/storage/v1/b/data", json={})
    assert patched.json()["metageneration"] == "1"
    patched = storage_server.call("PATCH", "/storage/v1/b/data", json={"labels": {"a": "b"}})
    assert patched.json()["metageneration"] == "2"
