"""JSON as Python's own parser reads it, and stricter: each text with the one thing that is wrong with it.

The readers that decide: the pipeline's jobs, which use `json.load` on UTF-8 text.
"""

from __future__ import annotations

import gzip

import pytest

from tasks.validation.documents.documents import MAX_DEPTH, MAX_READABLE_DEPTH, finite, parse_json, walk

RIGHT: dict[str, bytes] = {
    "an object": b'{"a": 1}', "a list": b"[]", "a word": b"null", "a text": b'"a"', "blanks around it": b" \r\n\t{} \n",
    "line ends of windows": b'{\r\n"a": 1\r\n}', "escapes": b'["\\u00e9\\n\\/\\"\\\\"]', "a surrogate pair": b'["\\ud83d\\ude00"]',
    "letters": '{"a": "Küche 杯 \u202e"}'.encode(), "a zero within a text": b'["\\u0000"]', "a delete character": b'["\x7f"]',
    "a small number": b"[1e-999]", "minus zero": b"[-0, -0.0]", "a long whole number": b"[" + b"9" * 308 + b"]",
    "a long fraction": b"[0." + b"1" * 5000 + b"]", "an empty key": b'{"": 1}', "the same key in two objects": b'[{"a": 1}, {"a": 2}]',
    "a page in a text": b'["<!doctype html>"]', "an error that is null": b'{"error": null, "status": "ok"}',
    "an error in a record": b'{"error": {"code": 1, "message": "x"}, "scene_id": "a"}', "an error among others": b'{"error": "x", "scene_id": "a"}', "NaN in a text": b'["NaN", "Infinity"]',
    "a key called NaN": b'{"NaN": 1}', "as deep as is looked": b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
}  # fmt: skip
WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b" \n", "object-empty"),
    "zeros": (bytes(20), "document-not-json"),
    "a comma at the end of an object": (b'{"a": 1,}', "document-not-json"),
    "a comma at the end of a list": (b"[1,]", "document-not-json"),
    "a comma too many": (b"[1,,2]", "document-not-json"),
    "no comma": (b'{"a": 1 "b": 2}', "document-not-json"),
    "single quotes": (b"{'a': 1}", "document-not-json"),
    "a bare key": (b"{a: 1}", "document-not-json"),
    "a comment": (b'{"a": 1} // note', "document-trailing-garbage"),
    "a comment before it": (b'# note\n{"a": 1}', "document-not-json"),
    "a word of python": (b'{"a": None}', "document-not-json"),
    "another word of python": (b'{"a": True}', "document-not-json"),
    "a plus": (b"[+1]", "document-not-json"),
    "a leading zero": (b"[01]", "document-not-json"),
    "a number that begins with a point": (b"[.5]", "document-not-json"),
    "a hexadecimal number": (b"[0x10]", "document-not-json"),
    "a line end in a text": (b'["a\nb"]', "document-not-json"),
    "an unknown escape": (b'["\\x41"]', "document-not-json"),
    "two documents": (b"{}{}", "document-trailing-garbage"),
    "two lines of documents": (b"{}\n{}\n", "document-trailing-garbage"),
    "zeros after it": (b'{"a": 1}' + bytes(8), "document-trailing-garbage"),
    "a bracket too many": (b'{"a": 1}}', "document-trailing-garbage"),
    "a mark of a merge": (b"<<<<<<< HEAD\n{}\n", "document-not-json"),
    "cut in a text": (b'{"a": "b', "document-truncated"),
    "cut after a colon": (b'{"a":', "document-truncated"),
    "cut after a comma": (b'{"a": 1,', "document-truncated"),
    "cut in a word": (b'{"a": tru', "document-truncated"),
    "cut before its last bracket": (b'{"a": [1, 2]', "document-truncated"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "document-has-bom"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "document-not-utf8"),
    "utf-32": ('{"a": 1}'.encode("utf-32-be"), "document-not-json"),
    "latin 1": ('{"a": "Küche"}'.encode("latin-1"), "document-not-utf8"),
    "half a surrogate pair": (b'["\\ud83d"]', "document-not-utf8"),
    "a letter cut in two": ('["Kü'.encode()[:-1], "document-not-utf8"),
    "packed": (gzip.compress(b"{}"), "document-compressed"),
    "NaN": (b'{"a": NaN}', "document-not-finite"),
    "infinity": (b"[-Infinity]", "document-not-finite"),
    "a number too large": (b"[1e309]", "document-not-finite"),
    "a whole number too large": (b"[" + b"9" * 309 + b"]", "document-not-finite"),
    "a number too long to be read": (b"[" + b"9" * 4301 + b"]", "document-not-json"),
    "a key twice": (b'{"a": 1, "a": 1}', "document-duplicate-key"),
    "a key twice deep within": (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "document-duplicate-key"),
    "a page": (b"<!DOCTYPE html><html></html>", "document-is-error-page"),
    "a page after blanks": (b"\n  <html>", "document-is-error-page"),
    "an answer of S3": (b"<?xml version='1.0'?><Error/>", "document-is-error-page"),
    "an answer of Google": (b'{"error": {"code": 404, "message": "No such object"}}', "document-is-error-page"),
    "a short answer": (b'{"error": "not found", "code": 404}', "document-is-error-page"),
    "one level too deep": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "document-not-looked-into"),
    "too deep for python": (b"[" * (MAX_READABLE_DEPTH + 1) + b"]" * (MAX_READABLE_DEPTH + 1), "document-nested-too-deep"),
}  # fmt: skip


@pytest.mark.parametrize("data", RIGHT.values(), ids=RIGHT)
def test_what_the_jobs_read_is_no_finding(data: bytes) -> None:
    document = parse_json(data)
    assert (document.usable, document.problems) == (True, [])


@pytest.mark.parametrize(("data", "code"), WRONG.values(), ids=WRONG)
def test_what_they_refuse_or_should_is_one_finding(data: bytes, code: str) -> None:
    assert [found.code for found in parse_json(data).problems] == [code]


@pytest.mark.parametrize(
    "code", ["document-has-bom", "document-trailing-garbage", "document-duplicate-key", "document-not-finite"]
)
def test_a_document_with_a_blemish_is_still_looked_into(code: str) -> None:
    data = next(text for text, one in WRONG.values() if one == code)
    assert parse_json(data).usable


def test_a_duplicated_key_has_the_value_that_python_takes() -> None:
    document = parse_json(b'{"a": 1, "b": 2, "a": 3, "a": 4}')
    assert document.value == {"a": 4, "b": 2}
    assert [found.path for found in document.problems] == [("a",), ("a",)]


@pytest.mark.parametrize(("value", "is_finite"), [
    (0, True), (-1.5, True), (2**1023, True), (2**1024, False), (-(2**1024), False), (float("inf"), False), (float("nan"), False),
    (True, True), ("NaN", True), (None, True),
])  # fmt: skip
def test_a_number_is_finite_when_a_float_holds_it(value: object, is_finite: bool) -> None:
    assert finite(value) is is_finite


def test_every_value_is_visited_with_its_place() -> None:
    value = {"a": [1, {"b": None}], "c": {}}
    assert list(walk(value)) == [
        ((), value), (("a",), [1, {"b": None}]), (("a", 0), 1), (("a", 1), {"b": None}), (("a", 1, "b"), None), (("c",), {}),
    ]  # fmt: skip
    assert list(walk(7)) == [((), 7)]
