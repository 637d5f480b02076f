"""Strict, bounded JSON: what Python's own parser lets pass (NaN, doubled keys, 1e400) is reported with its place.

Bounds: `MAX_DOCUMENT_BYTES` and `MAX_DEPTH`. A document over either is not looked into, which is not a damage. Every
step takes time in proportion to the length of the text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice

from tasks.validation.documents.quoting import json_path, show

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
"""A scene of 10,000 objects has a manifest of about 20 MB."""
MAX_DEPTH = 100
"""Levels of nesting; the pipeline's own documents have fewer than 12."""
MAX_READABLE_DEPTH = 900
"""Levels that Python's own parser, with which the pipeline's jobs read, gets through."""
MAX_PROBLEMS = 50
"""Problems of one kind that are listed for one document."""

Path = tuple[str | int, ...]

_GZIP = b"\x1f\x8b"
_SUSPECT_NUMBER = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}|(?<!\d)\d{200}")
"""With at most two digits of exponent it takes 200 others to be infinite."""
_SUSPECT_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_BRACKETS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_ERROR_ANSWER = {"error", "code", "message", "status"}
_TEXT_START = re.compile(r'["\\]')
_CUT_WORD = re.compile(r"|-|\.|[eE][+-]?|t(ru?)?|f(a(ls?)?)?|n(ul?)?")
_PAGE = re.compile(r"\s*<(?:!doctype|html|\?xml|head|body|error)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """Something wrong with a document as such."""

    code: str
    message: str
    path: Path = ()


@dataclass
class Document:
    """A parsed document. `usable` is False when there is no value to look into."""

    value: object = None
    usable: bool = False
    problems: list[Problem] = field(default_factory=list)
    doubled: bool = False
    """Whether some object in it has a key more than once."""

    def broken_paths(self) -> set[Path]:
        """Where numbers are not finite; other checks need not complain there again."""
        return {problem.path for problem in self.problems if problem.code == "document-not-finite"}


class _Doubled(dict[str, object]):
    """An object in which a key stood more than once."""

    names: tuple[str, ...] = ()


def parse_json(data: bytes) -> Document:
    """Parse one JSON text; never raises on what it holds."""
    document = Document()
    if data.startswith(_GZIP):
        document.problems.append(
            Problem(
                "document-compressed", "it is stored gzip-compressed, and the pipeline's jobs read the compressed bytes"
            )
        )
        return document
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        document.problems.append(Problem("document-not-utf8", f"byte {error.start} is not UTF-8 text"))
        return document
    if text.startswith("\ufeff"):
        document.problems.append(Problem("document-has-bom", "the text begins with a byte order mark"))
        text = text[1:]
    if not text.strip():
        document.problems.append(Problem("object-empty", "there is nothing in it but blanks"))
        return document
    if _depth(data) <= MAX_DEPTH or (depth := _exact_depth(text)) <= MAX_DEPTH:
        _decode(text, document)
    elif depth <= MAX_READABLE_DEPTH:
        message = f"it is nested {depth} levels deep; only documents of up to {MAX_DEPTH} are looked into"
        document.problems.append(Problem("document-not-looked-into", message))
    else:
        document.problems.append(_too_deep())
    if document.usable:
        _look_inside(data, document)
    return document


def walk(value: object) -> Iterator[tuple[Path, object]]:
    """Every value inside `value` with its place, itself first, without recursion and without holding more than one way
    down in memory."""
    yield (), value
    path: list[str | int] = []
    way = [_inside(value)]
    while way:
        for key, item in way[-1]:
            yield (*path, key), item
            if isinstance(item, dict | list) and item:
                path.append(key)
                way.append(_inside(item))
                break
        else:
            way.pop()
            del path[-1:]


def _inside(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        return ((str(key), item) for key, item in value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def finite(value: object) -> bool:
    """Whether a number is one that a 64-bit float can hold."""
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            return False
        return True
    return not isinstance(value, float) or math.isfinite(value)


def _decode(text: str, document: Document) -> None:
    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        if len(plain := dict(found)) == len(found):
            return plain
        document.doubled = True
        return _doubled(found)

    decoder = json.JSONDecoder(object_pairs_hook=pairs)
    start = len(text) - len(text.lstrip())
    try:
        document.value, end = decoder.raw_decode(text, start)
    except RecursionError:
        document.problems.append(_too_deep())
        return
    except ValueError as error:
        document.problems.append(_malformed(text, error))
        return
    document.usable = True
    rest = text[end:].strip()
    if rest:
        message = f"after the document ends at character {end}, more follows: {show(rest, 40)}"
        document.problems.append(Problem("document-trailing-garbage", message))


def _malformed(text: str, error: ValueError) -> Problem:
    if _PAGE.match(text):
        return Problem("document-is-error-page", "it is a web page, not JSON")
    if not isinstance(error, json.JSONDecodeError):
        return Problem("document-not-json", "it holds a number of more than 4,300 digits")
    where = f"line {error.lineno}, column {error.colno}"
    if error.msg.startswith("Unterminated string") or _CUT_WORD.fullmatch(text[error.pos : error.pos + 8].rstrip()):
        return Problem("document-truncated", f"it ends before it is complete (in what begins at {where})")
    return Problem("document-not-json", f"it is not JSON: {error.msg} at {where}")


def _doubled(pairs: list[tuple[str, object]]) -> _Doubled:
    doubled, seen, names = _Doubled(dict(pairs)), set[str](), []
    for name, _ in pairs:
        if name in seen:
            names.append(name)
        seen.add(name)
    doubled.names = tuple(names)
    return doubled


def _look_inside(data: bytes, document: Document) -> None:
    if _SUSPECT_ESCAPE.search(data) and not _has_text_only(document.value):
        document.problems.append(Problem("document-not-utf8", "a text in it holds half of a surrogate pair"))
        document.usable = False
        return
    if document.doubled:
        document.problems.extend(islice(_doubled_keys(document.value), MAX_PROBLEMS))
    if _SUSPECT_NUMBER.search(data):
        document.problems.extend(islice(_not_finite(document.value), MAX_PROBLEMS))
    if isinstance(document.value, dict) and _is_error_answer(document.value):
        document.problems.append(Problem("document-is-error-page", "it is a server's error answer, not the document"))
        document.usable = False


def _is_error_answer(value: dict[str, object]) -> bool:
    """`{"error": {"code": 404, …}}` as Google's services answer; a status file with `"error": null` is none."""
    error = value.get("error")
    if not set(value) <= _ERROR_ANSWER:
        return False
    return (isinstance(error, dict) and bool({"code", "message", "status", "errors"} & set(error))) or (
        isinstance(error, str) and isinstance(value.get("code", value.get("status")), int)
    )


def _doubled_keys(value: object) -> Iterator[Problem]:
    for path, item in walk(value):
        if isinstance(item, _Doubled):
            for name in item.names:
                place = json_path(path) if path else "the document"
                yield Problem("document-duplicate-key", f"{show(name)} stands more than once in {place}", (*path, name))


def _not_finite(value: object) -> Iterator[Problem]:
    for path, item in walk(value):
        if isinstance(item, int | float) and not finite(item):
            yield Problem("document-not-finite", f"{_number(item)} is not a finite number", path)


def _number(item: int | float) -> str:
    return f"a number of {item.bit_length()} bits" if isinstance(item, int) else json.dumps(item)


def _has_text_only(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _depth(data: bytes) -> int:
    """The deepest nesting; brackets within texts count too, so it may be off."""
    brackets = data.translate(None, delete=_NOT_BRACKETS)
    return max(accumulate(map(_BRACKETS.__getitem__, brackets)), default=0)


def _exact_depth(text: str) -> int:
    """The deepest nesting outside of texts. A text that does not end hides the rest, as it does from a parser."""
    parts, place = [], 0
    while (start := text.find('"', place)) >= 0:
        parts.append(text[place:start])
        place = _end_of_text(text, start + 1)
    return _depth("".join([*parts, text[place:]]).encode())


def _end_of_text(text: str, place: int) -> int:
    while found := _TEXT_START.search(text, place):
        if found.group() == '"':
            return found.end()
        place = found.end() + 1
    return len(text)


def _too_deep() -> Problem:
    return Problem("document-nested-too-deep", "it is nested so deep that Python's own parser refuses it")
