"""What pictures of reports share: a page with its title and its words, text, and how a picture is put into Markdown.

Drawn with drawsvg. A picture needs nothing from outside, is light and dark, and is told in words, so it can be opened from the
bucket, put into a page, and read aloud.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import drawsvg as draw

WIDTH = 960
"""Pixels."""


def clean(text: str) -> str:
    """Text that XML may hold, in one line; drawsvg escapes it."""
    return re.sub(r"[^\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "\ufffd", re.sub(r"[\t\r\n]", " ", text))


def canvas(title: str, heading: str, alt: str, style: str, height: int) -> draw.Drawing:
    """An empty page with a heading.

    Args:
        title: What the picture is called for whoever does not see it.
        heading: What stands above it.
        alt: The same as the picture, in words.
        style: Rules of CSS by class.
        height: Pixels.
    """
    name = f"p{sha256((title + alt).encode('utf-8', 'replace')).hexdigest()[:12]}"  # several in one page have their own words
    named = {"role": "img", "aria_labelledby": f"{name}-title {name}-words"}
    made = draw.Drawing(WIDTH, height, **named, font_family="system-ui,sans-serif", font_size=12)
    made.append(draw.Raw(f'<title id="{name}-title">{escape(clean(title))}</title>'))
    made.append(draw.Raw(f'<desc id="{name}-words">{escape(clean(alt))}</desc>'))
    made.append_css(style)
    made.append(draw.Rectangle(0, 0, WIDTH, height, class_="page"))
    made.append(words(heading, 24, 24, "text", font_size=15, font_weight=600))
    return made


def words(text: str, x: float, y: float, kind: str, *, font_size: float | None = None, **more: Any) -> draw.Text:
    """A line of text of that class."""
    return draw.Text(clean(text), font_size, round(x, 1), round(y, 1), class_=kind, **more)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> draw.Line:
    """A line of that class."""
    return draw.Line(round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1), class_=kind)


def box(kind: str, x: float, y: float, width: float, height: float, **more: Any) -> draw.Rectangle:
    """A filled rectangle of that class."""
    return draw.Rectangle(round(x, 1), round(y, 1), round(width, 1), round(height, 1), class_=kind, **more)


def svg_of(made: draw.Drawing) -> str:
    """The picture as text, without the name space of links, which it has none of."""
    return str(made.as_svg(header="")).replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1) + "\n"


def in_markdown(alt: str, svg: str) -> str:
    """The picture as a line of Markdown that needs no other file; the Prefect UI shows it, and removes an inline `<svg>`."""
    said = re.sub(r"[\[\]\\\s]+", " ", alt).strip()
    return f"![{said}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that needs nothing from outside, and the same in words."""

    svg: str
    alt: str

    def markdown(self) -> str:
        """As a line of Markdown."""
        return in_markdown(self.alt, self.svg)
