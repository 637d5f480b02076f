"""What Cloud Monitoring and Cloud Logging say of the things by which people are told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_OF_A_LOG = re.compile(r"logging\.googleapis\.com/user/([A-Za-z0-9_./-]*[A-Za-z0-9_])")
_AS_PROMQL = re.compile(r"logging_googleapis_com:user_([A-Za-z0-9_]+)")
"""How PromQL writes the same (Google: "Mapping Cloud Monitoring metric names to PromQL")."""
_OF_A_DISTRIBUTION = re.compile(r"_(?:bucket|count|sum)$")
"""What PromQL adds to the name of a distribution (Google: the same page)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert policy."""

    name: str
    """As in `projects/p/alertPolicies/123`."""
    title: str
    enabled: bool
    conditions: tuple[str, ...]
    """What each condition watches: a filter, or a query."""
    channels: tuple[str, ...]
    """Names of the notification channels."""
    invalid: str = ""
    """Why Google will not carry it out; empty: it will."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A notification channel."""

    name: str
    title: str
    kind: str
    """As in `email`."""
    enabled: bool
    verified: bool
    """False: it must be verified before anything is sent to it. Kinds that need no verification count as verified."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """A time in which alert policies tell nobody."""

    title: str
    policies: tuple[str, ...]
    since: datetime
    until: datetime
    part: str = ""
    """A filter: it silences only what fits; empty: the whole policies."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard."""

    name: str
    title: str
    metrics: frozenset[str]
    """The log-based metrics that it shows."""


@dataclass(frozen=True, slots=True)
class LogMetric:
    """A log-based metric."""

    name: str
    filter: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A service level objective."""

    name: str
    title: str


def log_metrics_in(text: str) -> frozenset[str]:
    """The user's log-based metrics that a filter, a query or a whole dashboard names."""
    return frozenset(_OF_A_LOG.findall(text)) | frozenset(_AS_PROMQL.findall(text))


def by_their_names(found: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """Names as they are known: one that is not, and is a known distribution's part in PromQL, is that distribution."""
    plain = ((name, _OF_A_DISTRIBUTION.sub("", name)) for name in found)
    return frozenset(short if name not in known and short in known else name for name, short in plain)


def alert_from(message: Any) -> Alert:
    """What an alert policy's message says. One that does not say whether it is enabled is: Google's default."""
    return Alert(
        name=message.name,
        title=message.display_name,
        enabled=message.enabled is not False,
        conditions=tuple(_watched(condition) for condition in message.conditions),
        channels=tuple(message.notification_channels),
        invalid=message.validity.message if message.validity and message.validity.code else "",
    )


def _watched(condition: Any) -> str:
    """The condition's filters and queries, whichever of its seven kinds it is."""
    threshold = condition.condition_threshold
    texts = (
        threshold.filter,
        threshold.denominator_filter,
        condition.condition_absent.filter,
        condition.condition_matched_log.filter,
        condition.condition_monitoring_query_language.query,
        condition.condition_prometheus_query_language.query,
        condition.condition_sql.query,
    )
    return "\n".join(text for text in texts if text)


def channel_from(message: Any) -> Channel:
    """What a channel's message says."""
    unverified = type(message).VerificationStatus.UNVERIFIED
    verified, enabled = message.verification_status != unverified, message.enabled is not False
    return Channel(message.name, message.display_name, message.type_, enabled, verified)


def snooze_from(message: Any) -> Snooze:
    """What a snooze's message says."""
    criteria, interval = message.criteria, message.interval
    since = interval.start_time or datetime.min.replace(tzinfo=UTC)
    until = interval.end_time or datetime.max.replace(tzinfo=UTC)
    return Snooze(message.display_name, tuple(criteria.policies), since, until, criteria.filter)


def dashboard_from(message: Any) -> Dashboard:
    """What a dashboard's message says: its widgets are only searched for metrics."""
    return Dashboard(message.name, message.display_name, log_metrics_in(type(message).to_json(message)))


def log_metric_from(message: Any) -> LogMetric:
    """What a log-based metric's message says."""
    return LogMetric(message.name, message.filter, bool(message.disabled))


def service_level_from(message: Any) -> ServiceLevel:
    """What a service level's message says."""
    return ServiceLevel(message.name, message.display_name)
