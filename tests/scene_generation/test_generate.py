"""A synthetic scene is put only where nothing is, only under a trial's id, and the pipeline can make a whole scene of it."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.trial_scene import Reconstruction
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.scene_generation.procedure import GenerateRequest, GenerateScene
from tasks.validation.scene import validate_scene
from tasks.validation.source import FolderSource
from tests.recovery.world import DATA, Wanted, live, quick_environment, recover
from tests.validation.scene_builder import LAYOUT
from tests.validation.test_unknown import DEEP

TRIAL = "test_kitchen"
PREFIX = f"scenes/{TRIAL}/"


@pytest.fixture
def environment(sandbox: Sandbox) -> PipelineEnvironment:
    return quick_environment(sandbox)


def generate(environment: PipelineEnvironment, scene_id: str = TRIAL, mode: str = "apply", **wanted: object) -> Run:
    request = GenerateRequest(scene_id=scene_id, mode=mode, objects=2, **wanted)  # type: ignore[arg-type]
    return run(GenerateScene(), Context(environment, "a test"), request)


def test_the_plan_names_every_file_and_writes_none(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = generate(environment, mode="plan")
    assert one.outcome == "planned", one.sentence()
    assert one.plan is not None
    assert {action.effect for action in one.plan.actions} == {"write"}
    assert live(sandbox.store) == {}


def test_what_is_written_is_what_was_planned_and_whole(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = generate(environment)
    assert one.outcome == "done", one.sentence()
    assert one.plan is not None
    assert set(live(sandbox.store)) == {action.target for action in one.plan.actions}
    mesh = sandbox.store.get(DATA, f"{PREFIX}regen3d/objects/counter_0/mesh.glb")
    assert mesh is not None
    assert mesh.data[:4] == b"glTF"
    assert mesh.content_type == "model/gltf-binary"


def test_the_pipeline_makes_a_whole_scene_of_it(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    assert generate(environment).outcome == "done"
    made = recover(environment, TRIAL, Wanted("apply", make="usd"))
    assert made.outcome == "done", made.sentence()
    assert made.details["after"]["usd"] == "complete"


@pytest.mark.parametrize("scene_id", ["kitchen_001", "my_test_kitchen", "TEST_kitchen"])
def test_a_scene_that_is_no_trial_gets_nothing_synthetic(
    environment: PipelineEnvironment, sandbox: Sandbox, scene_id: str
) -> None:
    one = generate(environment, scene_id)
    assert one.outcome == "refused"
    assert "test_*" in one.sentence()
    assert live(sandbox.store) == {}


def test_without_trials_in_the_catalogue_nothing_is_generated(environment: PipelineEnvironment) -> None:
    environment.catalogue_overlay = "test_scene_ids: []"
    assert generate(environment).outcome == "refused"


@pytest.mark.parametrize("path", ["notes.txt", "regen3d/scene_info.json", "usd/scene.usda"])
def test_where_anything_is_nothing_is_written(environment: PipelineEnvironment, sandbox: Sandbox, path: str) -> None:
    sandbox.store.put(DATA, PREFIX + path, b"mine", quiet=True)
    before = live(sandbox.store)
    one = generate(environment)
    assert one.outcome == "escalated"
    assert path in one.sentence()
    assert live(sandbox.store) == before


def test_the_same_scene_is_not_written_twice_and_what_is_missing_is_written_again(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    assert generate(environment).outcome == "done"
    before = live(sandbox.store)
    assert generate(environment).outcome == "nothing_to_do"
    assert live(sandbox.store) == before
    sandbox.store.delete(DATA, f"{PREFIX}regen3d/scene_info.json")
    again = generate(environment)
    assert (again.outcome, len(again.done)) == ("done", 1)


def test_another_room_under_the_same_id_is_not_mixed_in(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    assert generate(environment).outcome == "done"
    before = live(sandbox.store)
    assert generate(environment, seed=1).outcome == "escalated"
    assert live(sandbox.store) == before


def test_a_neighbour_whose_id_begins_alike_is_no_reason(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.put(DATA, f"scenes/{TRIAL}_2/notes.txt", b"mine", quiet=True)
    assert generate(environment).outcome == "done"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [({"kind": "garage"}, "garage"), ({"objects": 0}, "at least one"), ({"objects": 201}, "too many"), ({"scene_id": "../x"}, "scene id")],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused_with_one_sentence(
    environment: PipelineEnvironment, sandbox: Sandbox, wanted: dict[str, object], said: str
) -> None:
    settings: dict[str, object] = {"scene_id": TRIAL, "mode": "apply", **wanted}
    one = run(GenerateScene(), Context(environment, "a test"), GenerateRequest(**settings))  # type: ignore[arg-type]
    assert one.outcome == "refused"
    assert said in one.sentence()
    assert live(sandbox.store) == {}


def test_undo_deletes_no_input_and_says_how_it_is_removed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = generate(environment)
    before = live(sandbox.store)
    back = run(undo(), Context(environment, "a test"), UndoRequest(subject=TRIAL, run=one.id, mode="apply"))
    assert back.outcome in ("escalated", "nothing_to_do", "partial"), back.sentence()
    assert back.plan is not None
    (sentence,) = back.plan.escalations
    assert sentence.endswith(f"gcloud storage rm -r gs://{DATA}/{PREFIX}")
    assert live(sandbox.store) == before


def test_what_somebody_puts_there_meanwhile_is_not_taken_for_a_part_of_it(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    name = f"{PREFIX}regen3d/scene_info.json"
    context = Context(environment, "a test", say=lambda _: sandbox.store.put(DATA, name, b"mine", quiet=True))
    one = run(GenerateScene(), context, GenerateRequest(scene_id=TRIAL, mode="apply", objects=2))
    assert one.outcome == "failed", one.sentence()
    assert name in one.reasons[0]
    found = sandbox.store.get(DATA, name)
    assert found is not None
    assert found.data == b"mine"


def test_a_scene_that_cannot_be_read_again_is_not_called_whole(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    one = Run(Context(environment, "a test"), GenerateScene.name)
    one.subject = TRIAL
    make_scene(sandbox.store, DATA, TRIAL, "kitchen", objects=1, upto="regen3d")
    assert GenerateScene().verify(one, None).outcome == "done"
    sandbox.store.put(DATA, f"{PREFIX}{LAYOUT}", DEEP, quiet=True)
    verdict = GenerateScene().verify(one, None)
    assert verdict.outcome == "failed", verdict
    assert "could not be read, so the scene is not proved whole" in verdict.reasons[0]


def test_equal_wishes_give_equal_bytes_and_another_seed_another_room() -> None:
    first, again = (Reconstruction(TRIAL, "office", 4, 1).files("t") for _ in range(2))
    assert first == again
    assert first != Reconstruction(TRIAL, "office", 4, 2).files("t")


@pytest.mark.parametrize("kind", ["kitchen", "office", "warehouse"])
def test_every_room_is_whole_for_the_validator(tmp_path: object, kind: str) -> None:
    from pathlib import Path

    from blocks.catalogue_load import load_catalogue

    folder = Path(str(tmp_path)) / TRIAL
    for path, data in Reconstruction(TRIAL, kind, 9).files("2026-01-18T09:30:00Z").items():  # type: ignore[arg-type]
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    report = validate_scene(FolderSource(folder), load_catalogue(), "full")
    assert [found for found in report.findings if found.severity == "error"] == []
