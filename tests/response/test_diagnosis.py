"""Causes are named with their remedy, one cause once; what could not be asked is unknown and never well."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Scope
from tasks.incidents.incident import declare
from tasks.response.diagnosis import MOST_SCENES, ONLY_DOCUMENTS, diagnosis_of, scene_causes
from tests.response.world import DATA, SCENE, broken, heir, wanted


def scenes(sandbox: Sandbox, *names: str, how: str = "usd_missing") -> None:
    for name in names:
        make_scene(sandbox.store, DATA, name, "kitchen", objects=1)
        damage(sandbox.store, DATA, name, how)


def test_a_broken_scene_is_a_cause_with_the_command_that_mends_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox, "usd_missing")
    incident = declare(heir(environment), wanted().declaration())
    sandbox.requests.reset()
    found = diagnosis_of(heir(environment), incident)
    (cause,) = [one for one in found.causes if SCENE in one]
    assert "usd/scene.usda" in cause
    assert cause.endswith(f"Remedy: remediate recover {SCENE}")
    assert sandbox.requests.mutating() == {"total": 0}


def test_the_same_fault_on_many_scenes_is_one_cause(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scenes(sandbox, "a", "b", "c")
    scenes(sandbox, "d", how="manifest_truncated")
    (first, second), _ = scene_causes(heir(environment), ("a", "b", "c", "d"))
    assert first.startswith("3 scenes (a, b, c) show usd:")
    assert second.startswith("1 scene (d) show ")


def test_what_is_deployed_wrongly_is_a_cause_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.eventarc.deployed.put("usd-assembly-trigger", False)
    incident = declare(heir(environment), wanted(scope=Scope()).declaration())
    found = diagnosis_of(heir(environment), incident)
    assert any("usd-assembly-trigger" in cause and "Remedy: " in cause for cause in found.causes)
    assert any("No scene is in the scope" in one for one in found.unknown)


def test_a_scene_that_could_not_be_read_is_unknown(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1)
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    causes, unknown = scene_causes(heir(environment), (SCENE,))
    assert causes == []
    assert unknown[0] == ONLY_DOCUMENTS
    assert unknown[1].startswith(f"Scene {SCENE}: Could not list")


def test_of_too_many_scenes_the_first_are_validated_and_that_is_said(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = tuple(f"s{number:05d}" for number in range(10_000))
    _, unknown = scene_causes(heir(environment), names)
    assert any(f"the first {MOST_SCENES} were validated" in one for one in unknown)
    assert sandbox.requests.count("storage", "objects.list") <= MOST_SCENES * 2


def test_what_can_be_no_scene_is_named_and_hides_no_other(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scenes(sandbox, "a")
    (cause,), unknown = scene_causes(heir(environment), ("a", "../b"))
    assert "(a)" in cause
    assert "../b: no scene can have such an id; correct the scope." in unknown
