"""Who is let in: Google with a good token, whoever signs with the secret, and nobody else."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks import identity
from blocks.errors import PermanentError, TemporaryError
from blocks.identity import PushTokens
from deployments.receiver.auth import (
    SIGNATURE,
    TIMESTAMP,
    WINDOW_SECONDS,
    ClosedDoor,
    Forged,
    GoogleDoor,
    OpenDoor,
    SignedDoor,
    doors,
    read_secrets,
    sign,
)
from deployments.stack import free_port
from tests.receiver import google
from tests.receiver.google import ACCOUNT, AUDIENCE, Certificates, token
from tests.receiver.messages import alert, notification
from tests.receiver.world import ANYBODY, plain_environment, running

SECRET = b"a secret of some length"


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    with google.serving() as one:
        yield one


@pytest.fixture
def tokens(certificates: Certificates) -> PushTokens:
    return PushTokens(AUDIENCE, (ACCOUNT, "eventarc@p.iam.gserviceaccount.com"), certificates.url)


def test_googles_token_is_good_and_its_certificates_are_fetched_once(
    tokens: PushTokens, certificates: Certificates
) -> None:
    before = certificates.asked
    for _ in range(5):
        tokens.check(f"Bearer {token()}")
        tokens.check(f"bearer {token(email='eventarc@p.iam.gserviceaccount.com', iss='accounts.google.com')}")
    assert certificates.asked - before == 1


def test_a_token_found_good_needs_no_second_look_until_it_ends(tokens: PushTokens) -> None:
    good = f"Bearer {token(exp=int(time.time()) + 3600)}"
    ends = f"Bearer {token(exp=int(time.time()) - 5)}"
    assert not tokens.known(good)
    tokens.check(good)
    tokens.check(ends)  # within the clocks' difference
    assert tokens.known(good)
    assert not tokens.known(ends)


BAD: dict[str, Any] = {
    "another audience": {"aud": "https://elsewhere.example"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://accounts.example"},
    "no issuer": {"iss": None},
    "another account": {"email": "somebody@p.iam.gserviceaccount.com"},
    "a list of accounts": {"email": [ACCOUNT]},
    "no account": {"email": None},
    "an account not verified": {"email_verified": False},
    "an account verified in words": {"email_verified": "true"},
    "one without an end": {"exp": None},
    "one whose end is text": {"exp": "tomorrow"},
    "another key": {"signed_by": "somebody"},
    "an unknown key": {"header": {"kid": "2"}},
    "a key that is a list": {"header": {"kid": ["1"]}},
    "no algorithm": {"header": {"alg": "none"}},
    "another algorithm": {"header": {"alg": "HS256"}},
}


@pytest.mark.parametrize("name", list(BAD))
def test_any_other_token_is_not(tokens: PushTokens, name: str) -> None:
    bad = f"Bearer {token(**BAD[name])}"
    with pytest.raises(PermanentError):
        tokens.check(bad)
    assert not tokens.known(bad)


@pytest.mark.parametrize(("made", "ends"), [(-200, -100), (100, 2000)], ids=["one that has ended", "of the future"])
def test_a_token_of_another_time_is_not(tokens: PushTokens, made: int, ends: int) -> None:
    now = int(time.time())
    bad = f"Bearer {token(iat=now + made, exp=now + ends)}"
    with pytest.raises(PermanentError):
        tokens.check(bad)
    assert not tokens.known(bad)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YW5uOnNlY3JldA==", "Bearer a.b.c", "Bearer .", "Bearer ü.ü.ü", "Bearer a.b"],
)
def test_what_is_no_token_is_not_good(tokens: PushTokens, header: str) -> None:
    with pytest.raises(PermanentError):
        tokens.check(header)


def test_a_token_nested_to_hurt_is_refused(tokens: PushTokens) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 50_000).decode()
    with pytest.raises(PermanentError):
        tokens.check(f"Bearer {deep}.{deep}.x")


def test_an_unsigned_token_with_good_claims_is_refused(tokens: PushTokens) -> None:
    header, claims, _ = token().split(".")
    with pytest.raises(PermanentError):
        tokens.check(f"Bearer {header}.{claims}.")
    other = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    with pytest.raises(PermanentError):
        tokens.check(f"Bearer {other}.{claims}.")


def test_without_certificates_nobody_can_tell_and_the_sender_comes_again(
    path: Path, prefect_is_down: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "AGAIN_SECONDS", 0.0)
    with google.serving() as away:
        away.status = 500
        door = GoogleDoor(PushTokens(AUDIENCE, (ACCOUNT,), away.url))
        with pytest.raises(TemporaryError):
            door.knock({"authorization": f"Bearer {token()}"})
        with running(path, plain_environment(), ANYBODY | {"/pubsub": door}) as world:
            assert world.send(notification(), authorization=f"Bearer {token()}") == 503
            assert world.rows() == []
            away.status = 200
            assert world.send(notification(), authorization=f"Bearer {token()}") == 204
            assert len(world.rows()) == 1


@pytest.mark.parametrize("status", [500, 0])
def test_certificates_that_cannot_be_had_are_not_asked_for_by_every_forged_request(status: int) -> None:
    with google.serving() as away:
        away.status = status or 200
        tokens = PushTokens(AUDIENCE, (ACCOUNT,), away.url if status else f"http://127.0.0.1:{free_port()}")
        for _ in range(5):
            with pytest.raises(TemporaryError):
                tokens.check(f"Bearer {token()}")
        assert away.asked == (1 if status else 0)


def test_forged_pushes_are_counted_and_nothing_of_them_is_kept(
    path: Path, tokens: PushTokens, prefect_is_down: None
) -> None:
    door = GoogleDoor(tokens)
    guarded = ANYBODY | {"/pubsub": door, "/cloudevents": door}
    with running(path, plain_environment(), guarded) as world:
        garbage = ("/pubsub", {}, b"garbage")
        for sent in (notification(), garbage, ("/cloudevents", {}, b"")):
            assert world.send(sent) == 401
            assert world.send(sent, authorization=f"Bearer {token(signed_by='somebody')}") == 401
        assert world.rows() == []
        assert world.number("receiver_forged_total", path="/pubsub") == 4
        assert world.number("receiver_forged_total") == 6
        assert world.send(notification(), authorization=f"Bearer {token()}") == 204
        assert len(world.rows()) == 1


def signed(body: bytes, age: float = 0.0, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    return {TIMESTAMP: stamp, SIGNATURE: sign(secret, stamp, body)}


def test_a_signed_webhook_is_let_in_with_the_old_secret_and_the_new() -> None:
    door = SignedDoor((b"the secret before this one", SECRET))
    door.enter(signed(b"body"), b"body")
    door.enter(signed(b"body", age=WINDOW_SECONDS - 5), b"body")
    door.enter(signed(b"body", secret=b"the secret before this one"), b"body")


WRONG: dict[str, Callable[[], dict[str, str]]] = {
    "none": dict,
    "of another body": lambda: signed(b"other"),
    "too old": lambda: signed(b"body", age=WINDOW_SECONDS + 5),
    "of the future": lambda: signed(b"body", age=-WINDOW_SECONDS - 5),
    "of another secret": lambda: signed(b"body", secret=b"somebody else's secret"),
    "of another time": lambda: {**signed(b"body"), TIMESTAMP: str(int(time.time()) - 9)},
    "of no time": lambda: {**signed(b"body"), TIMESTAMP: "now"},
    "of an endless time": lambda: {**signed(b"body"), TIMESTAMP: "9" * 4000},
    "of a time in other digits": lambda: {**signed(b"body"), TIMESTAMP: "٣"},
    "empty": lambda: {**signed(b"body"), SIGNATURE: ""},
    "in other letters": lambda: {**signed(b"body"), SIGNATURE: "v1=ü"},
    "in capitals": lambda: {**signed(b"body"), SIGNATURE: signed(b"body")[SIGNATURE].upper()},
}


@pytest.mark.parametrize("what", list(WRONG))
def test_a_webhook_with_any_other_signature_is_not(what: str) -> None:
    with pytest.raises(Forged):
        SignedDoor((SECRET,)).enter(WRONG[what](), b"body")


def test_who_is_not_let_in_learns_nothing_and_the_log_says_why_once(
    path: Path, tokens: PushTokens, prefect_is_down: None, caplog: pytest.LogCaptureFixture
) -> None:
    with running(path, plain_environment(), ANYBODY | {"/pubsub": GoogleDoor(tokens)}) as world:
        bad = {"authorization": f"Bearer {token(email='somebody@p.example')}"}
        answers = [world.client.post("/pubsub", content=b"", headers=bad) for _ in range(5)]
    assert {answer.text for answer in answers} == {"Not let in."}
    said = [record.message for record in caplog.records if "not let in" in record.message]
    assert len(said) == 1
    assert ACCOUNT in said[0]
    assert bad["authorization"] not in caplog.text


def test_a_webhook_that_is_replayed_has_one_effect(path: Path, prefect_is_down: None) -> None:
    where, headers, body = alert()
    once = (where, headers | signed(body), body)
    with running(path, plain_environment(), ANYBODY | {"/alerts": SignedDoor((SECRET,))}) as world:
        assert [world.send(once) for _ in range(3)] == [204] * 3
        assert [row.duplicates for row in world.rows()] == [2]
        assert world.send((where, headers | signed(body), body + b" ")) == 401


@pytest.mark.parametrize(
    ("host", "audience", "accounts"),
    [("0.0.0.0", "", ()), ("10.0.0.1", "", ()), ("127.0.0.1", AUDIENCE, ()), ("127.0.0.1", "", (ACCOUNT,))],
)
def test_it_does_not_start_where_anybody_could_start_recoveries(
    host: str, audience: str, accounts: tuple[str, ...]
) -> None:
    with pytest.raises(PermanentError, match="--audience and --account"):
        doors(host, audience, accounts)


def test_a_path_nobody_has_a_key_to_is_closed() -> None:
    google_only, secret_only = doors("0.0.0.0", AUDIENCE, (ACCOUNT,)), doors("0.0.0.0", secrets=(SECRET,))
    assert isinstance(google_only["/alerts"], ClosedDoor)
    assert isinstance(google_only["/pubsub"], GoogleDoor)
    assert isinstance(secret_only["/pubsub"], ClosedDoor)
    assert isinstance(secret_only["/alerts"], SignedDoor)
    assert {type(door) for door in doors("127.0.0.1").values()} == {OpenDoor}
    with pytest.raises(Forged) as refusal:
        ClosedDoor().knock({})
    assert refusal.value.status == 403


def test_secrets_come_from_a_file_and_a_variable_and_are_named_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET.decode()}\n\n  another secret of some length \n")
    assert read_secrets(file, "and a third one, also long") == (
        SECRET,
        b"another secret of some length",
        b"and a third one, also long",
    )
    assert read_secrets(None, "") == ()
    file.write_text("hunter2")
    with pytest.raises(PermanentError) as refusal:
        read_secrets(file, "")
    assert "hunter2" not in str(refusal.value)
    for bad in (tmp_path / "missing", tmp_path):
        with pytest.raises(PermanentError, match="cannot be read"):
            read_secrets(bad, "")
    file.write_text("\n")
    with pytest.raises(PermanentError, match="holds no secret"):
        read_secrets(file, "")
