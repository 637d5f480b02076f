"""Reading untrusted JSON values without ever raising: what is not of the wanted kind is simply not there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tasks.validation.documents.documents import finite
from tasks.validation.documents.quoting import show

Vector = tuple[float, ...]


def number(value: object) -> float | None:
    """A finite number, else None. True and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not finite(value):
        return None
    return float(value)


def text(value: object) -> str | None:
    """A text, else None."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> dict[str, object]:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """A list, else an empty one."""
    return value if isinstance(value, list) else []


def at(value: object, *keys: str) -> object:
    """The value under nested keys, None when one of them is not there."""
    for key in keys:
        value = mapping(value).get(key)
    return value


def vector(value: object, size: int = 3) -> Vector | None:
    """A list of `size` finite numbers, else None."""
    if not isinstance(value, list) or len(value) != size:
        return None
    return _all_numbers(value)


def named_vector(value: object, names: Sequence[str] = "xyz") -> Vector | None:
    """An object's finite numbers under `names`, else None."""
    return _all_numbers([mapping(value).get(name) for name in names])


def entries(value: object, *keys: str) -> Iterator[tuple[int, dict[str, object]]]:
    """The objects in the list under nested keys, with their places in it."""
    for index, item in enumerate(sequence(at(value, *keys))):
        if isinstance(item, dict):
            yield index, item


def identifier(value: object) -> str | None:
    """An id as text; whole numbers count as ids, as in older layouts."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if finite(value) else None
    return text(value)


def entry_name(value: object, path: tuple[str | int, ...]) -> str:
    """The id of the list entry that `path` leads into, as the beginning of a message; empty when there is none."""
    if len(path) < 2 or not isinstance(value, dict) or not isinstance(path[1], int):
        return ""
    listed = sequence(value.get(str(path[0])))
    entry = mapping(listed[path[1]]) if path[1] < len(listed) else {}
    name = next((entry[key] for key in ("id", "asset_id") if key in entry), None)
    return "" if name is None else f"object {show(name, 40)}: "


def distance(one: Vector, other: Vector) -> float:
    """How far apart two points are."""
    return math.dist(one, other)


def length(one: Vector) -> float:
    """The Euclidean length."""
    return math.hypot(*one)


def close(one: float, other: float, tolerance: float = 1e-6) -> bool:
    """Whether two numbers agree within a part of their size."""
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def coordinates(vector_: Vector) -> str:
    """A point for a message."""
    return "(" + ", ".join(f"{part:.4g}" for part in vector_) + ")"


def _all_numbers(values: Sequence[object]) -> Vector | None:
    found = [number(value) for value in values]
    return tuple(part for part in found if part is not None) if None not in found else None
