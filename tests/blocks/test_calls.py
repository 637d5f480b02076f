"""What is repeated, what is not, and what a failed call leaves known."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
import requests
import urllib3
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from kubernetes.client.exceptions import ApiException

from blocks.calls import Call, CallLimits, read, start, write
from blocks.errors import (
    NotFound,
    OutsideError,
    PermanentError,
    PreconditionFailed,
    TemporaryError,
    UnknownOutcome,
)

CALL = Call("delete gs://bucket/name", "storage.objects.delete", "check data_bucket.")
LIMITS = CallLimits(attempts=3, total_seconds=5.0, first_wait_seconds=0.001)


class Script:
    """Answers calls one after another: an exception is raised, anything else returned. The last one goes on."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self) -> object:
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def refused_connection() -> Exception:
    with pytest.raises(requests.ConnectionError) as refused:
        requests.get("http://127.0.0.1:1", timeout=1)
    return refused.value


def grpc_unavailable(detail: str) -> Exception:
    return google.from_grpc_status(grpc.StatusCode.UNAVAILABLE, detail, response=grpc.RpcError())


LOST = requests.ConnectionError("connection reset by peer")
NOT_NOW = google.TooManyRequests("slow down")


@pytest.mark.parametrize(
    "error",
    [
        google.TooManyRequests("429"),
        google.ServiceUnavailable("503"),
        google.InternalServerError("500"),
        google.BadGateway("502"),
        google.GatewayTimeout("504"),
        google.from_http_status(408, "408"),
        google.Unknown("no code at all"),
        requests.ConnectionError("reset"),
        requests.ReadTimeout("no answer"),
        requests.exceptions.ChunkedEncodingError("cut"),
        urllib3.exceptions.ProtocolError("cut"),
        ConnectionResetError("reset"),
        TimeoutError("no answer"),
        ApiException(status=503, reason="busy"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error}"[:40],
)
@pytest.mark.parametrize("kind", [read, write])
def test_reads_and_conditional_writes_are_repeated(kind: Callable[..., object], error: Exception) -> None:
    script = Script(error, error, "answer")
    assert kind(CALL, script, LIMITS) == "answer"
    assert script.calls == 3


@pytest.mark.parametrize("kind", [read, write, start])
@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (google.Forbidden("no"), PermanentError, "grant storage.objects.delete to the account"),
        (google.NotFound("no"), NotFound, "check data_bucket."),
        (google.PreconditionFailed("no"), PreconditionFailed, "observe it again"),
        (google.BadRequest("no"), PermanentError, "correct the request"),
        (google.Unauthorized("no"), PermanentError, "check the block's credentials"),
        (google.MethodNotImplemented("no"), PermanentError, "refused"),
        (DefaultCredentialsError("none found"), PermanentError, "gcloud auth application-default login"),
        (RefreshError("expired"), PermanentError, "credentials were not accepted"),
        (ApiException(status=403, reason="no"), PermanentError, "if a permission is missing"),
        (ApiException(status=409, reason="no"), PreconditionFailed, "changed by somebody else"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_clear_no_is_asked_once_and_says_what_to_do(
    kind: Callable[..., object], error: Exception, expected: type[OutsideError], words: str
) -> None:
    script = Script(error)
    with pytest.raises(expected) as failure:
        kind(CALL, script, LIMITS)
    assert type(failure.value) is expected
    assert script.calls == 1
    assert words in str(failure.value)
    assert "delete gs://bucket/name" in str(failure.value)


def test_a_start_is_never_repeated_after_its_answer_was_lost() -> None:
    for error in (LOST, requests.ReadTimeout("t"), google.DeadlineExceeded("t"), grpc_unavailable("Socket closed")):
        script = Script(error, "second execution")
        with pytest.raises(UnknownOutcome, match="look before doing anything else"):
            start(CALL, script, LIMITS)
        assert script.calls == 1


def test_a_start_is_repeated_when_nothing_can_have_been_started() -> None:
    for error in (NOT_NOW, refused_connection(), grpc_unavailable("failed to connect to all addresses; refused")):
        script = Script(error, "execution")
        assert start(CALL, script, LIMITS) == "execution"
        assert script.calls == 2


def test_a_start_that_is_refused_every_time_has_started_nothing() -> None:
    with pytest.raises(TemporaryError, match="nothing was changed"):
        start(CALL, Script(NOT_NOW), LIMITS)


def test_a_read_that_failed_every_time_is_temporary_whatever_the_reason() -> None:
    for error in (LOST, NOT_NOW, google.InternalServerError("500")):
        script = Script(error)
        with pytest.raises(TemporaryError):
            read(CALL, script, LIMITS)
        assert script.calls == LIMITS.attempts


def test_a_write_is_of_unknown_outcome_when_one_try_may_have_taken_effect() -> None:
    for answers in ((LOST,), (LOST, NOT_NOW), (NOT_NOW, LOST, NOT_NOW), (LOST, google.Forbidden("no"))):
        with pytest.raises(UnknownOutcome):
            write(CALL, Script(*answers), LIMITS)


def test_a_write_that_was_refused_every_time_has_changed_nothing() -> None:
    with pytest.raises(TemporaryError):
        write(CALL, Script(NOT_NOW), LIMITS)


def test_a_broken_precondition_is_ours_only_after_an_earlier_try_failed() -> None:
    seen: list[OutsideError] = []

    def recognise(refusal: OutsideError) -> str:
        seen.append(refusal)
        return "ours"

    refused = google.PreconditionFailed("changed")
    with pytest.raises(PreconditionFailed):
        write(CALL, Script(refused), LIMITS, recognise)
    assert seen == []
    assert write(CALL, Script(LOST, refused), LIMITS, recognise) == "ours"


def test_a_broken_precondition_that_is_not_ours_stays_one() -> None:
    with pytest.raises(PreconditionFailed):
        write(CALL, Script(LOST, google.PreconditionFailed("changed")), LIMITS, lambda _: None)


def test_no_attempt_is_begun_after_the_total_time() -> None:
    script = Script(NOT_NOW)
    with pytest.raises(TemporaryError):
        read(CALL, script, CallLimits(attempts=20, total_seconds=0.05, first_wait_seconds=0.04))
    assert script.calls < 5


def test_a_mistake_in_our_own_code_is_not_taken_for_a_failed_call() -> None:
    script = Script(KeyError("typo"))
    with pytest.raises(KeyError):
        read(CALL, script, LIMITS)
    assert script.calls == 1


def test_a_repeated_call_is_logged_with_what_failed_and_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "blocks.calls")
    read(CALL, Script(NOT_NOW, "answer"), LIMITS)
    assert "Could not delete gs://bucket/name: 429 slow down" in caplog.text
    assert "Trying again in" in caplog.text


def test_a_message_is_one_line_however_long_the_reason() -> None:
    with pytest.raises(TemporaryError) as failure:
        read(CALL, Script(google.ServiceUnavailable("line\n" * 500)), LIMITS)
    assert "\n" not in str(failure.value)
    assert len(str(failure.value)) < 600
