"""A batch of recoveries as a page: where each scene stands now, and where its own page is."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.artifacts import create_markdown_artifact

from blocks.environment import PipelineEnvironment
from tasks.recovery.report import states
from tasks.recovery.stage_map import stage_map
from tasks.remediation.report import Section, batch_rows, batch_sentence
from tasks.remediation.run import Run
from tasks.remediation.run_page import link, page_name


def batch_markdown(runs: Sequence[Run], environment: PipelineEnvironment) -> str:
    """How each ended, the map of stages and scenes after the batch, and a link to the page of each run that has begun."""
    scenes = [(one.subject, states(one, "after") or states(one, "before")) for one in runs]
    found = stage_map("Where the scenes stand", scenes, list(environment.catalogue.stages))
    in_order = sorted(runs, key=lambda run: (run.good, run.subject))
    pages = [link("page", environment.ops_bucket, page_name(one)) if one.begun else "" for one in in_order]
    rows = [row | {"page": page} for row, page in zip(batch_rows(in_order), pages, strict=True)]
    parts = [Section("", rows=tuple(rows)), found]
    return "\n\n".join([f"# {batch_sentence(runs)}", *(one.markdown() for one in parts)])


def publish_batch(runs: Sequence[Run], environment: PipelineEnvironment) -> None:
    """The page of a batch as an artifact."""
    create_markdown_artifact(batch_markdown(runs, environment), "recovery-batch", batch_sentence(runs))
