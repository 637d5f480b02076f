"""Every road leads to the same message, and what is none is told apart from what is of no interest."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from deployments.receiver.decode import DECODERS
from deployments.receiver.message import Message
from deployments.receiver.strict import Undecodable
from tests.receiver import messages as m


def decoded(sent: m.Sent) -> Message:
    path, headers, body = sent
    return DECODERS[path](headers, body)


@pytest.mark.parametrize("road", list(m.roads()))
def test_a_written_object_is_the_same_by_every_road(road: str) -> None:
    expected = {"event": "finalized", "bucket": m.DATA, "name": m.MARKER, "generation": "7"}
    assert decoded(m.roads()[road]) == Message("object", expected)


@pytest.mark.parametrize("generation", ["", "x", "-1", "0", "1.5", "7 ", "٧", "9" * 21, None, 7, 7.0, True, ["7"], {}])
@pytest.mark.parametrize("road", list(m.roads()))
def test_without_a_generation_it_is_no_written_object(road: str, generation: Any) -> None:
    with pytest.raises(Undecodable, match="generation"):
        decoded(m.roads(generation=generation)[road])


@pytest.mark.parametrize("bad", [None, 3, "", ["a"], {"a": 1}])
@pytest.mark.parametrize("field", ["name", "bucket"])
@pytest.mark.parametrize("road", list(m.roads()))
def test_a_name_that_is_no_string_is_not_taken(road: str, field: str, bad: Any) -> None:
    with pytest.raises(Undecodable, match=f"The object's {field}"):
        decoded(m.roads(**{field: bad})[road])


@pytest.mark.parametrize(
    ("event", "word"),
    [("OBJECT_DELETE", "deleted"), ("OBJECT_ARCHIVE", "archived"), ("OBJECT_METADATA_UPDATE", "metadataUpdated")],
)
def test_a_deleted_object_is_no_finalized_one(event: str, word: str) -> None:
    assert decoded(m.notification(event=event)).data["event"] == word
    assert decoded(m.unwrapped(m.stored(), eventtype=event)).data["event"] == word


@pytest.mark.parametrize(
    "make",
    [
        lambda entry: m.pubsub(entry),
        lambda entry: m.unwrapped(entry),
        lambda entry: m.binary("google.cloud.audit.log.v1.written", entry),
        lambda entry: m.structured("google.cloud.audit.log.v1.written", entry),
    ],
)
def test_a_log_entry_is_the_same_by_every_road(make: Any) -> None:
    entry = m.workflow_failed()
    assert decoded(make(entry)) == Message("log", entry)


@pytest.mark.parametrize("field", ["resource", "labels", "jsonPayload", "protoPayload"])
@pytest.mark.parametrize("bad", ["text", "", 3, 0, ["list"], [], True, False])
def test_a_log_entrys_parts_are_what_they_are_called(field: str, bad: Any) -> None:
    with pytest.raises(Undecodable, match=f"The log entry's {field}"):
        decoded(m.pubsub(m.workflow_failed() | {field: bad}))


def test_the_labels_of_a_resource_are_a_table() -> None:
    with pytest.raises(Undecodable, match=r"resource\.labels"):
        decoded(m.pubsub(m.workflow_failed() | {"resource": {"type": "x", "labels": [1]}}))


@pytest.mark.parametrize("field", ["insertId", "timestamp", "logName"])
@pytest.mark.parametrize("bad", [None, 3, "", ["x"], {}])
def test_a_log_entry_that_cannot_be_told_from_others_is_not_taken(field: str, bad: Any) -> None:
    with pytest.raises(Undecodable, match=field):
        decoded(m.pubsub(m.workflow_failed() | {field: bad}))


@pytest.mark.parametrize("sent", [m.alert(), m.pubsub(m.incident())])
def test_an_incident_comes_by_webhook_or_by_topic(sent: m.Sent) -> None:
    found = decoded(sent)
    assert (found.kind, found.data["incident_id"], found.data["state"]) == ("incident", "0.abc", "open")


@pytest.mark.parametrize("change", [{"incident_id": 3}, {"incident_id": ""}, {"state": "unknown"}, {"state": ["open"]}])
def test_an_incident_without_id_or_state_is_none(change: dict[str, Any]) -> None:
    body = m.incident()
    body["incident"] |= change
    with pytest.raises(Undecodable, match="The incident's"):
        decoded(("/alerts", m.JSON, m.as_json(body)))


def test_what_nobody_knows_is_a_message_all_the_same() -> None:
    assert decoded(m.pubsub({"a": 1}, {"b": "c"})) == Message("other", {"attributes": {"b": "c"}, "data": {"a": 1}})
    assert decoded(m.pubsub()) == Message("other", {"attributes": {}, "data": {}})
    other = decoded(m.binary("com.example.other", [1]))
    assert (other.kind, other.data["data"]) == ("other", [1])


def test_attributes_of_a_binary_event_are_percent_decoded() -> None:
    path, headers, body = m.binary("com.example.other", {})
    found = DECODERS[path]({**headers, "ce-subject": "a%20b%C3%BC"}, body)
    assert found.data["attributes"]["subject"] == "a bü"


def test_data_may_be_base64_in_structured_mode() -> None:
    path, headers, body = m.structured(m.FINALIZED, None)
    event = json.loads(body)
    del event["data"]
    event["data_base64"] = b64encode(m.as_json(m.stored())).decode()
    assert DECODERS[path](headers, m.as_json(event)).data["name"] == m.MARKER


BAD_PUSHES: list[bytes] = [
    b"",
    b"[]",
    b"{}",
    b'{"message": 3}',
    b'{"message": {}}',
    b'{"message": {"messageId": 3}}',
    b'{"message": {"messageId": "1", "data": "!!"}}',
    b'{"message": {"messageId": "1", "data": 3}}',
    b'{"message": {"messageId": "1", "data": "' + b64encode(b"plain text") + b'"}}',
    b'{"message": {"messageId": "1", "data": "' + b64encode(b"[1]") + b'"}}',
    b'{"message": {"messageId": "1", "attributes": []}}',
    b'{"message": {"messageId": "1", "attributes": [1]}}',
    b'{"message": {"messageId": "1", "attributes": {"eventType": ["OBJECT_FINALIZE"], "bucketId": "b"}}}',
    b'{"message": {"messageId": "1", "attributes": {"eventType": "OBJECT_EXPLODE", "bucketId": "b"}}}',
    b'{"message": {"messageId": "\\ud800"}}',
]


@pytest.mark.parametrize("body", BAD_PUSHES)
def test_what_is_no_push_is_not_taken(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decoded(("/pubsub", m.JSON, body))


@pytest.mark.parametrize(
    "change",
    [
        {"ce-specversion": "0.3"},
        {"ce-id": ""},
        {"ce-type": "x" * 2000},
        {"content-type": "text/plain"},
        {"content-type": "application/cloudevents-batch+json"},
        {"content-type": "application/cloudevents+json"},
    ],
)
def test_what_is_no_cloudevent_is_not_taken(change: dict[str, str]) -> None:
    path, headers, body = m.binary(m.FINALIZED, m.stored())
    with pytest.raises(Undecodable):
        DECODERS[path]({**headers, **change}, body)


def test_without_its_headers_a_body_is_no_cloudevent() -> None:
    with pytest.raises(Undecodable, match="no CloudEvent"):
        decoded(("/cloudevents", m.JSON, m.as_json(m.stored())))


@pytest.mark.parametrize("change", [{"id": 3}, {"source": None}, {"type": []}, {"specversion": 1.0}, {"subject": {}}])
def test_a_structured_event_has_strings_for_attributes(change: dict[str, Any]) -> None:
    path, headers, body = m.structured(m.FINALIZED, m.stored())
    with pytest.raises(Undecodable):
        DECODERS[path](headers, m.as_json(json.loads(body) | change))


@pytest.mark.parametrize("data", ["%%", 3, None, b64encode(b"{").decode()])
def test_bad_base64_in_structured_mode_is_not_taken(data: Any) -> None:
    path, headers, body = m.structured(m.FINALIZED, None)
    with pytest.raises(Undecodable):
        DECODERS[path](headers, m.as_json(json.loads(body) | {"data_base64": data}))
