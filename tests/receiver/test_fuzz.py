"""Whatever comes in: no 5xx, no crash, and nothing is kept as an event that is not one.

`REMEDIATION_FUZZ=20000 python -m pytest -n 0 tests/receiver/test_fuzz.py` runs so many cases of each test.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.receiver import spool
from deployments.receiver.decode import DECODERS
from deployments.receiver.message import GENERATION
from deployments.receiver.rules import load_rules
from deployments.receiver.strict import Undecodable
from tests.receiver import messages as m
from tests.receiver.world import World, plain_environment, running

CASES = int(os.environ.get("REMEDIATION_FUZZ", "300"))
fuzz = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))

ODD = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "../..",
    "x" * 3000,
    [],
    {},
    [[]],
    {"a": {}},
    "OBJECT_FINALIZE",
]
odd = st.sampled_from(ODD)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
GOOD: list[m.Sent] = [
    *m.roads().values(),
    m.pubsub(m.workflow_failed()),
    m.pubsub(m.job_failed()),
    m.pubsub(m.not_scaled_up()),
    m.pubsub(m.pod_event("geniesim-0", "Unhealthy")),
    m.pubsub(m.machine_refused()),
    m.binary("google.cloud.audit.log.v1.written", m.workflow_failed()),
    m.alert(),
]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at one place (an Ellipsis: nothing)."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(place) == 1 and new is ...:
        del copy[place[0]]
    else:
        copy[place[0]] = changed(copy[place[0]], place[1:], new)
    return copy


@st.composite
def broken(draw: st.DrawFn) -> m.Sent:
    """A good request in which some places hold something else."""
    path, headers, body = draw(st.sampled_from(GOOD))
    value = json.loads(body)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(value))
        value = changed(value, draw(st.sampled_from(found)), draw(json_values | odd | st.just({})))
    for name in draw(st.sets(st.sampled_from(sorted(headers)), max_size=2)):
        headers = {**headers, name: draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))}
    return path, headers, json.dumps(value).encode("utf-8", "replace")


@st.composite
def deep(draw: st.DrawFn) -> m.Sent:
    """Nesting, bare or where an object is expected."""
    path, headers, _ = draw(st.sampled_from(GOOD))
    levels = draw(st.sampled_from([31, 32, 33, 1000, 1024, 1025, 5000, 40_000]))
    opening, closing = draw(st.sampled_from([(b"[", b"]"), (b'{"data":', b"}"), (b'{"message":', b"}")]))
    return path, headers, opening * levels + b"1" + closing * levels


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, nobody: str) -> Iterator[World]:
    """A receiver for all cases of a module's test: thousands of them would spend their time on starting it."""
    path: Path = tmp_path_factory.mktemp("fuzz") / "receiver.db"
    with temporary_settings({PREFECT_API_URL: nobody}), running(path, plain_environment()) as world:
        yield world


@fuzz
@given(
    path=st.sampled_from(sorted(DECODERS)),
    body=st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode()),
)
def test_any_bytes_are_acknowledged(one: World, path: str, body: bytes) -> None:
    assert one.send((path, m.JSON, body)) == 204


@fuzz
@given(sent=broken() | deep())
def test_a_broken_message_is_acknowledged_and_no_event_unless_it_is_still_one(one: World, sent: m.Sent) -> None:
    with spool.opened(one.receiver.path) as connection:
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()
        assert one.send(sent) == 204
        new = spool.rows(connection, "number > ? AND state = 'new'", last)
    assert len(new) <= 1
    for row in new:
        assert all(isinstance(value, str) and value.isprintable() for value in row.content.values())
        if row.rule == "failure-marker":
            assert GENERATION.fullmatch(row.content["generation"])
            assert row.content["bucket"] == m.DATA


@fuzz
@given(path=st.sampled_from(sorted(DECODERS)), value=json_values)
def test_decoding_says_undecodable_or_nothing_else(path: str, value: Any) -> None:
    rules = RULES
    try:
        rules.event_of(DECODERS[path](m.JSON, json.dumps(value).encode()))
    except Undecodable as error:
        assert str(error).endswith(".")


RULES = load_rules(plain_environment())


def test_the_good_ones_are_events() -> None:
    """Else the tests above would prove nothing."""
    for path, headers, body in GOOD:
        assert RULES.event_of(DECODERS[path](headers, body)) is not None
