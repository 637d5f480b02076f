"""The picture: bars in parts of the timeout, one line for all timeouts, light and dark, in words, and safe."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from blocks.service_levels import ServiceLevels
from tasks.remediation.drawing import clean, in_markdown
from tasks.runtime_report.picture import MOST_ROWS, SCALE, alt_text, cut, drawn, percentiles_svg, place
from tests.runtime_report.test_proposals import step

SERVICE = ServiceLevels()
SVG = "{http://www.w3.org/2000/svg}"


def parsed(*steps: Any) -> ElementTree.Element:
    return ElementTree.fromstring(percentiles_svg("A title", steps, SERVICE))


def bars(root: ElementTree.Element) -> dict[str, tuple[float, float]]:
    """The parts of the bars, without the legend: where each begins and ends."""
    found = {}
    for one in root.iter(f"{SVG}rect"):
        if one.get("class") in ("p50", "p90", "p99") and one.get("height") == "18":
            x, width = float(one.attrib["x"]), float(one.attrib["width"])
            found[one.attrib["class"]] = (x, x + width)
    return found


def test_a_bar_ends_where_its_percentiles_are_of_the_timeout() -> None:
    found = bars(parsed(step(p50=900.0, p90=1800.0, p99=2700.0)))
    assert found["p50"] == (pytest.approx(place(0), abs=0.1), pytest.approx(place(0.25), abs=0.1))
    assert found["p90"][1] == pytest.approx(place(0.5), abs=0.1)
    assert found["p99"] == (pytest.approx(place(0.5), abs=0.1), pytest.approx(place(0.75), abs=0.1))


def test_the_timeout_is_one_line_through_all_rows() -> None:
    root = parsed(step(), step(job="k", timeout=60.0, p50=1.0, p90=2.0, p95=3.0, p99=4.0))
    lines = [re.findall(r"[\d.]+", one.attrib["d"]) for one in root.iter(f"{SVG}path") if one.get("class") == "limit"]
    assert [(float(x1), float(x2)) for x1, _, x2, _ in lines[1:]] == [(pytest.approx(place(1), abs=0.1),) * 2]


def test_a_run_far_beyond_its_timeout_stays_in_the_picture() -> None:
    found = bars(parsed(step(p50=1800.0, p90=3600.0, p99=90_000.0)))
    assert found["p99"][1] == pytest.approx(place(SCALE), abs=0.1)


def test_a_step_without_a_timeout_has_no_bar_and_says_so() -> None:
    root = parsed(step(timeout=None, usage_p95=None))
    assert bars(root) == {}
    assert "no timeout known" in "".join(root.itertext())


def test_a_step_in_trouble_is_told_in_words_and_not_by_its_colour_alone() -> None:
    text = " ".join(parsed(step(timed_out=3, failed=7)).itertext())
    assert "3 timed out, 7 failed" in text


def test_it_is_light_and_dark_and_needs_nothing_from_outside() -> None:
    svg = percentiles_svg("A title", [step()], SERVICE)
    assert "@media (prefers-color-scheme: dark)" in svg
    assert re.findall(r"(?:href|src|url)\s*[=(]", svg) == []
    assert re.findall(r"https?://\S+", re.sub(r'xmlns(:\w+)?="[^"]*"', "", svg)) == []


def test_it_is_told_in_words_for_who_does_not_see_it() -> None:
    root = parsed(step())
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert words is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert words.text == alt_text([step()])
    assert (
        "j in w (3600 s): P50 1,700 s, P90 1,750 s, P95 1,800 s, P99 1,850 s, P95 uses 50 % of the timeout"
        in alt_text([step()])
    )


def test_names_are_text_whatever_they_hold() -> None:
    root = parsed(step(job='<script>"&', workflow="a\x00b"))
    assert '<script>"&' in "".join(root.itertext())
    assert [one.tag for one in root.iter() if "script" in one.tag] == []


def test_the_steps_that_use_most_are_drawn_in_their_order_and_the_rest_is_said() -> None:
    many = [step(job=f"j{number}", usage_p95=number / 100) for number in range(MOST_ROWS + 5)]
    rows, left_out = drawn(many)
    assert ([one.job for one in rows], left_out) == ([f"j{number}" for number in range(5, MOST_ROWS + 5)], 5)
    assert "5 more steps are in the table" in "".join(parsed(*many).itertext())
    assert alt_text(many).endswith("5 more steps are in the table.")


def test_without_steps_it_says_that_nothing_is_known() -> None:
    assert "No duration is known." in "".join(parsed().itertext())
    assert alt_text([]) == "No duration is known."


def test_long_names_are_cut() -> None:
    assert (cut("a" * 42), cut("a" * 43)) == ("a" * 42, f"{'a' * 41}…")


def test_in_markdown_it_is_one_line_with_its_words() -> None:
    line = in_markdown("a [b]\n(c) \\", "<svg/>")
    assert line == "![a b (c)](data:image/svg+xml;base64,PHN2Zy8+)"


@pytest.mark.parametrize(
    ("text", "said"), [("a<b>&\"'", "a<b>&\"'"), ("a\x00\ud800b", "a\ufffd\ufffdb"), ("ü\n\tb", "ü  b")]
)
def test_text_is_what_xml_may_hold_in_one_line(text: str, said: str) -> None:
    assert clean(text) == said
