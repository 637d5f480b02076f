"""Several recoveries of one scene at the same time: one acts, the others say who does, and nothing runs twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseLost, lease_name, read_holder
from tasks.remediation.run import Run
from tests.recovery.killer import Victims, Watch, at
from tests.recovery.world import (
    APPLY,
    DATA,
    OPS,
    PLAN,
    SCENE,
    healthy,
    ill,
    journals,
    live,
    quick_environment,
    recover,
    recover_scene,
    undo_run,
    until,
    worked,
)

EXPORT = "genie-sim-export-pipeline"


@pytest.fixture(scope="module")
def pair(victims: Victims) -> Iterator[list[Victims]]:
    """Two processes that recover scenes when told to."""
    second = Victims()
    yield [victims, second]
    second.close()


def together(sandbox: Sandbox, number: int) -> list[Run]:
    """As many recoveries at once, each with connections of its own; the one that acts is held until the others ended."""
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="hold"))
    ready, others_done = threading.Barrier(number), threading.Semaphore(0)

    def one(actor: int) -> Run:
        environment = quick_environment(sandbox)
        ready.wait(120)
        result = recover_scene(Context(environment, f"person {actor}"), SCENE, APPLY)
        environment.close()
        others_done.release()
        return result

    with ThreadPoolExecutor(number) as pool:
        futures = [pool.submit(one, actor) for actor in range(number)]
        for _ in range(number - 1):
            assert others_done.acquire(timeout=240)
        sandbox.simulator.forgive()
        return [future.result(240) for future in futures]


@pytest.mark.parametrize("number", [2, 8])
def test_exactly_one_acts_and_the_others_say_who_holds_the_scene(
    environment: PipelineEnvironment, sandbox: Sandbox, number: int
) -> None:
    ill(sandbox, "export_missing")
    results = together(sandbox, number)
    outcomes = [result.outcome for result in results]
    assert sorted(outcomes) == ["busy"] * (number - 1) + ["done"]
    winner = outcomes.index("done")
    for result in results:
        if result.outcome == "busy":
            assert f"person {winner} (run {results[winner].id}" in result.reasons[0]
    assert len(worked(sandbox, EXPORT)) == 1
    assert len(journals(environment, sandbox.store)) == 1
    assert healthy(environment) == []


def test_two_processes_at_once_make_one_run(
    environment: PipelineEnvironment, sandbox: Sandbox, pair: list[Victims]
) -> None:
    ill(sandbox, "export_missing")
    for number, one in enumerate(pair):
        one.start(sandbox, SCENE, actor=f"process {number}")
    outcomes = sorted(one.ended()["outcome"] for one in pair)
    assert outcomes in (["busy", "done"], ["nothing_to_do", "done"])
    assert len(worked(sandbox, EXPORT)) == 1
    assert len(journals(environment, sandbox.store)) == 1
    assert healthy(environment) == []


def test_two_that_take_over_from_a_dead_one_do_not_both_continue(
    environment: PipelineEnvironment, sandbox: Sandbox, pair: list[Victims]
) -> None:
    ill(sandbox, "export_missing")
    watch = Watch(at("executions.CreateExecution", done=True))
    sandbox.faults.draw = watch.draw  # type: ignore[method-assign]
    watch.victim_is(pair[0].start(sandbox, SCENE, actor="the dead one"))
    assert pair[0].ended()["exit"] == -9
    for number, one in enumerate(pair):
        one.start(sandbox, SCENE, actor=f"process {number}", dead=["the dead one"])
    outcomes = {one.ended()["outcome"] for one in pair}
    assert "done" in outcomes
    assert outcomes <= {"done", "busy", "nothing_to_do"}
    assert healthy(environment) == []
    assert len(worked(sandbox, EXPORT)) == 1
    (journal,) = journals(environment, sandbox.store)
    assert len({entry.actor for entry in journal.entries}) == 2


def test_other_scenes_are_not_held_up(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scenes = ["a", "b", "c"]
    for scene_id in scenes:
        ill(sandbox, "export_missing", scene_id)
    with ThreadPoolExecutor(len(scenes)) as pool:
        results = list(pool.map(lambda scene_id: recover(environment, scene_id), scenes))
    assert [result.outcome for result in results] == ["done"] * 3
    assert [len(worked(sandbox, EXPORT, scene_id)) for scene_id in scenes] == [1, 1, 1]


def test_a_plan_can_be_made_while_somebody_works(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_missing")
    with Context(environment, "somebody").holding(SCENE, "their-run"):
        held = live(sandbox.store, OPS)
        assert recover(environment, wanted=PLAN).outcome == "planned"
        assert live(sandbox.store, OPS) == held


def test_an_undo_waits_for_a_recovery(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    ill(sandbox, "export_corrupt")
    first = recover(environment)
    sandbox.store.delete(DATA, f"scenes/{SCENE}/geniesim/scene_graph.json")
    with Context(environment, "somebody").holding(SCENE, "their-run"):
        result = undo_run(Context(environment, "a test"), SCENE, first.id, "apply", markers=False)
    assert result.outcome == "busy"
    assert "somebody" in result.reasons[0]


def test_a_recovery_whose_lease_was_taken_over_stops_before_its_next_action(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    ill(sandbox, "export_missing")
    environment.policy.lease_seconds = 9  # renewed every three seconds: a busy machine does not lose it by itself
    before = live(sandbox.store)

    held: list[str] = []

    def say(sentence: str) -> None:
        if "clear outputs" not in sentence or held:
            return
        held.append(sentence)
        found = read_holder(environment.storage, OPS, SCENE)
        assert found is not None
        other = found[0].model_copy(update={"owner": "another", "run": "another-run"})
        other = other.model_copy(update={"expires_at": other.expires_at + timedelta(hours=1)})
        sandbox.store.put(OPS, lease_name(SCENE), other.model_dump_json().encode())
        refused = sandbox.requests.count("storage", "objects.insert")
        until(lambda: sandbox.requests.count("storage", "objects.insert") > refused)  # the renewal, which is refused

    result = recover_scene(Context(environment, "slow", say=say), SCENE, APPLY)
    assert result.outcome == "stopped"
    assert "may have taken over" in result.reasons[0]
    outputs = {
        name: generation for name, generation in before.items() if "/geniesim/" in name and name.endswith(".json")
    }
    assert {name: live(sandbox.store).get(name) for name in outputs} == outputs
    assert worked(sandbox, EXPORT) == []
    holder = read_holder(environment.storage, OPS, SCENE)
    assert holder is not None
    assert holder[0].owner == "another", "the other's lease is left alone"


def test_a_lease_whose_answer_came_late_counts_from_when_it_was_asked_for(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.policy.lease_seconds = 1
    sandbox.faults.add(FaultRule(service="storage", method="objects.insert", kind="latency", seconds=1.2, times=1))
    with Context(environment, "slow").holding(SCENE, "a-run") as lease, pytest.raises(LeaseLost):
        lease.check()
