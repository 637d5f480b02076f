"""What a file gives, compared with what a server has of it: only the fields that the file gives."""

from __future__ import annotations

from typing import Any


def differing(wanted: Any, there: Any, where: str = "") -> list[str]:
    """Each field that differs, as `trigger.within is 60.0, not 90`. What the file leaves out, the server fills in."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        pairs = [(f"{where}.{key}".lstrip("."), value, there.get(key)) for key, value in wanted.items()]
    elif of_fields(wanted) and of_fields(there) and len(wanted) == len(there):
        pairs = [(f"{where}[{number}]", *both) for number, both in enumerate(zip(wanted, there, strict=True))]
    else:
        return [] if plain(wanted) == plain(there) else [f"{where} is {there}, not {wanted}"]
    return [said for place, ours, theirs in pairs for said in differing(ours, theirs, place)]


def of_fields(value: Any) -> bool:
    """Whether it is a list whose members have fields, in an order that counts, as actions are."""
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def plain(value: Any) -> Any:
    """A value as it is compared: the server gives sets in any order, and one label's only value with or without a list."""
    if isinstance(value, list):
        return sorted(map(str, value))
    return [value] if isinstance(value, str) else value
