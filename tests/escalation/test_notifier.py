"""Messages to people, by Apprise against a real server: what an answer means, and that no address ever shows."""

from __future__ import annotations

import logging
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prefect.types import SecretDict
from pydantic import ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError, PermanentError, TemporaryError, UnknownOutcome
from blocks.notifier import Notifier, _means
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

PASSWORD = "hunter2"


@pytest.fixture
def notifier(sandbox: Sandbox) -> Notifier:
    address = sandbox.endpoints.sinks.replace("http://", f"json://ann:{PASSWORD}@")
    return Notifier(sinks=SecretDict({"primary": f"{address}/primary?+x-token={PASSWORD}"}), seconds=0.5)


def failed(notifier: Notifier, sink: str = "primary") -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        notifier.send(sink, "It fails", "Look at it.")
    return caught.value


def test_a_message_arrives_with_its_title_and_text(notifier: Notifier, sandbox: Sandbox) -> None:
    notifier.send("primary", "It fails", "Look at it.\nNow: <b>&")
    (one,) = sandbox.sinks.received()
    assert (one.sink, one.title, one.text) == ("primary", "It fails", "Look at it.\nNow: <b>&")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, TemporaryError),
        ({"kind": "status", "status": 503}, TemporaryError),
        ({"kind": "status", "status": 429}, TemporaryError),
        ({"kind": "status", "status": 400}, PermanentError),
        ({"kind": "status", "status": 403}, PermanentError),
        ({"kind": "status", "status": 404}, PermanentError),
        ({"kind": "status", "status": 302}, PermanentError),
        ({"kind": "status", "status": 408}, UnknownOutcome),
        ({"kind": "status", "status": 502}, UnknownOutcome),
        ({"kind": "status", "status": 504}, UnknownOutcome),
        ({"kind": "hang", "seconds": 5}, UnknownOutcome),
        ({"kind": "reset"}, UnknownOutcome),
        ({"kind": "lost_answer"}, UnknownOutcome),
    ],
    ids=lambda one: "-".join(map(str, one.values())) if isinstance(one, dict) else one.__name__,
)
def test_an_answer_says_whether_anything_was_taken(
    notifier: Notifier, sandbox: Sandbox, fault: dict[str, Any], error: type[OutsideError]
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", method="primary", **fault))
    found = failed(notifier)
    assert type(found) is error
    assert "Sink primary" in str(found)
    assert len(sandbox.sinks.received()) == (fault["kind"] == "lost_answer")
    assert sandbox.requests.count("sinks", "primary") == 1, "it is tried once"


@contextmanager
def dripping() -> Iterator[int]:
    """A server whose answer never ends, one byte after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not ended.wait(0.05):
                connection.sendall(b"x")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    ended.set()
    thread.join(10)
    listener.close()


def test_a_server_whose_answer_never_ends_is_given_up() -> None:
    """Each of its bytes comes in time; it must not hold up everybody's pages."""
    with dripping() as port:
        error = failed(Notifier(sinks=SecretDict({"primary": f"json://127.0.0.1:{port}/x"}), seconds=0.2))
    assert type(error) is UnknownOutcome
    assert "did not come to an end" in str(error)


def test_where_nobody_listens_nothing_was_taken(notifier: Notifier, sandbox: Sandbox) -> None:
    sandbox.sinks.switch("down")
    assert type(failed(notifier)) is TemporaryError
    sandbox.sinks.switch("serving")
    notifier.send("primary", "t", "x")


def test_a_slow_answer_within_its_time_is_a_success(notifier: Notifier, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="sinks", kind="latency", seconds=0.2))
    notifier.send("primary", "t", "x")


def test_a_sink_that_there_is_not_names_those_that_there_are(notifier: Notifier) -> None:
    error = failed(notifier, "pager")
    assert isinstance(error, NotFound)
    assert "no sink 'pager' (it has: primary)" in str(error)
    assert "(it has: none)" in str(failed(Notifier(), "pager"))


