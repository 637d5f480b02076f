"""The page of what only looked or planned: its report as one HTML file in the ops bucket, replaced by the next of its kind.

    remediation/checks/<check>/<day of the month>.html     the last look of that day; a month later another takes its place
    remediation/plans/<procedure>/<subject>.html           the last plan that was only shown

So there are 31 pages of a check and one of a procedure and a subject at most. What is replaced stays a former version for a
week (deployments/production/terraform/buckets.tf). Runs that have begun keep a page of each (`run_page`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError, PreconditionFailed
from tasks.remediation.check import Findings
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section, closing, plan_markdown, run_head
from tasks.remediation.run import Run
from tasks.remediation.run_page import HTML, keep_page, link

CHECKS, PLANS = "remediation/checks/", "remediation/plans/"


def keep_report(run: Run, sections: Iterable[Section]) -> str:
    """Write the page of a run: its own when it has begun, else that of its check, or of its plan that was only shown.

    Returns:
        A line of Markdown that says where it is, or why there is none; empty where nothing was seen that is worth a page.
    """
    if run.begun:
        return keep_page(run, sections)
    if isinstance(run.facts, Findings) and run.facts.page:
        return run.facts.page
    now = datetime.now(UTC)
    if (name := latest_name(run, now)) is None:
        return ""
    shown = (
        [] if run.plan is None else [Section("", plan_markdown(run.plan).partition("\n\n")[2])]
    )  # its sentence is above
    page = sections_page(f"{run.subject}: {run.outcome}", head(run, now), [*shown, *sections, *closing(run)])
    lasts = "until its next plan" if shown else f"the last look of {now:%d %B}"
    return put(run.context.environment, name, page, f"This report as a page, {lasts}")


def latest_name(run: Run, now: datetime) -> str | None:
    """Where its page is; None for a run that saw nothing: its subject may be anything that somebody has typed."""
    if isinstance(run.facts, Findings):
        return day_name(run.procedure, now)
    return f"{PLANS}{run.procedure}/{run.subject}.html" if run.plan is not None and run.plan.actions else None


def day_name(check: str, now: datetime) -> str:
    """Where the page of a check is on that day (UTC)."""
    return f"{CHECKS}{check}/{now:%d}.html"


def head(run: Run, now: datetime) -> str:
    """How it ended and why, when, and of which project: a page may lie open for days."""
    project = run.context.environment.project
    when = f"{now:%Y-%m-%d %H:%M:%S} UTC{f', project {project}' if project else ''}{'' if run.plan is None else '. Nothing was changed'}."
    first, _, rest = run_head(run).partition("\n\n")
    return "\n\n".join(filter(None, (first, when, rest)))


def put(environment: PipelineEnvironment, name: str, page: str, words: str) -> str:
    """Put a page where the last one of its kind is; a line of Markdown that says where it is, or why it is not there."""
    storage, bucket = environment.storage, environment.ops_bucket
    if not bucket:
        return "This report is kept as no page: the environment names no ops bucket."
    try:
        there = storage.stat(bucket, name)
        if there is None:
            storage.create(bucket, name, page.encode(), content_type=HTML)
        else:
            storage.replace(bucket, name, page.encode(), generation=there.generation, content_type=HTML)
    except PreconditionFailed:
        pass  # another one has just written its own
    except OutsideError as error:
        return f"This report could not be kept as a page: {error}"
    return f"{link(words, bucket, name)}."
