"""Whether an alert policy can fire, and whether anybody is told when it does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from blocks.catalogue_monitoring import WatchedAlert
from blocks.monitoring_facts import Alert, Channel, LogMetric, by_their_names, log_metrics_in
from tasks.monitoring.finding import Finding
from tasks.monitoring.references import resources_in
from tasks.monitoring.seen import Seen


def problems_of(title: str, expected: WatchedAlert, there: list[Alert], seen: Seen, now: datetime) -> list[Finding]:
    """What is wrong with the policies of one name: with several, of the one with least."""
    return min((list(_problems(title, expected, one, seen, now)) for one in there), key=len)


def _problems(title: str, expected: WatchedAlert, one: Alert, seen: Seen, now: datetime) -> Iterator[Finding]:
    what = f"alert {title}"
    if not one.enabled:
        enable = f"gcloud monitoring policies update {one.name} --enabled"
        yield Finding("disabled", what, f"The alert {title} is disabled.", f"Switch it on: `{enable}`.")
    yield from _snoozed(what, title, one, seen, now)
    if one.invalid:
        yield Finding(
            "cannot-fire", what, f"The alert {title} is not carried out by Google: {one.invalid.rstrip('.')}."
        )
    yield from _unheard(what, title, one, seen.channels)
    yield from _blind(what, title, expected, one, seen.log_metrics)


def _snoozed(what: str, title: str, one: Alert, seen: Seen, now: datetime) -> Iterator[Finding]:
    for snooze in seen.snoozes or ():
        if tail(one.name) in map(tail, snooze.policies) and snooze.since <= now < snooze.until:
            part = f" for {snooze.part}" if snooze.part else ""
            said = f"The alert {title} is snoozed{part} until {snooze.until:%Y-%m-%d %H:%M} UTC ('{snooze.title}')."
            yield Finding("snoozed", what, said)


def _unheard(what: str, title: str, one: Alert, channels: list[Channel] | None) -> Iterator[Finding]:
    if not one.channels:
        yield Finding("notifies-nobody", what, f"The alert {title} has no notification channel: it notifies nobody.")
    elif channels is not None:
        known = {tail(channel.name): channel for channel in channels}
        faults = [fault_of(tail(name), known.get(tail(name))) for name in one.channels]
        if all(faults):
            said = f"The alert {title} notifies nobody: {', '.join(faults)}."
            yield Finding("notifies-nobody", what, said)


def tail(name: str) -> str:
    """The end of a resource's name, which is its own: before it a project is written by id or by number."""
    return name.rpartition("/")[2]


def fault_of(short: str, channel: Channel | None) -> str:
    """Why nothing comes through a channel; empty when it does."""
    if channel is None:
        return f"channel {short} does not exist"
    if not channel.enabled:
        return f"channel '{channel.title or short}' is disabled"
    return "" if channel.verified else f"channel '{channel.title or short}' is not verified"


def _blind(
    what: str, title: str, expected: WatchedAlert, one: Alert, metrics: list[LogMetric] | None
) -> Iterator[Finding]:
    text = "\n".join(one.conditions)
    known = {metric.name: metric for metric in metrics or ()}
    watched = by_their_names(log_metrics_in(text), {*known, expected.metric})
    if expected.metric and expected.metric not in watched:
        said = f"The alert {title} does not watch {expected.metric}, as its name says."
        yield Finding("points-nowhere", what, said)
    for name in sorted(watched) if metrics is not None else ():
        if name not in known:
            yield Finding("points-nowhere", what, f"The alert {title} watches the metric {name}, which does not exist.")
        elif wrong := other_resource(one.conditions, known[name]):
            yield Finding("cannot-fire", what, f"The alert {title} can never fire: {wrong}.")


def other_resource(conditions: tuple[str, ...], metric: LogMetric) -> str:
    """Why conditions never see a metric: it is written for the resource that logs, and they ask for another one."""
    logs = resources_in(metric.filter)
    asked = [
        resources_in(one) for one in conditions if metric.name in by_their_names(log_metrics_in(one), {metric.name})
    ]
    if not logs or any(not one or one & logs for one in asked):
        return ""
    wanted = ", ".join(sorted({name for one in asked for name in one}))
    return (
        f"it asks for {metric.name} of the resource {wanted}, but what it counts is logged by {', '.join(sorted(logs))}"
    )
