"""A report as one HTML file that needs nothing from outside: no script, no font, no picture that is not in it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from tasks.remediation.report import Section

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

STYLE = """
:root{color-scheme:light dark;--text:#1f2328;--page:#fff;--line:#d1d9e0;--dim:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--text:#f0f6fc;--page:#0d1117;--line:#3d444d;--dim:#151b23}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere;min-width:5rem}th{background:var(--dim);overflow-wrap:normal}
code{background:var(--dim);padding:.1em .3em;border-radius:.25rem;overflow-wrap:anywhere}
pre{background:var(--dim);padding:.6rem;white-space:pre-wrap}a{color:inherit}
blockquote{margin:.5rem 0;padding:.1rem 1rem;border-left:4px solid #cf222e}blockquote p{margin:.2rem 0}
figure{margin:1rem 0}svg{max-width:100%;height:auto}
h1{line-height:1.2;overflow-wrap:anywhere}h2{margin-top:2rem;border-bottom:1px solid var(--line)}
"""


def html_page(title: str, markdown: str, mark: str, picture: str) -> str:
    """Markdown as a page; where the line `mark` stands, the picture (SVG) is drawn."""
    render = renderer()
    before, _, after = markdown.partition(f"\n{mark}\n")
    return document(title, f"{render.render(before)}<figure>{picture}</figure>{render.render(after)}")


def sections_page(title: str, head: str, sections: Iterable[Section]) -> str:
    """A page of the sections that an artifact shows, below a few lines of Markdown; their pictures are drawn in it."""
    render = renderer()
    parts = [render.render(head)]
    for one in sections:
        parts.append(render.render(one.heading()))
        if one.picture is not None:
            parts.append(f"<figure>{one.picture.svg}</figure>")
        parts.append(render.render(one.table()))
    return document(title, "\n".join(filter(None, parts)))


def renderer() -> MarkdownIt:
    """Raw HTML in the Markdown stays text, links other than to web pages and mail are not made, and no picture is loaded."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def document(title: str, body: str) -> str:
    """The whole file."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(" ".join(title.split()))}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )
