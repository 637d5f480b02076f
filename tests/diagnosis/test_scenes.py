"""What the validator says of a scene, as causes: the earliest stage is the cause, and what is being made is not judged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.diagnosis.scenes import Findings, just_written
from tasks.diagnosis.world import World
from tasks.validation.findings import Finding
from tests.diagnosis.world import DATA, USD, diagnosed, held, only, rows, scene, until


def finding(**more: Any) -> Finding:
    fields = {"code": "output-missing", "severity": "error", "object": "usd/scene.usda", "path": "", "message": "gone",
              "fix": "x", "stage": "usd"} | more  # fmt: skip
    return Finding(**fields)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"codes": ("output-missing",)}, True),
        ({"codes": ("output-*",)}, True),
        ({"codes": ("output",)}, False),
        ({"codes": ("usd-*",)}, False),
        ({"objects": ("usd/**",)}, True),
        ({"objects": ("usd/*.usdc",)}, False),
        ({"stages": ("usd", "simready")}, True),
        ({"stages": ("simready",)}, False),
        ({"words": "(?i)GONE"}, True),
        ({"words": "there"}, False),
        ({"codes": ("output-*",), "stages": ("simready",)}, False),
    ],
)
def test_a_row_has_a_finding_when_everything_that_it_asks_for_fits(wanted: dict[str, Any], fits: bool) -> None:
    assert Findings.model_validate(wanted).fits(finding()) is fits


def test_damage_of_a_later_stage_comes_of_an_earlier_ones(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1")
    damage(sandbox.store, DATA, "kitchen-1", "usd_missing")
    damage(sandbox.store, DATA, "kitchen-1", "manifest_truncated")
    cause = only(diagnosed(environment, "kitchen-1"), "manifest-damaged")
    assert any("usd/scene.usda" in one for one in cause.consequences)


def test_faults_that_have_nothing_to_do_with_each_other_are_told_beside_each_other(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="genie-sim-import")
    damage(sandbox.store, DATA, "kitchen-1", "isaac_missing")
    damage(sandbox.store, DATA, "kitchen-1", "import_manifest_missing")
    assert rows(diagnosed(environment, "kitchen-1")) == ["isaac-lab-scripts", "scene-damaged"]


def test_the_same_fault_of_two_scenes_is_two_causes(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    for name in ("kitchen-1", "kitchen-2"):
        scene(sandbox, name)
        damage(sandbox.store, DATA, name, "usd_missing")
    found = diagnosed(environment, "kitchen-1", "kitchen-2")
    assert [(one.row, one.subject) for one in found.causes] == [
        ("scene-usd-missing", "kitchen-1: usd"),
        ("scene-usd-missing", "kitchen-2: usd"),
    ]


def test_a_scene_that_is_being_made_is_not_judged_and_that_is_said(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    damage(sandbox.store, DATA, "kitchen-1", "usd_missing")
    running = held(sandbox, environment, USD, "kitchen-1", minutes=1)
    until(lambda: sandbox.store.get(DATA, "scenes/kitchen-1/locks/usd-assembly.lock"))
    found = diagnosed(environment, "kitchen-1")
    assert rows(found) == []
    assert any(one.startswith("kitchen-1: ") and "is being made" in one for one in found.notes)
    running.created -= running.created - running.created.replace(year=2020)  # far too long
    assert rows(diagnosed(environment, "kitchen-1")) == ["execution-late", "scene-usd-missing"]
    sandbox.simulator.forgive()


def test_what_was_written_since_the_diagnosis_began_is_not_judged_nor_what_is_made_from_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    world = World(environment, 24.0, ("kitchen-1",))
    sandbox.store.put(
        DATA, "scenes/kitchen-1/usd/scene.usda", b"#usda 1.0", at=world.now + timedelta(seconds=1), quiet=True
    )
    assert just_written(world, "kitchen-1", {"regen3d", "simready", ""}) == set()
    assert just_written(world, "kitchen-1", {"usd"}) >= {"usd", "replicator", "isaac-lab"}
    world.close()


def test_evidence_names_objects_with_generation_and_what_is_not_there(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    damage(sandbox.store, DATA, "kitchen-1", "usd_missing")
    cause = only(diagnosed(environment, "kitchen-1"), "scene-usd-missing")
    assert cause.evidence[0] == f"gs://{DATA}/scenes/kitchen-1/usd/scene.usda (not there): output-missing"


def test_many_findings_of_a_kind_are_one_cause(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1", objects=8)
    damage(sandbox.store, DATA, "kitchen-1", "simready_missing")
    cause = only(diagnosed(environment, "kitchen-1"), "simready-physics")
    assert "(9 findings like it)" in cause.sentence
    assert cause.evidence[-1] == "and 5 more findings: remediate validate shows them"


def test_up_to_five_named_scenes_are_read_whole_and_more_by_their_documents(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    names = [scene(sandbox, f"kitchen-{number}") for number in range(6)]
    damage(sandbox.store, DATA, names[0], "glb_truncated")  # its size alone does not tell
    assert rows(diagnosed(environment, *names[:5])) == ["mesh-damaged"]
    assert rows(diagnosed(environment, *names)) == []


def test_a_scene_that_cannot_be_read_is_unknown_and_the_others_are_looked_at(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for name in ("kitchen-1", "kitchen-2"):
        scene(sandbox, name)
    damage(sandbox.store, DATA, "kitchen-2", "usd_missing")
    found = diagnosed(environment, "kitchen-1", "kitchen-2", "kitchen-3")
    assert rows(found) == ["scene-usd-missing"]
    assert len(found.unknown) == 1
