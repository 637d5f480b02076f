"""What is wrong with what people rely on to be told by. Pure: of the catalogue and what was seen, nothing else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from blocks.catalogue import Catalogue
from blocks.catalogue_monitoring import WatchedMetric
from blocks.monitoring_facts import LogMetric, by_their_names
from tasks.monitoring.alerts import problems_of
from tasks.monitoring.finding import Finding
from tasks.monitoring.references import named_in, terms_of
from tasks.monitoring.seen import Seen

KINDS = {
    "dashboards": "dashboard",
    "alerts": "alert",
    "log_metrics": "log-based metric",
    "service_levels": "service level",
}
"""What the parts of the catalogue's `monitoring` are called."""


def judge(catalogue: Catalogue, seen: Seen, now: datetime) -> list[Finding]:
    """Every finding, what stops production first. What is not in the catalogue is somebody else's and is passed over."""
    return [
        *_gates(catalogue, seen),
        *_missing(catalogue, seen),
        *_dashboards(catalogue, seen),
        *_metrics(catalogue, seen),
        *(
            finding
            for title, expected in catalogue.monitoring.alerts.items()
            if (there := [one for one in seen.alerts or () if one.title == title])
            for finding in problems_of(title, expected, there, seen, now)
        ),
    ]


def titles(seen: Seen, part: str) -> set[str] | None:
    """The names that are there; None: they were not seen."""
    there: Sequence[Any] | None = getattr(seen, part)
    return None if there is None else {one.name if part == "log_metrics" else one.title for one in there}


def absent(catalogue: Catalogue, seen: Seen) -> Iterator[tuple[str, str, Any]]:
    """(part, name, what the catalogue says) of everything that was looked for and is not there."""
    for part in KINDS:
        there = titles(seen, part)
        expected: Mapping[str, Any] = getattr(catalogue.monitoring, part)
        yield from ((part, name, one) for name, one in expected.items() if there is not None and name not in there)


def gates(catalogue: Catalogue, seen: Seen) -> dict[str, list[str] | None]:
    """By workflow, what its gate asks for and does not find; None: it is not known, as something was not seen.

    The gate looks for each name anywhere in what the services list, so a longer name that has it inside passes too.
    """
    found: dict[str, list[str] | None] = {}
    unseen: set[str] = set()
    for part, kind in KINDS.items():
        there = titles(seen, part)
        for name, one in getattr(catalogue.monitoring, part).items():
            if one.gate and there is None:
                unseen.add(one.gate)
            elif one.gate:
                gone = found.setdefault(one.gate, []) or []
                found[one.gate] = gone if any(name in title for title in there or ()) else [*gone, f"the {kind} {name}"]
    return found | {workflow: None for workflow in unseen if not found.get(workflow)}


def _gates(catalogue: Catalogue, seen: Seen) -> Iterator[Finding]:
    for workflow, names in gates(catalogue, seen).items():
        if names:
            said = (
                f"The monitoring gate of {workflow} stops every production run: it asks for {', '.join(names)} by name."
            )
            yield Finding("gate-stops", f"workflow {workflow}", said)


def _missing(catalogue: Catalogue, seen: Seen) -> Iterator[Finding]:
    for part, name, one in absent(catalogue, seen):
        if one.deployed or one.gate:
            fix = f"Create it: `{metric_command(name, one)}`." if part == "log_metrics" else ""
            yield Finding("missing", f"{KINDS[part]} {name}", f"The {KINDS[part]} {name} does not exist.", fix)


def metric_command(name: str, one: WatchedMetric) -> str:
    """What makes a log-based metric. One with a value is a distribution: Google refuses the pipeline's own GAUGE."""
    if not one.value:
        return f"gcloud logging metrics create {name} --description={name} --log-filter='{one.filter}'"
    descriptor = {"metricKind": "DELTA", "valueType": "DISTRIBUTION"}
    config = {"name": name, "filter": one.filter, "valueExtractor": one.value, "metricDescriptor": descriptor}
    return f"echo '{json.dumps(config)}' | gcloud logging metrics create {name} --config-from-file=/dev/stdin"


def _dashboards(catalogue: Catalogue, seen: Seen) -> Iterator[Finding]:
    known = titles(seen, "log_metrics")
    for one in seen.dashboards or () if known is not None else ():
        if one.title in catalogue.monitoring.dashboards:
            for name in sorted(by_their_names(one.metrics, known or set()) - (known or set())):
                said = f"The dashboard {one.title} shows the metric {name}, which does not exist."
                yield Finding("points-nowhere", f"dashboard {one.title}", said)


def _metrics(catalogue: Catalogue, seen: Seen) -> Iterator[Finding]:
    for one in seen.log_metrics or ():
        if one.name not in catalogue.monitoring.log_metrics:
            continue
        what = f"log-based metric {one.name}"
        if one.disabled:
            said = f"The log-based metric {one.name} is disabled: it counts nothing."
            yield Finding("disabled", what, said)
        gone = list(nowhere(catalogue, one, seen))
        for wrong in gone:
            yield Finding("points-nowhere", what, f"The log-based metric {one.name} names {wrong}.")
        wanted = catalogue.monitoring.log_metrics[one.name].filter
        if not gone and wanted.strip() and terms_of(one.filter) != terms_of(wanted):
            said = f"The log-based metric {one.name} counts something else: its filter is `{' '.join(one.filter.split())}`."
            fix = f"gcloud logging metrics update {one.name} --log-filter={shlex.quote(wanted.strip())}"
            yield Finding("counts-other", what, said, f"Set it to the pipeline's: `{fix}`.")


def nowhere(catalogue: Catalogue, metric: LogMetric, seen: Seen) -> Iterator[str]:
    """What a metric's filter names that is not there. The pipeline's own names of GPU Jobs are no jobs of Cloud Run."""
    logged_as = {one.logged_as for one in catalogue.gke_jobs if one.logged_as}
    known: dict[str, set[str]] = {
        "job": {*catalogue.jobs, *logged_as},
        "workflow": set(catalogue.workflows),
        "namespace": {catalogue.namespace},
    }
    for kind, name in sorted(named_in(metric.filter)):
        if name not in known[kind]:
            yield f"the {kind} {name}, which the pipeline does not have"
        elif seen.deployed.get((kind, name)) is False:
            yield f"the {kind} {name}, which is not deployed"
