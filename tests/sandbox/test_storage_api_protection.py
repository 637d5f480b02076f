"""What a bucket keeps: noncurrent versions, soft-deleted objects, retention policies and holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.storage_world import StorageServer, reason

WEEK = timedelta(days=7)


def patch_bucket(server: StorageServer, bucket: str, **settings: Any) -> Any:
    return server.call("PATCH", f"/storage/v1/b/{bucket}", json=settings)


def delete(server: StorageServer, bucket: str, name: str, **query: Any) -> Any:
    return server.call("DELETE", server.object_path(bucket, name), params=query)


def soft_deleted(server: StorageServer, bucket: str) -> list[dict[str, Any]]:
    return server.listing(bucket, softDeleted="true").get("items", [])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_generations_grow_with_every_write_of_a_name(storage_server: StorageServer) -> None:
    made = [int(storage_server.upload("data", "a", b"x").json()["generation"]) for _ in range(5)]
    delete(storage_server, "data", "a")
    made.append(int(storage_server.upload("data", "a", b"x").json()["generation"]))
    assert made == sorted(set(made))
    now = datetime.now(UTC).timestamp() * 1_000_000
    assert abs(made[-1] - now) < 60_000_000, "a generation is the microseconds since 1970"


def test_a_delete_makes_an_object_noncurrent_in_a_versioned_bucket(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    generation = storage_server.upload("v", "a", b"x").json()["generation"]
    assert delete(storage_server, "v", "a").status_code == 204
    path = storage_server.object_path("v", "a")
    assert storage_server.call("GET", path).status_code == 404
    old = storage_server.call("GET", path, params={"generation": generation})
    assert old.status_code == 200 and "timeDeleted" in old.json()
    assert storage_server.call("GET", path, params={"generation": generation, "alt": "media"}).content == b"x"
    assert soft_deleted(storage_server, "v") == []


def test_a_delete_of_a_generation_is_for_good_even_of_the_live_one(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    first, second = (storage_server.upload("v", "a", b"x").json()["generation"] for _ in range(2))
    for generation in (second, first):
        assert delete(storage_server, "v", "a", generation=generation).status_code == 204
        assert delete(storage_server, "v", "a", generation=generation).status_code == 404
    assert list(storage_server.store.list("v", versions=True)) == []
    assert [each["generation"] for each in soft_deleted(storage_server, "v")] == [first, second]


def test_what_is_deleted_or_overwritten_is_soft_deleted_for_seven_days(storage_server: StorageServer) -> None:
    first = storage_server.upload("data", "a", b"1").json()
    second = storage_server.upload("data", "a", b"2").json()
    delete(storage_server, "data", "a")
    gone = soft_deleted(storage_server, "data")
    assert [each["generation"] for each in gone] == [first["generation"], second["generation"]]
    for each in gone:
        assert moment(each["hardDeleteTime"]) - moment(each["softDeleteTime"]) == WEEK
        assert "timeDeleted" not in each
    path = storage_server.object_path("data", "a")
    query = {"generation": first["generation"]}
    assert storage_server.call("GET", path, params=query).status_code == 404
    assert storage_server.call("GET", path, params=query | {"softDeleted": "true"}).json()["size"] == "1"
    assert storage_server.call("GET", path, params=query | {"alt": "media"}).status_code == 404
    assert storage_server.call("GET", path, params={"softDeleted": "true"}).status_code == 400


def test_a_restore_makes_a_new_generation_and_leaves_the_old_one(storage_server: StorageServer) -> None:
    old = storage_server.store.put("data", "a", b"1", metadata={"k": "v"}, content_type="t/p")
    storage_server.upload("data", "a", b"2")
    path = storage_server.object_path("data", "a") + "/restore"
    made = storage_server.call("POST", path, params={"generation": old.generation}).json()
    assert int(made["generation"]) > old.generation and made["metageneration"] == "1"
    assert made["metadata"] == {"k": "v"} and "softDeleteTime" not in made
    assert storage_server.live("data", "a").data == b"1"
    assert len(soft_deleted(storage_server, "data")) == 2, "the replaced object is soft-deleted, the restored one stays"


def test_a_bucket_without_soft_delete_forgets_and_says_so(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("hard", soft_delete_seconds=0)
    generation = storage_server.upload("hard", "a", b"x").json()["generation"]
    delete(storage_server, "hard", "a")
    listing = storage_server.call("GET", "/storage/v1/b/hard/o?softDeleted=true")
    restore = storage_server.call("POST", "/storage/v1/b/hard/o/a/restore", params={"generation": generation})
    for answer in (listing, restore):
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "bucket soft delete policy must be set."


def test_soft_deleted_objects_end_with_the_time_that_was_in_force(storage_server: StorageServer) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8)
    storage_server.store.put("data", "old", b"1", at=long_ago)
    storage_server.store.put("data", "old", b"2", at=long_ago + timedelta(hours=1))
    storage_server.store.put("data", "young", b"1")
    storage_server.store.delete("data", "young")
    patch_bucket(storage_server, "data", softDeletePolicy={"retentionDurationSeconds": "0"})
    assert [each["name"] for each in soft_deleted(storage_server, "data")] == ["young"]


def test_no_soft_delete_policy_in_a_patch_puts_the_default_back(storage_server: StorageServer) -> None:
    patch_bucket(storage_server, "data", softDeletePolicy={"retentionDurationSeconds": "0"})
    body = patch_bucket(storage_server, "data", softDeletePolicy=None).json()
    assert body["softDeletePolicy"]["retentionDurationSeconds"] == "604800"


@pytest.fixture
def retained(storage_server: StorageServer) -> StorageServer:
    """The bucket `data` with a retention policy of an hour, a young object and one that is old enough."""
    assert patch_bucket(storage_server, "data", retentionPolicy={"retentionPeriod": "3600"}).status_code == 200
    storage_server.store.put("data", "young", b"x")
    storage_server.store.put("data", "old", b"x", at=datetime.now(UTC) - timedelta(hours=2))
    return storage_server


def test_a_retention_policy_refuses_until_the_age_is_reached(retained: StorageServer) -> None:
    for answer in (
        delete(retained, "data", "young"),
        retained.upload("data", "young", b"y"),
        retained.call("POST", "/storage/v1/b/data/o/old/rewriteTo/b/data/o/young"),
        retained.call("POST", "/storage/v1/b/data/o/young/compose", json={"sourceObjects": [{"name": "old"}]}),
    ):
        assert (answer.status_code, reason(answer)) == (403, "retentionPolicyNotMet")
        assert "is subject to bucket's retention policy" in answer.text
    assert retained.live("data", "young").data == b"x"
    assert delete(retained, "data", "old").status_code == 204
    body = retained.call("GET", "/storage/v1/b/data/o/young").json()
    assert moment(body["retentionExpirationTime"]) - moment(body["timeCreated"]) == timedelta(hours=1)


def test_a_condition_is_looked_at_before_the_retention_policy(retained: StorageServer) -> None:
    assert delete(retained, "data", "young", ifGenerationMatch=1).status_code == 412


def test_metadata_of_a_retained_object_can_change(retained: StorageServer) -> None:
    assert retained.call("PATCH", "/storage/v1/b/data/o/young", json={"metadata": {"a": "b"}}).status_code == 200


def test_a_retained_object_may_become_noncurrent_but_not_go(retained: StorageServer) -> None:
    patch_bucket(retained, "data", versioning={"enabled": True})
    generation = retained.live("data", "young").generation
    assert delete(retained, "data", "young").status_code == 204
    answer = delete(retained, "data", "young", generation=generation)
    assert (answer.status_code, reason(answer)) == (403, "retentionPolicyNotMet")


def test_a_locked_policy_can_only_grow(retained: StorageServer) -> None:
    path = "/storage/v1/b/data/lockRetentionPolicy"
    assert reason(retained.call("POST", path)) == "required"
    assert retained.call("POST", path, params={"ifMetagenerationMatch": 1}).status_code == 412
    locked = retained.call("POST", path, params={"ifMetagenerationMatch": 2})
    assert locked.json()["retentionPolicy"]["isLocked"] is True
    for policy, status in (({"retentionPeriod": "60"}, 403), (None, 403), ({"retentionPeriod": "7200"}, 200)):
        assert patch_bucket(retained, "data", retentionPolicy=policy).status_code == status
    assert retained.call("POST", path, params={"ifMetagenerationMatch": 3}).status_code == 400


@pytest.mark.parametrize("hold", ["temporaryHold", "eventBasedHold"])
def test_a_hold_refuses_deletes_and_overwrites_until_it_is_released(storage_server: StorageServer, hold: str) -> None:
    storage_server.store.create_bucket("v", versioning=True)
    path = storage_server.object_path("v", "a")
    storage_server.upload("v", "a", b"x")
    storage_server.call("PATCH", path, json={hold: True})
    for answer in (delete(storage_server, "v", "a"), storage_server.upload("v", "a", b"y")):
        assert (answer.status_code, reason(answer)) == (403, "forbidden")
        assert "hold and cannot be deleted" in answer.text
    released = storage_server.call("PATCH", path, json={hold: False})
    assert released.json()[hold] is False
    assert delete(storage_server, "v", "a").status_code == 204
