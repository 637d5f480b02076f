"""Which scenes are looked at: those that are named, else those with trouble, bounded and the latest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.diagnosis.attempts import Attempt
from tasks.diagnosis.scope import MOST_SCENES, Scope, concerns, meant, scope_of
from tasks.diagnosis.world import World
from tasks.pipeline.fault_log import record_fault
from tests.diagnosis.world import DATA, EXPORT, USD, diagnosed, scene, start

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)


def scope(environment: PipelineEnvironment, *scenes: str, attempts: list[Attempt] | None = None) -> Scope:
    world = World(environment, 24.0, scenes)
    if attempts is not None:
        world.once(("attempts",), lambda: attempts)
    try:
        return scope_of(world)
    finally:
        world.close()


def attempt(scene_id: str, outcome: Any = "failed", minutes: int = 0, event: str = "", entry: str = USD) -> Attempt:
    created = NOON - timedelta(minutes=minutes)
    return Attempt(entry, False, "p/e/1", scene_id, event, outcome, created, None, "")


def test_named_scenes_are_all_that_is_looked_at(environment: PipelineEnvironment) -> None:
    assert scope(environment, "a", "b", attempts=[attempt("c")]).scenes == ("a", "b")


def test_without_names_they_are_those_that_something_failed_on_each_once_and_in_order(
    environment: PipelineEnvironment,
) -> None:
    tried = [
        attempt("a"), attempt("b", "cancelled", 1), attempt("a", "failed", 2), attempt("c", "partial", 3),
        attempt("d", "success", 4), attempt("e", "running", 5), attempt("", "failed", 6), attempt("not/an id", "failed", 7),
    ]  # fmt: skip
    assert scope(environment, attempts=tried).scenes == ("a", "b", "c")


def test_fifty_at_most_and_how_many_more_there_are_is_said(environment: PipelineEnvironment) -> None:
    found = scope(environment, attempts=[attempt(f"s-{n}", minutes=n) for n in range(MOST_SCENES + 7)])
    assert found.scenes == tuple(f"s-{n}" for n in range(MOST_SCENES))
    assert found.left_out == 7


def test_what_did_nothing_comes_last_and_only_if_it_was_meant_to_do_something(environment: PipelineEnvironment) -> None:
    meant_ = attempt("a", "nothing_done", 0, "scenes/a/assets/.regen3d_complete")
    any_object = attempt("b", "nothing_done", 0, "scenes/b/logs/1.txt")
    assert scope(environment, attempts=[meant_, any_object, attempt("c", minutes=9)]).scenes == ("c", "a")


def test_scenes_that_a_recovery_found_broken_are_looked_at(environment: PipelineEnvironment) -> None:
    record_fault(environment, "usd:output-missing", "broken-1")
    assert scope(environment).scenes == ("broken-1",)


def test_what_recoveries_found_may_be_unreadable_and_is_then_unknown(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.store.delete_bucket("sandbox-ops")
    found = scope(environment, attempts=[attempt("a")])
    assert found.scenes == ("a",)
    assert found.unknown.startswith("Scenes that recoveries found broken: Could not list gs://sandbox-ops/")


def test_an_installation_without_an_ops_bucket_has_no_such_records(environment: PipelineEnvironment) -> None:
    environment.ops_bucket = ""
    assert scope(environment) == Scope(())


@pytest.mark.parametrize(
    ("named", "scene_id", "asked"),
    [((), "a", True), ((), "", True), ((), "test_1", False), (("a",), "a", True), (("a",), "b", False), (("a",), "", True),
     (("test_1",), "test_1", True)],
)  # fmt: skip
def test_what_happened_to_other_scenes_is_not_asked_about(
    environment: PipelineEnvironment, named: tuple[str, ...], scene_id: str, asked: bool
) -> None:
    assert concerns(World(environment, 24.0, named), scene_id) is asked


def test_an_execution_without_an_event_was_meant(environment: PipelineEnvironment) -> None:
    catalogue = environment.catalogue
    assert meant(catalogue, attempt("a", entry="genie-sim-import-pipeline"))
    assert not meant(catalogue, attempt("a", event="scenes/a/x", entry=EXPORT))


def test_of_many_scenes_with_trouble_only_so_many_are_looked_at_and_the_report_says_so(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for number in range(MOST_SCENES + 2):
        record_fault(environment, "usd:output-missing", f"gone-{number:03}")
    found = diagnosed(environment)
    assert any("50 scenes with the latest trouble were looked at; 2 more had some" in one for one in found.notes)


def test_scenes_without_trouble_cost_no_request(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """No scene is listed, read or looked at that nothing happened to, however many there are."""

    def requests() -> dict[str, Any]:
        sandbox.requests.reset()
        diagnosed(environment)
        return sandbox.requests.snapshot()

    before = requests()
    for number in range(3000):
        sandbox.store.put(DATA, f"scenes/s-{number}/assets/scene_manifest.json", b"{}", quiet=True)
    assert requests() == before


def test_what_is_older_than_the_hours_is_not_looked_at(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "old", upto="regen3d", at=datetime.now(UTC) - timedelta(days=3))
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "old").created -= timedelta(days=2)
    assert diagnosed(environment).causes == []
    assert [one.row for one in diagnosed(environment, hours=72).causes] == ["stage-failed"]


def test_a_listing_that_is_refused_leaves_out_its_scenes_only(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d")
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="raise", times=1))
    start(sandbox, environment, USD, "kitchen-1")
    sandbox.faults.add(FaultRule(service="run", method="ListExecutions", kind="status", status=403))
    assert scope(environment).scenes == ("kitchen-1",)
