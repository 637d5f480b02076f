"""Entries about what was wrong: one when it is found, one when it is right again."""

from __future__ import annotations

from pydantic import AwareDatetime

from tasks.incidents.said import Said


class Fault(Said):
    """One thing that was found to be wrong, told once for an incident."""

    kind = "fault"
    row: str
    subject: str
    scenes: tuple[str, ...] = ()
    object: str = ""
    """`gs://bucket/name#generation` of what is wrong, where it is an object."""
    began_at: AwareDatetime | None = None
    """As what was seen tells; None: it does not."""

    @property
    def key(self) -> str:
        """By which it is known again."""
        return f"{self.row}|{self.subject}"


class Mended(Said):
    """One of them is right again."""

    kind = "mended"
    row: str
    subject: str
    ended_at: AwareDatetime
    exact: bool = False
    """Its service says when; else it was right when somebody looked, and may have been before."""

    @property
    def key(self) -> str:
        """That of its fault."""
        return f"{self.row}|{self.subject}"
