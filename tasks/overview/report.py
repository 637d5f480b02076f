"""The overview for people and programs: sections of an artifact and a page, text for a terminal, plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from blocks.catalogue import Catalogue
from tasks.backup.calendar import calendar
from tasks.overview.state import NOTHING, TITLES, CheckPage, Item, Part, State
from tasks.recovery.stage_map import stage_map
from tasks.remediation.latest_page import CHECKS
from tasks.remediation.report import Section, counted
from tasks.remediation.run_page import link
from tasks.remediation.table import Cell
from tasks.remediation.times import one_line

MOST = 20
"""Items of a part that are shown; all are counted, and `--json` has them all."""
LONGEST = 300
"""Characters of a sentence that are shown."""
COMMAND = 2000
"""Characters of a command: people copy it, so none is cut that can be."""
MARKS = {True: "**!**", False: "·"}
"""Whether a person must act. Plain characters: not every machine has pictures for others."""


def sentence(state: State) -> str:
    """All of it in one line."""
    names = ("broken", "being mended", "held or paused", "overdue")
    counts = [f"{len(part.items)} {name}" for name, part in zip(names, state.parts.values(), strict=False)]
    more = f"; {counted(len(state.unknown), 'thing')} unknown" if state.unknown else ""
    return f"{', '.join(counts)}{more}"


def sections(state: State, catalogue: Catalogue) -> Iterator[Section]:
    """A section a part, and the pictures."""
    for name, part in state.parts.items():
        yield Section(heading(name, part), said(name, part), tuple(row(item, state.at) for item in part.items[:MOST]))
    if state.sweep is not None and any(one.stages for one in state.sweep.bad):
        scenes = [(one.scene_id, one.stages) for one in state.sweep.bad if one.kind == "broken"]
        yield stage_map("Where the broken scenes stand", scenes, list(catalogue.stages))
    if state.nights is not None:
        yield calendar(state.nights, state.at)
    if state.pages:
        yield Section(
            "Pages of the checks", "Of each the newest.", tuple(page_row(one, state.at) for one in state.pages)
        )


def page_row(one: CheckPage, now: datetime) -> dict[str, Cell]:
    """A check, when its page was written, and where it is."""
    when = f"{one.at:%Y-%m-%d %H:%M} UTC ({ago(now - one.at)})"
    return {"check": markup(one.check), "seen": when, "page": link("open", one.bucket, one.name)}


def heading(name: str, part: Part) -> str:
    """`Broken: 2`."""
    if name == "proved" or not (part.items or part.unknown):
        return TITLES[name]
    return f"{TITLES[name]}: {len(part.items) or 'unknown'}"


def said(name: str, part: Part) -> str:
    """What stands above the table: what is unknown, that there is nothing, and what was looked at."""
    unknown = [f"**Unknown:** {markup(one.what)}{f' Next: `{one.next}`' if one.next else ''}" for one in part.unknown]
    none = [] if part.items or part.unknown else [NOTHING[name]]
    left = [f"{len(part.items) - MOST} more are not shown: `remediate status --json`"] if len(part.items) > MOST else []
    return "\n\n".join([*none, *map(markup, part.notes), *unknown, *left])


def row(item: Item, now: datetime) -> dict[str, Cell]:
    """One line of the table: three columns, so that each is readable on any screen."""
    return {
        "what": f"{MARKS[item.acts]} {markup(one_line(item.what, LONGEST))}",
        "since, whose": f"{since(item, now)}; {markup(item.whose) or 'nobody'}",
        "next": f"`{one_line(item.next, COMMAND)}`" if item.next else "–",
    }


def markup(text: str) -> str:
    """Text that makes no markup of its own: names of objects and reasons of people are shown as they are."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>#":
        line = line.replace(mark, f"\\{mark}")
    return line


