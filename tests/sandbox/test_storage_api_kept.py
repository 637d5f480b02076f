"""What stays and what changes when an object is patched, copied, composed, restored or deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.sandbox.storage.store import NoSuchThing, ObjectStore
from tests.sandbox.storage_world import StorageServer, reason, serve_storage

B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
MIB = 1 << 20
LONG_AGO = datetime.now(UTC) - timedelta(days=8)


def post(server: StorageServer, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
    answer = server.call("POST", path, params=query, json=body if body is not None else {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def patch(server: StorageServer, path: str, **body: Any) -> dict[str, Any]:
    answer = server.call("PATCH", path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


# Buckets


def test_a_change_of_a_bucket_moves_its_time(storage_server: StorageServer) -> None:
    bucket = storage_server.store.bucket("data")
    bucket.updated = LONG_AGO
    assert patch(storage_server, f"{B}/data", labels={"a": "b"})["updated"][:10] > LONG_AGO.date().isoformat()


def test_a_policy_is_in_force_since_it_was_set_and_a_longer_one_since_the_first(storage_server: StorageServer) -> None:
    settings = storage_server.store.bucket("data").settings
    settings.soft_delete_effective = LONG_AGO
    shown = patch(storage_server, f"{B}/data", softDeletePolicy={"retentionDurationSeconds": "864000"})
    assert shown["softDeletePolicy"]["effectiveTime"][:10] > LONG_AGO.date().isoformat()
    patch(storage_server, f"{B}/data", retentionPolicy={"retentionPeriod": "60"})
    storage_server.store.bucket("data").settings.retention_effective = LONG_AGO
    longer = patch(storage_server, f"{B}/data", retentionPolicy={"retentionPeriod": "120"})["retentionPolicy"]
    assert (longer["retentionPeriod"], longer["effectiveTime"][:10]) == ("120", LONG_AGO.date().isoformat())


def test_a_locked_policy_may_stay_as_it_is(storage_server: StorageServer) -> None:
    patch(storage_server, f"{B}/data", retentionPolicy={"retentionPeriod": "60"})
    post(storage_server, f"{B}/data/lockRetentionPolicy", ifMetagenerationMatch=2)
    kept = patch(storage_server, f"{B}/data", retentionPolicy={"retentionPeriod": "60"})
    assert kept["retentionPolicy"]["isLocked"] is True
    shorter = storage_server.call("PATCH", f"{B}/data", json={"retentionPolicy": {"retentionPeriod": "59"}})
    assert (shorter.status_code, reason(shorter)) == (403, "forbidden")
    gone = storage_server.call("PATCH", f"{B}/data", json={"retentionPolicy": None})
    assert (gone.status_code, reason(gone)) == (403, "retentionPolicyNotMet")


def test_a_bucket_of_only_noncurrent_versions_is_not_empty(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    storage_server.store.put("v", "a", b"1")
    storage_server.store.delete("v", "a")
    answer = storage_server.call("DELETE", f"{B}/v")
    assert (answer.status_code, reason(answer)) == (409, "conflict")


def test_an_object_without_a_class_gets_its_buckets(storage_server: StorageServer) -> None:
    patch(storage_server, f"{B}/data", storageClass="NEARLINE")
    assert storage_server.upload("data", "f", b"1").json()["storageClass"] == "NEARLINE"


# Versions


def test_a_patch_moves_the_time_and_the_metageneration_only(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"1", at=LONG_AGO)
    before = storage_server.call("GET", F).json()
    after = patch(storage_server, F, cacheControl="no-store")
    assert (after["generation"], after["metageneration"]) == (before["generation"], "2")
    assert after["timeCreated"] == before["timeCreated"] < after["updated"]
    modified = storage_server.call("GET", f"{F}?alt=media").headers["Last-Modified"]
    assert modified.split()[1:3] == [after["updated"][8:10], datetime.fromisoformat(after["updated"]).strftime("%b")]


def test_a_patch_of_a_noncurrent_version_leaves_the_live_one(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    old, new = (storage_server.store.put("v", "a", data) for data in (b"1", b"2"))
    path = f"{B}/v/o/a"
    shown = patch(storage_server, f"{path}?generation={old.generation}", metadata={"k": "v"})
    assert (shown["generation"], shown["metageneration"]) == (str(old.generation), "2")
    assert (storage_server.live("v", "a").generation, storage_server.live("v", "a").metageneration) == (
        new.generation, 1,
    )  # fmt: skip
    assert storage_server.call("GET", path, params={"generation": old.generation}).json()["metadata"] == {"k": "v"}


def test_a_patch_of_the_live_version_by_its_number_is_seen_without_it(storage_server: StorageServer) -> None:
    made = storage_server.store.put("data", "f", b"1")
    patch(storage_server, f"{F}?generation={made.generation}", metadata={"k": "v"})
    assert storage_server.call("GET", F).json()["metadata"] == {"k": "v"}


def test_a_restored_object_has_its_class_and_its_encoding_again(storage_server: StorageServer) -> None:
    resource = {"name": "f", "storageClass": "COLDLINE", "contentEncoding": "x-own", "cacheControl": "no-store"}
    begun = storage_server.call("POST", "/upload/storage/v1/b/data/o?uploadType=resumable", json=resource)
    made = storage_server.session.put(begun.headers["Location"], data=b"1", timeout=30).json()
    storage_server.store.delete("data", "f")
    again = post(storage_server, f"{F}/restore", generation=made["generation"])
    wanted = ("storageClass", "contentEncoding", "cacheControl", "crc32c")
    assert {name: again[name] for name in wanted} == {name: made[name] for name in wanted}


def test_a_soft_deleted_version_whose_time_is_over_is_not_found(storage_server: StorageServer) -> None:
    old = storage_server.store.put("data", "f", b"1", at=LONG_AGO)
    storage_server.store.put("data", "f", b"2", at=LONG_AGO)
    query = {"generation": old.generation, "softDeleted": "true"}
    assert storage_server.call("GET", F, params=query).status_code == 404
    assert storage_server.call("POST", f"{F}/restore", params={"generation": old.generation}).status_code == 404


def test_a_backdated_write_has_a_generation_above_those_that_were_deleted() -> None:
    store = ObjectStore()
    store.create_bucket("b")
    at = datetime.now(UTC) - timedelta(days=1)
    first = store.put("b", "a", b"1", at=at)
    store.delete("b", "a")
    second = store.put("b", "a", b"2", at=at)
    assert second.generation > first.generation
    with pytest.raises(NoSuchThing):
        store.bucket("b").need("a", first.generation)


def test_a_time_without_a_zone_is_utc(storage_server: StorageServer) -> None:
    naive = (datetime.now(UTC) - timedelta(days=2)).replace(tzinfo=None)
    version = storage_server.store.put("data", "f", b"1", at=naive)
    assert abs(version.generation / 1e6 - naive.replace(tzinfo=UTC).timestamp()) < 0.01


def test_a_refusal_names_the_hold(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"1")
    for hold, words in (("temporaryHold", "active Temporary hold"), ("eventBasedHold", "active Event-Based hold")):
        patch(storage_server, F, **{hold: True})
        assert words in storage_server.call("DELETE", F).text
        patch(storage_server, F, **{hold: False})


# Copies


def test_a_copy_has_neither_the_holds_nor_the_class_of_its_source(storage_server: StorageServer) -> None:
    storage_server.store.put("data", "f", b"1", metadata={"k": "v"})
    cold = post(storage_server, f"{F}/rewriteTo/b/data/o/cold", {"storageClass": "COLDLINE"})["resource"]
    assert (cold["storageClass"], cold.get("metadata")) == ("COLDLINE", None)
    patch(storage_server, f"{B}/data/o/cold", temporaryHold=True, eventBasedHold=True, cacheControl="no-store")
    copy = post(storage_server, f"{B}/data/o/cold/copyTo/b/data/o/copy")
    assert (copy["storageClass"], copy["cacheControl"]) == ("STANDARD", "no-store")
    assert "temporaryHold" not in copy and "eventBasedHold" not in copy
    held = post(storage_server, f"{F}/copyTo/b/data/o/held", {"temporaryHold": True})
    assert (held["temporaryHold"], held["metadata"]) == (True, {"k": "v"})


def test_a_composite_has_what_it_is_told_and_the_class_of_its_first_source(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    old = storage_server.store.put("v", "a", b"old")
    storage_server.store.put("v", "a", b"new")
    post(storage_server, f"{B}/v/o/a/rewriteTo/b/v/o/cold", {"storageClass": "COLDLINE"})
    sources = [{"name": "cold"}, {"name": "a", "generation": str(old.generation)}]
    body = {"sourceObjects": sources, "destination": {"cacheControl": "no-store", "metadata": {"k": "v"}}}
    made = post(storage_server, f"{B}/v/o/c/compose", body)
    assert storage_server.live("v", "c").data == b"newold"
    assert (made["storageClass"], made["cacheControl"], made["metadata"]) == ("COLDLINE", "no-store", {"k": "v"})
    twice = post(storage_server, f"{B}/v/o/d/compose", {"sourceObjects": [{"name": "c"}, {"name": "a"}]})
    assert twice["componentCount"] == 3


def test_a_rewrite_token_is_for_its_own_copy_and_good_again_when_the_answer_was_lost() -> None:
    with serve_storage(rewrite_bytes_per_call=MIB) as server:
        server.store.create_bucket("data")
        server.store.put("data", "f", bytes(3 * MIB))
        path = f"{F}/rewriteTo/b/data/o/g"
        first = post(server, path)
        assert (first["done"], first["totalBytesRewritten"]) == (False, str(MIB))
        other = server.call("POST", f"{F}/rewriteTo/b/data/o/h", params={"rewriteToken": first["rewriteToken"]})
        assert (other.status_code, reason(other)) == (400, "invalid")
        for _ in range(2):  # the first answer was lost
            second = post(server, path, rewriteToken=first["rewriteToken"])
            assert (second["done"], second["totalBytesRewritten"]) == (False, str(2 * MIB))
        last = post(server, path, rewriteToken=second["rewriteToken"])
        assert (last["done"], last["totalBytesRewritten"], "rewriteToken" in last) == (True, str(3 * MIB), False)
