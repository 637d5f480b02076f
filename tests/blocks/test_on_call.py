"""The on-call policy: quiet hours by the clock of their place, and every mistake told in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from blocks.on_call import Chains, OnCall, Quiet, Tier

BERLIN = ZoneInfo("Europe/Berlin")


def quiet(start: str, end: str, timezone: str = "UTC") -> Quiet:
    return Quiet(start=time.fromisoformat(start), end=time.fromisoformat(end), timezone=timezone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "at", "over"),
    [
        ("22:00", "07:00", "2026-06-01T23:00", "2026-06-02T07:00"),
        ("22:00", "07:00", "2026-06-02T03:00", "2026-06-02T07:00"),
        ("22:00", "07:00", "2026-06-01T22:00", "2026-06-02T07:00"),
        ("22:00", "07:00", "2026-06-01T21:59", "2026-06-01T21:59"),
        ("22:00", "07:00", "2026-06-02T07:00", "2026-06-02T07:00"),
        ("12:00", "13:30", "2026-06-01T12:30", "2026-06-01T13:30"),
        ("12:00", "13:30", "2026-06-01T14:00", "2026-06-01T14:00"),
        ("00:00", "06:00", "2026-06-01T00:00", "2026-06-01T06:00"),
        ("18:00", "00:00", "2026-06-01T23:59", "2026-06-02T00:00"),
        ("22:00", "07:00", "2026-12-31T23:00", "2027-01-01T07:00"),
    ],
)
def test_quiet_hours_end_at_their_next_end_also_over_midnight(start: str, end: str, at: str, over: str) -> None:
    assert quiet(start, end).over(utc(at)) == utc(over)


@pytest.mark.parametrize(
    ("start", "end", "at", "over"),
    [
        ("22:00", "07:00", "2026-01-10T22:00", "2026-01-11T06:00"),  # winter: an hour ahead of UTC
        ("22:00", "07:00", "2026-07-10T21:00", "2026-07-11T05:00"),  # summer: two
        ("22:00", "07:00", "2026-03-28T22:00", "2026-03-29T05:00"),  # the night in which clocks are set forward
        ("22:00", "07:00", "2026-10-24T22:00", "2026-10-25T06:00"),  # and back
        ("22:00", "02:30", "2026-03-29T00:30", "2026-03-29T01:30"),  # 02:30 does not exist: 03:30 is its place
        ("22:00", "02:30", "2026-10-25T00:15", "2026-10-25T00:30"),  # 02:30 comes twice: the first one
        ("22:00", "02:30", "2026-10-25T01:15", "2026-10-25T01:30"),  # after that, the second
    ],
)
def test_the_clock_is_that_of_their_place_also_when_it_is_changed(start: str, end: str, at: str, over: str) -> None:
    assert quiet(start, end, "Europe/Berlin").over(utc(at)) == utc(over)


@given(
    st.times().map(lambda one: one.replace(microsecond=0)),
    st.times().map(lambda one: one.replace(microsecond=0)),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_a_message_is_never_sent_earlier_and_put_off_by_a_day_and_a_clock_change_at_most(
    start: time, end: time, at: datetime, zone: str
) -> None:
    if start == end:
        return
    over = Quiet(start=start, end=end, timezone=zone).over(at)
    assert at <= over <= at + timedelta(hours=25)
    assert over.tzinfo is not None


def sentence(make: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        make()
    (one,) = caught.value.errors()
    return str(one["msg"])


TIER = Tier(label="a", sinks=("x",))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: quiet("07:00", "07:00"), "have no length"),
        (lambda: quiet("22:00", "07:00", "Berlin"), "There is no time zone 'Berlin'; it looks like Europe/Berlin"),
        (lambda: quiet("22:00", "07:00", ""), "There is no time zone"),
        (lambda: quiet("22:00", "07:00", "../etc"), "There is no time zone"),
        (lambda: quiet("22:00+01:00", "07:00"), "are local times"),
        (lambda: Tier(label="Primary!"), "is not plain"),
        (lambda: Tier(label=""), "is not plain"),
        (lambda: Tier(label="a:b"), "is not plain"),
        (lambda: Tier(label="a", sinks=("x", "x")), "name one twice"),
        (lambda: Tier(label="a", sinks=("",)), "not at all"),
        (lambda: Tier(label="a", after_minutes=-1), "greater than or equal to 0"),
        (lambda: Tier(label="a", repeat=100), "less than or equal to 20"),
        (lambda: Tier(label="a", every_minutes=0), "greater than or equal to 1"),
        (lambda: Tier(label="a", wait=3), "not permitted"),
        (lambda: Chains(pipeline=(TIER, TIER)), "have the same label"),
        (lambda: Chains(data=(Tier(label="a", after_minutes=5), Tier(label="b"))), "not in the order"),
        (lambda: Chains(data=tuple(Tier(label=f"t{n}") for n in range(11))), "ten are the most"),
        (lambda: OnCall(link_url="http://x", link_secret=SecretStr("short")), "shorter than 16"),
        (lambda: OnCall(link_url="http://x"), "belong together"),
        (lambda: OnCall(link_secret=SecretStr("s" * 16)), "belong together"),
        (lambda: OnCall(link_url="x.org", link_secret=SecretStr("s" * 16)), "is no web address"),
    ],
)
def test_what_makes_no_sense_is_refused_with_one_sentence(make: Any, said: str) -> None:
    assert said in sentence(make)


def test_no_sentence_holds_the_secret() -> None:
    assert "hunter2" not in sentence(lambda: OnCall(link_url="http://x", link_secret=SecretStr("hunter2")))
    assert "hunter2" not in repr(OnCall(link_url="http://x", link_secret=SecretStr("hunter2-hunter2-hunter2")))


def test_an_empty_chain_and_sinks_that_nobody_has_are_told() -> None:
    assert OnCall(chains=Chains(data=())).unreachable("data", ("x",)) == [
        "Nobody is on call for data: its chain is empty; add a tier to the on-call block."
    ]
    policy = OnCall(chains=Chains(data=(Tier(label="a"), Tier(label="b", sinks=("x", "y")))))
    first, second = policy.unreachable("data", ("x",))
    assert first == "Tier a of data has no sinks; name some in the on-call block."
    assert second == "Tier b of data names y, which the notifier does not have; add its address."
    assert policy.unreachable("pipeline", ("primary", "platform", "simulation")) == []
