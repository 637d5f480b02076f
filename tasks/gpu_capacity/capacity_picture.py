"""GPUs over time as a picture: how many there are, how many of them are used, and how many are waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import drawsvg as draw

from tasks.remediation.drawing import WIDTH, Picture, canvas, line, svg_of, words
from tasks.remediation.times import clock

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 260, 56, 24, 72, 36
GAP = timedelta(minutes=40)
"""Looks farther apart than this are not joined: what was between them nobody has seen (the schedule looks every 15 minutes)."""
MOMENT = 180
"""Pixels that the words of the first and the last moment need."""
LINES = (("there", "GPUs that are there"), ("used", "used"), ("waiting", "waited for"))
STYLE = """
.page{fill:#fff}.text{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#d1d9e0}
.there{stroke:#0969da;stroke-dasharray:7 3}.used{stroke:#1a7f37}.waiting{stroke:#cf222e;stroke-dasharray:2 3}
.there,.used,.waiting{fill:none;stroke-width:2.5}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#f0f6fc}.dim{fill:#9198a1}.line{stroke:#3d444d}
.there{stroke:#79c0ff}.used{stroke:#56d364}.waiting{stroke:#ff7b72}}
"""


class Look(Protocol):
    """What one look has seen; None of what it could not see."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def there(self) -> int | None:
        """GPUs of nodes that are ready."""

    @property
    def used(self) -> int | None:
        """GPUs of pods that run."""

    @property
    def waiting(self) -> int | None:
        """GPUs that pods wait for."""


def capacity_picture(title: str, looks: Sequence[Look]) -> Picture:
    """The picture. Looks must be in their order; there is at least one."""
    most = max([1, *(count for one in looks for count in (one.there, one.used, one.waiting) if count is not None)])
    alt = alt_text(looks)
    made = canvas(title, title, alt, STYLE, HEIGHT)
    made.extend(legend())
    made.extend(axes(looks[0].at, looks[-1].at, most))
    for name, _ in LINES:
        made.extend(curve(name, looks, most))
    return Picture(svg_of(made), alt)


def legend() -> Iterator[draw.DrawingElement]:
    """What each line is: told apart by dashes too, for whoever sees no colour."""
    for number, (name, said) in enumerate(LINES):
        x = LEFT + 190 * number
        yield line(name, x, 44, x + 28, 44)
        yield words(said, x + 34, 48, "dim")


def axes(first: datetime, last: datetime, most: int) -> Iterator[draw.DrawingElement]:
    """Lines at some counts and every few hours, and the first and the last moment."""
    for count in sorted({0, most // 2, most}):
        y = height_of(count, most)
        yield line("line", LEFT, y, WIDTH - RIGHT, y)
        yield words(str(count), LEFT - 8, y + 4, "dim", text_anchor="end")
    below = HEIGHT - 12
    for at in hours(first, last):
        x = across(at, first, last)
        yield line("line", x, TOP, x, HEIGHT - BOTTOM)
        if LEFT + MOMENT < x < WIDTH - RIGHT - MOMENT:  # else it would stand on the first or the last moment
            yield words(f"{at:%H:%M}", x, below, "dim", text_anchor="middle")
    yield words(clock(first), LEFT, below, "dim")
    if last > first:
        yield words(clock(last), WIDTH - RIGHT, below, "dim", text_anchor="end")


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """Every fourth full hour between two moments."""
    at = first.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at < last:
        if at.hour % 4 == 0:
            yield at
        at += timedelta(hours=1)


def curve(name: str, looks: Sequence[Look], most: int) -> Iterator[draw.DrawingElement]:
    """One line in steps, broken where nobody has looked or could see it."""
    for part in pieces(name, looks):
        points = [(across(one.at, looks[0].at, looks[-1].at), height_of(getattr(one, name), most)) for one in part]
        steps = draw.Path(class_=name).M(round(points[0][0], 1), round(points[0][1], 1))
        for x, y in points[1:]:
            steps.H(round(x, 1)).V(round(y, 1))
        yield steps if len(points) > 1 else steps.h(3)


def pieces(name: str, looks: Sequence[Look]) -> Iterator[list[Look]]:
    """The looks of one line, piece by piece as they are joined."""
    piece: list[Look] = []
    for one in looks:
        if piece and (getattr(one, name) is None or one.at - piece[-1].at > GAP):
            yield piece
            piece = []
        if getattr(one, name) is not None:
            piece.append(one)
    if piece:
        yield piece


def across(at: datetime, first: datetime, last: datetime) -> float:
    """Where a moment is across the picture."""
    whole = (last - first).total_seconds()
    return LEFT + ((at - first).total_seconds() / whole if whole > 0 else 0.0) * (WIDTH - LEFT - RIGHT)


def height_of(count: int, most: int) -> float:
    """Where a count is."""
    return HEIGHT - BOTTOM - count / most * (HEIGHT - BOTTOM - TOP)


def alt_text(looks: Sequence[Look]) -> str:
    """The same in words: the last look, and the most of each."""
    last, said = looks[-1], []
    for name, what in LINES:
        seen = [count for one in looks if (count := getattr(one, name)) is not None]
        now = getattr(last, name)
        said.append(f"{what}: {'not known' if now is None else now} now, {max(seen, default='not known')} at most")
    return f"{len(looks)} looks from {clock(looks[0].at)} to {clock(last.at)}. {'; '.join(said)}."
