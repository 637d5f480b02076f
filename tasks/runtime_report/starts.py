"""Starts of jobs: how many ended, how many never said that they did, how many could not be started, and retries.

`job_retry_exhausted` is logged at any start that fails, also at the first try: it is counted as a start that failed. A job
that runs longer than the 30 minutes for which Workflows' connector waits looks like one, although it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.runtime_report.entries import submitted
from tasks.runtime_report.executions import Executions, Ran
from tasks.runtime_report.window import Window

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Started:
    """One job as one workflow runs it, in the window, by the log."""

    workflow: str
    job: str
    started: int
    ended: int
    unmeasured: int
    """Of the ended: only submitted, or without a duration."""
    not_ended: int
    """Nothing was logged of their end by the end of the window."""
    overdue: int
    """Of these, those that should have ended by their timeout; of one without a timeout nobody can say."""
    not_started: int
    """`job_retry_exhausted`."""


@dataclass(frozen=True, slots=True)
class JobRuns:
    """One Cloud Run job in the window, by Cloud Run itself."""

    job: str
    executions: int
    failed: int
    cancelled: int
    running: int
    retried: int
    """Tasks that Cloud Run began again."""
    limit: int
    """Seconds after which it ends a try, of the newest execution; 0: unknown."""


def starts_of(entries: pd.DataFrame, window: Window) -> list[Started]:
    """Every job by workflow. `entries` are those of the window."""
    kinds, events = entries["bp_metric"], entries["event"]
    invoked = kinds == "job_invocation"
    told = entries[["workflow", "job"]].assign(
        started=invoked & (events == "start"), ended=invoked & (events == "complete"),
        not_started=kinds == "job_retry_exhausted",
    )  # fmt: skip
    told["unmeasured"] = told.index.isin(submitted(entries).index)
    sums = told.groupby(["workflow", "job"], observed=True).sum()
    sums = sums[(sums["started"] > 0) | (sums["ended"] > 0) | (sums["not_started"] > 0)]
    lost = _not_ended(entries[invoked], window)
    return [
        Started(
            workflow=key[0],
            job=key[1],
            started=int(row["started"]),
            ended=int(row["ended"]),
            unmeasured=int(row["unmeasured"]),
            not_ended=lost.get(key, (0, 0))[0],
            overdue=lost.get(key, (0, 0))[1],
            not_started=int(row["not_started"]),
        )
        for key, row in sorted(sums.to_dict("index").items())
    ]


def _not_ended(invoked: pd.DataFrame, window: Window) -> dict[tuple[str, str], tuple[int, int]]:
    """How many starts have no end, and how many of these are overdue; an end whose start is older has none missing."""
    start = invoked["event"] == "start"
    one = invoked[["workflow", "job", "execution"]].assign(
        open=start.astype("int8") - (invoked["event"] == "complete").astype("int8"),
        due=(invoked["at"] + invoked["timeout_seconds"]).where(start),
    )
    groups = one.groupby(["workflow", "job", "execution"], observed=True).agg({"open": "sum", "due": "max"})
    left = groups[groups["open"] > 0].reset_index()
    left["overdue"] = left["open"].where(left["due"] < window.until.timestamp(), 0)
    sums = left.groupby(["workflow", "job"], observed=True)[["open", "overdue"]].sum()
    return {key: (int(row["open"]), int(row["overdue"])) for key, row in sums.to_dict("index").items()}


def job_runs(executions: Executions, window: Window) -> list[JobRuns]:
    """Every Cloud Run job that ran, or that was asked and did not."""
    mine: dict[str, list[Ran]] = {}
    for one in executions.of(window.since.timestamp(), is_job=True):
        mine.setdefault(one.name, []).append(one)
    return [_job(name, mine[name]) for name in sorted(mine)]


def _job(name: str, ran: Sequence[Ran]) -> JobRuns:
    count = {word: sum(one.outcome == word for one in ran) for word in ("failed", "cancelled", "running")}
    newest = max(ran, key=lambda one: one.at)
    return JobRuns(name, len(ran), **count, retried=sum(one.retried for one in ran), limit=newest.limit)


def looked_failed(starts: Sequence[Started], executions: Executions, window: Window) -> list[str]:
    """Jobs whose starts are said to have failed although Cloud Run has more executions of them than were started."""
    said: dict[str, int] = {}
    begun: dict[str, int] = {}
    for one in starts:
        said[one.job] = said.get(one.job, 0) + one.not_started
        begun[one.job] = begun.get(one.job, 0) + one.ended
    counts = {one.job: one.executions for one in job_runs(executions, window)}
    return [
        f"{job}: {number:,} starts are logged as failed, but Cloud Run has {counts[job]:,} executions for {begun[job]:,} "
        "that ended by the log: some of them did run (Workflows waits 30 minutes for a job before it calls that an error)."
        for job, number in said.items()
        if number and counts.get(job, 0) > begun[job]
    ]
