"""Every precondition on every method that takes one: who answers what, and that a refusal changes nothing.

Google: "Request preconditions" for 412 and 304, and each method's own page for what a missing object means.
"""

from collections.abc import Callable
from typing import Any

import pytest
from requests import Response

from tests.sandbox.storage_world import StorageServer, reason

Call = Callable[[StorageServer, dict[str, Any]], Response]
NAME = "dir/a"
RELATED = "multipart/related; boundary=xx"
PARTS = (
    b'--xx\r\nContent-Type: application/json\r\n\r\n{"name": "dir/a"}\r\n--xx\r\nContent-Type: t/p\r\n\r\nnew\r\n--xx--'
)


def plain(verb: str, suffix: str = "", **fixed: Any) -> Call:
    """A call on the object itself."""
    body = fixed.pop("json", None)

    def call(server: StorageServer, query: dict[str, Any]) -> Response:
        path = server.object_path("data", NAME) + suffix
        return server.call(verb, path, params={**fixed, **query}, json=body)

    return call


def copying(how: str) -> Call:
    """A copy of data/source onto the object."""

    def call(server: StorageServer, query: dict[str, Any]) -> Response:
        path = f"{server.object_path('data', 'source')}/{how}/b/data/o/dir%2Fa"
        return server.call("POST", path, params=query)

    return call


def uploading(kind: str) -> Call:
    """An upload of the object."""

    def call(server: StorageServer, query: dict[str, Any]) -> Response:
        parameters = {"uploadType": kind, **query} | ({"name": NAME} if kind != "multipart" else {})
        body = PARTS if kind == "multipart" else b"new" if kind == "media" else b"{}"
        headers = {"Content-Type": RELATED} if kind == "multipart" else {}
        return server.call("POST", "/upload/storage/v1/b/data/o", params=parameters, data=body, headers=headers)

    return call


def restoring(server: StorageServer, query: dict[str, Any]) -> Response:
    """A restore of a soft-deleted version under the object's name."""
    (gone,) = server.store.list("data", NAME, soft_deleted=True)
    path = server.object_path("data", NAME) + "/restore"
    return server.call("POST", path, params={"generation": gone.generation, **query})


READS: dict[str, Call] = {
    "get": plain("GET"),
    "media": plain("GET", alt="media"),
}
CHANGES: dict[str, Call] = {
    "patch": plain("PATCH", json={"metadata": {"a": "b"}}),
    "update": plain("PUT", json={"contentType": "a/b"}),
    "delete": plain("DELETE"),
}
WRITES: dict[str, Call] = {
    "insert media": uploading("media"),
    "insert multipart": uploading("multipart"),
    "insert resumable": uploading("resumable"),
    "rewrite": copying("rewriteTo"),
    "copy": copying("copyTo"),
    "compose": plain("POST", "/compose", json={"sourceObjects": [{"name": "source"}]}),
    "restore": restoring,
}
EVERY = READS | CHANGES | WRITES

# The condition, its value relative to the live generation ("g") or as a number, and what it answers (0 = success).
ON_A_LIVE_OBJECT = [
    ("ifGenerationMatch", "g", 0),
    ("ifGenerationMatch", "g-1", 412),
    ("ifGenerationMatch", "0", 412),
    ("ifGenerationNotMatch", "g", 304),
    ("ifGenerationNotMatch", "g-1", 0),
    ("ifGenerationNotMatch", "0", 0),
    ("ifMetagenerationMatch", "1", 0),
    ("ifMetagenerationMatch", "2", 412),
    ("ifMetagenerationNotMatch", "1", 304),
    ("ifMetagenerationNotMatch", "2", 0),
]
ON_NOTHING = [
    ("ifGenerationMatch", "0", 0),
    ("ifGenerationMatch", "7", 412),
    ("ifGenerationNotMatch", "0", 304),
    ("ifGenerationNotMatch", "7", 304),
    ("ifMetagenerationMatch", "1", 412),
    ("ifMetagenerationNotMatch", "1", 304),
]


def prepare(server: StorageServer, live: bool) -> int:
    """A source, a soft-deleted version of the object, and perhaps a live one, whose generation is returned."""
    server.store.put("data", "source", b"new", quiet=True)
    server.store.put("data", NAME, b"gone", quiet=True)
    server.store.delete("data", NAME)
    return server.store.put("data", NAME, b"old", quiet=True).generation if live else 0


def state(server: StorageServer) -> list[Any]:
    """Everything a request could have changed."""
    every = [*server.store.list("data", versions=True), *server.store.list("data", soft_deleted=True)]
    return [(each.name, each.generation, each.metageneration, each.data, each.metadata) for each in every]


