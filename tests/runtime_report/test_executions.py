"""What the services say ran: by results and not by states, of the window and the time before, and unknown where refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

import pytest

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.runtime_report.executions import Executions, gather
from tests.runtime_report.world import JOB, NOW, USD, WINDOW, job_ran, workflow_ran

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def known() -> Iterator[Executions]:
    """What is gathered of a pipeline, looked at by all tests that change nothing."""
    load_libraries()
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        job_ran(sandbox, WINDOW.before - HOUR)
        for result in (
            '{"status": "SUCCESS"}',
            '{"status": "PARTIAL_SUCCESS"}',
            '{"status": "SKIPPED"}',
            '{"status": "FAILED"}',
            '"so"',
        ):
            workflow_ran(sandbox, NOW - HOUR, result=result)
        workflow_ran(sandbox, NOW - HOUR, state="FAILED")
        workflow_ran(sandbox, NOW - HOUR, state="CANCELLED")
        workflow_ran(sandbox, WINDOW.since - HOUR, workflow="scale-pipeline", seconds=90, revision="000007-x")
        workflow_ran(sandbox, WINDOW.before - HOUR, workflow="dwm-preparation-pipeline")
        workflow_ran(sandbox, NOW + HOUR, workflow="dwm-preparation-pipeline")
        for state in ("SUCCEEDED", "FAILED", "CANCELLED"):
            job_ran(sandbox, NOW - HOUR, state=state, seconds=120)
        environment = for_sandbox(sandbox.endpoints)
        yield gather(environment, WINDOW)
        environment.close()


def test_a_workflow_is_judged_by_its_result_and_not_by_its_state(known: Executions) -> None:
    found = sorted(one.outcome for one in known.ran if one.name == USD)
    assert found == ["cancelled", "failed", "failed", "nothing_done", "partial", "success", "unknown"]


def test_an_execution_has_its_seconds_and_its_revision(known: Executions) -> None:
    (one,) = [each for each in known.ran if each.name == "scale-pipeline"]
    assert (one.seconds, one.version, one.is_job) == (90.0, "000007-x", False)


def test_what_is_older_than_the_time_before_or_newer_than_the_window_is_left_out(known: Executions) -> None:
    assert [one for one in known.ran if one.name == "dwm-preparation-pipeline"] == []
    assert len([one for one in known.ran if one.name == JOB]) == 3


def test_a_job_has_its_image_and_the_limit_it_ran_with(known: Executions) -> None:
    mine = [one for one in known.ran if one.name == JOB]
    assert {(one.version, one.limit, one.seconds) for one in mine} == {("img@sha256:aa", 1800, 120.0)}
    assert sorted(one.outcome for one in mine) == ["cancelled", "failed", "success"]


def test_only_those_of_the_window_are_given_when_it_is_asked_for(known: Executions) -> None:
    since = WINDOW.since.timestamp()
    assert len(known.of(since, is_job=False)) == 7
    assert len(known.of(WINDOW.before.timestamp(), is_job=False)) == 8


def test_everything_of_the_catalogue_is_asked(known: Executions, environment: PipelineEnvironment) -> None:
    assert known.asked == {*environment.catalogue.workflows, *environment.catalogue.jobs}
    assert known.unknown == []
    assert known.cluster == {}


def test_what_is_running_has_no_seconds(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    workflow_ran(sandbox, NOW - HOUR, state="ACTIVE")
    made = next(iter(sandbox.workflows.executions.newest_first(USD)))
    made.ended = None
    (one,) = gather(environment, WINDOW).ran
    assert (one.outcome, math.isnan(one.seconds)) == ("running", True)


def test_a_service_that_refuses_is_unknown_and_hides_no_other(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    workflow_ran(sandbox, NOW - HOUR)
    sandbox.faults.add(FaultRule(service="run", kind="status", status=403))
    found = gather(environment, WINDOW)
    assert len(found.ran) == 1
    assert JOB not in found.asked
    assert any(one.startswith(f"Executions of {JOB}: Could not list the executions") for one in found.unknown)


def test_a_cluster_that_does_not_answer_is_unknown(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", kind="status", status=403))
    found = gather(environment, WINDOW)
    assert found.cluster is None
    assert any(one.startswith("GPU Jobs of the cluster: ") for one in found.unknown)


def test_an_installation_without_a_cluster_has_no_gpu_jobs_to_know_of(environment: PipelineEnvironment) -> None:
    environment.cluster.enabled = False
    found = gather(environment, WINDOW)
    assert (found.cluster, found.unknown) == (None, [])


def test_nothing_is_changed(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    before = sandbox.requests.mutating()["total"]
    gather(environment, WINDOW)
    assert sandbox.requests.mutating()["total"] == before
