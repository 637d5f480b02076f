"""What pictures of reports share: text that SVG may hold, and how a picture is put into Markdown."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape


def printable(text: str) -> str:
    """Text that XML may hold."""
    return escape(re.sub(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "\ufffd", text))


def described(title: str, alt: str) -> tuple[str, str]:
    """The attribute by which a picture is called by its title and its words, and the elements that hold both.

    Their ids are of what they say: several pictures in one page each have their own words.
    """
    name = f"p{sha256((title + alt).encode('utf-8', 'replace')).hexdigest()[:12]}"
    elements = f'<title id="{name}-title">{printable(title)}</title><desc id="{name}-words">{printable(alt)}</desc>'
    return f'aria-labelledby="{name}-title {name}-words"', elements


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
