"""Cloud Logging's query language, as much of it as people write (Google: "Logging query language").

Comparisons with = != > < >= <= : =~ !~, AND, OR (which binds tighter), NOT and -, parentheses, several values in
parentheses, and words that are looked for everywhere. A comparison with a field that is missing does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from deployments.sandbox.services.rpc import invalid

Entry = dict[str, Any]
Wanted = Callable[[Entry], bool]

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_TIMES = ("timestamp", "receiveTimestamp")
_TOKEN = re.compile(
    r"""\s+|--[^\n]*|(?P<sign>[<>!]=|=~|!~|[=<>:()])|(?P<text>"(?:\\.|[^"\\])*")|(?P<minus>-(?=[\w("]))"""
    r"""|(?P<word>(?:[\w$*+/@%-]|\.(?!\s)|"(?:\\.|[^"\\])*")+)"""
)
_NAMES = {"log_name": "logName", "json_payload": "jsonPayload", "text_payload": "textPayload", "insert_id": "insertId"}
_NOWHERE = object()


def parse_filter(text: str) -> Wanted:
    """What tells whether an entry, as the JSON of Google's REST API, is wanted. Raises Refusal INVALID_ARGUMENT."""
    try:
        reader = _Reader(list(_tokens(text)))
        wanted = reader.all_of() if reader.left else lambda _: True
        if reader.left:
            raise ValueError(f"unexpected '{reader.left[0]}'")
    except (ValueError, IndexError, re.error, RecursionError) as error:
        raise invalid(f"Unparseable filter: {error or 'it ends too early'}.") from None
    return wanted


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"syntax error at '{text[at : at + 20]}'")
        if found.lastgroup:
            yield found[0]
        at = found.end()


class _Reader:
    """A recursive descent over the tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens

    def all_of(self) -> Wanted:
        parts = [self._any_of()]
        while self.left and self.left[0] != ")":
            if self.left[0] == "AND":
                self.left.pop(0)
            parts.append(self._any_of())
        return lambda entry: all(part(entry) for part in parts)

    def _any_of(self) -> Wanted:
        parts = [self._one()]
        while self.left and self.left[0] == "OR":
            self.left.pop(0)
            parts.append(self._one())
        return lambda entry: any(part(entry) for part in parts)

    def _one(self) -> Wanted:
        token = self.left.pop(0)
        if token in ("NOT", "-"):
            inner = self._one()
            return lambda entry: not inner(entry)
        if token == "(":
            inner = self.all_of()
            self._expect(")")
            return inner
        if self.left and re.fullmatch(r"[<>!]=|=~|!~|[=<>:]", self.left[0]):
            return _comparison(_path(token), self.left.pop(0), self._values())
        if token in ("AND", "OR", ")") or re.fullmatch(r"[<>!]=|=~|!~|[=<>:]", token):
            raise ValueError(f"unexpected '{token}'")
        return _anywhere(_plain(token))

    def _values(self) -> list[str]:
        if self.left[0] != "(":
            return [_value(self.left.pop(0))]
        self.left.pop(0)
        values = [_value(self.left.pop(0))]
        while self.left[0] in ("OR", "AND"):
            if self.left.pop(0) == "AND":
                raise ValueError("values in parentheses are joined by OR here")
            values.append(_value(self.left.pop(0)))
        self._expect(")")
        return values

    def _expect(self, token: str) -> None:
        if self.left.pop(0) != token:
            raise ValueError(f"expected '{token}'")


def _value(token: str) -> str:
    if token in ("(", ")", "AND", "OR", "NOT") or re.fullmatch(r"[<>!]=|=~|!~|[=<>:]", token):
        raise ValueError(f"'{token}' is no value")
    return _plain(token)


def _plain(token: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", token[1:-1]) if token[:1] == '"' else token


def _path(token: str) -> list[str]:
    steps = [_plain(step) for step in re.findall(r'"(?:\\.|[^"\\])*"|[^."]+', token)]
    return [_NAMES.get(steps[0], steps[0]), *steps[1:]] if steps else [""]


def _comparison(path: list[str], sign: str, values: list[str]) -> Wanted:
    tests = [_test(path, sign, value) for value in values]

    def holds(entry: Entry) -> bool:
        found = _look(entry, path)
        each = found if isinstance(found, list) else [found]
        return found is not _NOWHERE and any(test(one) for test in tests for one in each)

    return holds


def _look(entry: Entry, path: list[str]) -> Any:
    value: Any = entry
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return "DEFAULT" if path == ["severity"] else _NOWHERE
        value = value[step]
    return value


def _test(path: list[str], sign: str, value: str) -> Callable[[Any], bool]:
    """Whether one found value fits."""
    if sign in ("=~", "!~"):
        pattern = re.compile(value)
        return lambda found: (pattern.search(_text(found)) is not None) is (sign == "=~")
    if sign == ":" and value == "*":
        return lambda found: True
    if sign == ":":
        return lambda found: (
            value.casefold() in (json.dumps(found) if isinstance(found, dict) else _text(found)).casefold()
        )
    if path == ["severity"]:
        wanted = _rank(value)
        return lambda found: _ordered(_rank(found), sign, wanted)
    if len(path) == 1 and path[0] in _TIMES:
        moment = _time(value)
        return lambda found: _ordered(_time(found).timestamp(), sign, moment.timestamp())
    return lambda found: _compared(found, sign, value)


def _compared(found: Any, sign: str, value: str) -> bool:
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        try:
            return _ordered(found, sign, float(value))
        except ValueError:
            return False
    return _ordered(_text(found).casefold(), sign, value.casefold())


def _ordered(found: Any, sign: str, wanted: Any) -> bool:
    signs: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda one, other: one == other,
        "!=": lambda one, other: one != other,
        ">": lambda one, other: one > other,
        "<": lambda one, other: one < other,
        ">=": lambda one, other: one >= other,
        "<=": lambda one, other: one <= other,
    }
    return signs[sign](found, wanted)


def _rank(word: str) -> int:
    if word.upper() not in SEVERITIES:
        raise ValueError(f"'{word}' is no severity")
    return SEVERITIES.index(word.upper())


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' is a time without a zone")
    return moment


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _anywhere(word: str) -> Wanted:
    def look(value: Any) -> bool:
        if isinstance(value, dict):
            return any(look(one) for one in value.values())
        if isinstance(value, list):
            return any(look(one) for one in value)
        return word.casefold() in _text(value).casefold()

    return look
