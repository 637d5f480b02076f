"""What a sweep has seen as a page: the map of stages and scenes, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.environment import PipelineEnvironment
from tasks.recovery.stage_map import stage_map
from tasks.recovery.sweep import Verdict, fault_table
from tasks.recovery.sweep_record import now
from tasks.remediation.latest_page import day_name, put
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section, counted

NAME = "export-sweep"
MAX_ROWS = 500
"""Scenes that are shown in the table; all are counted."""


def keep_sweep(environment: PipelineEnvironment, bad: Sequence[Verdict], seen: int) -> str:
    """Write the page of a sweep, the last one of its day; the same as Markdown, with a line about the page."""
    found = sections(environment, bad)
    title = f"Sweep: {counted(seen, 'scene')} looked at, {len(bad):,} need attention"
    head = f"# {title}\n\n{now():%Y-%m-%d %H:%M:%S} UTC. Nothing of the pipeline was changed by looking."
    said = put(
        environment,
        day_name(NAME, now()),
        sections_page(title, head, found),
        f"This sweep as a page, the last of {now():%d %B}",
    )
    return "\n\n".join([f"# {title}", said, *(one.markdown() for one in found)])  # fmt: skip


def sections(environment: PipelineEnvironment, bad: Sequence[Verdict]) -> list[Section]:
    """Where the broken scenes stand, those with the most frequent fault first, and what each one's fault is."""
    if not bad:
        return [Section("", "Every scene is whole.")]
    rows = fault_table(list(bad), MAX_ROWS)
    known = {one.scene_id: one.stages for one in bad}
    scenes = [(str(row["scene"]), known[str(row["scene"])]) for row in rows]
    more = f"{len(bad) - MAX_ROWS:,} more are not shown." if len(bad) > MAX_ROWS else ""
    return [
        stage_map("Where they stand", scenes, list(environment.catalogue.stages)),
        Section("What is wrong", more, tuple(rows)),
    ]
