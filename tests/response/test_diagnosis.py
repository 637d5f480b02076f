"""Causes are recorded with evidence and remedy; what could not be asked is unknown and never well."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.diagnosis.scope import MOST_SCENES
from tasks.incidents.entries import Diagnosed, Scope
from tasks.incidents.incident import declare
from tasks.response import diagnosis
from tasks.response.diagnosis import asked_about, diagnosis_of
from tests.response.world import DATA, SCENE, broken, heir, wanted


def found(environment: PipelineEnvironment, *scenes: str) -> Diagnosed:
    incident = declare(heir(environment), wanted(scope=Scope(scenes=scenes)).declaration())
    return diagnosis_of(heir(environment), incident)[0]


def test_a_broken_scene_is_a_cause_with_its_evidence_and_the_command_that_mends_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken(sandbox, "usd_missing")
    incident = declare(heir(environment), wanted().declaration())
    sandbox.requests.reset()
    (cause,) = diagnosis_of(heir(environment), incident)[0].causes
    assert "usd/scene.usda" in cause
    assert "Evidence: " in cause
    assert f"remediate recover {SCENE}" in cause.partition("Remedy: ")[2]
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_file_that_is_cut_off_is_a_cause_too(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken(sandbox, "export_corrupt")
    assert any("geniesim" in cause for cause in found(environment, SCENE).causes)


def test_a_healthy_pipeline_has_no_cause_and_nothing_is_unknown(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1)
    assert found(environment, SCENE) == Diagnosed()
    assert found(environment) == Diagnosed()


def test_what_is_deployed_wrongly_is_a_cause_without_any_scene_in_the_scope(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.eventarc.deployed.put("usd-assembly-trigger", False)
    (cause,) = found(environment).causes
    assert "usd-assembly-trigger" in cause
    assert "Remedy: " in cause


def test_a_scene_that_could_not_be_read_is_unknown(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1)
    incident = declare(heir(environment), wanted().declaration())
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    said, _ = diagnosis_of(heir(environment), incident)
    assert said.causes == ()
    assert said.unknown


def test_a_diagnosis_that_fails_by_itself_is_unknown_and_stops_no_response(
    environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise ValueError("no table")

    monkeypatch.setattr(diagnosis, "diagnose", fails)
    assert found(environment) == Diagnosed(unknown=("The diagnosis could not be made: no table",))


def test_of_too_many_scenes_the_first_are_looked_at_and_that_is_said() -> None:
    names = tuple(f"s{number:05d}" for number in range(10_000))
    scenes, unknown = asked_about(names)
    assert scenes == names[:MOST_SCENES]
    assert unknown == [f"10,000 scenes are in the scope; the first {MOST_SCENES} were looked at."]


def test_what_can_be_no_scene_is_named_and_hides_no_other() -> None:
    """A record of another version may hold one; a declaration of this one refuses it."""
    assert asked_about(("a", "../b")) == (("a",), ["../b: no scene can have such an id; correct the scope."])


def test_of_very_many_causes_the_heaviest_are_recorded_and_the_rest_is_told(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "MOST_CAUSES", 1)
    for name, how in (("a", "usd_missing"), ("b", "manifest_truncated")):
        make_scene(sandbox.store, DATA, name, "kitchen", objects=1)
        damage(sandbox.store, DATA, name, how)
    said = found(environment, "a", "b")
    assert len(said.causes) == 1
    assert said.unknown == ("Only the first 1 of 2 causes are here: `remediate diagnose` shows the rest.",)
