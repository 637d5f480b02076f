"""What the workflows block does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.calls import CallLimits
from blocks.errors import NotFound, PermanentError, TemporaryError, UnknownOutcome
from blocks.execution import Execution
from blocks.workflows import PipelineWorkflows
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox

FLOW = "objects-pipeline"
ARGUMENT = {"data": {"bucket": "sandbox-scenes", "name": "scenes/kitchen_1/layout/scene_layout.json"}}
IMPATIENT = CallLimits(attempts=4, total_seconds=20.0, call_seconds=0.4, first_wait_seconds=0.01)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def ended(workflows: PipelineWorkflows, name: str) -> Execution:
    wait_until(lambda: not workflows.execution(name).live)
    return workflows.execution(name)


@pytest.fixture
def held(sandbox: Sandbox) -> None:
    """Executions go on until they are cancelled."""
    sandbox.simulator.behave(SimulatorFault(workflow=FLOW, kind="hold"))


def test_a_deployed_workflow_is_found_and_another_is_none(workflows: PipelineWorkflows) -> None:
    found = workflows.get(FLOW)
    assert found is not None
    assert (found.name, found.state) == (FLOW, "ACTIVE")
    assert workflows.get("no-such-pipeline") is None


def test_a_workflow_that_is_not_deployed_has_no_executions_and_cannot_be_started(workflows: PipelineWorkflows) -> None:
    assert list(workflows.executions("no-such-pipeline")) == []
    with pytest.raises(NotFound, match=r"start workflow no-such-pipeline.*deploy it, or check project and region"):
        workflows.start("no-such-pipeline", ARGUMENT, labels={})


@pytest.mark.usefixtures("held")
def test_a_started_execution_carries_its_argument_and_labels(workflows: PipelineWorkflows) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    started = workflows.start(FLOW, ARGUMENT, labels={"remediation": "run-1"})
    assert (started.workflow, started.state, started.argument) == (FLOW, "ACTIVE", ARGUMENT)
    assert started.labels == {"remediation": "run-1"}
    assert started.live
    assert before <= started.created <= datetime.now(UTC)
    assert workflows.execution(started.name) == started
    assert workflows.cancel(started.name).state == "CANCELLED"


@pytest.mark.usefixtures("held")
def test_cancelling_what_has_ended_leaves_it_as_it_is(workflows: PipelineWorkflows) -> None:
    name = workflows.start(FLOW, ARGUMENT, labels={}).name
    first = workflows.cancel(name)
    assert first.ended is not None
    assert workflows.cancel(name) == workflows.execution(name)
    with pytest.raises(NotFound):
        workflows.cancel(name[:-4] + "0000")


@pytest.mark.usefixtures("held")
def test_executions_are_asked_for_by_state(workflows: PipelineWorkflows, sandbox: Sandbox) -> None:
    gone = workflows.cancel(workflows.start(FLOW, ARGUMENT, labels={}).name)
    live = workflows.start(FLOW, ARGUMENT, labels={})
    assert [one.name for one in workflows.executions(FLOW, state="ACTIVE")] == [live.name]
    cancelled = [one.name for one in workflows.executions(FLOW, state="CANCELLED")]
    assert gone.name in cancelled
    assert live.name not in cancelled
    workflows.cancel(live.name)


@pytest.mark.usefixtures("held")
def test_executions_are_asked_for_by_time_newest_first(workflows: PipelineWorkflows) -> None:
    old = workflows.cancel(workflows.start(FLOW, ARGUMENT, labels={}).name)
    time.sleep(0.01)
    since = datetime.now(UTC)
    names = [workflows.cancel(workflows.start(FLOW, ARGUMENT, labels={}).name).name for _ in range(3)]
    found = [one.name for one in workflows.executions(FLOW, since=since)]
    assert found == names[::-1]
    assert old.name not in found
    elsewhere = since.astimezone(tz=None)
    assert [one.name for one in workflows.executions(FLOW, since=elsewhere)] == found


@pytest.mark.usefixtures("held")
def test_executions_go_on_over_their_pages(workflows: PipelineWorkflows, sandbox: Sandbox) -> None:
    since = datetime.now(UTC)
    for _ in range(120):
        workflows.cancel(workflows.start(FLOW, ARGUMENT, labels={}).name)
    sandbox.requests.reset()
    found = list(workflows.executions(FLOW, since=since))
    assert len({one.name for one in found}) == len(found) == 120
    assert all(one.argument == ARGUMENT for one in found)
    assert sandbox.requests.count("executions", "ListExecutions") == 2


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_one_fault_is_not_noticed_by_a_reader(workflows: PipelineWorkflows, sandbox: Sandbox, kind: str) -> None:
    workflows.limits = IMPATIENT
    rule = FaultRule.model_validate({"kind": kind, "seconds": 1.0, "times": 1})
    sandbox.faults.add(rule.model_copy(update={"service": "workflows"}))
    assert workflows.get(FLOW) is not None
    sandbox.faults.add(rule.model_copy(update={"service": "executions"}))
    list(workflows.executions(FLOW))


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("rule", "started"),
    [
        (FaultRule(kind="lost_answer"), 1),
        (FaultRule(kind="reset"), 0),
        (FaultRule(kind="hang", seconds=1.0), 0),
        (FaultRule(kind="status", status=503), 0),
        (FaultRule(kind="status", status=500), 0),
        (FaultRule(kind="status", status=504), 0),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, FaultRule) else "",
)
def test_a_start_whose_answer_is_lost_is_unknown_and_not_repeated(
    workflows: PipelineWorkflows, sandbox: Sandbox, rule: FaultRule, started: int
) -> None:
    workflows.limits = IMPATIENT
    since = datetime.now(UTC)
    sandbox.faults.add(rule.model_copy(update={"service": "executions", "method": "CreateExecution"}))
    with pytest.raises(UnknownOutcome, match=f"start workflow {FLOW}.*look before doing anything else"):
        workflows.start(FLOW, ARGUMENT, labels={"remediation": "lost"})
    assert sandbox.requests.count("executions", "CreateExecution") == 1
    found = list(workflows.executions(FLOW, since=since))
    assert [one.labels for one in found] == [{"remediation": "lost"}] * started
    for one in found:
        workflows.cancel(one.name)


@pytest.mark.usefixtures("held")
def test_a_start_that_was_refused_for_lack_of_quota_is_made_again(
    workflows: PipelineWorkflows, sandbox: Sandbox
) -> None:
    since = datetime.now(UTC)
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="status", status=429, times=2))
    started = workflows.start(FLOW, ARGUMENT, labels={})
    assert [one.name for one in workflows.executions(FLOW, since=since)] == [started.name]
    workflows.cancel(started.name)


def test_a_start_that_is_always_refused_for_lack_of_quota_has_started_nothing(
    workflows: PipelineWorkflows, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="executions", method="CreateExecution", kind="status", status=429))
    with pytest.raises(TemporaryError, match="nothing was changed"):
        workflows.start(FLOW, ARGUMENT, labels={})


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("GetWorkflow", "workflows.workflows.get"),
        ("ListExecutions", "workflows.executions.list"),
        ("GetExecution", "workflows.executions.get"),
        ("CreateExecution", "workflows.executions.create"),
        ("CancelExecution", "workflows.executions.cancel"),
    ],
)
def test_a_refusal_names_the_permission_to_grant(
    workflows: PipelineWorkflows, sandbox: Sandbox, method: str, permission: str
) -> None:
    name = f"projects/sandbox-project/locations/us-central1/workflows/{FLOW}/executions/1"
    sandbox.faults.add(FaultRule(kind="status", status=403))
    calls: dict[str, Callable[[], object]] = {
        "GetWorkflow": lambda: workflows.get(FLOW),
        "ListExecutions": lambda: list(workflows.executions(FLOW)),
        "GetExecution": lambda: workflows.execution(name),
        "CreateExecution": lambda: workflows.start(FLOW, ARGUMENT, labels={}),
        "CancelExecution": lambda: workflows.cancel(name),
    }
    with pytest.raises(PermanentError, match=f"grant {permission.split('.')[0]}"):
        calls[method]()


def test_a_server_that_is_down_is_temporary_because_nothing_was_sent() -> None:
    nobody = PipelineWorkflows(project="p", endpoint="127.0.0.1:1", limits=IMPATIENT)
    with pytest.raises(TemporaryError, match="nothing was changed"):
        nobody.start(FLOW, ARGUMENT, labels={})
    with pytest.raises(TemporaryError):
        nobody.get(FLOW)
    nobody.close()


def test_a_workflow_returns_a_result_or_fails_with_a_sentence(workflows: PipelineWorkflows, sandbox: Sandbox) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=FLOW, kind="skipped", times=1))
    skipped = ended(workflows, workflows.start(FLOW, ARGUMENT, labels={}).name)
    assert skipped.state == "SUCCEEDED"
    assert skipped.result is not None
    assert skipped.error is None
    sandbox.simulator.behave(SimulatorFault(workflow=FLOW, kind="raise", times=1))
    failed = ended(workflows, workflows.start(FLOW, ARGUMENT, labels={}).name)
    assert failed.state == "FAILED"
    assert failed.error
    assert failed.result is None
    assert failed.ended is not None
