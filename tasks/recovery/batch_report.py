"""A batch of recoveries as a page: where each scene stands now, and where its own page is."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.environment import PipelineEnvironment
from tasks.recovery.report import states
from tasks.recovery.stage_map import stage_map
from tasks.remediation.report import Cell, Section, batch_sentence
from tasks.remediation.run import Run
from tasks.remediation.run_page import link, page_name


def batch_markdown(runs: Sequence[Run], environment: PipelineEnvironment) -> str:
    """The map of stages and scenes after the batch, and a link to the page of each run that has begun."""
    scenes = [(one.subject, states(one, "after") or states(one, "before")) for one in runs]
    found = stage_map("Where the scenes stand", scenes, list(environment.catalogue.stages))
    pages: list[dict[str, Cell]] = [
        {
            "scene": one.subject,
            "outcome": one.outcome.replace("_", " "),
            "page": link("page", environment.ops_bucket, page_name(one)) if one.begun else "nothing was begun",
        }
        for one in sorted(runs, key=lambda run: (run.good, run.subject))
    ]
    parts = [f"# {batch_sentence(runs)}", found.markdown(), Section("Pages", rows=tuple(pages)).markdown()]
    return "\n\n".join(parts)
