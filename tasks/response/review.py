"""The post-incident report: written from the record alone, as Markdown, as one HTML file, and the timeline as a picture.

    remediation/incidents/<id>/report/000042.md      .html and .svg likewise; 42: how many entries it tells of

A report is created once; after more entries the next one has another name. What the record does not say is `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from blocks.errors import OutsideError, PreconditionFailed
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import ROOT, Incident
from tasks.incidents.verify import keeps_history, verify_incident
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.page import html_page
from tasks.remediation.report import Section
from tasks.remediation.table import Cell
from tasks.remediation.timeline_picture import timeline_svg
from tasks.remediation.times import UNKNOWN, clock, one_line
from tasks.response.before_after import before_after
from tasks.response.in_force import in_force
from tasks.response.timeline import Event, events
from tasks.response.times import began_at, between, measures

PICTURE = "{picture}"
"""Where the picture goes: a link in Markdown, the drawing itself in HTML."""


def write_review(context: Context, incident: Incident, now: datetime | None = None) -> str:
    """Write the report of what the record has now; the name of its Markdown in the ops bucket.

    Raises `OutsideError`, `LedgerDamaged`.
    """
    environment, at = context.environment, now or datetime.now(UTC)
    name = report_name(incident)
    markdown, picture = report_of(context, incident, at)
    files = {
        "svg": (picture, "image/svg+xml"),
        "html": (html_page(incident.first.title, markdown, PICTURE, picture), "text/html; charset=utf-8"),
        "md": (with_link(markdown, incident, f"{name.rpartition('/')[2]}.svg"), "text/markdown; charset=utf-8"),
    }
    for ending, (text, kind) in files.items():
        with suppress(PreconditionFailed):  # the same entries were told already: that report stays
            environment.storage.create(environment.ops_bucket, f"{name}.{ending}", text.encode(), content_type=kind)
    return f"{name}.md"


def report_name(incident: Incident) -> str:
    """Where the report of so many entries is, without its ending."""
    return f"{ROOT}{incident.id}/report/{len(incident.case.entries):06d}"


def newest_report(context: Context, incident: Incident) -> str:
    """Where the last report that was written is, without its ending; empty: none was.

    The record may have grown since: by a person's note, or by a page that was sent.
    """
    environment = context.environment
    found = environment.storage.list(environment.ops_bucket, f"{ROOT}{incident.id}/report/")
    return max((one.name.removesuffix(".md") for one in found if one.name.endswith(".md")), default="")


def report_of(context: Context, incident: Incident, now: datetime) -> tuple[str, str]:
    """The report's Markdown, with `PICTURE` where the picture goes, and the picture."""
    rows, unknown = before_after(context.environment, incident)
    ran = Section("How it ran before and after", bullets(unknown), tuple(rows)) if rows or unknown else None
    report = markdown_of(incident, now, paused(context, incident), proof(context, incident), ran)
    return report, picture_of(incident)


def with_link(markdown: str, incident: Incident, picture: str) -> str:
    """The report with a link to its picture."""
    return markdown.replace(f"\n{PICTURE}\n", f"\n![{alt_of(incident)}]({picture})\n", 1)


def picture_of(incident: Incident) -> str:
    """The timeline as SVG."""
    return timeline_svg(incident.first.title, events(incident))


def alt_of(incident: Incident) -> str:
    """What the picture shows, in a few words; the table below it has all of them."""
    return f"Timeline of {incident.id}: {len(incident.case.entries)} entries, as listed below"


def paused(context: Context, incident: Incident) -> list[str]:
    """What is still in force, or that it could not be asked."""
    try:
        return in_force(context, incident) or ["Nothing."]
    except (OutsideError, LedgerDamaged) as error:
        return [f"Unknown: {error}"]


def proof(context: Context, incident: Incident) -> list[str]:
    """Whether record and evidence are what was written."""
    try:
        problems = verify_incident(context, incident.id)
        weak = (
            ""
            if keeps_history(context)
            else (" The bucket keeps no history, so entries that were removed from the end would not show.")
        )
    except (OutsideError, LedgerDamaged) as error:
        return [f"Unknown: {error}"]
    entries, last = len(incident.case.entries), incident.case.last_hash
    whole = f"The record is one unbroken chain of {entries} entries; the SHA-256 of the last is {last}."
    return problems or [f"{whole} Every file of evidence has the SHA-256 that the record has.{weak}"]


