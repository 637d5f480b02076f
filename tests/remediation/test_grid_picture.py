"""A grid of states is a picture that any browser draws, that is told in words, and that no name can break."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tasks.remediation.grid_picture import EDGE, LEFT, MOST_ROWS, OVERHANG, WIDEST, WIDTH, Row, State, grid, widths

SVG = "{http://www.w3.org/2000/svg}"
STATES = {"ok": State("✓", "good", "whole"), "gone": State("✗", "bad", "missing")}
ODD = ["<script>alert(1)</script>", 'a "b" & c', "火事 🔥 ünïcödé", "\x00\x0b\ud800 odd", "x" * 10_000, "]]>", ""]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_each_cell_has_the_colour_and_the_letter_of_its_state() -> None:
    root = parsed(grid("t", ["a", "b"], [Row("one", ("ok", "gone"))], STATES).svg)
    cells = [one.attrib["class"] for one in root.iter(f"{SVG}rect") if one.attrib["class"] != "page"]
    assert cells == ["good", "bad", "good", "bad"], "the legend, then the cells"
    assert [one.text for one in root.iter(f"{SVG}text")].count("✗") == 2


def test_an_empty_cell_is_not_drawn_and_a_label_stands_before_the_letter() -> None:
    root = parsed(grid("t", ["a", "b"], [Row("one", ("", "ok"), ("", "24"))], STATES).svg)
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert "24 ✓" in texts
    assert len(list(root.iter(f"{SVG}rect"))) == 3, "page, legend, one cell"


def test_it_is_told_in_words_with_the_bad_rows_by_name() -> None:
    picture = grid("Scenes", ["a"], [Row("one", ("ok",)), Row("two", ("gone",))], STATES)
    assert picture.alt == "Scenes: 1 whole, 1 missing. Bad: two."
    root = parsed(picture.svg)
    assert (root.get("role"), root.findtext(f"{SVG}desc")) == ("img", picture.alt)


def test_more_rows_than_anybody_reads_are_counted() -> None:
    picture = grid("t", ["a"], [Row(f"n{number}", ("gone",)) for number in range(MOST_ROWS + 5)], STATES, left_out=2)
    assert "7 more are not drawn here" in picture.svg
    assert f"n{MOST_ROWS}<" not in picture.svg


def test_a_state_that_is_not_known_is_drawn_and_told_as_it_is_called() -> None:
    picture = grid("t", ["a"], [Row("one", ("new_word",))], STATES)
    assert ">?<" in picture.svg
    assert "1 new_word" in picture.alt


def test_no_column_is_off_the_picture_however_many_there_are() -> None:
    root = parsed(grid("t", [f"stage-{n}" for n in range(30)], [Row("one", ("ok",) * 30)], STATES).svg)
    ends = [
        float(one.attrib["x"]) + float(one.attrib["width"])
        for one in root.iter(f"{SVG}rect")
        if one.get("class") != "page"
    ]
    assert max(ends) <= WIDTH - EDGE + 0.1


def test_names_that_do_not_fit_slant_and_have_room_beside_the_last_column() -> None:
    cell, slanting = widths(["a stage with a long name"] * 9)
    assert slanting
    assert LEFT + 9 * cell <= WIDTH - EDGE - OVERHANG + 0.1
    assert widths(["Mon"] * 7) == (WIDEST, False)
    assert widths([])[1] is False


@pytest.mark.parametrize("name", ODD)
def test_no_name_breaks_it(name: str) -> None:
    root = parsed(grid(name, [name], [Row(name, (name, "ok"), (name,))], STATES).svg)
    assert not list(root.iter(f"{SVG}script"))


def test_it_has_colours_for_light_and_for_dark_and_needs_nothing_from_outside() -> None:
    svg = grid("t", ["a"], [Row("one", ("ok",))], STATES).svg
    assert "prefers-color-scheme: dark" in svg
    assert svg.count("http") == 1, "only the namespace"
