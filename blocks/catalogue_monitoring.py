"""What people rely on to be told by: dashboards, alert policies, log-based metrics, service levels, each by its exact name."""

from __future__ import annotations

from pydantic import Field

from blocks.catalogue_rules import Model


class Watched(Model):
    """A dashboard, or a service level of Cloud Monitoring."""

    gate: str = ""
    """The workflow whose production runs all stop while there is nothing of this name; empty: none does."""
    deployed: bool = True
    """False: an installation may do without it."""


class WatchedAlert(Watched):
    """An alert policy."""

    metric: str = ""
    """The log-based metric that it watches; empty: it watches something else."""


class WatchedMetric(Watched):
    """A log-based metric."""

    filter: str
    """What it counts, in Cloud Logging's query language."""
    value: str = ""
    """What it takes from each entry, as `EXTRACT(jsonPayload.x)`; empty: it counts entries."""


class Monitoring(Model):
    """Everything that must be there for the handbook to work, by display name (metrics by name)."""

    dashboards: dict[str, Watched] = Field(default_factory=dict)
    alerts: dict[str, WatchedAlert] = Field(default_factory=dict)
    log_metrics: dict[str, WatchedMetric] = Field(default_factory=dict)
    service_levels: dict[str, Watched] = Field(default_factory=dict)
    """The pipeline makes none: its promises are alert policies. An installation may have some."""
