"""Where a rule of the JSON API begins and ends: the last value that is taken and the first that is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.storage_world import StorageServer, reason
from tests.sandbox.test_storage_api_reference import Case, fact

B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
UPLOAD = "/upload/storage/v1/b/data/o"
DAY = 24 * 3600
CENTURY = 100 * 31_557_600


def make(name: str, **more: Any) -> dict[str, Any]:
    return {"verb": "POST", "path": f"{B}?project=p", "json": {"name": name, **more}}


def bucket(**patch: Any) -> dict[str, Any]:
    return {"verb": "PATCH", "path": f"{B}/data", "json": patch}


def soft_delete(seconds: int) -> dict[str, Any]:
    return bucket(softDeletePolicy={"retentionDurationSeconds": str(seconds)})


def retention(seconds: int) -> dict[str, Any]:
    return bucket(retentionPolicy={"retentionPeriod": str(seconds)})


def read(query: str, path: str = F) -> dict[str, Any]:
    return {"verb": "GET", "path": f"{path}?{query}"}


CASES = [
    Case("64 labels are allowed", **bucket(labels={f"l{n}": "" for n in range(64)}), status=200),
    Case("65 labels are not", **bucket(labels={f"l{n}": "" for n in range(65)}), status=400),
    Case("a label has at most 63 letters", **bucket(labels={"a": "x" * 63}), status=200),
    Case("64 letters are no label", **bucket(labels={"a": "x" * 64}), status=400),
    Case("a label's key has at most 63 letters", **bucket(labels={"x" * 64: ""}), status=400),
    Case("labels may be of any script", **bucket(labels={"größe": "大"}), status=200),
    Case("a part of a bucket's name has at most 63 letters", **make("a" * 64 + ".example"), status=400),
    Case("a bucket's name has at most 222 letters", **make(".".join(["a" * 55] * 4)[:222]), status=200),
    Case("223 letters are no bucket's name", **make(".".join(["a" * 55] * 4)), status=400),
    Case("a bucket's name has no two dots together", **make("a..b"), status=400),
    Case("a bucket's name does not begin like Google's", **make("goog-data"), status=400),
    Case("a bucket's name ends in a letter or digit", **make("data-"), status=400),
    Case("a class may be written small", **make("cold", storageClass="coldline"), status=200,
         facts={"storageClass": "COLDLINE"}),
    Case("a continent is several regions", **make("wide", location="eu"), status=200,
         facts={"location": "EU", "locationType": "multi-region"}),
    Case("without a location a bucket is in the US", **make("wide"), status=200, facts={"location": "US"}),
    Case("no class in a patch is the standard one", **bucket(storageClass=None), status=200,
         facts={"storageClass": "STANDARD"}),
    Case("public access may be left to the organisation",
         **bucket(iamConfiguration={"publicAccessPrevention": "unspecified"}), status=200),
    Case("public access has three words", **bucket(iamConfiguration={"publicAccessPrevention": "maybe"}), status=400),
    Case("metadata is counted in bytes", verb="PATCH", path=F, status=400, json={"metadata": {"a": "ä" * 4096}}),
    Case("null takes all metadata away", verb="PATCH", path=F, status=200, json={"metadata": None},
         facts={"metadata": None, "contentType": "a/b"}),
    Case("soft delete keeps 90 days", **soft_delete(90 * DAY), status=200),
    Case("soft delete does not keep longer", **soft_delete(90 * DAY + 1), status=400),
    Case("soft delete keeps 7 days", **soft_delete(7 * DAY), status=200),
    Case("soft delete does not keep shorter", **soft_delete(7 * DAY - 1), status=400),
    Case("soft delete can be off", **soft_delete(0), status=200, facts={"softDeletePolicy.effectiveTime": None}),
    Case("an empty soft delete policy changes nothing", **bucket(softDeletePolicy={}), status=200,
         facts={"softDeletePolicy.retentionDurationSeconds": "604800"}),
    Case("a retention is at least a second", **retention(1), status=200, facts={"retentionPolicy.isLocked": None}),
    Case("a retention of nothing is none", **retention(0), status=400),
    Case("a retention is at most 100 years", **retention(CENTURY), status=200),
    Case("a longer retention is refused", **retention(CENTURY + 1), status=400),
    Case("a policy that is not there cannot be locked", verb="POST", status=400,
         path=f"{B}/data/lockRetentionPolicy?ifMetagenerationMatch=1"),
    Case("a generation may have 19 digits", verb="POST", path=f"{B}/data/o/joined/compose", status=404,
         json={"sourceObjects": [{"name": "f", "generation": str(2**63 - 1)}]}),
    Case("a star in fields is everything", **read("fields=*"), status=200, facts={"name": "f", "size": "3"}),
    Case("a star in fields of a part is all of it", **read("fields=items(*)", f"{B}/data/o"), status=200,
         facts={"items.0.name": "f", "items.0.size": "3", "kind": None}),
    Case("fields may come back to a part", **read("fields=items/name,items/size", f"{B}/data/o"), status=200,
         facts={"": {"items": [{"name": "f", "size": "3"}]}}),
    Case("fields of a rewrite name an object's", verb="POST", status=400,
         path=f"{F}/rewriteTo/b/data/o/g?fields=resource/colour"),
    Case("fields end where they say", **read("fields=items(name(x)y", f"{B}/data/o"), status=400),
    Case("fields name something", **read("fields=,", f"{B}/data/o"), status=400),
    Case("buckets are listed below a prefix", **read("project=p&prefix=x", B), status=200,
         facts={"": {"kind": "storage#buckets"}}),
    Case("a parameter that is empty is not there", **read("project=", B), status=400, reason="required"),
    Case("true may be written big", **read("versions=True&softDeleted=TRUE", f"{B}/data/o"), status=400),
    Case("at most a thousand to a page", **read("maxResults=1001", f"{B}/data/o"), status=200),
    Case("an upload is of a known type", verb="POST", path=f"{UPLOAD}?uploadType=parcel&name=x", status=400,
         reason="invalid"),
    Case("an upload has a type", verb="POST", path=f"{UPLOAD}?name=x", status=400, reason="required"),
    Case("an upload has a name", verb="POST", path=f"{UPLOAD}?uploadType=media", status=400, reason="required"),
    Case("a rewrite goes on in whole MiB above one", verb="POST", status=400,
         path=f"{F}/rewriteTo/b/data/o/g?maxBytesRewrittenPerCall={(1 << 20) + 1}"),
    Case("a copy has a name that can be one", verb="POST", path=f"{F}/copyTo/b/data/o/a%0Ab", status=400),
    Case("a compose has a name that can be one", verb="POST", path=f"{B}/data/o/a%0Ab/compose", status=400,
         json={"sourceObjects": [{"name": "f"}]}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace(" ", "_"))
def test_a_rule_ends_where_google_says(storage_server: StorageServer, case: Case) -> None:
    storage_server.store.put("data", "f", b"123", content_type="a/b", metadata={"k": "v"}, quiet=True)
    answer = storage_server.call(case.verb, case.path, json=case.json)
    assert answer.status_code == case.status, answer.text
    body = answer.json()
    assert {path: fact(body, path) for path in case.facts} == case.facts
    if case.status >= 400:
        assert reason(answer) == (case.reason or {400: "invalid", 404: "notFound"}[case.status])
        assert storage_server.store.bucket("data").metageneration == 1, "a refusal changes nothing"


@pytest.mark.parametrize(
    ("glob", "found"),
    [("[^ab]", ["c"]), ("[!ab]", ["c"]), ("{a,}b", ["ab", "b"]), ("{,a,ab}c", ["abc", "ac", "c"]), ("?", ["a", "b", "c"])],
)  # fmt: skip
def test_a_glob_may_negate_a_set_and_leave_an_alternative_empty(
    storage_server: StorageServer, glob: str, found: list[str]
) -> None:
    for name in ("a", "ab", "abc", "ac", "b", "c", "d/c"):
        storage_server.store.put("data", name, b"", quiet=True)
    assert [one["name"] for one in storage_server.listing("data", matchGlob=glob)["items"]] == found


def test_a_page_may_end_at_a_prefix_before_what_are_no_characters(storage_server: StorageServer) -> None:
    for name in ("a\ud7ffx", "a\ud7ffy", "b"):
        storage_server.store.put("data", name, b"", quiet=True)
    first = storage_server.listing("data", delimiter="\ud7ff", maxResults=1)
    assert first["prefixes"] == ["a\ud7ff"]
    rest = storage_server.listing("data", delimiter="\ud7ff", pageToken=first["nextPageToken"])
    assert ([one["name"] for one in rest["items"]], "prefixes" in rest) == (["b"], False)
