"""Whatever somebody without a key sends, to the doors and to the pages behind links: no 5xx, and nothing of it is kept.

`REMEDIATION_FUZZ=20000 python -m pytest -n 0 --timeout 0 tests/receiver/test_fuzz_doors.py` runs so many cases of each test.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.identity import PersonTokens, PushTokens
from blocks.signing import sign as signed_link
from deployments.receiver.auth import SIGNATURE, TIMESTAMP, Door, GoogleDoor, SignedDoor, sign
from deployments.receiver.people import ASSERTION
from tests.receiver import google
from tests.receiver import messages as m
from tests.receiver.test_acknowledge import SECRET, link, with_links
from tests.receiver.world import World, plain_environment, running

CASES = int(os.environ.get("REMEDIATION_FUZZ", "100"))
fuzz = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
KEY = b"a secret that nobody outside knows"
SENT = [*m.roads().values(), m.pubsub(m.job_failed()), m.alert(), ("/alerts", m.JSON, b"{"), ("/pubsub", {}, b"")]

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
any_bytes = st.binary(max_size=80).map(lambda value: value.translate(None, b"\r\n\0"))
any_header = printable.map(str.encode) | any_bytes


def pieces(good: str, bad: str) -> st.SearchStrategy[bytes]:
    """Tokens of true parts in any order, but without the signature that would make one true."""
    known = [*good.split(".")[:2], *bad.split("."), "", "e30", "!"]
    tokens = st.lists(st.sampled_from(known), max_size=4).map(".".join) | st.just(bad)
    return st.tuples(st.sampled_from(["Bearer ", "bearer", "Basic ", ""]), tokens).map("".join).map(str.encode)


def stamp(shift: int = 0) -> str:
    """A time of now, or so many seconds later."""
    return str(int(time.time()) + shift)


stamps = st.sampled_from([0, 200, -(10**6)]).map(stamp) | st.sampled_from(["-1", "9" * 400, "1e9", "NaN", ""])
signed = st.sampled_from([(KEY, b"another body"), (b"another key", b"")]).map(lambda by: sign(by[0], stamp(), by[1]))
signatures = signed | st.sampled_from(["v1=", "v1=" + "0" * 64])
credentials = st.fixed_dictionaries(
    {},
    optional={
        TIMESTAMP: stamps.map(str.encode) | any_header,
        SIGNATURE: signatures.map(str.encode) | any_header,
        "authorization": st.deferred(lambda: pieces(google.token(), google.token(signed_by="somebody"))) | any_header,
    },
)
strangers = st.deferred(lambda: pieces(google.assertion(), google.assertion(signed_by="somebody"))) | any_header
"""Whom the proxy is said to have seen, and has not."""


@contextmanager
def locked(path: Path, nobody: str) -> Iterator[World]:
    """A receiver whose every door has a lock, with the pages behind links."""
    with google.serving() as certificates, google.serving(google.proxy_keys()) as keys:
        door = GoogleDoor(PushTokens(google.AUDIENCE, (google.ACCOUNT,), certificates.url))
        doors: dict[str, Door] = {"/pubsub": door, "/cloudevents": door, "/alerts": SignedDoor((KEY,))}
        people = PersonTokens(google.IAP_AUDIENCE, keys.url)
        away = temporary_settings({PREFECT_API_URL: nobody})
        with away, running(path, with_links(plain_environment()), doors, people=people) as world:
            yield world


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, nobody: str) -> Iterator[World]:
    """One for all cases: nothing that they send leaves anything behind."""
    with locked(tmp_path_factory.mktemp("doors") / "receiver.db", nobody) as world:
        yield world


def approval() -> str:
    """A good link to an approval's page."""
    expires = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    said = f"{'0' * 8}-0000-4000-8000-{'0' * 12}.{'a' * 16}.{expires}"
    return f"/approve/{said}.{signed_link(SECRET.encode(), 'approve by link', said)}"


GOOD = [link(), approval()]


@st.composite
def addresses(draw: st.DrawFn, good: bool) -> str:
    """The path of a page, a link that is good or none of ours, and any query."""
    path = draw(st.sampled_from(GOOD))
    if not good:
        page, token = path.split("/")[1], path.rpartition("/")[2]
        cut = draw(st.integers(0, len(token) - 1))
        path = f"/{page}/" + draw(st.just(token[:cut]) | st.text(max_size=40).filter(encodable).map(quote))
    query = draw(printable | st.dictionaries(printable, printable, max_size=3).map(urlencode))
    return f"{path}?{quote(query, safe='%&=+;')}"


def encodable(text: str) -> bool:
    """Whether a client could put it into an address; a path of dots would lead to another page."""
    return text.isprintable() and not set(text) <= {"."}


@fuzz
@given(sent=st.sampled_from(SENT), given_headers=credentials)
def test_no_credentials_that_nobody_gave_open_a_door(
    guarded: World, sent: m.Sent, given_headers: dict[str, bytes]
) -> None:
    path, headers, body = sent
    both = {name: value.encode() for name, value in headers.items()} | given_headers
    assert guarded.client.post(path, content=body, headers=both).status_code == 401
    assert guarded.rows() == []


@fuzz
@given(address=addresses(good=False), method=st.sampled_from(["GET", "HEAD", "POST"]), body=any_bytes)
def test_a_link_that_is_none_of_ours_has_no_effect_whatever_its_query(
    guarded: World, address: str, method: str, body: bytes
) -> None:
    answer = guarded.client.request(method, address, content=b"by=ann&" + body)
    assert answer.status_code in (403, 404)
    assert guarded.rows() == []


@fuzz
@given(address=addresses(good=True), headers=st.fixed_dictionaries({}, optional={ASSERTION: strangers}))
def test_looking_at_a_good_link_changes_nothing_whatever_its_query(
    guarded: World, address: str, headers: dict[str, bytes]
) -> None:
    assert guarded.client.get(address, headers=headers).status_code in (200, 403)
    assert guarded.rows() == []


@fuzz
@given(address=addresses(good=True), who=strangers.filter(bytes.strip), origin=st.just(b"http://receiver") | any_header)
def test_nobody_speaks_as_somebody_whom_the_proxy_has_not_seen(
    guarded: World, address: str, who: bytes, origin: bytes
) -> None:
    form = b"by=ann&decision=approve"
    kind = b"application/x-www-form-urlencoded"
    headers = {ASSERTION: who, "origin": origin, "content-type": kind}
    assert guarded.client.post(address, content=form, headers=headers).status_code == 403
    assert guarded.rows() == []


def test_with_the_keys_the_same_requests_come_in(path: Path, nobody: str) -> None:
    """Else the tests above would prove nothing."""
    where, headers, body = m.alert()
    now = stamp()
    signed_in = {ASSERTION: google.assertion(), "origin": "http://receiver"}
    with locked(path, nobody) as world:
        assert world.send((where, headers | {TIMESTAMP: now, SIGNATURE: sign(KEY, now, body)}, body)) == 204
        assert world.send(m.notification(), authorization=f"Bearer {google.token()}") == 204
        assert world.client.post(GOOD[0], headers=signed_in).status_code == 200
        assert world.client.get(GOOD[1], headers=signed_in).status_code == 200
        assert len(world.rows()) == 3
