"""A stage is all runs of its jobs together, with the percentiles that numpy gives of the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from blocks.catalogue_load import load_catalogue
from tasks.runtime_report.entries import ended
from tasks.runtime_report.stages import stages_of
from tests.runtime_report.world import frame, spread

CATALOGUE = load_catalogue()


def test_the_runs_of_a_stage_are_taken_together_whoever_ran_them() -> None:
    first, second = [float(10 * n) for n in range(1, 40)], [float(7 * n) for n in range(1, 25)]
    entries = [
        *spread(first, job="simready-job", limit=3600),
        *spread(second, job="simready-job", limit=1800, workflow="another-pipeline", status="FAILED"),
    ]
    (one,) = stages_of(ended(frame(entries)), CATALOGUE)
    both = np.array(first + second)
    assert (one.stage, one.runs, one.failed) == ("simready", 63, 24)
    assert [one.p50, one.p90, one.p95, one.p99] == pytest.approx(np.percentile(both, [50, 90, 95, 99]))
    assert one.minutes == pytest.approx(both.sum() / 60)


def test_stages_stand_in_the_order_of_the_line_and_unknown_jobs_last() -> None:
    jobs = ["nobodys-job", "genie-sim-export-job", "simready-job"]
    entries = [one for job in jobs for one in spread([60.0], job=job)]
    assert [one.stage for one in stages_of(ended(frame(entries)), CATALOGUE)] == [
        "simready", "genie-sim-export", "unknown",
    ]  # fmt: skip


def test_without_runs_there_are_no_stages() -> None:
    assert stages_of(ended(frame([])), CATALOGUE) == []
