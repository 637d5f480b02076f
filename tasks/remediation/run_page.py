"""The report of a run as one HTML file, kept beside its journal; of the same sections as its artifact.

    remediation/pages/<subject>/<run>/000042.html      42: how many entries of the journal it tells of

A page is created once. A run that is continued gets another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from blocks.errors import OutsideError, PreconditionFailed
from tasks.remediation.drawing import Picture
from tasks.remediation.journal import Journal
from tasks.remediation.ledger import Entry
from tasks.remediation.outcome import GOOD, read_word
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section, closing, counted, run_head
from tasks.remediation.run import Run
from tasks.remediation.timeline_picture import alt_text, drawn, timeline_svg

ROOT = "remediation/pages/"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of a journal, for the picture."""

    at: datetime
    kind: str
    what: str


def keep_page(run: Run, sections: Iterable[Section]) -> str:
    """Write the page of a run that has begun.

    Returns:
        A line of Markdown that says where it is, or why there is none; empty for a run that was not begun: what only
        looks or plans writes nothing.
    """
    if not run.begun:
        return ""
    environment, name = run.context.environment, page_name(run)
    page = sections_page(f"{run.subject}: {run.outcome}", run_head(run), [*sections, timeline(run), *closing(run)])
    try:
        with suppress(PreconditionFailed):  # it tells of the same entries
            environment.storage.create(environment.ops_bucket, name, page.encode(), content_type=HTML)
    except OutsideError as error:
        return f"This report could not be kept as a page: {error}"
    return f"{link('This report as a page', environment.ops_bucket, name)}, with the timeline of the run."


def page_name(run: Run) -> str:
    """Where the page of so many entries is."""
    return f"{ROOT}{run.subject}/{run.id}/{len(run.journal.entries):06d}.html"


def link(words: str, bucket: str, name: str) -> str:
    """An object as a link for whoever is signed in to the console, and as an address for `gcloud storage`."""
    return f"[{words}](https://storage.cloud.google.com/{bucket}/{name}) (`gs://{bucket}/{name}`)"


def timeline(run: Run) -> Section:
    """The journal as a picture."""
    found = list(events(run.journal))
    title = f"{run.procedure} of {run.subject}"
    rows, left_out = drawn(found)
    return Section(
        "Timeline",
        f"{counted(len(found), 'entry').replace('entrys', 'entries')} of the journal, times in UTC.",
        picture=Picture(timeline_svg(title, found), alt_text(title, rows, left_out)),
    )


def events(journal: Journal) -> Iterator[Happened]:
    """What a run did, by its journal."""
    for entry in journal.entries:
        kind, what = told(entry)
        yield Happened(entry.at, kind, what)


def told(entry: Entry) -> tuple[str, str]:
    """The kind of an entry for the picture's colours, and what it says."""
    data, step = entry.data, entry.data.get("step")
    match entry.kind:
        case "begin":
            return "begin", f"begun by {entry.actor}: {data.get('reason') or 'no reason was given'}"
        case "intent":
            return "intent", f"{step}: {number_of(data.get('actions'))} begun"
        case "outcome":
            return "outcome", f"{step}: {number_of(data.get('results'))} done"
        case "end":
            word = read_word(str(data.get("outcome", "failed")))
            reasons = data.get("reasons")
            why = f": {reasons[0]}" if isinstance(reasons, list) and reasons else ""
            return "outcome" if word in GOOD else "failed", f"ended: {word}{why}"
    said = [f"{name} {value}" for name, value in data.items() if name != "action" and isinstance(value, str | int)]
    return "noted", f"{data.get('action', entry.kind)}: {', '.join(said) or 'noted'}"


def number_of(listed: object) -> str:
    """How many actions a step had."""
    return counted(len(listed) if isinstance(listed, list | dict) else 0, "action")
