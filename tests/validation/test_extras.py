"""What is no stage's can make no stage corrupt: extras are at most a warning."""

from __future__ import annotations

import pytest

from deployments.sandbox.pipeline.varied import EXTRAS
from tests.validation.scene_builder import IMPORT, MANIFEST, healthy, report_of


def states(scene: dict[str, bytes]) -> set[str]:
    return set(report_of(scene).stages.values())


@pytest.mark.parametrize("path", [*EXTRAS, f"{IMPORT}/recordings/.stderr", f"{IMPORT}/lerobot/data_$folder$"])
def test_an_extra_file_never_makes_a_stage_corrupt(path: str) -> None:
    report = report_of(healthy() | {path: EXTRAS.get(path, b"")})
    assert report.healthy
    assert set(report.stages.values()) <= {"complete", "never_ran"}


@pytest.mark.parametrize("path", ["geniesim/notes.json", "replicator/configs.yaml", "isaac_lab/own_rewards.py"])
def test_a_damaged_extra_is_a_warning_that_says_it_is_nobodys(path: str) -> None:
    report = report_of(healthy() | {path: b"{ (:"})
    assert report.healthy
    assert ("other-file-damaged", path) in {(f.code, f.object) for f in report.findings if f.severity == "warning"}


def test_a_damaged_layer_beside_the_assets_is_an_error_of_no_stage() -> None:
    report = report_of(healthy() | {"assets/obj_mug_0/look.usda": b"not usd"})
    assert not report.healthy
    assert {f.stage for f in report.findings if f.severity == "error"} == {""}
    assert set(report.stages.values()) <= {"complete", "never_ran"}


def test_what_a_former_job_left_can_make_no_stage_corrupt() -> None:
    report = report_of(healthy() | {"episodes/geniesim_old/recordings/episode_000000.json": b""})
    assert report.healthy


def test_the_same_damage_in_what_a_stage_writes_is_its_error() -> None:
    assert report_of(healthy() | {f"{IMPORT}/recordings/episode_000000.json": b""}).stages["genie-sim-run"] == "corrupt"
    assert report_of(healthy() | {MANIFEST: b""}).stages["regen3d"] == "corrupt"


def test_a_layout_of_the_scale_job_is_the_scale_jobs() -> None:
    scene = healthy("regen3d")
    scene["layout/scene_layout_scaled.json"] = scene["layout/scene_layout_scaled.json"].replace(
        b'"scale_factor": 1.0', b'"scale": {"factor": -1}'
    )
    report = report_of(scene)
    assert report.stages["scale"] == "corrupt"
    assert report.stages["regen3d"] == "complete"
