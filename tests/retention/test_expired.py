"""A scene is told expired, not broken, when the record of the clean-up explains what is not there, and only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.server import Sandbox
from tasks.pipeline.scene_view import scene_view
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tests.retention.world import LAYOUT, cleaned, line, watched

MINUTE = timedelta(minutes=1)


def report(environment: PipelineEnvironment, scene: str) -> SceneReport:
    return validate_scene(scene_view(environment, scene), environment.catalogue, "full")


def removed(sandbox: Sandbox, scene: str, path: str = LAYOUT) -> None:
    sandbox.store.delete(DATA_BUCKET, f"scenes/{scene}/{path}")


def codes(found: SceneReport) -> set[str]:
    return {one.code for one in found.findings}


def test_what_the_log_names_is_expired_whatever_its_age(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str
) -> None:
    removed(sandbox, kitchen)
    assert report(environment, kitchen).stages["regen3d"] == "missing"
    now = datetime.now(UTC) + MINUTE
    cleaned(sandbox, now, line(kitchen, at=now))
    watched(environment, now + MINUTE)
    found = report(environment, kitchen)
    assert found.stages["regen3d"] == "expired", codes(found)
    (said,) = [one for one in found.findings if one.code == "output-expired"]
    assert f"The log of the pipeline's own clean-up says so: {now:%Y-%m-%d %H:%M} UTC." in said.message


def test_what_was_made_again_since_and_is_gone_is_lost(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str
) -> None:
    before = datetime.now(UTC) - timedelta(hours=2)
    cleaned(sandbox, before, line(kitchen, at=before))
    watched(environment, datetime.now(UTC))
    removed(sandbox, kitchen)
    assert report(environment, kitchen).stages["regen3d"] == "missing"


def test_what_the_log_does_not_name_is_lost(sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str) -> None:
    now = datetime.now(UTC) + MINUTE
    cleaned(sandbox, now, line(kitchen, at=now))
    watched(environment, now + MINUTE)
    removed(sandbox, kitchen)
    removed(sandbox, kitchen, "assets/scene_manifest.json")
    assert report(environment, kitchen).stages["regen3d"] in ("missing", "corrupt")


def test_a_healthy_scene_asks_nobody(sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str) -> None:
    sandbox.requests.reset()
    report(environment, kitchen)
    assert sandbox.requests.count("storage", "objects.list") == 1


@pytest.mark.parametrize("ops", ["", "no-such-bucket"])
def test_without_a_record_the_ages_decide(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str, ops: str
) -> None:
    removed(sandbox, kitchen)
    environment.ops_bucket = ops
    assert report(environment, kitchen).stages["regen3d"] == "missing"
