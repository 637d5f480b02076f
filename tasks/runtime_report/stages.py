"""How long each stage took: every run of its jobs together, whichever workflow ran them and with which timeout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks.catalogue import Catalogue
from tasks.runtime_report.steps import QUANTILES, UNKNOWN, stage_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTotal:
    """One stage in the window."""

    stage: str
    runs: int
    failed: int
    p50: float
    p90: float
    p95: float
    p99: float
    minutes: float
    """All runs together."""


def stages_of(runs: pd.DataFrame, catalogue: Catalogue) -> list[StageTotal]:
    """Every stage of these runs, in the order of the catalogue; what is no known stage's comes last."""
    if runs.empty:
        return []
    names = {str(job): stage_of(str(job), catalogue) or UNKNOWN for job in runs["job"].unique()}
    told = runs[["duration_seconds"]].assign(
        stage=runs["job"].astype(str).map(names), failed=runs["status"] == "FAILED"
    )
    groups = told.groupby("stage", observed=True)
    quantiles = groups["duration_seconds"].quantile(list(QUANTILES)).unstack()
    sums = groups.agg(runs=("duration_seconds", "size"), failed=("failed", "sum"), seconds=("duration_seconds", "sum"))
    order = {name: number for number, name in enumerate(catalogue.stages)}
    found = [
        StageTotal(
            stage=str(stage),
            runs=int(row["runs"]),
            failed=int(row["failed"]),
            minutes=row["seconds"] / 60,
            **{f"p{round(100 * one)}": float(quantiles.loc[stage, one]) for one in QUANTILES},
        )
        for stage, row in sums.to_dict("index").items()
    ]
    return sorted(found, key=lambda one: (order.get(one.stage, len(order)), one.stage))
