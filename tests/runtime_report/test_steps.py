"""Percentiles equal numpy's; a step is a job of one workflow with one timeout; what is unknown is not 0."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from tasks.runtime_report.entries import ended
from tasks.runtime_report.steps import Step, gpu_jobs, measured, stage_of, steps_of
from tests.runtime_report.world import JOB, NOW, USD, event, frame, ran, spread


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def steps(catalogue: Catalogue, *entries: list[dict[str, object]]) -> list[Step]:
    return steps_of(ended(frame([one for some in entries for one in some])), catalogue)


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 100, 347])
def test_percentiles_are_those_of_numpy_on_the_same_runs(catalogue: Catalogue, count: int) -> None:
    dice = random.Random(count)
    durations = [dice.lognormvariate(5, 1) for _ in range(count)]
    (step,) = steps(catalogue, spread(durations, step=timedelta(minutes=1)))
    wanted = np.quantile(np.array(durations), [0.5, 0.9, 0.95, 0.99])
    assert [step.p50, step.p90, step.p95, step.p99] == pytest.approx(list(wanted), rel=1e-12)
    assert step.usage_p95 == pytest.approx(np.quantile(np.array(durations) / 3600, 0.95), rel=1e-12)
    assert (step.runs, step.longest) == (count, max(durations))
    assert step.usage_max == pytest.approx(max(durations) / 3600)


def test_a_job_that_runs_with_two_timeouts_is_two_steps_and_has_no_mean_timeout(catalogue: Catalogue) -> None:
    found = steps(
        catalogue, ran(NOW, 100, "usd-assembly-job", limit=1800), ran(NOW, 1000, "usd-assembly-job", limit=3600)
    )
    assert [(one.timeout, one.p50, one.usage_p95) for one in found] == [
        (1800, 100, pytest.approx(100 / 1800)), (3600, 1000, pytest.approx(1000 / 3600)),
    ]  # fmt: skip


def test_a_job_of_two_workflows_is_two_steps(catalogue: Catalogue) -> None:
    found = steps(catalogue, ran(NOW, 10), ran(NOW, 20, workflow="variation-assets-pipeline"))
    assert [one.workflow for one in found] == [USD, "variation-assets-pipeline"]


def test_a_timeout_that_was_not_logged_is_unknown_and_so_is_its_usage(catalogue: Catalogue) -> None:
    (step,) = steps(catalogue, ran(NOW, 10, limit=None))
    assert (step.timeout, step.usage_p95, step.usage_max, step.timed_out) == (None, None, None, 0)
    assert step.p50 == 10
    assert "timeout unknown" in step.name


def test_a_timeout_of_0_is_none(catalogue: Catalogue) -> None:
    (step,) = steps(catalogue, ran(NOW, 10, limit=0), ran(NOW, 20, limit=None))
    assert (step.timeout, step.runs) == (None, 2)


@pytest.mark.parametrize(("seconds", "late"), [(1799.9, 0), (1800, 1), (1805, 1)])
def test_a_run_that_took_all_of_its_timeout_timed_out(catalogue: Catalogue, seconds: float, late: int) -> None:
    (step,) = steps(catalogue, ran(NOW, seconds, limit=1800))
    assert step.timed_out == late


def test_failures_are_counted_and_their_minutes_too(catalogue: Catalogue) -> None:
    (step,) = steps(catalogue, ran(NOW, 600), ran(NOW, 300, status="FAILED"))
    assert (step.runs, step.failed, step.minutes, step.failed_minutes) == (2, 1, 15, 5)


@pytest.mark.parametrize(
    ("job", "stage", "gpu"),
    [
        (JOB, "simready", False),
        ("genie-sim-gpu-job", "genie-sim-run", True),
        ("episode-generation-job", "episodes", True),
        ("quality-gate-job", "episodes", False),
        ("scene-generation-job", "unknown", False),
        ("a-job-nobody-knows", "unknown", False),
    ],
)
def test_a_job_has_its_stage_and_only_what_runs_in_the_cluster_has_a_gpu(
    catalogue: Catalogue, job: str, stage: str, gpu: bool
) -> None:
    (step,) = steps(catalogue, ran(NOW, 60, job))
    assert (step.stage, step.gpu) == (stage, gpu)
    assert stage_of(job, catalogue) == ("" if stage == "unknown" else stage)


def test_the_jobs_of_the_gpu_are_those_that_the_catalogue_names(catalogue: Catalogue) -> None:
    assert gpu_jobs(catalogue) == {"genie-sim-gpu-job": "genie-sim-run", "episode-generation-job": "episodes"}


def test_steps_come_in_the_order_of_the_line(catalogue: Catalogue) -> None:
    jobs = ["no-such-job", "episode-generation-job", "usd-assembly-job", JOB, "regen3d-adapter-job"]
    found = steps(catalogue, *(ran(NOW, 60, job) for job in jobs))
    assert [one.job for one in found] == jobs[::-1]


def test_without_runs_there_are_no_steps(catalogue: Catalogue) -> None:
    assert steps(catalogue, [event(NOW, event="start")]) == []


def test_a_workflow_that_was_not_logged_is_a_step_all_the_same(catalogue: Catalogue) -> None:
    (step,) = steps(catalogue, ran(NOW, 60, workflow=""))
    assert step.name == f"{JOB} in unknown (3600 s)"


def test_the_key_of_a_step_is_that_of_its_row() -> None:
    entries = ended(frame([*ran(NOW, 60), *ran(NOW, 60, limit=None)]))
    assert sorted(measured(entries).index) == [(USD, JOB, 0.0), (USD, JOB, 3600.0)]
