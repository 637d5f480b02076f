"""What is known after a failed call decides whether it may be made again: each exception by itself."""

from __future__ import annotations

import http.client
from typing import Any

import grpc
import pytest
import requests
import urllib3
from google.api_core import exceptions as google
from google.auth.exceptions import RefreshError, TransportError
from kubernetes.client.exceptions import ApiException

from blocks.client_errors import Kind, classify, client_errors
from blocks.error_details import LONGEST, Said, http_error, one_line, said_by, said_by_kubernetes
from blocks.errors import Cause
from blocks.refusals import cause_of, refusal_of


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.REFUSED),
        (401, Kind.NO_CREDENTIALS),
        (403, Kind.FORBIDDEN),
        (404, Kind.MISSING),
        (408, Kind.LOST),
        (409, Kind.CHANGED),
        (410, Kind.MISSING),
        (412, Kind.CHANGED),
        (422, Kind.REFUSED),
        (429, Kind.NOT_NOW),
        (499, Kind.LOST),
        (500, Kind.LOST),
        (501, Kind.REFUSED),
        (502, Kind.LOST),
        (503, Kind.NOT_NOW),
        (504, Kind.LOST),
    ],
)
def test_each_status_says_what_became_of_the_call(status: int, kind: Kind) -> None:
    assert classify(http_error(status, b'{"error": {"message": "no"}}')).kind is kind
    assert classify(ApiException(status=status, reason="no")).kind is kind, "Kubernetes likewise"


@pytest.mark.parametrize("status", [400, 403, 409, 412, 429])
def test_a_rate_limit_has_changed_nothing_whatever_its_number(status: int) -> None:
    body = b'{"error": {"message": "slow down", "errors": [{"reason": "rateLimitExceeded"}]}}'
    assert classify(http_error(status, body)).kind is Kind.NOT_NOW


@pytest.mark.parametrize(("status", "kind"), [(400, Kind.FORBIDDEN), (412, Kind.FORBIDDEN), (404, Kind.MISSING)])
def test_a_policy_is_no_change_by_somebody_else_and_what_is_gone_stays_gone(status: int, kind: Kind) -> None:
    body = b'{"error": {"message": "no", "errors": [{"reason": "orgPolicyConstraintFailed"}]}}'
    assert classify(http_error(status, body)).kind is kind


class Broken(grpc.RpcError):
    """A broken gRPC call, as it hangs at Google's exception."""


@pytest.mark.parametrize(
    ("message", "response", "kind"),
    [
        ("the connection broke", Broken(), Kind.LOST),
        ("failed to connect to all addresses", Broken(), Kind.NOT_NOW),
        ("overloaded", None, Kind.NOT_NOW),
    ],
)
def test_over_grpc_503_proves_nothing_unless_nothing_was_sent(message: str, response: Any, kind: Kind) -> None:
    error = google.ServiceUnavailable(message, response=response)  # type: ignore[no-untyped-call]
    assert classify(error).kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RefreshError("expired"), Kind.NO_CREDENTIALS),
        (TransportError("no token could be fetched"), Kind.LOST),
        (TransportError(ConnectionRefusedError("refused")), Kind.NOT_NOW),
        (ConnectionRefusedError("refused"), Kind.NOT_NOW),
        (ConnectionResetError("reset"), Kind.LOST),
        (requests.ConnectTimeout("no answer"), Kind.NOT_NOW),
        (requests.ReadTimeout("no answer"), Kind.LOST),
        (requests.ConnectionError(ConnectionRefusedError("refused")), Kind.NOT_NOW),
        (requests.ConnectionError(OSError(ConnectionRefusedError("refused"))), Kind.NOT_NOW),
        (urllib3.exceptions.ProtocolError("cut off"), Kind.LOST),
        (http.client.IncompleteRead(b""), Kind.LOST),
        (TimeoutError("no answer"), Kind.LOST),
    ],
)
def test_only_a_connection_that_was_never_made_proves_that_nothing_was_sent(error: Exception, kind: Kind) -> None:
    assert isinstance(error, client_errors())
    assert classify(error).kind is kind


@pytest.mark.parametrize(
    "error", [ValueError("ours"), KeyError("ours"), OSError("a file of ours"), RuntimeError("ours")]
)
def test_a_mistake_of_our_own_is_no_clients_error(error: Exception) -> None:
    assert not isinstance(error, client_errors())


