"""What is known of each revision of a Deployment: whether its Pods serve now, and what the workflow did that it starts.

The cluster records neither that a revision worked nor that it did not. Two things tell: a rollout that does not finish
leaves Pods of the revision before it, which serve; and executions of the workflow that the Deployment starts (`deployments`
in the catalogue), by when they were started. Others may have started some, and Pods of an older revision may have served
while a rollout did not finish, so they make a choice likely and never certain; the rollout that follows is the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import Deployment, DeploymentRevision
from tasks.actions.workflow_runs import meaning
from tasks.rollback.evidence import Ran, Version, with_record

MOST_EXECUTIONS = 1000
"""Executions that are looked at, the newest first: ten pages of the service."""
ROLLOUT = timedelta(seconds=600)
"""Pods of two revisions serve side by side while a rollout lasts, so what was called then tells of neither. Kubernetes
takes a rollout for failed after as long (`progressDeadlineSeconds`)."""

Window = tuple[datetime, datetime | None]


def with_evidence(
    environment: PipelineEnvironment,
    live: Deployment,
    revisions: Sequence[DeploymentRevision],
    versions: Sequence[Version],
) -> list[Version]:
    """The versions with what is known of them; each has the number of its revision as its id."""
    by_number = {str(one.number): one for one in revisions}
    finished = not live.waits_for() and not live.failure()
    known_times = windows(revisions)
    if not finished:
        known_times.pop(str(live.revision), None)  # the Pods of the one before it answer
    ran = calls(environment, live.name, known_times)
    found = []
    for one in versions:
        known = by_number.get(one.id)
        is_live = one.id == str(live.revision)
        serves = finished if is_live else not finished and known is not None and known.available > 0
        found.append(replace(with_record(one, ran, {}), serves=serves, by_calls=True))
    return found


def windows(revisions: Sequence[DeploymentRevision]) -> dict[str, Window]:
    """By number, from when to when a revision served alone; only those of which both ends are known.

    A ReplicaSet that is used again keeps the time of its creation, so neither its own beginning nor the end of the revision
    before it is recorded; nor is the end of one after which a number is missing.
    """
    ordered = sorted(revisions, key=lambda one: one.number)
    found: dict[str, Window] = {}
    for one, following in zip(ordered, [*ordered[1:], None], strict=True):
        if one.reused or (following is not None and (following.reused or following.number != one.number + 1)):
            continue
        begin, end = one.created + ROLLOUT, following.created if following is not None else None
        if end is None or begin < end:
            found[str(one.number)] = (begin, end)
    return found


def calls(environment: PipelineEnvironment, deployment: str, known: dict[str, Window]) -> list[Ran]:
    """What the executions of its workflow say of each revision; none where the catalogue names no workflow of it."""
    rule = environment.catalogue.deployments.get(deployment)
    if rule is None or not known:
        return []
    since = min(begin for begin, _ in known.values())
    found = []
    words = environment.catalogue.workflows[rule.starts].result
    for one in islice(environment.workflows.executions(rule.starts, since=since), MOST_EXECUTIONS):
        number = next((id_ for id_, (begin, end) in known.items() if within(one.created, begin, end)), "")
        if not number or one.live or one.state not in ("SUCCEEDED", "FAILED"):
            continue
        outcome = "failed" if one.state == "FAILED" else meaning(one.result, words)
        if outcome in ("success", "partial", "failed"):
            found.append(Ran(number, outcome != "failed", one.created))
    return found


def within(moment: datetime, begin: datetime, end: datetime | None) -> bool:
    """Whether it is in a window; None: that one lasts."""
    return begin <= moment and (end is None or moment < end)
