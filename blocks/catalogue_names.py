"""Every place where one part of a catalogue names another must name something that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from blocks.catalogue import Catalogue
from blocks.catalogue_yaml import KeyPath


class Problem:
    """One thing that is wrong: a sentence, and the keys whose lines it could point at, the likeliest first."""

    def __init__(self, text: str, *paths: KeyPath) -> None:
        self.text, self.paths = text, paths


def name_problems(catalogue: Catalogue) -> Iterator[Problem]:
    """Every name that stands for nothing in the catalogue."""
    known: dict[str, tuple[str, Mapping[str, object]]] = {
        "stage": ("stages", catalogue.stages),
        "marker": ("markers", catalogue.markers),
        "workflow": ("workflows", catalogue.workflows),
        "job": ("jobs", catalogue.jobs),
        "GPU Job": ("gke_jobs", {one.name: one for one in catalogue.gke_jobs}),
        "pool": ("gpu", catalogue.gpu.pools),
        "log-based metric": ("monitoring", catalogue.monitoring.log_metrics),
        "workflow or job": ("workflows", {**catalogue.workflows, **catalogue.jobs}),
    }
    for path, kind, name in _references(catalogue):
        section, items = known[kind]
        if name is not None and name not in items:
            where = ".".join(str(key) for key in path if not isinstance(key, int))
            text = f"{where} names the {kind} '{name}', which is not in the catalogue; correct the name or add it"
            yield Problem(text, path, (section, name))


def _references(catalogue: Catalogue) -> Iterator[tuple[KeyPath, str, str | None]]:
    """Every place where one part of the catalogue names another: (where, what kind of thing, its name)."""
    for name, stage in catalogue.stages.items():
        at: KeyPath = ("stages", name)
        yield from _each((*at, "needs"), "stage", stage.needs)
        yield from _each((*at, "downstream"), "stage", stage.downstream)
        yield from _each((*at, "markers"), "marker", stage.markers)
        yield from _each((*at, "needs_markers"), "marker", stage.needs_markers)
        for kind in ("workflow", "job") if stage.rerun else ():
            yield (*at, "rerun", kind), kind, getattr(stage.rerun, kind)
    for name, workflow in catalogue.workflows.items():
        yield from _each(("workflows", name, "stages"), "stage", workflow.stages)
        yield from _each(("workflows", name, "jobs"), "job", workflow.jobs)
        yield from _each(("workflows", name, "skip_if"), "marker", workflow.skip_if)
    for name, marker in catalogue.markers.items():
        yield ("markers", name, "follows"), "marker", marker.follows or None
    for name, job in catalogue.jobs.items():
        yield ("jobs", name, "stage"), "stage", job.stage
    for name, trigger in catalogue.triggers.items():
        yield ("triggers", name, "workflow"), "workflow", trigger.workflow
    for name, scheduler in catalogue.schedulers.items():
        yield ("schedulers", name, "target"), "workflow or job", scheduler.target
    for index, lock in enumerate(catalogue.locks):
        yield ("locks", index, "stage"), "stage", lock.stage or None
        yield ("locks", index, "workflow"), "workflow", lock.workflow or None
    for index, guard in enumerate(catalogue.guards):
        yield from _each(("guards", index, "stages"), "stage", guard.stages)
    for name, deployment in catalogue.deployments.items():
        yield ("deployments", name, "starts"), "workflow", deployment.starts
    for name, service in catalogue.services.items():
        yield ("services", name, "url_from", "job"), "job", service.url_from.job if service.url_from else None
    for name, kept in catalogue.retention.items():
        yield ("retention", name, "job"), "job", kept.job or None
    yield from _monitored(catalogue)
    for section in ("work_records", "gke_jobs"):
        for index, one in enumerate(getattr(catalogue, section)):
            yield (section, index, "stage"), "stage", one.stage
    if catalogue.gpu_job is not None:
        yield ("gpu_job", "name"), "GPU Job", catalogue.gpu_job.name
    for name, named in catalogue.gates.checkpoints.items():
        yield ("gates", "checkpoints", name), "stage", named
    for name, pool in catalogue.gpu.pools.items():
        yield from _each(("gpu", "pools", name, "stands_in_for"), "pool", pool.stands_in_for)


def _monitored(catalogue: Catalogue) -> Iterator[tuple[KeyPath, str, str | None]]:
    for section in ("dashboards", "alerts", "log_metrics", "service_levels"):
        for name, one in getattr(catalogue.monitoring, section).items():
            yield ("monitoring", section, name, "gate"), "workflow", one.gate or None
    for name, alert in catalogue.monitoring.alerts.items():
        yield ("monitoring", "alerts", name, "metric"), "log-based metric", alert.metric or None


def _each(path: KeyPath, kind: str, names: Iterable[str]) -> Iterator[tuple[KeyPath, str, str]]:
    for index, name in enumerate(names):
        yield (*path, index), kind, name
