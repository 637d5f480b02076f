"""Bulk requests: every part carries its preconditions, every answer finds its part, and no page is skipped."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from google.pubsub_v1 import ReceivedMessage, Subscription

from blocks import delivery, storage_bulk
from blocks.calls import Call
from blocks.errors import (
    Cause,
    NotFound,
    OutsideError,
    PermanentError,
    PreconditionFailed,
    TemporaryError,
    UnknownOutcome,
)
from blocks.held_event import held_event
from blocks.storage import PipelineStorage
from blocks.storage_batch import Part, batch_body, batch_parts
from blocks.storage_bulk import BATCH, Answer, BulkStorage, Copy, Deletion, _answer, _copy_part, _deletion_part, failed
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

CALL = Call("copy a", "storage.objects.create")


@pytest.fixture
def bulk(storage: PipelineStorage) -> BulkStorage:
    """Bulk access to the sandbox of all blocks; each test has a bucket of its own."""
    return BulkStorage(storage)


def asked(part: Part) -> tuple[str, dict[str, str]]:
    split = urlsplit(part.path)
    return split.path, {key: value for key, (value,) in parse_qs(split.query).items()}


def test_a_copy_names_both_generations_and_the_state_of_the_metadata_if_it_is_known() -> None:
    part, call = _copy_part(Copy("from", "a/b c", 7, "to", "d/e", 9, 3))
    path, query = asked(part)
    assert (part.method, path) == ("POST", "/storage/v1/b/from/o/a%2Fb%20c/rewriteTo/b/to/o/d%2Fe")
    assert {key: value for key, value in query.items() if key != "fields"} == {
        "ifGenerationMatch": "9",
        "ifSourceGenerationMatch": "7",
        "sourceGeneration": "7",
        "ifSourceMetagenerationMatch": "3",
    }
    _, without = asked(_copy_part(Copy("from", "a", 7, "to", "d"))[0])
    assert "ifSourceMetagenerationMatch" not in without
    assert without["ifGenerationMatch"] == "0", "nothing may be there"
    assert "gs://from/a/b c#7 to gs://to/d/e" in call.what


def test_a_deletion_names_its_generation() -> None:
    part, call = _deletion_part(Deletion("b", "a/b?c#d", 5))
    assert (part.method, *asked(part)) == ("DELETE", "/storage/v1/b/b/o/a%2Fb%3Fc%23d", {"ifGenerationMatch": "5"})
    assert call.permission == "storage.objects.delete"


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b'{"done": true, "resource": {"generation": "5", "size": "6", "crc32c": "c"}}', Answer("done", "", 5, 6, "c")),
        (204, b"", Answer("done")),
        (200, b'{"done": false}', Answer("unfinished", "too large for one call")),
    ],
)  # fmt: skip
def test_each_answer_that_is_no_error_says_what_was_made(status: int, body: bytes, answer: Answer) -> None:
    assert _answer(CALL, status, body) == answer


@pytest.mark.parametrize(
    ("status", "result"),
    [(404, "missing"), (412, "refused"), (403, "failed"), (400, "failed"), (429, ""), (503, ""), (500, "")],
)
def test_what_may_be_made_again_is_no_answer_yet(status: int, result: str) -> None:
    found = _answer(CALL, status, b"{}")
    assert isinstance(found, Answer) is bool(result)
    if isinstance(found, Answer):
        assert found.result == result


@pytest.mark.parametrize(
    ("error", "result", "final"),
    [
        (UnknownOutcome("lost"), "unknown", False),
        (PreconditionFailed("changed"), "refused", False),
        (NotFound("gone"), "missing", False),
        (PermanentError("no", Cause.HOLD), "failed", True),
        (TemporaryError("not now", Cause.RATE_LIMIT), "failed", False),
    ],
)
def test_a_failure_is_final_only_when_the_service_has_refused_it(error: OutsideError, result: str, final: bool) -> None:
    answer = failed(error)
    assert (answer.result, answer.final, answer.message) == (result, final, str(error))
    if result == "failed":
        assert answer.cause is error.cause


def test_no_batch_is_larger_than_google_takes(bulk: BulkStorage, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="at most 100 calls, not 101"):
        bulk.delete([Deletion("b", str(number), 1) for number in range(BATCH + 1)])
    assert sandbox.requests.count("storage", "batch") == 0


def test_a_copy_of_changed_metadata_is_refused(bulk: BulkStorage, sandbox: Sandbox, bucket: str) -> None:
    made = sandbox.store.put(bucket, "a", b"x")
    wanted = [Copy(bucket, "a", made.generation, bucket, f"copy {state}", 0, state) for state in (1, 2)]
    assert [answer.result for answer in bulk.copy(wanted)] == ["done", "refused"]
    assert [found.name for found in sandbox.store.list(bucket)] == ["a", "copy 1"]


def test_a_part_that_fails_takes_nothing_from_the_others(bulk: BulkStorage, sandbox: Sandbox, bucket: str) -> None:
    bulk.limits = bulk.limits.model_copy(update={"attempts": 1})
    made = [sandbox.store.put(bucket, f"o{number}", b"x") for number in range(3)]
    sandbox.faults.add(FaultRule(service="storage", method="objects.delete", kind="status", status=503, times=1))
    answers = bulk.delete([Deletion(bucket, one.name, one.generation) for one in made])
    assert [answer.result for answer in answers] == ["failed", "done", "done"]
    assert not answers[0].final, "asking later may help"
    assert [found.name for found in sandbox.store.list(bucket)] == ["o0"]


def test_a_batch_whose_answer_is_lost_is_made_again_and_finds_what_it_did(
    bulk: BulkStorage, sandbox: Sandbox, bucket: str
) -> None:
    made = sandbox.store.put(bucket, "a", b"x")
    sandbox.faults.add(FaultRule(service="storage", method="batch", kind="lost_answer", times=1))
    (answer,) = bulk.delete([Deletion(bucket, "a", made.generation)])
    assert answer.result in ("done", "missing")
    assert list(sandbox.store.list(bucket)) == []


@pytest.mark.parametrize("many", [0, 3, 4, 5, 8])
def test_a_listing_has_every_object_once_whatever_the_pages(
    bulk: BulkStorage, sandbox: Sandbox, bucket: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_bulk, "PAGE", 4)
    for number in range(many):
        sandbox.store.put(bucket, f"o{number}", b"", quiet=True)
    sandbox.requests.reset()
    assert [entry.name for page in bulk.pages(bucket, "o") for entry in page] == [
        f"o{number}" for number in range(many)
    ]
    assert sandbox.requests.count("storage", "objects.list") == max(1, -(-many // 4))
    ranged = [entry.name for page in bulk.pages(bucket, "o", "o1", "o3") for entry in page]
    assert ranged == [f"o{number}" for number in range(many) if 1 <= number < 3], "the start is in it, the end is not"


# The body of a batch


def reply(*parts: bytes) -> bytes:
    return b"--f\r\n" + b"\r\n--f\r\n".join(parts) + b"\r\n--f--\r\n"


def part(number: int, status: int, body: bytes = b"{}") -> bytes:
    head = b"Content-Type: application/http\r\nContent-ID: <response-call-%d>\r\n\r\n" % number
    return head + b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\n\r\n%b\r\n" % (status, body)


def test_answers_find_their_calls_in_whatever_order_they_come() -> None:
    body = reply(part(1, 404, b"one"), part(0, 200, b"nought"))
    assert batch_parts(body, 2) == [(200, b"nought"), (404, b"one")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"an error page",
        reply(part(0, 200)),
        reply(part(0, 200), part(0, 200)),
        reply(part(0, 200), part(2, 200)),
        reply(part(0, 200), part(1, 200), part(2, 200)),
        reply(part(0, 200), part(1, 200))[:60],
    ],
)
def test_an_answer_that_does_not_tell_of_every_call_tells_of_none(body: bytes) -> None:
    with pytest.raises(ConnectionError, match="answers"):
        batch_parts(body, 2)


def test_every_call_of_a_batch_is_numbered() -> None:
    body, kind = batch_body([Part("DELETE", "/a"), Part("POST", "/b")])
    assert [f"Content-ID: <call-{number}>".encode() in body for number in range(3)] == [True, True, False]
    assert body.index(b"DELETE /a HTTP/1.1") < body.index(b"POST /b HTTP/1.1")
    assert body.endswith(b"--%b--\r\n" % kind.partition("boundary=")[2].encode())


def test_a_batch_that_is_refused_as_a_whole_is_an_error_and_no_hundred_answers(
    bulk: BulkStorage, sandbox: Sandbox, bucket: str
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="batch", kind="status", status=403))
    with pytest.raises(PermanentError):
        bulk.delete([Deletion(bucket, "a", 1), Deletion(bucket, "b", 1)])
    assert sandbox.requests.count("storage", "batch") == 1


def test_every_message_is_acknowledged_however_many_requests_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr(delivery, "_ACK_BATCH", 2)
    monkeypatch.setattr(delivery.EventDelivery, "_acknowledge", lambda self, request: sent.append(request["ack_ids"]))
    delivery.EventDelivery().acknowledge("s", list("abcde"))
    assert sent == [["a", "b"], ["c", "d"], ["e"]]


def test_a_configuration_that_pushes_nowhere_is_none_and_a_generation_may_be_an_attribute_alone() -> None:
    held = Subscription(push_config={"attributes": {"x-goog-version": "v1"}})
    assert delivery._push_config(held) == {}
    told = held_event(ReceivedMessage(message={"attributes": {"objectGeneration": "17"}, "data": b""}))
    assert told.generation == 17
