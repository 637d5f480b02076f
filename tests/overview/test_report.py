"""The screen, the page and the data say the same; the data's keys stay; no name breaks any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_load import load_catalogue
from tasks.overview.check import page_of, word_of
from tasks.overview.report import MOST, ago, as_data, sections, sentence, text
from tasks.overview.state import Item, State, Unknown, from_sentence, worst_first
from tasks.recovery.sweep_record import Bad, Seen, SweepRecord

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVIL = [
    "<script>alert(1)</script>",
    "a|b`c`*d*",
    "[x](javascript:alert(1))",
    "火事 🔥",
    "\x1b[2J\x00odd",
    "x" * 5000,
    "a\n## b",
]


def state_of(*broken: Item, unknown: str = "") -> State:
    state = State(NOON)
    state.parts["broken"].items = list(broken)
    state.parts["held"].unknown = [Unknown(unknown, "remediate doctor")] if unknown else []
    return state


def test_the_datas_keys_stay() -> None:
    data = as_data(
        state_of(Item("It is.", NOON - HOUR, "ann", "remediate doctor", subjects=("a",)), unknown="Not asked.")
    )
    assert list(data) == ["at", "summary", "parts", "pages"]
    assert [part["part"] for part in data["parts"]] == ["broken", "mended", "held", "overdue", "proved"]
    assert all(list(part) == ["part", "items", "unknown", "notes"] for part in data["parts"])
    assert data["parts"][0]["items"] == [
        {
            "what": "It is.",
            "since": "2026-06-01T11:00:00Z",
            "whose": "ann",
            "next": "remediate doctor",
            "acts": True,
            "subjects": ["a"],
        }
    ]
    assert data["parts"][2]["unknown"] == [{"what": "Not asked.", "next": "remediate doctor"}]
    assert as_data(state_of(Item("It is.")))["parts"][0]["items"][0]["since"] is None


def test_a_line_says_since_when_whose_and_what_next() -> None:
    state = state_of(Item("It is.", NOON - 3 * HOUR, "ann", "remediate doctor"), Item("It too.", acts=False))
    said = text(state)
    assert "! It is.\n    2026-06-01 09:00 UTC (3 h ago); ann\n    Next: remediate doctor" in said
    assert "- It too.\n    since when is unknown; nobody" in said
    (table, *_) = sections(state, load_catalogue())
    assert list(table.rows[0].values()) == ["**!** It is.", "2026-06-01 09:00 UTC (3 h ago); ann", "`remediate doctor`"]


def test_a_command_is_never_cut_into_lines() -> None:
    command = "remediate recover " + " ".join(f"scene_{n:05}" for n in range(40))
    assert f"    Next: {command}\n" in text(state_of(Item("It is.", next=command)), 40)
    (table, *_) = sections(state_of(Item("It is.", next=command)), load_catalogue())
    assert table.rows[0]["next"] == f"`{command}`", "nor cut short on the page"


@pytest.mark.parametrize(
    ("state", "word", "said"),
    [
        (state_of(), "nothing_to_do", "0 broken, 0 being mended, 0 held or paused, 0 overdue"),
        (state_of(unknown="x"), "partial", "0 broken, 0 being mended, 0 held or paused, 0 overdue; 1 thing unknown"),
        (state_of(Item("x")), "failed", "1 broken, 0 being mended, 0 held or paused, 0 overdue"),
        (state_of(Item("x", acts=False)), "nothing_to_do", "1 broken, 0 being mended, 0 held or paused, 0 overdue"),
    ],
)
def test_one_word_and_one_line_for_all_of_it(state: State, word: str, said: str) -> None:
    assert word_of(state) == word
    assert sentence(state) == said


def test_what_is_not_asked_is_not_called_nothing() -> None:
    said = text(state_of(unknown="The kill switch: no answer."))
    assert "HELD AND PAUSED: UNKNOWN" in said
    assert "Nothing is held" not in said
    assert "? Unknown: The kill switch: no answer.\n    Next: remediate doctor" in said


def test_a_long_part_is_cut_and_says_so() -> None:
    state = state_of(*(Item(f"n{n}") for n in range(MOST + 3)))
    assert "3 more: see --json" in text(state)
    (table, *_) = sections(state, load_catalogue())
    assert len(table.rows) == MOST
    assert "3 more are not shown" in table.text
    assert len(as_data(state)["parts"][0]["items"]) == MOST + 3


def test_what_a_person_must_do_comes_first_and_the_oldest_of_it() -> None:
    found = [Item("calm", NOON - 9 * HOUR, acts=False), Item("new", NOON), Item("when"), Item("old", NOON - HOUR)]
    assert [item.what for item in worst_first(found)] == ["old", "new", "when", "calm"]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (2 * HOUR, "2 h ago"),
        (timedelta(days=3), "3 d ago"),
        (-5 * timedelta(minutes=1), "in 5 min"),
    ],
)
def test_spans_are_told_as_people_tell_them(span: timedelta, said: str) -> None:
    assert ago(span) == said


@pytest.mark.parametrize(
    ("said", "what", "command"),
    [
        ("x (t): nobody leads it: remediate incident change x --commander NAME", "x (t): nobody leads it.", "remediate incident change x --commander NAME"),
        ("It is late.", "It is late.", ""),
        ("x: damaged. See `remediate incident verify x`.", "x: damaged.", "remediate incident verify x"),
    ],
)  # fmt: skip
def test_the_command_is_taken_from_a_sentence_that_ends_with_it(said: str, what: str, command: str) -> None:
    item = from_sentence(said)
    assert (item.what, item.next) == (what, command)


@pytest.mark.parametrize("odd", EVIL)
def test_no_name_breaks_screen_page_or_table(odd: str) -> None:
    state = state_of(Item(odd, NOON, odd, "remediate doctor"), unknown=odd)
    state.sweep = SweepRecord(
        seen=Seen(at=NOON, scenes=1, broken=1, unseen=0),
        bad=(Bad(scene_id=odd, kind="broken", what=odd, since=NOON, stages={"usd": "missing"}),),
    )
    shown = list(sections(state, load_catalogue()))
    page = page_of(state, shown, odd)
    for tag in ("<script>alert", 'href="javascript', "<em>d"):
        assert tag not in page
    assert all(len(line.split(" | ")) == 3 for line in shown[0].table().splitlines())
    said = text(state)
    assert "\x1b" not in said
    assert "\x00" not in said
    assert page.count("<h2>") == len([one for one in shown if one.title])
