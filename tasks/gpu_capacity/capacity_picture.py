"""GPUs over time as a picture: how many there are, how many of them are used, and how many are waited for.

SVG of plain text like the timeline of a run: it needs nothing from outside, is light and dark, and is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tasks.remediation.drawing import Picture, described, printable
from tasks.remediation.times import clock

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 260, 56, 24, 72, 36
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
    first, last = looks[0].at, looks[-1].at
    most = max([1, *(count for one in looks for count in (one.there, one.used, one.waiting) if count is not None)])
    alt = alt_text(looks)
    named, words = described(title, alt)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'{named} font-family="system-ui,sans-serif" font-size="12">',
        words,
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="text" x="24" y="24" font-size="15" font-weight="600">{printable(title)}</text>',
        *legend(),
        *axes(first, last, most),
        *(part for name, _ in LINES for part in curve(name, looks, most)),
        "</svg>",
    ]
    return Picture("\n".join(body) + "\n", alt)


def legend() -> Iterator[str]:
    """What each line is: told apart by dashes too, for whoever sees no colour."""
    for number, (name, words) in enumerate(LINES):
        x = LEFT + 190 * number
        yield f'<line class="{name}" x1="{x}" y1="44" x2="{x + 28}" y2="44"/>'
        yield f'<text class="dim" x="{x + 34}" y="48">{words}</text>'


def axes(first: datetime, last: datetime, most: int) -> Iterator[str]:
    """Lines at some counts and every few hours, and the first and the last moment."""
    for count in sorted({0, most // 2, most}):
        y = height_of(count, most)
        yield f'<line class="line" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield f'<text class="dim" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{count}</text>'
    y = HEIGHT - 12
    for at in hours(first, last):
        x = across(at, first, last)
        yield f'<line class="line" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}"/>'
        if LEFT + MOMENT < x < WIDTH - RIGHT - MOMENT:  # else it would stand on the first or the last moment
            yield f'<text class="dim" x="{x:.1f}" y="{y}" text-anchor="middle">{at:%H:%M}</text>'
    yield f'<text class="dim" x="{LEFT}" y="{y}">{clock(first)}</text>'
    if last > first:
        yield f'<text class="dim" x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{clock(last)}</text>'


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """Every fourth full hour between two moments."""
    at = first.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at < last:
        if at.hour % 4 == 0:
            yield at
        at += timedelta(hours=1)


def curve(name: str, looks: Sequence[Look], most: int) -> Iterator[str]:
    """One line in steps, broken where nobody has looked or could see it."""
    for part in pieces(name, looks):
        points = [(across(one.at, looks[0].at, looks[-1].at), height_of(getattr(one, name), most)) for one in part]
        steps = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
        yield f'<path class="{name}" d="{steps}h{3 if len(points) == 1 else 0}"/>'


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
    for name, words in LINES:
        seen = [count for one in looks if (count := getattr(one, name)) is not None]
        now = getattr(last, name)
        said.append(f"{words}: {'not known' if now is None else now} now, {max(seen, default='not known')} at most")
    return f"{len(looks)} looks from {clock(looks[0].at)} to {clock(last.at)}. {'; '.join(said)}."
