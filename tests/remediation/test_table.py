"""Rows fit the narrowest place that shows them: as a table, else as a list that says the same."""

from __future__ import annotations

import pytest

from tasks.remediation.table import LETTER, PADDING, PIXELS, entry, fitted, fitting, rows_of, table, width

LONG = "A sentence that is longer than forty letters, and so has a line of its own."


def test_a_table_that_fits_stays_one_and_a_letter_more_makes_it_a_list() -> None:
    letters = (PIXELS - 2 * PADDING) // LETTER - len("b")
    fits = [{"a": "x" * letters, "b": ""}]
    assert width(fits) <= PIXELS
    assert fitting(fits) == table(fits)
    assert fitting([{"a": "x" * (letters + 1), "b": ""}]) == f"- {'x' * (letters + 1)}"


def test_the_widest_cell_of_a_column_counts_its_name_too_and_a_link_by_its_words() -> None:
    assert width([{"ab": "x"}, {"ab": "xyz"}]) == PADDING + 3 * LETTER
    assert width([{"a name": "x"}]) == PADDING + 6 * LETTER
    assert width([{"a": "[here](https://example.com/a/long/address)"}]) == PADDING + 4 * LETTER


def test_no_rows_are_nothing() -> None:
    assert (fitting([]), table([])) == ("", "")


def test_an_entry_begins_with_the_first_value_then_the_short_ones_then_each_long_one_on_its_line() -> None:
    row = {"level": "error", "what": LONG, "code": "a-code", "nothing": "", "number": 0, "next": LONG}
    assert entry(row) == f"- **error** · code: a-code · number: 0\n  - what: {LONG}\n  - next: {LONG}"


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        (f"# {LONG}", f"- \\# {LONG}"),
        (f"> {LONG}", f"- \\> {LONG}"),
        (f"- {LONG}", f"- \\- {LONG}"),
        (f"1. {LONG}", f"- 1\\. {LONG}"),
        (f"{LONG}\n\n# A heading", f"- {LONG}  # A heading"),
        (f"! {LONG}", f"- ! {LONG}"),
        (f"**!** {LONG}", f"- **!** {LONG}"),
        (f"2.5 {LONG}", f"- 2.5 {LONG}"),
        (f"### {LONG}", f"- \\### {LONG}"),
    ],
)
def test_what_leads_an_entry_begins_nothing_else(first: str, shown: str) -> None:
    assert entry({"a": first}) == shown


def test_every_value_of_a_wide_row_is_in_its_entry() -> None:
    row = {f"column {number}": f"value-{number}-{'x' * number}" for number in range(60)}
    assert all(value in entry(row) for value in row.values())


def test_of_a_document_only_the_tables_that_do_not_fit_are_changed() -> None:
    small, wide = [{"a": "1|2", "b": ""}, {"a": "", "b": "x"}], [{"a": "one", "b": LONG * 2, "c": "x | y"}]
    parts = ["# A title", table(small), "Some words | and more", table(wide), "- an end"]
    assert fitted("\n\n".join(parts)) == "\n\n".join([*parts[:3], entry(rows_of(table(wide))[0]), parts[4]])
    assert rows_of(table(small)) == small


def test_words_that_only_look_like_a_table_are_left_as_they_are() -> None:
    assert fitted("| somebody's words |\n\n| and\n| more") == "| somebody's words |\n\n| and\n| more"


def test_a_row_whose_first_value_is_empty_begins_with_the_next() -> None:
    assert entry({"#": "", "target": "and 5 more"}) == "- target: and 5 more"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b"])
def test_a_cell_cannot_break_its_table(end: str) -> None:
    assert table([{"a": f"one|two{end}three"}]).splitlines()[2:] == ["| one\\|two three |"]
    assert entry({"a": f"one{end}two"}) == "- **one two**"
