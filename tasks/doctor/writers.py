"""Markers that several write: each of them starts what waits for the marker, so that is started more than once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from blocks.catalogue import Marker
from blocks.errors import OutsideError
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.source import Source
from tasks.doctor.traps import fits
from tasks.doctor.triggers import seen
from tasks.pipeline.deployed import Deployed, Unread
from tasks.remediation.report import listed

TWICE = Code(
    "marker-written-twice",
    "warning",
    "A trigger fires for every writing of a marker, so what waits for it is started once for each writer: two exports work "
    "on one scene at the same time.",
    "Let one of them write it. Until then cancel the younger of two executions; a recovery waits for both.",
)
CODES = (TWICE,)


def judge_writers(deployed: Deployed, sources: Mapping[str, Source], look: Look) -> None:
    """Each marker that a deployed trigger fires for."""
    try:
        started = {name: workflows for name in deployed.catalogue.markers if (workflows := starts(deployed, name))}
    except OutsideError:  # the part of triggers says so
        return
    written = {name: source.written() for name, source in sources.items()}
    for name, workflows in started.items():
        marker = deployed.catalogue.markers[name]
        writers = [*by_workflow(marker, written), *by_job(deployed, name, marker, sources)]
        said = f"{marker.paths[0]}, which starts {listed(sorted(workflows))}, is written by {listed(writers)}."
        look.judge(TWICE, marker.paths[0], said, len(writers) > 1)


def starts(deployed: Deployed, name: str) -> set[str]:
    """The workflows that a marker starts, by the triggers as they are deployed."""
    paths = [f"scenes/any-scene/{path}" for path in deployed.catalogue.markers[name].paths]
    found = set()
    for one in seen(deployed):
        known = deployed.catalogue.workflows.get(one.workflow)
        pattern = one.filters.get("name") or (known.event_regex if known is not None else None)
        if one.bucket == deployed.environment.data_bucket and pattern and any(fits(pattern, it) for it in paths):
            found.add(one.workflow)
    return found


def by_workflow(marker: Marker, written: Mapping[str, list[str]]) -> Iterator[str]:
    """Workflows whose source writes an object of that name; `written`: how each names what it writes."""
    names = "|".join(re.escape(path.rpartition("/")[2]) for path in marker.paths)
    pattern = re.compile(rf"(?<![\w.-])(?:{names})(?![\w.-])")
    for workflow, names_ in written.items():
        if any(pattern.search(one) for one in names_):
            yield f"workflow {workflow}"


def by_job(deployed: Deployed, name: str, marker: Marker, sources: Mapping[str, Source]) -> Iterator[str]:
    """The deployed job that writes it by the catalogue, if a deployed workflow runs it."""
    if marker.writer != "job":
        return
    stages = {stage for stage, known in deployed.catalogue.stages.items() if name in known.markers}
    there = [job for job, found in deployed.jobs().items() if found is not None and not isinstance(found, Unread)]
    for job in (one for one in there if deployed.catalogue.jobs[one].stage in stages):
        if any(source.mentions(job) for source in sources.values()):
            yield f"job {job}"
            return
