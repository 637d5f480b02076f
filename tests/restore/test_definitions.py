"""Workflows and jobs go back to what a night recorded: the difference is shown first, a live change in between refused."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.job_definitions import JobDefinition
from blocks.workflow_definitions import WorkflowDefinition
from deployments.sandbox.server import Sandbox
from tasks.remediation.plan import canonical
from tasks.remediation.report import run_markdown
from tasks.restore.definitions import RestoreDefinition
from tasks.snapshots.layout import DefinitionKind, layout_of
from tasks.snapshots.summary import DefinitionRecord
from tests.restore.world import BACKUP, do, make_night

WORKFLOW, JOB = "usd-assembly-pipeline", "simready-job"
CHANGED = "main:\n  steps:\n    - done:\n        return: changed\n"


def live_workflow(environment: PipelineEnvironment) -> WorkflowDefinition:
    found = environment.workflows.definition(WORKFLOW)
    assert found is not None
    return found


def live_job(environment: PipelineEnvironment) -> JobDefinition:
    found = environment.jobs.definition(JOB)
    assert found is not None
    return found


def change(environment: PipelineEnvironment, source: str = CHANGED) -> WorkflowDefinition:
    """Deploy another source."""
    live = live_workflow(environment)
    return environment.workflows.deploy(replace(live, source=source), expected_revision=live.revision_id)


def set_variable(environment: PipelineEnvironment, value: str) -> JobDefinition:
    """Deploy the job with an environment variable."""
    live = live_job(environment)
    job: dict[str, Any] = live.pinned()
    container = job["template"]["template"]["containers"][0]
    container["env"] = [{"name": "API_KEY", "value": value}]
    return environment.jobs.deploy(replace(live, job=job), etag=live.etag)


def captured(
    environment: PipelineEnvironment, kind: DefinitionKind, name: str, revision: str, value: Any
) -> tuple[DefinitionRecord, bytes]:
    """A definition as a night records it."""
    body = canonical(value)
    sha256 = hashlib.sha256(body).hexdigest()
    where = layout_of(environment).definition_name(kind, name, sha256)
    return DefinitionRecord(kind=kind, name=name, revision=revision, sha256=sha256, object=where), body


@pytest.fixture
def recorded(environment: PipelineEnvironment, sandbox: Sandbox) -> WorkflowDefinition:
    """A night that recorded the workflow and the job as they are now."""
    workflow, job = live_workflow(environment), set_variable(environment, "hunter1")
    found = [
        captured(environment, "workflows", WORKFLOW, workflow.revision_id, asdict(workflow)),
        captured(environment, "jobs", JOB, job.etag, asdict(job)),
    ]
    make_night(environment, sandbox.store, definitions=found)
    return workflow


def test_nothing_to_do_when_what_was_recorded_is_live(
    environment: PipelineEnvironment, recorded: WorkflowDefinition
) -> None:
    assert do(environment, "workflow", WORKFLOW).outcome == "nothing_to_do"
    assert do(environment, "job", JOB).outcome == "nothing_to_do"


def test_a_workflow_goes_back_and_the_difference_is_shown_first(
    environment: PipelineEnvironment, recorded: WorkflowDefinition
) -> None:
    changed = change(environment)
    planned = do(environment, "workflow", WORKFLOW, mode="plan")
    assert planned.outcome == "planned"
    assert "-        return: changed" in planned.diff
    assert live_workflow(environment) == changed
    result = do(environment, "workflow", WORKFLOW)
    assert (result.outcome, result.reasons) == ("done", [])
    assert live_workflow(environment).same_as(recorded)


def test_a_job_goes_back_and_no_value_of_its_environment_is_shown(
    environment: PipelineEnvironment, recorded: WorkflowDefinition
) -> None:
    before = live_job(environment)
    set_variable(environment, "hunter2")
    result = do(environment, "job", JOB)
    assert result.outcome == "done"
    assert live_job(environment).pinned() == before.pinned()
    assert "API_KEY" in result.diff
    assert "hunter" not in run_markdown(result.run, RestoreDefinition().sections(result.run))


def test_a_revision_that_changed_since_the_plan_is_refused(
    environment: PipelineEnvironment, recorded: WorkflowDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(environment)
    real = RestoreDefinition.plan

    def plan_then_somebody_deploys(*given: Any) -> Any:
        plan = real(*given)
        change(environment, CHANGED + "# once more\n")
        return plan

    monkeypatch.setattr(RestoreDefinition, "plan", plan_then_somebody_deploys)
    result = do(environment, "workflow", WORKFLOW)
    assert result.outcome == "failed"
    assert "revision" in result.reasons[0]
    assert live_workflow(environment).source.endswith("# once more\n")


def test_what_was_never_recorded_is_refused_with_what_was(
    environment: PipelineEnvironment, recorded: WorkflowDefinition
) -> None:
    result = do(environment, "workflow", "no-such-pipeline")
    assert result.outcome == "refused"
    assert WORKFLOW in result.reasons[0]


def test_a_definition_that_was_altered_in_the_backup_is_not_deployed(
    environment: PipelineEnvironment, sandbox: Sandbox, recorded: WorkflowDefinition
) -> None:
    changed = change(environment)
    (name,) = [found.name for found in sandbox.store.list(BACKUP, "definitions/workflows/")]
    found = sandbox.store.get(BACKUP, name)
    assert found is not None
    sandbox.store.put(BACKUP, name, found.data.replace(b"main", b"evil"))
    result = do(environment, "workflow", WORKFLOW)
    assert result.outcome == "failed"
    assert "is not what was recorded" in result.reasons[0]
    assert live_workflow(environment) == changed
