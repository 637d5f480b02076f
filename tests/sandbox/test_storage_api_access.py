"""Permissions and notification configurations of a bucket: what is told, what is refused, what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.storage_world import StorageServer, reason

PERMISSIONS = "/storage/v1/b/data/iam/testPermissions"
CONFIGS = "/storage/v1/b/data/notificationConfigs"
TOPIC = "//pubsub.googleapis.com/projects/p/topics/t"
WANTED = {
    "topic": TOPIC,
    "payload_format": "JSON_API_V1",
    "event_types": ["OBJECT_FINALIZE"],
    "custom_attributes": {"a": "b"},
}
GET = "storage.objects.get"


def test_one_has_what_one_asks_for_in_the_order_of_the_question(storage_server: StorageServer) -> None:
    asked = ["storage.objects.list", GET, "storage.buckets.get"]
    answer = storage_server.call("GET", PERMISSIONS, params={"permissions": asked}).json()
    assert answer == {"kind": "storage#testIamPermissionsResponse", "permissions": asked}
    hundred = storage_server.call("GET", PERMISSIONS, params={"permissions": [GET] * 100})
    assert len(hundred.json()["permissions"]) == 100


@pytest.mark.parametrize(
    ("path", "asked", "status", "why"),
    [
        (PERMISSIONS, [], 400, "required"), (PERMISSIONS, [GET] * 101, 400, "invalid"),
        (PERMISSIONS, ["storage.hmacKeys.get"], 400, "invalid"), (PERMISSIONS, ["pubsub.topics.get"], 400, "invalid"),
        (PERMISSIONS.replace("data", "none"), [GET], 404, "notFound"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(
    storage_server: StorageServer, path: str, asked: list[str], status: int, why: str
) -> None:
    answer = storage_server.call("GET", path, params={"permissions": asked})
    assert (answer.status_code, reason(answer)) == (status, why)


def test_a_configuration_is_made_listed_and_deleted_once(storage_server: StorageServer) -> None:
    made = [storage_server.call("POST", CONFIGS, json=WANTED).json() for _ in range(2)]
    assert made[0]["id"] != made[1]["id"] and made[0]["selfLink"].endswith(f"{CONFIGS}/{made[0]['id']}")
    assert {name: made[0][name] for name in WANTED} == WANTED
    assert storage_server.call("GET", CONFIGS).json()["items"] == made
    path = f"{CONFIGS}/{made[0]['id']}"
    assert [storage_server.call("DELETE", path).status_code for _ in range(2)] == [204, 404]
    assert storage_server.call("GET", CONFIGS).json()["items"] == made[1:]
    storage_server.call("DELETE", f"{CONFIGS}/{made[1]['id']}")
    assert storage_server.call("GET", CONFIGS).json() == {"kind": "storage#notifications"}


@pytest.mark.parametrize(
    ("verb", "path", "change", "status", "why"),
    [
        ("POST", CONFIGS, {"topic": None}, 400, "required"), ("POST", CONFIGS, {"payload_format": ""}, 400, "required"),
        ("POST", CONFIGS, {"topic": "projects/p/topics/t"}, 400, "invalid"),
        ("POST", CONFIGS, {"event_types": ["OBJECT_FINALIZE", "OBJECT_READ"]}, 400, "invalid"),
        ("POST", CONFIGS, {"event_types": "OBJECT_FINALIZE"}, 400, "invalid"),
        ("POST", CONFIGS.replace("data", "none"), {}, 404, "notFound"),
        ("GET", CONFIGS.replace("data", "none"), {}, 404, "notFound"),
        ("DELETE", f"{CONFIGS}/none", {}, 404, "notFound"),
    ],
)  # fmt: skip
def test_a_configuration_that_makes_no_sense_is_refused(
    storage_server: StorageServer, verb: str, path: str, change: dict[str, Any], status: int, why: str
) -> None:
    answer = storage_server.call(verb, path, json=WANTED | change)
    assert (answer.status_code, reason(answer)) == (status, why)
