"""The final look: what a trigger is making again is waited for, and a scene that stays stale is not called whole."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_query import workflow_argument
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.recovery import procedure
from tasks.recovery.procedure import STALE, settled
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tests.recovery.world import DATA, SCENE, until, without_triggers

ARENA = "arena-export-pipeline"
MARKER = f"scenes/{SCENE}/arena/.arena_export_complete"


@pytest.fixture
def stale(sandbox: Sandbox, environment: PipelineEnvironment) -> PipelineEnvironment:
    """A whole scene whose arena was made before the export that it is made from."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="arena", without=("upsell", "training"))
    found = sandbox.store.get(DATA, MARKER)
    assert found is not None
    sandbox.store.put(DATA, MARKER, found.data, at=datetime.now(UTC) - timedelta(hours=2), quiet=True)
    environment.policy = environment.policy.model_copy(update={"trigger_grace_seconds": 0.2, "poll_seconds": 0.02})
    return environment


def final_look(environment: PipelineEnvironment) -> tuple[list[str], float]:
    """The codes of the errors that are left, and how long it took to come to that."""
    run = Run(Context(environment, "a test"), "export-recovery")
    run.subject, began = SCENE, time.monotonic()
    report = settled(run)
    return [found.code for found in report.findings if found.severity == "error"], time.monotonic() - began


def test_a_scene_that_stays_stale_is_told_after_the_grace_of_triggers(stale: PipelineEnvironment) -> None:
    codes, seconds = final_look(stale)
    assert STALE in codes
    assert seconds >= 0.2


def test_a_scene_without_stale_stages_is_not_waited_for(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="usd")
    monkeypatch.setattr(procedure.LiveBoard, "of", lambda _: pytest.fail("it asked who is at work"))
    assert final_look(environment)[0] == []


def test_what_is_at_work_on_the_scene_is_waited_for(stale: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=ARENA, kind="hold"))
    argument = workflow_argument(stale.catalogue, ARENA, bucket=DATA, scene_id=SCENE)
    started = stale.workflows.start(ARENA, argument, labels={})
    before = sandbox.requests.count("executions", "ListExecutions")

    def let_go_once_it_was_looked_at_twice() -> None:
        until(lambda: sandbox.requests.count("executions", "ListExecutions") >= before + 2)
        sandbox.simulator.forgive()

    helper = threading.Thread(target=let_go_once_it_was_looked_at_twice)
    helper.start()
    codes, _ = final_look(stale)
    helper.join()
    assert STALE not in codes, "it was made again meanwhile"
    assert not stale.workflows.execution(started.name).live


def test_the_wait_has_an_end_though_something_works_on_for_ever(
    stale: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procedure, "SETTLING_SECONDS", 0.5)
    sandbox.simulator.behave(SimulatorFault(workflow=ARENA, kind="hold"))
    argument = workflow_argument(stale.catalogue, ARENA, bucket=DATA, scene_id=SCENE)
    stale.workflows.start(ARENA, argument, labels={})
    codes, seconds = final_look(stale)
    sandbox.simulator.forgive()
    assert STALE in codes
    assert 0.5 <= seconds < 30
