"""JSON from outside has a bounded depth and only clean text, or it is not taken."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.receiver.strict import MAX_DEPTH, MAX_TEXT, Undecodable, clean, parse, table, text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"NaN",
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"\xed\xa0\x80",
        b"[" * 100_000,
        b"[" * 2000 + b"]" * 2000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_what_is_no_json_or_made_to_hurt_is_not_taken(body: bytes) -> None:
    with pytest.raises(Undecodable):
        parse(body)


def test_depth_is_counted_exactly() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(Undecodable, match="nested"):
        parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_many_branches_are_read_in_a_moment() -> None:
    assert len(parse(b"[" + b",".join([b"[[[{}]]]"] * 20_000) + b"]")) == 20_000


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], ["a"], {}, "", "x" * (MAX_TEXT + 1)])
def test_a_text_is_a_string_of_some_length(value: Any) -> None:
    with pytest.raises(Undecodable, match="The id"):
        text(value, "The id")


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "\u202ea", "\x1b[31m", "a\u2028b", "\ud800"])
def test_what_becomes_part_of_an_id_or_a_list_can_be_printed(value: str) -> None:
    assert text(value, "The name") == value
    with pytest.raises(Undecodable, match="cannot be printed"):
        clean(value, "The name")


@pytest.mark.parametrize("value", ["a", "ü", "日本", "x" * MAX_TEXT, "[Blueprint] Job failed > 3 %"])
def test_every_other_text_is_taken_as_it_is(value: str) -> None:
    assert clean(value, "The name") == value


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_a_table_is_a_json_object(value: Any) -> None:
    with pytest.raises(Undecodable, match="The message is not a JSON object"):
        table(value, "The message")
