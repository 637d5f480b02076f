"""Texts that stages write for people and models: README files and prompts. No job refuses a damaged one."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.validation.documents.documents import MAX_DOCUMENT_BYTES, Problem
from tasks.validation.files.pieces import Pieces
from tasks.validation.files.strangers import HEAD_BYTES, stranger

NOTES = (".md", ".txt")


def note_problems(pieces: Pieces) -> Iterator[Problem]:
    """What is wrong with such a text. One that somebody has cut off is still a text, so that cannot be seen."""
    head = pieces.at(0, HEAD_BYTES)
    if other := stranger(head, text=True):
        yield Problem("file-not-what-it-says", f"it is {other}")
    elif other := stranger(head):
        yield Problem("text-odd", f"it is {other}")
    elif pieces.size <= MAX_DOCUMENT_BYTES:
        try:
            pieces.at(0, pieces.size).decode("utf-8")
        except UnicodeDecodeError as error:
            yield Problem("text-odd", f"byte {error.start:,} is not UTF-8 text")
