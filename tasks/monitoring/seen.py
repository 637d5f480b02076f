"""What is there by which people are told, asked all at the same time. What did not answer is unknown, and never missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.monitoring_facts import Alert, Channel, Dashboard, LogMetric, ServiceLevel, Snooze
from tasks.monitoring.references import named_in
from tasks.pipeline.at_once import at_once
from tasks.pipeline.deployed import Unread, quick, readable

SECONDS = 60.0
"""How long everything is waited for."""


@dataclass(slots=True)
class Seen:
    """Each list is None when it was not seen, and `unseen` says why."""

    alerts: list[Alert] | None = None
    channels: list[Channel] | None = None
    snoozes: list[Snooze] | None = None
    dashboards: list[Dashboard] | None = None
    log_metrics: list[LogMetric] | None = None
    service_levels: list[ServiceLevel] | None = None
    deployed: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Of the jobs and workflows that the expected metrics name: ("job", name), and whether it is deployed."""
    unseen: list[str] = field(default_factory=list)


def look(environment: PipelineEnvironment) -> Seen:
    """Ask every list, then whether what the metrics name is deployed. Nothing is raised for what does not answer."""
    load_libraries()  # before the threads, which would do it in each other's way
    asked = quick(environment)
    try:
        asked.monitoring.open()
        seen = Seen()
        parts = ["alerts", "channels", "snoozes", "dashboards", "log_metrics"]
        parts += ["service_levels"] if environment.catalogue.monitoring.service_levels else []
        _together(seen, [(part.replace("_", " "), _list(asked, seen, part)) for part in parts])
        _together(seen, [(f"{kind} {name}", _exists(asked, seen, kind, name)) for kind, name in _named(asked, seen)])
        return seen
    finally:
        asked.close()


def _together(seen: Seen, looks: list[tuple[str, Callable[[], None]]]) -> None:
    ends = at_once([one for _, one in looks], SECONDS)
    seen.unseen += [f"The {what}: {end.problem}" for (what, _), end in zip(looks, ends, strict=True) if end.problem]


def _list(environment: PipelineEnvironment, seen: Seen, part: str) -> Callable[[], None]:
    return lambda: setattr(seen, part, getattr(environment.monitoring, part)())


def _named(environment: PipelineEnvironment, seen: Seen) -> list[tuple[str, str]]:
    """The jobs and workflows of the catalogue that the expected metrics name, as they are deployed."""
    catalogue, expected = environment.catalogue, environment.catalogue.monitoring.log_metrics
    known = {"job": set(catalogue.jobs), "workflow": set(catalogue.workflows)}
    texts = [one.filter for one in seen.log_metrics or () if one.name in expected]
    return sorted({(kind, name) for text in texts for kind, name in named_in(text) if name in known.get(kind, ())})


def _exists(environment: PipelineEnvironment, seen: Seen, kind: str, name: str) -> Callable[[], None]:
    def ask() -> None:
        block: Any = environment.jobs if kind == "job" else environment.workflows
        answer = readable(block.get, name)
        if isinstance(answer, Unread):
            seen.unseen.append(answer.sentence)
        else:
            seen.deployed[kind, name] = answer is not None

    return ask
