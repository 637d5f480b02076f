"""Names of objects: how long they may be, and what stands for one that leaves no room for what must stand around it."""

from __future__ import annotations

import hashlib

LONGEST = 1024
"""Bytes of an object's name in UTF-8 (Cloud Storage: "Object names")."""
_HASHED = len("+sha256-") + 64


def fitting(before: str, name: str, after: str) -> str:
    """`before`, the name, `after`: the name whole if all of it fits, else its beginning and the SHA-256 of all of it.

    The same name always gives the same, and two names never do. What stands around it is under 900 bytes.
    """
    room = LONGEST - len(before.encode()) - len(after.encode())
    return f"{before}{shortened(name, room)}{after}"


def shortened(name: str, longest: int) -> str:
    """The name in at most `longest` bytes (more than 72)."""
    whole = name.encode()
    if len(whole) <= longest:
        return name
    beginning = whole[: longest - _HASHED].decode(errors="ignore")
    return f"{beginning}+sha256-{hashlib.sha256(whole).hexdigest()}"