@pytest.mark.parametrize(("condition", "value", "status"), ON_A_LIVE_OBJECT)
@pytest.mark.parametrize("method", EVERY)
def test_a_condition_on_a_live_object(
    storage_server: StorageServer, method: str, condition: str, value: str, status: int
) -> None:
    generation = prepare(storage_server, live=True)
    number = {"g": generation, "g-1": generation - 1}.get(value, value)
    before = state(storage_server)
    answer = EVERY[method](storage_server, {condition: number})
    if status:
        assert answer.status_code == status, answer.text
        assert state(storage_server) == before
    else:
        assert answer.status_code in (200, 204), answer.text
        assert method in READS or method == "insert resumable" or state(storage_server) != before


@pytest.mark.parametrize(("condition", "value", "status"), ON_NOTHING)
@pytest.mark.parametrize("method", WRITES)
def test_a_condition_where_no_object_is(
    storage_server: StorageServer, method: str, condition: str, value: str, status: int
) -> None:
    prepare(storage_server, live=False)
    before = state(storage_server)
    answer = WRITES[method](storage_server, {condition: value})
    assert answer.status_code == (status or 200), answer.text
    assert (state(storage_server) == before) == (status != 0 or method == "insert resumable")


@pytest.mark.parametrize(("condition", "value", "status"), ON_NOTHING)
@pytest.mark.parametrize("method", READS | CHANGES)
def test_a_missing_object_is_not_found_whatever_the_condition(
    storage_server: StorageServer, method: str, condition: str, value: str, status: int
) -> None:
    prepare(storage_server, live=False)
    assert EVERY[method](storage_server, {condition: value}).status_code == 404


@pytest.mark.parametrize(("condition", "value", "status"), ON_A_LIVE_OBJECT)
@pytest.mark.parametrize("how", ["rewriteTo", "copyTo"])
def test_a_condition_on_the_source_of_a_copy(
    storage_server: StorageServer, how: str, condition: str, value: str, status: int
) -> None:
    prepare(storage_server, live=False)
    generation = storage_server.live("data", "source").generation
    number = {"g": generation, "g-1": generation - 1}.get(value, value)
    before = state(storage_server)
    answer = copying(how)(storage_server, {condition.replace("if", "ifSource"): number})
    assert answer.status_code == (status or 200), answer.text
    assert (state(storage_server) == before) == bool(status)


def test_a_condition_on_a_source_of_a_compose(storage_server: StorageServer) -> None:
    source = storage_server.store.put("data", "source", b"x", quiet=True)
    for generation, status in ((source.generation, 200), (source.generation - 1, 412)):
        parts = [{"name": "source", "objectPreconditions": {"ifGenerationMatch": str(generation)}}]
        answer = plain("POST", "/compose", json={"sourceObjects": parts})(storage_server, {})
        assert answer.status_code == status


@pytest.mark.parametrize(("verb", "body"), [("GET", None), ("PATCH", {"labels": {"a": "b"}}), ("DELETE", None)])
def test_a_condition_on_a_bucket(storage_server: StorageServer, verb: str, body: Any) -> None:
    for condition, value, status in (("Match", 2, 412), ("NotMatch", 1, 304), ("NotMatch", 2, 0), ("Match", 1, 0)):
        storage_server.store.clear()
        storage_server.store.create_bucket("data")
        query = {f"ifMetageneration{condition}": value}
        answer = storage_server.call(verb, "/storage/v1/b/data", params=query, json=body)
        assert answer.status_code == status if status else answer.status_code in (200, 204)


def test_a_failed_match_says_so_in_the_words_of_google(storage_server: StorageServer) -> None:
    prepare(storage_server, live=True)
    answer = plain("DELETE")(storage_server, {"ifGenerationMatch": 1})
    assert reason(answer) == "conditionNotMet"
    assert answer.json()["error"]["errors"][0]["location"] == "If-Match"
    assert answer.json()["error"]["message"] == "At least one of the pre-conditions you specified did not hold."


def test_etags_are_conditions_of_reads(storage_server: StorageServer) -> None:
    etag = storage_server.upload("data", NAME, b"x").json()["etag"]
    path = storage_server.object_path("data", NAME)
    for query in ({}, {"alt": "media"}):
        for header, value, status in (
            ("If-Match", etag, 200),
            ("If-Match", "other", 412),
            ("If-None-Match", etag, 304),
            ("If-None-Match", "other", 200),
        ):
            answer = storage_server.call("GET", path, params=query, headers={header: value})
            assert answer.status_code == status


def test_the_xml_api_takes_conditions_in_headers(storage_server: StorageServer) -> None:
    generation = storage_server.store.put("data", NAME, b"x", quiet=True).generation
    for value, status in ((generation, 200), (generation - 1, 412)):
        answer = storage_server.call("GET", f"/data/{NAME}", headers={"x-goog-if-generation-match": str(value)})
        assert answer.status_code == status
    assert "<Code>PreconditionFailed</Code>" in answer.text
