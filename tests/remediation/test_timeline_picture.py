"""The timeline is a picture that any browser draws, that can be read aloud, and that no title can break."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest

from tasks.remediation.timeline_picture import LEFT, MOST_ROWS, RIGHT, WIDTH, alt_text, drawn, place, timeline_svg
from tasks.response.timeline import Event

SVG = "{http://www.w3.org/2000/svg}"
NOON = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)


def event(number: int, minutes: float, what: str = "it happened", kind: str = "note") -> Event:
    at = NOON + timedelta(minutes=minutes)
    return Event(at, at, number, "ann", kind, what)


def parsed(title: str, events: list[Event]) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_svg(title, events))


def test_each_event_has_a_dot_where_it_was_in_time() -> None:
    root = parsed("t", [event(1, 0), event(2, 15), event(3, 60)])
    places = [float(one.attrib["cx"]) for one in root.iter(f"{SVG}circle")]
    assert places == [LEFT, pytest.approx(LEFT + 0.25 * (WIDTH - LEFT - RIGHT), abs=0.1), WIDTH - RIGHT]


def test_it_is_told_in_words_too() -> None:
    root = parsed("Exports fail", [event(1, 0, "declared"), event(2, 5, "over")])
    assert root.attrib["role"] == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Timeline of Exports fail"
    assert desc is not None
    assert desc.text == (
        "Events of Exports fail from 2026-01-18 12:00:00 UTC to 2026-01-18 12:05:00 UTC: "
        "12:00:00 declared; 12:05:00 over."
    )


def test_it_has_colours_for_light_and_for_dark_and_needs_nothing_from_outside() -> None:
    text = timeline_svg("t", [event(1, 0)])
    assert "prefers-color-scheme: dark" in text
    assert text.count("http") == 1, "only the namespace"
    assert "<script" not in text


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", 'a "b" & c', "火事 🔥 ünïcödé", "\x00\x0b\ud800 odd", "x" * 10_000, "]]>"]
)
def test_no_title_breaks_it(title: str) -> None:
    root = parsed(title, [event(1, 0, title), event(2, 1, title)])
    assert not list(root.iter(f"{SVG}script"))
    assert max(len(one.text or "") for one in root.iter(f"{SVG}text")) <= 80


def test_one_moment_is_no_division_by_nothing() -> None:
    assert place(NOON, NOON, NOON) == LEFT
    assert len(list(parsed("t", [event(1, 0), event(2, 0)]).iter(f"{SVG}circle"))) == 2


def test_of_too_many_events_the_first_and_the_last_are_drawn_and_that_is_said() -> None:
    events = [event(number, number) for number in range(MOST_ROWS + 7)]
    rows, left_out = drawn(events)
    assert (len(rows), left_out, rows[0], rows[-1]) == (MOST_ROWS, 7, events[0], events[-1])
    assert "7 more events are in the table" in timeline_svg("t", events)
    assert "7 more events" in alt_text("t", rows, left_out)


def test_files_of_evidence_are_not_drawn() -> None:
    rows, left_out = drawn([event(1, 0), event(2, 1, kind="evidence"), event(3, 2)])
    assert ([one.number for one in rows], left_out) == ([1, 3], 0)


def test_years_still_have_few_ticks() -> None:
    root = parsed("t", [event(1, 0), event(2, 60 * 24 * 365 * 3)])
    assert len(list(root.iter(f"{SVG}path"))) <= 8
