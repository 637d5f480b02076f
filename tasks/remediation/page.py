"""A report as one HTML file that needs nothing from outside: no script, no font, no picture that is not in it."""

from __future__ import annotations

from html import escape

STYLE = """
:root{color-scheme:light dark;--text:#1f2328;--page:#fff;--line:#d1d9e0;--dim:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--text:#f0f6fc;--page:#0d1117;--line:#3d444d;--dim:#151b23}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:62rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}th,td{border:1px solid var(--line);padding:.3rem .6rem;
text-align:left;vertical-align:top;overflow-wrap:break-word}th{background:var(--dim);white-space:nowrap}
figure{margin:0}svg{max-width:100%;height:auto}
h1{line-height:1.2;overflow-wrap:anywhere}
"""


def html_page(title: str, markdown: str, mark: str, picture: str) -> str:
    """Markdown as a page; where the line `mark` stands, the picture (SVG) is drawn.

    Raw HTML in the Markdown stays text, and links other than to web pages and mail are not made.
    """
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    before, _, after = markdown.partition(f"\n{mark}\n")
    body = f"{renderer.render(before)}<figure>{picture}</figure>{renderer.render(after)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(" ".join(title.split()))}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )
