"""How long each step took: percentiles, usage of its timeout, failures, minutes of GPU.

A step is a job as one workflow runs it with one timeout: `usd-assembly-job` runs twice in a scene, for 1800 s at most when
it converts and 3600 s when it assembles. Percentiles are linearly interpolated, as numpy's default and as the pipeline's
own `runtime_slo_summary.py` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks.catalogue import Catalogue

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.5, 0.9, 0.95, 0.99)
KEY = ["workflow", "job", "timeout_seconds"]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step in the window. None is unknown, and never 0."""

    stage: str
    workflow: str
    job: str
    timeout: float | None
    """Seconds, as the workflow logged it."""
    runs: int
    failed: int
    timed_out: int
    """Runs that took as long as they may: how long they would have taken nobody knows."""
    p50: float
    p90: float
    p95: float
    p99: float
    longest: float
    usage_p95: float | None
    """Of the runs' duration in parts of their timeout, the 95th percentile."""
    usage_max: float | None
    gpu: bool
    minutes: float
    """All runs together."""
    failed_minutes: float

    @property
    def name(self) -> str:
        """`simready-job in usd-assembly-pipeline (3600 s)`."""
        return (
            f"{self.job} in {self.workflow or UNKNOWN} ({f'{self.timeout:g} s' if self.timeout else 'timeout unknown'})"
        )

    @property
    def key(self) -> tuple[str, str, float]:
        """As in the table of runs."""
        return self.workflow, self.job, self.timeout or 0.0


def steps_of(runs: pd.DataFrame, catalogue: Catalogue) -> list[Step]:
    """Every step of these runs, by stage in the order of the catalogue. A run without a timeout counts with timeout 0."""
    if runs.empty:
        return []
    table = measured(runs)
    found = [_step(key, row, catalogue) for key, row in table.to_dict("index").items()]
    order = {name: number for number, name in enumerate(catalogue.stages)}
    return sorted(found, key=lambda one: (order.get(one.stage, len(order)), one.workflow, one.job, one.timeout or 0.0))


def measured(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a step."""
    seconds, limit = runs["duration_seconds"], runs["timeout_seconds"].fillna(0.0)
    bad, late = runs["status"] == "FAILED", (limit > 0) & (seconds >= limit)
    told = runs[["workflow", "job"]].assign(
        timeout_seconds=limit, seconds=seconds, usage=(seconds / limit).where(limit > 0), failed=bad, late=late,
        lost=seconds.where(bad, 0.0),
    )  # fmt: skip
    groups = told.groupby(KEY, observed=True)
    table = groups["seconds"].quantile(list(QUANTILES)).unstack()
    table.columns = [f"p{round(100 * one)}" for one in QUANTILES]
    table["usage_p95"] = groups["usage"].quantile(0.95)
    sums = groups.agg(
        runs=("seconds", "size"), longest=("seconds", "max"), minutes=("seconds", "sum"), usage_max=("usage", "max"),
        failed=("failed", "sum"), timed_out=("late", "sum"), failed_minutes=("lost", "sum"),
    )  # fmt: skip
    return table.join(sums)


def _step(key: tuple[str, str, float], row: dict[str, float], catalogue: Catalogue) -> Step:
    workflow, job, limit = key
    stage = stage_of(job, catalogue)
    return Step(
        stage=stage or UNKNOWN,
        workflow=workflow,
        job=job,
        timeout=limit or None,
        runs=int(row["runs"]),
        failed=int(row["failed"]),
        timed_out=int(row["timed_out"]),
        p50=row["p50"],
        p90=row["p90"],
        p95=row["p95"],
        p99=row["p99"],
        longest=row["longest"],
        usage_p95=row["usage_p95"] if limit else None,
        usage_max=row["usage_max"] if limit else None,
        gpu=job in gpu_jobs(catalogue),
        minutes=row["minutes"] / 60,
        failed_minutes=row["failed_minutes"] / 60,
    )


def stage_of(job: str, catalogue: Catalogue) -> str:
    """The stage that a job makes; empty when the catalogue does not know."""
    known = catalogue.jobs.get(job)
    return (known.stage or "") if known else gpu_jobs(catalogue).get(job, "")


def gpu_jobs(catalogue: Catalogue) -> dict[str, str]:
    """The names by which workflows log what runs on a GPU of the cluster, with its stage."""
    return {one.logged_as: one.stage for one in catalogue.gke_jobs if one.logged_as and catalogue.stages[one.stage].gpu}
