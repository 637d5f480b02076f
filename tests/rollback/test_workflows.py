"""A workflow goes back to a revision of Google's own list, the one whose executions really did something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.rollback.workflows import MOST_LINES
from tests.rollback.world import (
    DATA,
    WORKFLOW,
    broken_workflow,
    deploy_source,
    live_workflow,
    on_step,
    page,
    rollback,
    run_workflow,
    source,
    undone,
    workflow_ended,
)


def test_the_revision_that_last_worked_is_found_and_its_source_deployed_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_workflow(sandbox, environment)
    wanted = next(one for one in environment.workflows.revisions(WORKFLOW) if one.revision_id == former)
    one = rollback(environment, "workflow", WORKFLOW)
    assert one.outcome == "done", one.sentence()
    live = live_workflow(environment)
    assert live.source == wanted.source
    assert live.revision_id not in (former, bad), "Google numbers it anew"
    assert f"Certain: revision {former}" in page(one)


def test_a_plan_shows_the_difference_and_changes_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, bad = broken_workflow(sandbox, environment)
    sandbox.requests.reset()
    one = rollback(environment, "workflow", WORKFLOW, mode="plan", reason="")
    assert one.outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}
    assert f"--- {bad}\n+++ {former}\n" in page(one)
    assert "-        return: changed" in page(one)


def test_a_long_difference_is_cut_with_how_much_is_left(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_workflow(sandbox, environment)
    deploy_source(environment, source("x") + "".join(f"# line {number}\n" for number in range(500)))
    one = rollback(environment, "workflow", WORKFLOW, mode="plan", to=former)
    shown = page(one).split("````diff\n")[1].split("\n````")[0].splitlines()
    assert len(shown) == MOST_LINES + 1
    assert shown[-1].startswith("... and ")


def test_executions_that_are_at_work_are_named_with_the_revision_they_keep(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    _, bad = broken_workflow(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=WORKFLOW, scene_id="busy", kind="hold"))
    argument = {"data": {"bucket": DATA, "name": "scenes/busy/assets/.regen3d_complete"}}
    running = environment.workflows.start(WORKFLOW, argument, labels={})
    one = rollback(environment, "workflow", WORKFLOW)
    assert one.outcome == "done", one.sentence()
    assert f"on busy goes on to its end with revision {bad}; cancel it if it must not." in page(one)
    assert environment.workflows.execution(running.name).revision == bad
    assert environment.workflows.execution(running.name).live
    sandbox.simulator.forgive()


def test_an_execution_that_did_nothing_is_no_evidence(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """SUCCEEDED with the result SKIPPED: most of them end so."""
    for _ in range(4):
        argument = {"data": {"bucket": DATA, "name": "scenes/a/somewhere/else.json"}}
        environment.workflows.start(WORKFLOW, argument, labels={})
    deploy_source(environment, source("changed"))
    one = rollback(environment, "workflow", WORKFLOW)
    assert one.outcome == "escalated"
    assert "No former version" in one.reasons[0]


def test_a_success_that_says_it_failed_is_a_failure(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_workflow(sandbox, environment, good=0, bad=0)
    sandbox.simulator.behave(SimulatorFault(workflow=WORKFLOW, kind="failed_result", times=1))
    argument = {"data": {"bucket": DATA, "name": "scenes/test_kitchen/assets/.regen3d_complete"}}
    started = environment.workflows.start(WORKFLOW, argument, labels={})
    assert workflow_ended(environment, started.name).state == "SUCCEEDED"
    one = rollback(environment, "workflow", WORKFLOW, mode="plan")
    assert one.plan is not None
    (now, _) = one.plan.details["versions"]  # type: ignore[misc]
    assert (now["succeeded"], now["failed"]) == (0, 1)


def test_the_same_source_deployed_again_is_one_version(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """After a rollback the live revision is a new one with old code: what ran of the old one counts for it."""
    former, bad = broken_workflow(sandbox, environment)
    assert rollback(environment, "workflow", WORKFLOW).outcome == "done"
    again = rollback(environment, "workflow", WORKFLOW)
    assert again.outcome == "nothing_to_do"
    assert f"the same as {former}" in again.summary
    assert rollback(environment, "workflow", WORKFLOW, to=former).outcome == "nothing_to_do"
    run_workflow(sandbox, environment, good=False)
    assert rollback(environment, "workflow", WORKFLOW).outcome == "escalated", f"{bad} never succeeded"


def test_a_person_names_a_revision(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_workflow(sandbox, environment)
    middle = deploy_source(environment, source("middle")).revision_id
    deploy_source(environment, source("last"))
    one = rollback(environment, "workflow", WORKFLOW, to=middle)
    assert one.outcome == "done", one.sentence()
    assert live_workflow(environment).source == source("middle")
    assert "Unknown: nothing is known to have succeeded" in page(one)


def test_a_revision_that_there_is_not_is_refused_with_those_that_are(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_workflow(sandbox, environment)
    one = rollback(environment, "workflow", WORKFLOW, to="000009-abc")
    assert one.outcome == "refused"
    assert f"it has {bad}, {former}." in one.reasons[0]


@pytest.mark.parametrize("name", ["no-such-pipeline", "blueprint-pipeline"])
def test_a_workflow_that_is_not_deployed_is_refused(
    environment: PipelineEnvironment, sandbox: Sandbox, name: str
) -> None:
    one = rollback(environment, "workflow", name)
    assert one.outcome == "refused"
    assert f"No workflow {name} is deployed" in one.reasons[0]


def test_labels_variables_and_log_level_stay_as_they_are(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_workflow(sandbox, environment)
    live = live_workflow(environment)
    changed = replace(live, labels={"team": "a"}, environment={"TOKEN": "hunter2"}, description="new")
    environment.workflows.deploy(changed, expected_revision=live.revision_id)
    one = rollback(environment, "workflow", WORKFLOW, to=former)
    assert one.outcome == "done", one.sentence()
    now = live_workflow(environment)
    assert (now.labels, now.environment, now.description) == ({"team": "a"}, {"TOKEN": "hunter2"}, "new")
    assert "These variables were different then: TOKEN;" in page(one)
    assert "hunter2" not in page(one)


def test_another_service_account_goes_back_too_and_is_said(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_workflow(sandbox, environment, bad=0)
    live = live_workflow(environment)
    was = next(one for one in environment.workflows.revisions(WORKFLOW) if one.revision_id == former).service_account
    other = was.replace("blueprint-workflow-sa", "somebody")
    environment.workflows.deploy(replace(live, service_account=other), expected_revision=live.revision_id)
    one = rollback(environment, "workflow", WORKFLOW, to=former)
    assert one.outcome == "done", one.sentence()
    assert live_workflow(environment).service_account == was
    assert f"Service account: {other} becomes {was}." in page(one)


def test_a_revision_that_somebody_deploys_meanwhile_is_left_to_them(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    """Google's update takes no precondition, so the revision is read just before."""
    broken_workflow(sandbox, environment)
    context = on_step(environment, "1 redeploy", lambda: deploy_source(environment, source("theirs")))
    one = rollback(environment, "workflow", WORKFLOW, context=context)
    assert one.outcome == "failed"
    assert "its revision is" in one.reasons[0]
    assert live_workflow(environment).source == source("theirs")


def test_undo_puts_back_exactly_what_was(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_workflow(sandbox, environment)
    before = live_workflow(environment)
    one = rollback(environment, "workflow", WORKFLOW)
    assert one.outcome == "done", one.sentence()
    assert not live_workflow(environment).same_as(before)
    assert undone(environment, one).outcome == "done"
    assert live_workflow(environment).same_as(before)