@pytest.mark.parametrize(
    "address", ["nonsense://x:hunter2@y", "slack://hunter2", "json://", "mailto://hunter2", "json://host:hunter2/"]
)
def test_an_address_that_apprise_does_not_understand_is_told_without_it(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = failed(Notifier(sinks=SecretDict({"primary": address}), seconds=0.2))
    assert isinstance(error, PermanentError)
    assert "correct it in the block" in str(error)
    assert PASSWORD not in str(error) + caplog.text


@pytest.mark.parametrize("kind", ["status", "reset", "lost_answer", "none", "down"])
def test_no_address_is_in_any_log_error_or_text_even_when_everything_is_logged(
    notifier: Notifier, sandbox: Sandbox, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if kind == "down":
        sandbox.sinks.switch("down")
    elif kind != "none":
        sandbox.faults.add(FaultRule(service="sinks", kind=kind))  # type: ignore[arg-type]
    said = ""
    try:
        notifier.send("primary", "t", "x")
    except OutsideError as error:
        said = f"{error!r} {error} {error.__cause__!r}"
    assert PASSWORD not in said + caplog.text + repr(notifier) + str(notifier) + notifier.model_dump_json()


def test_what_the_sender_is_just_handling_is_not_taken_for_what_went_wrong(
    notifier: Notifier, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="sinks", kind="status", status=500))
    try:
        raise TimeoutError("of something else")
    except TimeoutError:
        assert type(failed(notifier)) is TemporaryError


def test_what_others_say_by_apprises_log_is_still_heard(notifier: Notifier, caplog: pytest.LogCaptureFixture) -> None:
    notifier.send("primary", "t", "x")
    log = logging.getLogger("apprise")
    log.warning("a warning of somebody else")
    log.info("a detail of somebody else")
    assert "a warning of" in caplog.text
    assert "a detail of" not in caplog.text


def test_of_many_who_send_at_once_each_hears_only_what_became_of_its_own(sandbox: Sandbox) -> None:
    names = [f"sink{number}" for number in range(8)]
    one = Notifier(
        sinks=SecretDict({name: f"{sandbox.endpoints.sinks.replace('http', 'json', 1)}/{name}" for name in names})
    )
    for name in names[::2]:
        sandbox.faults.add(FaultRule(service="sinks", method=name, kind="status", status=500))
    errors: dict[str, Exception | None] = {}

    def send(name: str) -> None:
        try:
            one.send(name, "t", "x")
            errors[name] = None
        except Exception as error:
            errors[name] = error

    threads = [threading.Thread(target=send, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name for name, error in errors.items() if error is None} == set(names[1::2])
    assert all(isinstance(errors[name], TemporaryError) for name in names[::2])


# E-mail


@contextmanager
def mail_server(*answers: bytes) -> Iterator[int]:
    """A server that says one line on each command, then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for answer in answers:
                connection.sendall(answer + b"\r\n")
                if not lines.readline():
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((b"554 go away",), TemporaryError),
        ((b"220 hello", b"250 yes", b"550 who are you"), PermanentError),
        ((b"220 hello",), UnknownOutcome),
    ],
    ids=["refused", "sender refused", "hung up"],
)
def test_an_e_mail_that_the_server_refuses_was_not_taken(answers: tuple[bytes, ...], error: Any) -> None:
    with mail_server(*answers) as port:
        address = f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org&mode=insecure"
        found = failed(Notifier(sinks=SecretDict({"primary": address}), seconds=2))
    assert isinstance(found, error), found


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (smtplib.SMTPConnectError(421, b"busy"), "NOT_NOW"),
        (smtplib.SMTPAuthenticationError(535, b"no"), "REFUSED"),
        (smtplib.SMTPRecipientsRefused({}), "REFUSED"),
        (smtplib.SMTPDataError(451, b"later"), "NOT_NOW"),
        (smtplib.SMTPDataError(554, b"spam"), "REFUSED"),
        (smtplib.SMTPServerDisconnected("gone"), "LOST"),
        (socket.gaierror(-2, "unknown"), "NOT_NOW"),
        (ConnectionRefusedError(111, "refused"), "NOT_NOW"),
        (TimeoutError("timed out"), "LOST"),
        (KeyboardInterrupt(), "LOST"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else one,
)
def test_what_an_exception_means_for_the_message(error: BaseException, meaning: str) -> None:
    assert _means(error).name == meaning


# The block


@pytest.mark.parametrize(
    ("sinks", "said"),
    [({"": "json://x"}, "has no name"), ({"a": "hunter2"}, "is none of Apprise's"), ({"a": 3}, "is none of Apprise's")],
)
def test_a_sink_without_name_or_address_is_refused_and_never_shown(sinks: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Notifier(sinks=SecretDict(sinks))
    assert said in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_sandbox_has_people_to_tell(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for area in ("pipeline", "data", "platform", "simulation"):
        assert environment.on_call.unreachable(area, environment.notifier.names()) == []
    environment.notifier.send("platform", "t", "x")
    assert [one.sink for one in sandbox.sinks.received()] == ["platform"]
