"""Showing untrusted values to people: short, on one line, without control characters."""

from __future__ import annotations

import json
from collections.abc import Sequence

MAX_SHOWN = 80
"""Characters of a value that are shown."""


def show(value: object, limit: int = MAX_SHOWN) -> str:
    """`value` as it stands in JSON, at most `limit` characters, all of them printable ASCII."""
    if isinstance(value, str) and len(value) > limit * 2:
        value = value[: limit * 2]
    try:
        text = json.dumps(value, default=str) if not isinstance(value, (dict, list)) else _outline(value)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: str, limit: int = 200) -> str:
    """`text` without control characters or halves of surrogate pairs, at most `limit` characters."""
    cleaned = "".join(c if c.isprintable() else "?" for c in text[:limit])
    return cleaned if len(text) <= limit else f"{cleaned}…"


def sentence(text: object, limit: int = 200) -> str:
    """What a library said, fit to be the end of a sentence: one line, without a full stop of its own."""
    return plain(" ".join(str(text).split()), limit).rstrip(" .:;") or type(text).__name__


def json_path(parts: Sequence[str | int]) -> str:
    """`$.objects[3].transform` for `("objects", 3, "transform")`."""
    return "$" + "".join(_step(part) for part in parts)


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() and len(part) <= MAX_SHOWN else f"[{show(part)}]"


def _outline(value: dict[object, object] | list[object]) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object with " + (", ".join(show(str(key), 20) for key in list(value)[:4]) or "nothing in it")
