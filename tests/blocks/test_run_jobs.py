"""What the Cloud Run block does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from google.cloud import run_v2

from blocks.calls import CallLimits
from blocks.errors import NotFound, PermanentError, TemporaryError, UnknownOutcome
from blocks.job_execution import JobExecution, execution_from
from blocks.run_jobs import CloudRunJobs
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

JOB = "replicator-job"
ENV = {"BUCKET": "sandbox-scenes", "SCENE_ID": "kitchen_1", "EMPTY": ""}
IMPATIENT = CallLimits(attempts=4, total_seconds=20.0, call_seconds=0.4, first_wait_seconds=0.01)


def ended(jobs: CloudRunJobs, name: str) -> JobExecution:
    deadline = time.monotonic() + 10
    while (found := jobs.execution(name)).state == "running":
        assert time.monotonic() < deadline, "it did not end in time"
        time.sleep(0.02)
    return found


def test_a_deployed_job_is_found_and_another_is_none(jobs: CloudRunJobs) -> None:
    found = jobs.get(JOB)
    assert found is not None
    assert found.name == JOB
    assert JOB in found.image
    assert found.timeout_seconds > 0
    assert jobs.get("no-such-job") is None


def test_a_job_that_is_not_deployed_has_no_executions_and_cannot_be_started(jobs: CloudRunJobs) -> None:
    assert list(jobs.executions("no-such-job")) == []
    with pytest.raises(NotFound, match=r"start job no-such-job.*deploy it, or check project and region"):
        jobs.start("no-such-job", ENV)


def test_start_returns_before_the_end_and_the_environment_is_kept(jobs: CloudRunJobs) -> None:
    before = datetime.now(UTC)
    started = jobs.start(JOB, ENV, timeout_seconds=1800)
    assert (started.job, started.env, started.state) == (JOB, ENV, "running")
    assert started.completed is None
    assert started.created >= before
    assert started.name in [one.name for one in jobs.executions(JOB, since=before)]
    last = ended(jobs, started.name)
    assert last.completed is not None
    assert last.env == ENV
    assert (last.timeout_seconds, last.retried) == (1800, 0)


def test_executions_are_newest_first_and_end_at_the_time_asked_for(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    old = jobs.start(JOB, ENV)
    time.sleep(0.01)
    since = datetime.now(UTC)
    names = [jobs.start(JOB, ENV).name for _ in range(3)]
    found = [one.name for one in jobs.executions(JOB, since=since)]
    assert found == names[::-1]
    assert old.name in [one.name for one in jobs.executions(JOB)]


def test_executions_go_on_over_their_pages(jobs: CloudRunJobs) -> None:
    since = datetime.now(UTC)
    for _ in range(120):
        jobs.start("retention-cleanup-job", {})
    found = [one.name for one in jobs.executions("retention-cleanup-job", since=since)]
    assert len(set(found)) == len(found) == 120


@pytest.mark.parametrize(
    ("rule", "started"),
    [
        (FaultRule(kind="lost_answer"), 1),
        (FaultRule(kind="reset"), 0),
        (FaultRule(kind="hang", seconds=1.0), 0),
        (FaultRule(kind="status", status=503), 0),
        (FaultRule(kind="status", status=500), 0),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, FaultRule) else "",
)
def test_a_start_whose_answer_is_lost_is_unknown_and_not_repeated(
    jobs: CloudRunJobs, sandbox: Sandbox, rule: FaultRule, started: int
) -> None:
    jobs.limits = IMPATIENT
    since = datetime.now(UTC)
    sandbox.faults.add(rule.model_copy(update={"service": "run", "method": "RunJob"}))
    with pytest.raises(UnknownOutcome, match=f"start job {JOB}.*look before doing anything else"):
        jobs.start(JOB, ENV)
    assert sandbox.requests.count("run", "RunJob") == 1
    assert [one.env for one in jobs.executions(JOB, since=since)] == [ENV] * started


def test_a_start_that_was_refused_for_lack_of_quota_is_made_again(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    since = datetime.now(UTC)
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind="status", status=429, times=2))
    started = jobs.start(JOB, ENV)
    assert [one.name for one in jobs.executions(JOB, since=since)] == [started.name]


def test_a_start_that_is_always_refused_for_lack_of_quota_has_started_nothing(
    jobs: CloudRunJobs, sandbox: Sandbox
) -> None:
    since = datetime.now(UTC)
    sandbox.faults.add(FaultRule(service="run", method="RunJob", kind="status", status=429))
    with pytest.raises(TemporaryError, match="nothing was changed"):
        jobs.start(JOB, ENV)
    assert list(jobs.executions(JOB, since=since)) == []


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_one_fault_is_not_noticed_by_a_reader(jobs: CloudRunJobs, sandbox: Sandbox, kind: str) -> None:
    jobs.limits = IMPATIENT
    name = jobs.start(JOB, ENV).name
    for ask in (lambda: jobs.get(JOB), lambda: list(jobs.executions(JOB)), lambda: jobs.execution(name)):
        sandbox.faults.add(FaultRule.model_validate({"service": "run", "kind": kind, "seconds": 1.0, "times": 1}))
        assert ask()


def test_a_refusal_names_the_permission_to_grant(jobs: CloudRunJobs, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="run", kind="status", status=403))
    calls: dict[str, Callable[[], object]] = {
        "run.jobs.get": lambda: jobs.get(JOB),
        "run.executions.list": lambda: list(jobs.executions(JOB)),
        "run.executions.get": lambda: jobs.execution(f"projects/p/locations/l/jobs/{JOB}/executions/x"),
        "run.jobs.runWithOverrides": lambda: jobs.start(JOB, ENV),
    }
    for permission, call in calls.items():
        with pytest.raises(PermanentError, match=f"grant {permission} to the account"):
            call()


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("CONDITION_SUCCEEDED", None, "succeeded"),
        ("CONDITION_FAILED", "NON_ZERO_EXIT_CODE", "failed"),
        ("CONDITION_FAILED", "CANCELLED", "cancelled"),
        ("CONDITION_RECONCILING", None, "running"),
        ("CONDITION_PENDING", "DELAYED_START_PENDING", "running"),
        ("CONDITION_RECONCILING", "CANCELLING", "running"),
    ],
)
def test_the_state_is_that_of_the_completed_condition(state: str, reason: str | None, expected: str) -> None:
    condition = run_v2.Condition(type_="Completed", state=run_v2.Condition.State[state], message="why")
    if reason:
        condition.execution_reason = run_v2.Condition.ExecutionReason[reason]
    other = run_v2.Condition(type_="ContainerReady", state=run_v2.Condition.State.CONDITION_SUCCEEDED)
    found = execution_from(run_v2.Execution(conditions=[other, condition]))
    assert (found.state, found.message) == (expected, "why")


def test_tasks_that_were_begun_again_are_counted_and_a_limit_that_is_not_said_is_0() -> None:
    message = run_v2.Execution(name="projects/p/locations/l/jobs/j/executions/e", retried_count=3)
    found = execution_from(message)
    assert (found.retried, found.timeout_seconds) == (3, 0)


def test_an_execution_without_any_condition_is_running() -> None:
    assert execution_from(run_v2.Execution()).state == "running"


def test_a_variable_that_comes_from_a_secret_is_not_shown() -> None:
    secret = run_v2.EnvVarSource(secret_key_ref=run_v2.SecretKeySelector(secret="gemini-api-key", version="latest"))
    env = [run_v2.EnvVar(name="A", value="1"), run_v2.EnvVar(name="GEMINI_API_KEY", value_source=secret)]
    template = run_v2.TaskTemplate(containers=[run_v2.Container(env=env)])
    assert execution_from(run_v2.Execution(template=template)).env == {"A": "1"}