def since(item: Item, now: datetime) -> str:
    """`2026-06-01 12:00 UTC (3 h ago)`."""
    if item.since is None:
        return "since when is unknown"
    return f"{item.since:%Y-%m-%d %H:%M} UTC ({ago(now - item.since)})"


def ago(span: timedelta) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 d ago`; of what is still to come, `in 5 min`."""
    minutes = int(abs(span.total_seconds()) // 60)
    if minutes < 1:
        return "just now"
    size = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return f"{size} ago" if span > timedelta() else f"in {size}"


def text(state: State, width: int = 100) -> str:
    """The screen for a terminal."""
    lines: list[str] = []
    for name, part in state.parts.items():
        lines += ["", heading(name, part).upper()]
        lines += [] if part.items or part.unknown else [f"  {NOTHING[name]}"]
        lines += [f"  {note}" for note in part.notes]
        for item in part.items[:MOST]:
            lines += paragraph(item, state.at, width)
        lines += [f"  {len(part.items) - MOST} more: see --json"] if len(part.items) > MOST else []
        for one in part.unknown:
            lines += wrapped(f"? Unknown: {one_line(one.what)}", width, "  ", 2)
            lines += [f"    Next: {one.next}"] if one.next else []
    lines += page_lines(state, width)
    lines += ["", f"{state.at:%Y-%m-%d %H:%M:%S} UTC: {sentence(state)}"]
    return "\n".join(map(clean, lines)).lstrip("\n")


def page_lines(state: State, width: int) -> list[str]:
    """Where the pages of the checks are, and of when the newest of each is: a line or two of a terminal."""
    if not state.pages:
        return []
    newest = ", ".join(f"{one.check} {one.at:%d} ({ago(state.at - one.at)})" for one in state.pages)
    where = f"gs://{state.pages[0].bucket}/{CHECKS}<check>/<day>.html"
    return ["", "PAGES OF THE CHECKS", f"  {where}", *wrapped(newest, width, "  ", 0)]


def paragraph(item: Item, now: datetime, width: int) -> Iterator[str]:
    """One item: what, since when and whose, and what next."""
    yield from wrapped(f"{'!' if item.acts else '-'} {one_line(item.what, LONGEST)}", width, "  ", 2)
    yield from wrapped(f"{since(item, now)}; {item.whose or 'nobody'}", width, "    ", 0)
    if item.next:
        yield f"    Next: {one_line(item.next, COMMAND)}"


def clean(line: str) -> str:
    """A line that does nothing to a terminal."""
    return "".join(char if char.isprintable() else " " for char in line)


def wrapped(line: str, width: int, indent: str, hang: int) -> list[str]:
    """Lines of that width. Commands are not wrapped: people copy them."""
    wrapper = textwrap.TextWrapper(max(width, 40), break_on_hyphens=False, break_long_words=False)
    wrapper.initial_indent, wrapper.subsequent_indent = indent, indent + " " * hang
    return wrapper.wrap(line)


def as_data(state: State) -> dict[str, Any]:
    """Everything as plain data, with keys that stay. `null` is unknown."""
    return {
        "at": f"{state.at:%Y-%m-%dT%H:%M:%SZ}",
        "summary": sentence(state),
        "parts": [
            {
                "part": name,
                "items": [item_data(item) for item in part.items],
                "unknown": [{"what": one.what, "next": one.next} for one in part.unknown],
                "notes": part.notes,
            }
            for name, part in state.parts.items()
        ],
        "pages": [
            {"check": one.check, "at": f"{one.at:%Y-%m-%dT%H:%M:%SZ}", "page": f"gs://{one.bucket}/{one.name}"}
            for one in state.pages
        ],
    }


def item_data(item: Item) -> dict[str, Any]:
    """One item."""
    at = f"{item.since:%Y-%m-%dT%H:%M:%SZ}" if item.since is not None else None
    subjects = list(item.subjects)
    return {
        "what": item.what,
        "since": at,
        "whose": item.whose,
        "next": item.next,
        "acts": item.acts,
        "subjects": subjects,
    }
