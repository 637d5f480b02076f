"""How an image is said to a person."""

from __future__ import annotations


def shown(image: str) -> str:
    """An image as a person knows it: its last name, and the beginning of its digest."""
    name, _, digest = image.rpartition("/")[2].partition("@")
    return f"{name}@{digest[:19]}" if digest else name