def markdown_of(
    incident: Incident, now: datetime, still: Sequence[str], proved: Sequence[str], ran: Section | None = None
) -> str:
    """The report. A function of the record and of what was asked at `now`."""
    told = events(incident)
    parts = [
        f"# {text(incident.first.title)}",
        summary(incident, now),
        Section(
            "How long it took",
            rows=tuple({"what": one.name, "time": one.words, "how": one.how} for one in measures(incident)),
        ).document(),
        f"## Timeline\n\n{PICTURE}\n\nAll times are UTC.",
        Section("", rows=tuple(map(event_row, told))).document(),
        Section("Causes", bullets(causes(incident))).document(),
        *(
            [Section("What was wrong", rows=tuple(map(fault_row, incident.faults))).document()]
            if incident.faults
            else []
        ),
        Section("What was done", rows=tuple(action_rows(incident)) or ({"what": "nothing is recorded"},)).document(),
        *([ran.document()] if ran else []),
        Section("Still in force", bullets(still)).document(),
        Section("To do", bullets(follow_ups(incident))).document(),
        Section("Evidence", rows=tuple(evidence_rows(incident)) or ({"file": "none was captured"},)).document(),
        Section("Whether this can be trusted", bullets(proved)).document(),
    ]
    return "\n\n".join(parts) + "\n"


def summary(incident: Incident, now: datetime) -> str:
    """What it is, and how it stands."""
    first = incident.first
    rows: list[dict[str, Cell]] = [
        {"what": "incident", "is": incident.id},
        {"what": "state", "is": f"{incident.status}, at {clock(now)}"},
        {"what": "severity", "is": first.severity},
        {"what": "area", "is": first.area},
        {"what": "scope", "is": text(first.scope.words())},
        {"what": "led by", "is": text(first.commander) or "nobody"},
        {"what": "talked about at", "is": text(first.channel) or UNKNOWN},
        {"what": "began", "is": clock(began_at(incident))},
        {"what": "declared", "is": clock(incident.declared_at)},
        {"what": "acknowledged", "is": clock(incident.acknowledged_at)},
        {"what": "resolved", "is": clock(incident.resolved_at) if incident.resolved else "not yet"},
        {"what": "how it ended", "is": text(incident.resolved.how) if incident.resolved else "not yet"},
    ]
    return Section("", rows=tuple(rows)).document()


def event_row(one: Event) -> dict[str, Cell]:
    """One line of the timeline; when it was told later than it was, that is said."""
    late = "" if one.at == one.written else f" (written {clock(one.written)})"
    return {
        "#": one.number,
        "time": f"{clock(one.at).removesuffix(' UTC')}",
        "who": text(one.actor),
        "what": f"{text(one.what)}{late}",
    }


def action_rows(incident: Incident) -> list[dict[str, Cell]]:
    """Procedures and what people did."""
    return [
        {
            "at": clock(at).removesuffix(" UTC"),
            "what": text(one.procedure),
            "on": text(one.subject),
            "outcome": one.outcome,
            "seconds": f"{one.seconds:.1f}",
            "run": one.run or "-",
            "told": text(one_line(one.sentence)),
        }
        for at, one in incident.actions
    ]


def evidence_rows(incident: Incident) -> list[dict[str, Cell]]:
    """Every file with its checksum."""
    return [
        {"file": one.name.rpartition("/")[2], "bytes": f"{one.bytes:,}", "SHA-256": one.sha256, "what": one.what}
        for one in incident.evidence
    ]


def causes(incident: Incident) -> list[str]:
    """The likeliest first, then what could not be asked."""
    found = incident.diagnosis
    if found is None:
        return ["Unknown: nobody has looked."]
    return [*(found.causes or ("Unknown: none was found.",)), *(f"Not known: {one}" for one in found.unknown)]


def fault_row(one: tuple[Fault, Mended | None]) -> dict[str, Cell]:
    """One fault from its beginning to its end."""
    fault, end = one
    ended = "not seen to be right again" if end is None else f"{'' if end.exact else 'by '}{clock(end.ended_at)}"
    lasted_ = between("", fault.began_at, end.ended_at if end else None, "it began", "it ended")
    return {
        "what": fault.row,
        "of": text(fault.subject),
        "began": clock(fault.began_at),
        "ended": ended,
        "lasted": f"{'' if end is None or end.exact or lasted_.seconds is None else 'at most '}{lasted_.words}",
    }


def follow_ups(incident: Incident) -> list[str]:
    """What is left to do."""
    listed = [f"{one.text} - {one.owner or 'nobody'}, by {clock(one.due)}" for one in incident.follow_ups]
    return listed or ["Nothing is recorded."]


def bullets(sentences: Sequence[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {text(one_line(one, 1000))}" for one in sentences)


def text(said: str) -> str:
    """Words of people, which Markdown must not take for its own marks."""
    plain = " ".join(said.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#!" else sign for sign in plain)
