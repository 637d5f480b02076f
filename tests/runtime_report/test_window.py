"""Of which time a report tells: a week by default, in UTC, and never one that makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tasks.remediation.outcome import Refused
from tasks.runtime_report.window import MOST, Question, Window, of_incident, window_of
from tests.runtime_report.world import NOW

DAY = timedelta(days=1)


def test_it_is_the_last_week_if_nothing_is_said() -> None:
    assert window_of(Question(), NOW) == Window(NOW - timedelta(days=7), NOW)


def test_an_end_alone_gives_the_week_before_it() -> None:
    until = NOW - timedelta(days=3)
    assert window_of(Question(until=until), NOW) == Window(until - timedelta(days=7), until)


def test_a_beginning_alone_goes_to_now() -> None:
    since = NOW - timedelta(hours=3)
    assert window_of(Question(since=since), NOW) == Window(since, NOW)


def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_is_turned_to_it() -> None:
    naive, east = datetime(2026, 2, 1), datetime(2026, 2, 2, 5, tzinfo=timezone(timedelta(hours=5)))
    window = window_of(Question(naive, east), NOW)
    assert (window.since, window.until) == (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
    assert window.until.utcoffset() == timedelta(0)


def test_it_is_compared_with_as_long_a_time_just_before() -> None:
    window = Window(NOW - timedelta(days=2), NOW)
    assert (window.before, window.days) == (NOW - timedelta(days=4), 2.0)
    assert window.words() == "2026-02-06 12:00 to 2026-02-08 12:00 UTC"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(until=NOW + timedelta(seconds=1)), "still to come: name a time that is over"),
        (Question(NOW, NOW), "is not before until"),
        (Question(NOW, NOW - timedelta(days=1)), "name an earlier since"),
        (Question(NOW + timedelta(days=1)), "is not before until"),
        (Question(NOW - MOST - timedelta(days=1)), "31 days long: the log has 30 days at most, name fewer"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_with_what_to_do(question: Question, said: str) -> None:
    with pytest.raises(Refused, match=said):
        window_of(question, NOW)


def test_the_longest_window_is_allowed() -> None:
    assert window_of(Question(NOW - MOST), NOW).length == MOST


@pytest.mark.parametrize(
    ("began", "over", "since", "until"),
    [(5, 1, 5, 1), (45, 1, 30, 1), (45, 20, 30, 20), (5, -1, 5, 0)],
    ids=["all of it", "the last 30 days", "what the log still has", "not what is to come"],
)
def test_the_hours_of_an_incident_are_asked_for_as_far_as_the_log_has_them(
    began: int, over: int, since: int, until: int
) -> None:
    found = of_incident(NOW - began * DAY, NOW - over * DAY, NOW)
    assert (found.since, found.until) == (NOW - since * DAY, NOW - until * DAY)
    assert window_of(found, NOW).length <= MOST
