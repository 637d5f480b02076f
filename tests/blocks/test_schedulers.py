"""What the schedulers block does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from google.cloud import scheduler_v1

from blocks.calls import CallLimits
from blocks.errors import NotFound, PermanentError, TemporaryError
from blocks.schedulers import PipelineSchedulers, _target
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

POLLER = "genie-sim-import-poller"


@pytest.fixture(autouse=True)
def running_again(schedulers: PipelineSchedulers, sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.faults.clear()
    schedulers.limits = CallLimits()
    schedulers.resume(POLLER)


def test_every_scheduler_is_listed_with_its_clock_and_target(schedulers: PipelineSchedulers, sandbox: Sandbox) -> None:
    found = {one.name: one for one in schedulers.list()}
    assert list(found) == sorted(sandbox.catalogue.schedulers)
    for name, known in sandbox.catalogue.schedulers.items():
        assert (found[name].cron, found[name].target) == (known.cron, known.target)
        assert found[name].timezone == "Etc/UTC"
        assert found[name].state == ("PAUSED" if known.created_paused else "ENABLED")


def test_a_definition_holds_what_it_takes_to_make_the_scheduler_again(schedulers: PipelineSchedulers) -> None:
    for one in schedulers.list():
        assert json.loads(json.dumps(one.definition)) == one.definition
        assert one.definition["schedule"] == one.cron
        assert one.target in one.definition["httpTarget"]["uri"]
        assert one.definition["httpTarget"]["oauthToken"]["serviceAccountEmail"]


def test_no_scheduler_is_deployed_in_another_region(schedulers: PipelineSchedulers) -> None:
    assert PipelineSchedulers(project="p", region="europe-west1", endpoint=schedulers.endpoint).list() == []


def test_pausing_and_resuming_is_seen_in_the_list(schedulers: PipelineSchedulers) -> None:
    assert schedulers.pause(POLLER).state == "PAUSED"
    assert {one.name: one.state for one in schedulers.list()}[POLLER] == "PAUSED"
    assert schedulers.resume(POLLER).state == "ENABLED"


def test_doing_it_twice_is_doing_it_once(schedulers: PipelineSchedulers, sandbox: Sandbox) -> None:
    schedulers.pause(POLLER)
    assert schedulers.pause(POLLER).state == "PAUSED"
    assert sandbox.requests.count("scheduler", "PauseJob") == 1
    schedulers.resume(POLLER)
    assert schedulers.resume(POLLER).state == "ENABLED"
    assert sandbox.requests.count("scheduler", "ResumeJob") == 1


@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_one_fault_is_not_noticed(schedulers: PipelineSchedulers, sandbox: Sandbox, kind: str) -> None:
    schedulers.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    rule = {"service": "scheduler", "method": "PauseJob", "kind": kind, "seconds": 1.0, "times": 1}
    sandbox.faults.add(FaultRule.model_validate(rule))
    assert schedulers.pause(POLLER).state == "PAUSED"
    assert sandbox.scheduler.state(POLLER) == "PAUSED"


def test_an_unknown_scheduler_is_not_found(schedulers: PipelineSchedulers) -> None:
    with pytest.raises(NotFound, match=r"pause scheduler no-such-job.*list the schedulers"):
        schedulers.pause("no-such-job")


def test_a_service_that_goes_on_failing_is_temporary(schedulers: PipelineSchedulers, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="scheduler", method="ListJobs", kind="reset"))
    with pytest.raises(TemporaryError, match="list the schedulers of sandbox-project"):
        schedulers.list()


def test_a_refusal_names_the_permission_to_grant(schedulers: PipelineSchedulers, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="scheduler", method="PauseJob", kind="status", status=403, times=1))
    with pytest.raises(PermanentError, match=r"grant cloudscheduler\.jobs\.pause to the account"):
        schedulers.pause(POLLER)


def test_the_list_goes_on_over_its_pages(schedulers: PipelineSchedulers, monkeypatch: pytest.MonkeyPatch) -> None:
    every = schedulers.list()
    monkeypatch.setattr("blocks.schedulers._PAGE", 1)
    assert schedulers.list() == every
    assert len(every) > 1


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://host/v1/projects/p/locations/l/workflows/nightly/executions", "nightly"),
        ("https://host/workflows/nightly/other", "https://host/workflows/nightly/other"),
    ],
)
def test_only_a_call_that_starts_an_execution_names_a_workflow(uri: str, target: str) -> None:
    assert _target(scheduler_v1.Job(http_target={"uri": uri})) == target
