"""A stage that never ran is made when it is asked for, after all that it needs, and each of them once."""

from __future__ import annotations

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import INPUTS, make_scene
from deployments.sandbox.server import Sandbox
from tasks.recovery.rerun import never_made
from tasks.remediation.context import Context
from tasks.survival.left import continue_left, what_is_left
from tests.kernel.world import Killed, killed_at
from tests.recovery.world import (
    DATA,
    SCENE,
    Wanted,
    healthy,
    ill,
    journals,
    live,
    recover,
    recover_scene,
    without_triggers,
    worked,
)

EXPORT = "genie-sim-export"
LINE = ("regen3d-pipeline", "usd-assembly-pipeline", "genie-sim-export-pipeline")


@pytest.mark.parametrize("triggers", [True, False], ids=["with triggers", "without triggers"])
def test_what_is_needed_and_never_ran_is_made_first_and_everything_once(
    environment: PipelineEnvironment, sandbox: Sandbox, triggers: bool
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto=INPUTS)
    if not triggers:
        without_triggers(sandbox)
    result = recover(environment, wanted=Wanted("apply", make=EXPORT))
    assert result.outcome == "done", result.sentence()
    assert result.details["before"][EXPORT] == "never_ran"
    assert result.details["after"][EXPORT] == "complete"
    assert healthy(environment, depth="documents") == []
    for workflow in LINE:
        assert len(worked(sandbox, workflow)) == 1, workflow


def test_the_plan_changes_nothing_and_deletes_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="usd")
    before = live(sandbox.store)
    result = recover(environment, wanted=Wanted("plan", make=EXPORT))
    assert result.outcome == "planned", result.sentence()
    assert result.plan is not None
    assert {action.effect for action in result.plan.actions} <= {"start", "read", "write"}
    assert live(sandbox.store) == before


def test_a_stage_that_is_there_leaves_nothing_to_do(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1)
    before = live(sandbox.store)
    assert recover(environment, wanted=Wanted("apply", make=EXPORT)).outcome == "nothing_to_do"
    assert live(sandbox.store) == before


def test_without_asking_for_it_what_never_ran_is_not_made(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="usd")
    assert recover(environment, wanted=Wanted("apply")).outcome == "nothing_to_do"


def test_a_stage_that_the_catalogue_does_not_know_is_refused_with_those_it_knows(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto=INPUTS)
    result = recover(environment, wanted=Wanted("apply", make="genie_sim_export"))
    assert result.outcome == "refused"
    assert "genie-sim-export" in result.sentence()


@pytest.fixture
def half_made(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """A run that was to make a stage, and was killed after it had begun."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto=INPUTS)
    with pytest.raises(Killed), killed_at(2, before=False):
        recover(environment, wanted=Wanted("apply", make="regen3d"))


def runs(environment: PipelineEnvironment, sandbox: Sandbox) -> list[tuple[object, object]]:
    """What each run was asked for, and how it ended, oldest first."""
    return [
        (one.begin.data["asked"], one.entries[-1].data.get("outcome")) for one in journals(environment, sandbox.store)
    ]


@pytest.mark.usefixtures("half_made")
def test_a_run_that_was_to_make_a_stage_is_carried_on_as_it_was_asked(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    context = Context(environment, "continue-runs", gone=lambda _: True)
    (found,) = what_is_left(context)
    one = continue_left(context, found)
    assert one is not None
    assert (one.outcome, one.continues) == ("done", found.found.run), one.sentence()
    assert runs(environment, sandbox) == [({"make": "regen3d"}, "done")]


@pytest.mark.usefixtures("half_made")
def test_whoever_asks_for_another_stage_gets_it_and_not_the_interrupted_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    request = Wanted("apply", make="usd")
    result = recover_scene(Context(environment, "ann", gone=lambda _: True), SCENE, request)
    assert result.outcome == "done", result.sentence()
    assert sandbox.store.get(DATA, f"scenes/{SCENE}/usd/scene.usda") is not None
    assert runs(environment, sandbox) == [({"make": "regen3d"}, "stopped"), ({"make": "usd"}, "done")]


def test_a_plain_run_is_carried_on_by_a_plain_request(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    without_triggers(sandbox)
    ill(sandbox, "usd_missing", upto="usd")
    with pytest.raises(Killed), killed_at(2, before=False):
        recover(environment, wanted=Wanted("apply"))
    result = recover_scene(Context(environment, "ann", gone=lambda _: True), SCENE, Wanted("apply"))
    assert result.outcome == "done", result.sentence()
    assert result.continues
    assert [asked for asked, _ in runs(environment, sandbox)] == [{}]


def test_only_what_never_ran_is_counted_in_pipeline_order() -> None:
    catalogue = load_catalogue()
    states = dict.fromkeys(catalogue.stages, "never_ran") | {"regen3d": "complete"}
    made = never_made(EXPORT, states, catalogue)  # type: ignore[arg-type]
    assert made[-1] == EXPORT
    assert "regen3d" not in made
    assert list(made) == [name for name in catalogue.stages if name in made]
