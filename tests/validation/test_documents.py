"""Strict JSON within bounds, times, paths and the table of codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.validation.documents.documents import parse_json, walk
from tasks.validation.documents.quoting import json_path, plain, show
from tasks.validation.documents.schemas import errors, rule
from tasks.validation.documents.times import parse_time
from tasks.validation.finding_codes import CODES
from tests.validation.scene_builder import INVENTORY, LAYOUT, MANIFEST, dump, healthy, report_of

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_text_python_writes_is_parsed_to_the_same_value(value: object) -> None:
    document = parse_json(json.dumps(value).encode())
    if document.usable:
        assert json.dumps(document.value) == json.dumps(value)
    assert document.usable or document.problems


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    document = parse_json(data)
    assert document.usable or document.problems


@pytest.mark.parametrize("length", range(1, 60))
def test_every_beginning_of_a_document_is_reported_as_cut_off(length: int) -> None:
    text = '{"a": [1.5e3, -2, true, null], "b": {"c": "d\\n"}, "e": false}'
    assert [problem.code for problem in parse_json(text[:length].encode()).problems] == ["document-truncated"]


def test_every_place_of_a_number_that_is_not_finite_is_named() -> None:
    data = b'{"a": [1, NaN, {"b": -Infinity}], "c": 1e999, "d": "NaN"}'
    assert [problem.path for problem in parse_json(data).problems] == [("a", 1), ("a", 2, "b"), ("c",)]


@pytest.mark.parametrize("number", ["9" * 250 + "e99", "1e309", "1E+0400", "9" * 400, "-" + "9" * 309 + ".0"])
def test_a_number_that_no_float_holds_is_not_finite_however_it_is_written(number: str) -> None:
    assert [one.code for one in parse_json(f'{{"a": {number}}}'.encode()).problems] == ["document-not-finite"]


@pytest.mark.parametrize("number", ["1234567890123456789012345", "1e308", "0." + "0" * 400 + "1", "9" * 300, "1e-999"])
def test_a_number_that_a_float_holds_is_good_however_long(number: str) -> None:
    assert parse_json(f'{{"a": {number}}}'.encode()).problems == []


def test_a_document_deeper_than_is_looked_into_is_not_called_damaged() -> None:
    assert [one.code for one in parse_json(b"[" * 300 + b"]" * 300).problems] == ["document-not-looked-into"]
    assert [one.code for one in parse_json(b"[" * 3000 + b"]" * 3000).problems] == ["document-nested-too-deep"]


@pytest.mark.parametrize("text", [b'{"error": null, "status": "ok"}', b'{"error": "", "code": "x"}', b'{"error": {}}'])
def test_a_record_that_has_no_error_is_no_error_page(text: bytes) -> None:
    assert parse_json(text).problems == []


@pytest.mark.parametrize("part", ['\\"', "[", '["', "NaN,", "9" * 299 + ","])
def test_a_megabyte_of_anything_is_parsed_in_one_pass(part: str) -> None:
    assert parse_json(b'["' + part.encode() * (1024**2 // len(part))).problems


def test_brackets_within_texts_do_not_count_as_nesting() -> None:
    assert parse_json(json.dumps({"a": "[" * 5000}).encode()).problems == []


def test_walking_a_value_needs_no_recursion() -> None:
    value: object = 1
    for _ in range(50_000):
        value = [value]
    assert sum(1 for _ in walk(value)) == 50_001


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-01-18T09:30:00Z", 9),
        ("2026-01-18T09:30:00.123456", 9),
        ("2026-01-18T09:30:00+02:00", 7),
        ("Completed at 2026-01-18T09:30:00Z", 9),
        ("completed at 2026-01-18 09:30:00", 9),
    ],
)
def test_a_time_is_read_in_utc_whatever_its_form(text: str, hour: int) -> None:
    found = parse_time(text)
    assert found is not None
    assert (found.hour, found.tzinfo) == (hour, UTC)


@pytest.mark.parametrize("text", ["", "noon", None, 5, "2026-13-45T09:30:00Z", [], datetime(2026, 1, 1)])
def test_what_is_no_time_is_none(text: object) -> None:
    assert parse_time(text) is None


def test_values_are_shown_short_and_on_one_line() -> None:
    assert len(show("x" * 10_000)) <= 80
    assert show({"a": 1}) == 'an object with "a"'
    assert plain("a\x1b[31m\n\ud800") == "a?[31m??"
    assert json_path(("objects", 3, "lerobot/meta", "x")) == '$.objects[3]["lerobot/meta"].x'


@pytest.mark.parametrize("name", ["scene_manifest", "scene_manifest_values", "layout", "inventory", "scene_graph"])
def test_a_schema_is_compiled_once(name: str) -> None:
    assert rule(name) is rule(name)


def test_a_missing_field_is_reported_at_its_own_place() -> None:
    found = list(errors("scene_manifest", {"version": "1.0.0", "scene_id": "a", "scene": {}, "objects": []}))
    assert {error.path for error in found} == {("scene", "coordinate_frame"), ("scene", "meters_per_unit")}


def test_a_breach_far_down_a_long_list_is_found_at_its_own_place() -> None:
    manifest = json.loads(healthy("regen3d")[MANIFEST])
    manifest["objects"] = [manifest["objects"][0]] * 4999 + [{}]
    found = {error.path for error in errors("scene_manifest", manifest)}
    assert ("objects", 4999, "id") in found
    assert {path[1] for path in found} == {4999}


def test_every_code_is_in_the_documentation_with_its_severity() -> None:
    page = PAGE.read_text("utf-8")
    for code, kind in CODES.items():
        assert f"| `{code}` | {kind.severity} |" in page


def test_every_code_says_what_to_do_in_one_sentence() -> None:
    for code, kind in CODES.items():
        assert kind.fix.endswith("."), code
        assert kind.meaning.endswith("."), code


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from([MANIFEST, LAYOUT, INVENTORY, "geniesim/scene_graph.json", "geniesim/job.json"]),
    where=st.integers(0, 10_000),
    value=JSON,
)
def test_no_value_anywhere_makes_the_validator_raise_or_write_bad_json(path: str, where: int, value: object) -> None:
    scene = {p: data for p, data in healthy().items() if not p.endswith((".usda", ".usdz"))}
    document = json.loads(scene[path])
    places = [place for place, _ in walk(document) if place]
    *above, last = places[where % len(places)]
    holder = document
    for key in above:
        holder = holder[key]
    holder[last] = value
    scene[path] = dump(document)
    report = report_of(scene)
    text = json.dumps(report.to_json(), allow_nan=False)
    text.encode("utf-8")
    wrong = {finding.stage for finding in report.findings if finding.severity == "error"}
    assert wrong == {n for n, s in report.stages.items() if s in ("corrupt", "missing", "stale", "failed")}
