"""What pictures of reports share: text that SVG may hold, and how a picture is put into Markdown."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from html import escape


def printable(text: str) -> str:
    """Text that XML may hold."""
    return escape(re.sub(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "\ufffd", text))


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
