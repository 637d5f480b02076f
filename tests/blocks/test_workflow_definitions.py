"""Recording what a workflow is made of and putting it back, with a real client against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest
import yaml

from blocks.errors import PermanentError, PreconditionFailed, TemporaryError
from blocks.workflow_definitions import WorkflowDefinition
from blocks.workflows import PipelineWorkflows
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

FLOW = "scale-pipeline"
OTHER_SOURCE = "main:\n  steps:\n    - done:\n        return: {status: WAITING}\n"


@pytest.fixture(autouse=True)
def deployed_anew(sandbox: Sandbox) -> Iterator[None]:
    """Each test begins with the first revision: a workflow that is taken away loses its history."""
    sandbox.workflows.deployed.put(FLOW, False)
    sandbox.workflows.deployed.put(FLOW, True)
    yield
    sandbox.workflows.deployed.put(FLOW, False)
    sandbox.workflows.deployed.put(FLOW, True)


@pytest.fixture
def recorded(workflows: PipelineWorkflows) -> WorkflowDefinition:
    found = workflows.definition(FLOW)
    assert found is not None
    return found


def revisions(workflows: PipelineWorkflows) -> list[str]:
    return [one.revision_id[:6] for one in workflows.revisions(FLOW)]


def test_a_definition_has_the_source_and_the_revision(
    recorded: WorkflowDefinition, workflows: PipelineWorkflows
) -> None:
    info = workflows.get(FLOW)
    assert info is not None
    assert (recorded.name, recorded.revision_id) == (FLOW, info.revision)
    assert "main" in yaml.safe_load(recorded.source)
    assert recorded.service_account
    assert recorded.revision_create_time > "2020"


def test_a_definition_survives_being_recorded_as_json(recorded: WorkflowDefinition) -> None:
    assert WorkflowDefinition.from_dict(json.loads(json.dumps(asdict(recorded)))) == recorded


def test_what_is_not_deployed_has_no_definition_and_no_revisions(workflows: PipelineWorkflows) -> None:
    assert workflows.definition("no-such-pipeline") is None
    assert workflows.revisions("no-such-pipeline") == []


def test_an_older_source_comes_back_as_a_new_revision(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition
) -> None:
    broken = workflows.deploy(replace(recorded, source=OTHER_SOURCE), expected_revision=recorded.revision_id)
    assert broken.source == OTHER_SOURCE
    restored = workflows.deploy(recorded, expected_revision=broken.revision_id)
    assert restored.same_as(recorded)
    assert restored.revision_id != recorded.revision_id
    listed = workflows.revisions(FLOW)
    assert [one.revision_id[:6] for one in listed] == ["000003", "000002", "000001"]
    assert [one.source for one in listed] == [recorded.source, OTHER_SOURCE, recorded.source]


def test_everything_recorded_is_deployed_and_not_only_the_source(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition
) -> None:
    wanted = replace(
        recorded,
        description="as of last night",
        labels={"restored": "yes"},
        service_account="projects/p/serviceAccounts/other@p.iam.gserviceaccount.com",
        call_log_level="LOG_ERRORS_ONLY",
        environment={"GCS_BUCKET": "b"},
    )
    live = workflows.deploy(wanted, expected_revision=recorded.revision_id)
    assert (live.description, live.labels, live.call_log_level) == (
        "as of last night",
        {"restored": "yes"},
        "LOG_ERRORS_ONLY",
    )
    assert (live.service_account, live.environment) == (wanted.service_account, {"GCS_BUCKET": "b"})


def test_a_workflow_that_changed_since_it_was_observed_is_left_alone(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox
) -> None:
    live = workflows.deploy(replace(recorded, source=OTHER_SOURCE), expected_revision=recorded.revision_id)
    sandbox.requests.reset()
    with pytest.raises(PreconditionFailed, match=f"its revision is {live.revision_id}, not {recorded.revision_id}"):
        workflows.deploy(recorded, expected_revision=recorded.revision_id)
    assert sandbox.requests.count("workflows", "UpdateWorkflow") == 0
    assert workflows.definition(FLOW) == live


def test_a_workflow_that_is_gone_is_created_and_only_when_that_is_expected(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox
) -> None:
    with pytest.raises(PreconditionFailed, match="not none as observed"):
        workflows.deploy(recorded, expected_revision="")
    sandbox.workflows.deployed.put(FLOW, False)
    with pytest.raises(PreconditionFailed, match="its revision is none"):
        workflows.deploy(recorded, expected_revision=recorded.revision_id)
    wanted = replace(recorded, source=OTHER_SOURCE)
    assert workflows.deploy(wanted, expected_revision="").same_as(wanted)


@pytest.mark.parametrize(("method", "gone"), [("UpdateWorkflow", False), ("CreateWorkflow", True)])
def test_a_lost_answer_is_looked_up_and_not_deployed_twice(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox, method: str, gone: bool
) -> None:
    sandbox.workflows.deployed.put(FLOW, not gone)
    sandbox.faults.add(FaultRule(service="workflows", method=method, kind="lost_answer", times=1))
    wanted = replace(recorded, source=OTHER_SOURCE)
    live = workflows.deploy(wanted, expected_revision="" if gone else recorded.revision_id)
    assert live.source == OTHER_SOURCE
    assert revisions(workflows) == (["000001"] if gone else ["000002", "000001"])
    assert sandbox.requests.count("workflows", method) == 1


@pytest.mark.parametrize("kind", ["status", "reset"])
def test_a_try_without_effect_is_made_again(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox, kind: str
) -> None:
    sandbox.faults.add(
        FaultRule.model_validate({"service": "workflows", "method": "UpdateWorkflow", "kind": kind, "times": 1})
    )
    wanted = replace(recorded, source=OTHER_SOURCE)
    assert workflows.deploy(wanted, expected_revision=recorded.revision_id).source == OTHER_SOURCE


def test_a_deployment_is_waited_for(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="operations", kind="reset", times=1))
    workflows.deploy(replace(recorded, source=OTHER_SOURCE), expected_revision=recorded.revision_id)
    assert sandbox.requests.count("operations", "GetOperation") >= 2


def test_a_source_that_does_not_compile_is_refused_with_the_reason(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition
) -> None:
    with pytest.raises(PermanentError, match=f"deploy workflow {FLOW}.*parse error"):
        workflows.deploy(replace(recorded, source="steps: {"), expected_revision=recorded.revision_id)
    assert revisions(workflows) == ["000001"]


def test_a_refusal_names_the_permissions_to_grant(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="workflows", method="UpdateWorkflow", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant workflows\.workflows\.update and iam\.serviceAccounts\.actAs"):
        workflows.deploy(replace(recorded, source=OTHER_SOURCE), expected_revision=recorded.revision_id)


def test_a_service_that_goes_on_failing_is_temporary(workflows: PipelineWorkflows, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="workflows", kind="reset"))
    with pytest.raises(TemporaryError, match=f"list the revisions of workflow {FLOW}"):
        workflows.revisions(FLOW)


def test_an_execution_names_the_revision_it_ran(
    workflows: PipelineWorkflows, recorded: WorkflowDefinition, sandbox: Sandbox
) -> None:
    argument = {"data": {"bucket": "sandbox-scenes", "name": "scenes/kitchen_1/layout/scene_layout.json"}}
    first = workflows.start(FLOW, argument, labels={})
    live = workflows.deploy(replace(recorded, source=OTHER_SOURCE), expected_revision=recorded.revision_id)
    second = workflows.start(FLOW, argument, labels={})
    ran = [sandbox.workflows.executions.get(one.name) for one in (first, second)]
    assert [one.revision for one in ran if one] == [recorded.revision_id, live.revision_id]
