"""Where a rerun starts and what follows from it: pure rules over stage states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import closure
from tasks.recovery.rerun import BROKEN, earliest_broken, fired_by, stages_to_make, units, upstream
from tasks.validation.findings import StageState

CATALOGUE = load_catalogue()
STATES: list[StageState] = ["complete", "missing", "corrupt", "stale", "failed", "blocked", "never_ran"]
DELIVERED = (
    "regen3d",
    "simready",
    "usd",
    "replicator",
    "isaac-lab",
    "variation",
    "genie-sim-export",
    "genie-sim-run",
    "genie-sim-import",
)

scenes = st.fixed_dictionaries({stage: st.sampled_from(STATES) for stage in CATALOGUE.stages})


def delivered(**changed: StageState) -> dict[str, StageState]:
    """A scene that has been through the whole line."""
    states: dict[str, StageState] = dict.fromkeys(CATALOGUE.stages, "never_ran")
    states |= dict.fromkeys(DELIVERED, "complete")
    return states | {stage.replace("_", "-"): state for stage, state in changed.items()}


def names(states: dict[str, StageState]) -> list[str]:
    return [unit.entry for unit in units(stages_to_make(states, CATALOGUE), CATALOGUE)]


@given(scenes)
def test_a_restart_point_has_no_broken_stage_among_what_it_needs(states: dict[str, StageState]) -> None:
    for stage in earliest_broken(states, CATALOGUE):
        assert states[stage] in BROKEN
        assert not {s for s in upstream(stage, CATALOGUE) if states[s] in BROKEN}


@given(scenes)
def test_every_broken_stage_is_made_again_and_nothing_that_never_ran(states: dict[str, StageState]) -> None:
    made = set(stages_to_make(states, CATALOGUE))
    assert {stage for stage, state in states.items() if state in BROKEN} <= made
    assert not {stage for stage in made if states[stage] == "never_ran"}


@given(scenes)
def test_what_is_made_from_a_remade_stage_is_remade_too(states: dict[str, StageState]) -> None:
    made = set(stages_to_make(states, CATALOGUE))
    for stage in closure(CATALOGUE, made):
        assert stage in made or states[stage] == "never_ran"


@given(scenes)
def test_the_units_make_every_stage_once_and_in_order(states: dict[str, StageState]) -> None:
    planned = units(stages_to_make(states, CATALOGUE), CATALOGUE)
    order = list(CATALOGUE.stages)
    positions = [min(order.index(stage) for stage in unit.stages) for unit in planned]
    assert positions == sorted(positions)
    covered = [stage for unit in planned for stage in unit.stages]
    assert len(covered) == len(set(covered))


def test_a_healthy_scene_needs_nothing() -> None:
    assert names(delivered()) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("genie_sim_import", ["genie-sim-import-pipeline"]),
        ("genie_sim_export", ["genie-sim-export-pipeline"]),
        ("variation", ["variation-assets-pipeline", "genie-sim-export-pipeline"]),
        ("isaac_lab", ["isaac-lab-job"]),
        ("replicator", ["replicator-job", "variation-assets-pipeline", "genie-sim-export-pipeline"]),
        ("usd", ["usd-assembly-pipeline", "variation-assets-pipeline", "genie-sim-export-pipeline"]),
        ("simready", ["usd-assembly-pipeline", "variation-assets-pipeline", "genie-sim-export-pipeline"]),
        (
            "regen3d",
            ["regen3d-pipeline", "usd-assembly-pipeline", "variation-assets-pipeline", "genie-sim-export-pipeline"],
        ),
    ],
)
def test_each_stage_is_restarted_by_its_own_workflow_or_job(broken: str, expected: list[str]) -> None:
    assert names(delivered(**{broken: "missing"})) == expected


def test_two_independent_faults_are_mended_in_one_plan() -> None:
    assert names(delivered(isaac_lab="missing", genie_sim_export="corrupt")) == [
        "isaac-lab-job",
        "genie-sim-export-pipeline",
    ]


def test_what_an_earlier_run_cleared_and_did_not_make_is_still_owed() -> None:
    states = delivered(arena="never_ran")
    assert stages_to_make(states, CATALOGUE) == ()
    assert stages_to_make(states, CATALOGUE, promised=("arena",)) == ("arena",)


def test_a_promised_stage_that_is_there_again_is_not_owed() -> None:
    assert stages_to_make(delivered(arena="complete"), CATALOGUE, promised=("arena",)) == ()


def test_a_deployed_trigger_on_an_earlier_units_marker_will_start_the_next_unit() -> None:
    first, second, *_ = units(stages_to_make(delivered(regen3d="missing"), CATALOGUE), CATALOGUE)
    assert fired_by(second, [first], CATALOGUE, ["usd-assembly-trigger"]) == "usd-assembly-trigger"
    assert fired_by(second, [first], CATALOGUE, []) is None
    assert fired_by(second, [], CATALOGUE, ["usd-assembly-trigger"]) is None
