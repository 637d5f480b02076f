"""JSON from outside, read strictly in one place: what gets past here has a bounded depth and only clean text."""

from __future__ import annotations

from typing import Any

import orjson

MAX_DEPTH = 32
"""Levels of nesting. A log entry of Google has about ten; deeper ones are made to hurt whoever walks them."""
MAX_TEXT = 1500
"""Characters of one value that is kept. An object's name has 1,024 bytes at most, a summary of Monitoring about 500."""


class Undecodable(ValueError):
    """What came is not what its sender promises. Sending it again will not help; the message says why in one sentence."""


def parse(body: bytes) -> Any:
    """The JSON value of `body`.

    Raises `Undecodable` for anything that is not JSON in UTF-8 (lone surrogates included) or is nested too deeply.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("It is not JSON in UTF-8.") from error
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Undecodable(f"It is nested more than {MAX_DEPTH} levels deep.")
        level = [inner for outer in level for inner in _inside(outer)]
    return value


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    return [inner for inner in value if isinstance(inner, dict | list)] if isinstance(value, list) else []


def table(value: Any, what: str) -> dict[str, Any]:
    """`value`, which must be a JSON object. Raises `Undecodable`."""
    if not isinstance(value, dict):
        raise Undecodable(f"{what} is not a JSON object.")
    return value


def optional_table(value: Any, what: str) -> dict[str, Any]:
    """`value`, which must be a JSON object if it is there at all. Raises `Undecodable`."""
    return {} if value is None else table(value, what)


def text(value: Any, what: str) -> str:
    """`value`, which must be a string that is neither empty nor too long. Raises `Undecodable`."""
    if not isinstance(value, str):
        raise Undecodable(f"{what} is not a string.")
    if not 0 < len(value) <= MAX_TEXT:
        raise Undecodable(f"{what} has {len(value)} characters; it needs 1 to {MAX_TEXT}.")
    return value


def clean(value: Any, what: str) -> str:
    """`value`, which must be such a string and can be shown in a list and made part of an id. Raises `Undecodable`."""
    if not text(value, what).isprintable():
        raise Undecodable(f"{what} holds characters that cannot be printed.")
    return str(value)
