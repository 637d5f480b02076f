"""What the pipeline's own triggers start while a scene is recovered is adopted, never run a second time beside it."""

from __future__ import annotations

import pytest

from blocks.catalogue_query import workflow_argument
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.actions.workflow_runs import start_workflow
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.context import Context
from tests.actions.test_starts import starting
from tests.recovery.world import (
    APPLY,
    DATA,
    PREFIX,
    SCENE,
    healthy,
    ill,
    journals,
    live,
    recover,
    recover_scene,
    until,
    without_triggers,
    worked,
)
from tests.remediation.world import apply

REGEN, USD = "regen3d-pipeline", "usd-assembly-pipeline"
VARIATION, EXPORT = "variation-assets-pipeline", "genie-sim-export-pipeline"


def ours(sandbox: Sandbox, workflow: str) -> int:
    """How many executions the recovery itself has started."""
    return sum("remediation-run" in one.labels for one in sandbox.workflows.executions.newest_first(workflow))


def test_a_workflow_that_a_trigger_starts_is_adopted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "marker_missing")
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert [(ours(sandbox, name), len(worked(sandbox, name))) for name in (REGEN, USD, VARIATION, EXPORT)] == [
        (1, 1),
        (0, 1),
        (1, 1),
        (0, 1),
    ]
    (journal,) = journals(environment, sandbox.store)
    adopted = [entry.data["adopted"] for entry in journal.entries if entry.kind == "note" and "adopted" in entry.data]
    assert adopted == [False, True, False, True]


def test_without_triggers_every_workflow_is_started_once(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    without_triggers(sandbox)
    ill(sandbox, "marker_missing")
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert [(ours(sandbox, name), len(worked(sandbox, name))) for name in (REGEN, USD, VARIATION, EXPORT)] == [
        (1, 1)
    ] * 4


def test_a_trigger_that_does_not_fire_is_waited_for_only_so_long(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "variation_missing")
    environment.policy.trigger_grace_seconds = 0.2
    silent = Context(
        environment,
        "a test",
        say=lambda sentence: sandbox.eventarc.deployed.put("genie-sim-export-trigger", False),
    )
    assert recover_scene(silent, SCENE, APPLY).outcome == "done"
    assert (ours(sandbox, EXPORT), len(worked(sandbox, EXPORT))) == (1, 1)


@pytest.mark.parametrize("copies", [2, 5])
def test_an_event_that_is_delivered_several_times_still_gives_one_run_of_a_workflow_with_a_lock(
    environment: PipelineEnvironment, sandbox: Sandbox, copies: int
) -> None:
    sandbox.eventarc.deployed.put("genie-sim-export-trigger", False)
    sandbox.eventarc.copies = copies
    ill(sandbox, "marker_missing")
    result = recover(environment)
    assert (result.outcome, result.reasons) == ("done", [])
    assert len(list(sandbox.workflows.executions.newest_first(USD))) == copies
    assert len(worked(sandbox, USD)) == 1, "its lock lets one of them work; the others answer SKIPPED"
    assert [ours(sandbox, name) for name in (REGEN, USD, VARIATION, EXPORT)] == [1, 0, 1, 1]


def test_an_event_that_is_delivered_late_is_waited_for(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "variation_missing")
    sandbox.eventarc.deployed.put("genie-sim-export-trigger", True)
    environment.policy.trigger_grace_seconds = 20
    delivered: list[str] = []

    def deliver(sentence: str) -> None:
        if "rerun variation" in sentence:
            sandbox.eventarc.deployed.put("genie-sim-export-trigger", False)
        if "giving trigger genie-sim-export-trigger time" in sentence and not delivered:
            argument = workflow_argument(environment.catalogue, EXPORT, bucket=DATA, scene_id=SCENE)
            delivered.append(environment.workflows.start(EXPORT, argument, labels={}).name)

    result = recover_scene(Context(environment, "a test", say=deliver), SCENE, APPLY)
    assert (result.outcome, result.reasons) == ("done", [])
    assert [one.name for one in worked(sandbox, EXPORT)] == delivered


def test_an_own_start_that_found_the_lock_taken_gives_way_to_the_one_that_took_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "usd_missing")
    context = Context(environment, "a test")
    acting = starting(context, SCENE)
    argument = dict(acting.action.params["argument"])  # type: ignore[arg-type]
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    triggered = environment.workflows.start(USD, argument, labels={})
    until(lambda: f"{PREFIX}locks/usd-assembly.lock" in live(sandbox.store))
    own = environment.workflows.start(USD, argument, labels={RUN_LABEL: acting.journal.run})
    until(lambda: "locked" in str(environment.workflows.execution(own.name).result))
    context.say = lambda sentence: sandbox.simulator.forgive()
    assert apply(start_workflow, acting) == f"success: {triggered.name}"
    assert [entry.data["execution"] for entry in acting.journal.entries if entry.kind == "note"][-1] == triggered.name


def test_twins_without_a_lock_have_both_ended_before_their_outputs_are_judged(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.eventarc.copies = 2
    ill(sandbox, "variation_missing")
    for seconds in (0.0, 0.5):  # the second of the two is still at work when the first has long ended
        sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="slow", seconds=seconds, times=1))
    result = recover(environment)
    (journal,) = journals(environment, sandbox.store)
    (judged,) = [e.at for e in journal.entries if e.kind == "intent" and e.data["step"] == f"check {EXPORT}"]
    twins = worked(sandbox, EXPORT)
    assert len(twins) == 2
    assert all(one.ended is not None and one.ended <= judged for one in twins)
    assert ours(sandbox, EXPORT) == 0
    if result.outcome == "failed":  # they wrote into each other's files: it is said, and the next run mends it
        assert "did not prove itself" in result.reasons[0]
        assert recover(environment).outcome == "done"
    assert healthy(environment) == []