# Words


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one.\n  two.", "one. two"),
        ("", ""),
        ("...", ""),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 3) + "..."),
    ],
)
def test_words_of_others_are_one_line_of_limited_length(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said(403, "may not", ("someReason",)), "403 someReason: may not"),
        (Said(403, "for SomeReason it may not", ("someReason",)), "403 for SomeReason it may not"),
        (Said(403, "", ("someReason",)), "403 someReason"),
        (Said(403, "may not"), "403 may not"),
    ],
)
def test_a_reason_is_told_once(said: Said, text: str) -> None:
    assert said.text() == text


@pytest.mark.parametrize(
    ("body", "words", "reasons"),
    [
        (b'{"error": {"message": "m", "errors": [{"reason": "a"}, {"reason": "a"}, {}]}}', "m", ("a",)),
        (b'[{"error": {"message": "a list of one", "errors": [{"reason": "a"}]}}]', "a list of one", ("a",)),
        (b'{"error": {"message": "m", "errors": [{"reason": "a"}], "details": [{"reason": "B"}]}}', "m", ("B", "a")),
        (b"plain words", "plain words", ()),
        (b"<html><style>x{}</style><p>a &amp; b</p></html>", "a & b", ()),
        (b'{"error": "a word"}', '{"error": "a word"}', ()),
        (b"\xff\xfe", "\ufffd\ufffd", ()),
    ],
)
def test_whatever_an_answer_is_its_words_and_reasons_are_found(
    body: bytes, words: str, reasons: tuple[str, ...]
) -> None:
    found = said_by(http_error(403, body))
    assert (found.status, found.words, found.reasons) == (403, words, reasons)


def test_a_perimeter_is_known_by_its_violation_and_its_identifier_is_kept() -> None:
    violation = b'{"type": "VPC_SERVICE_CONTROLS", "description": "the-uid"}'
    found = said_by(http_error(403, b'{"error": {"message": "m", "details": [{"violations": [%b]}]}}' % violation))
    assert cause_of(found) is Cause.PERIMETER
    assert "identifier the-uid" in refusal_of(found, "a.get").why


@pytest.mark.parametrize("body", [None, "", "no JSON", "[]", '{"reason": "Forbidden", "message": "m"}'])
def test_whatever_kubernetes_answers_is_one_sentence(body: str | None) -> None:
    error = ApiException(status=403, reason="Forbidden")
    error.body = body
    found = said_by_kubernetes(error)
    assert (found.status, found.reasons) == (403, ("Forbidden",))
    assert found.words == ("m" if body and "message" in body else "Forbidden")


# Causes


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (Said(403, "w", ("retentionPolicyNotMet",)), Cause.RETENTION),
        (Said(403, "w", ("RETENTION_POLICY_NOT_MET",)), Cause.RETENTION),
        (Said(403, "the object is under a hold and cannot be deleted", ("forbidden",)), Cause.HOLD),
        (Said(403, "the object is under a hold and cannot be deleted", ("somethingNew",)), Cause.UNSAID),
        (Said(403, "x does not have storage.objects.get access"), Cause.PERMISSION),
        (Said(403, "does not have", ("forbidden", "quotaExceeded")), Cause.QUOTA),
        (Said(403, "words nobody knows", ("forbidden",)), Cause.UNSAID),
    ],
)
def test_a_reason_word_decides_and_phrases_only_where_it_says_nothing(said: Said, cause: Cause) -> None:
    assert cause_of(said) is cause


def test_the_permission_that_google_names_is_the_one_to_grant() -> None:
    said = Said(403, "no", ("IAM_PERMISSION_DENIED",), {"permission": "run.jobs.run"})
    assert "grant run.jobs.run to" in refusal_of(said, "run.executions.get").advice
    assert (
        "grant run.executions.get to"
        in refusal_of(Said(403, "no", ("insufficientPermissions",)), "run.executions.get").advice
    )
    unsaid = refusal_of(Said(403, "no"), "a.get")
    assert (unsaid.cause, "grant a.get to" in unsaid.advice) == (Cause.UNSAID, True)


def test_an_api_that_is_off_is_named_with_the_command_that_turns_it_on() -> None:
    facts = {"service": "run.googleapis.com", "consumer": "projects/123"}
    found = refusal_of(Said(403, "no", ("SERVICE_DISABLED",), facts), "a.get")
    assert found.why == "the API run.googleapis.com is not enabled"
    assert found.advice == "enable it: `gcloud services enable run.googleapis.com --project 123`."
    assert refusal_of(Said(403, "no", ("SERVICE_DISABLED",)), "a.get").why == "the API is not enabled"
