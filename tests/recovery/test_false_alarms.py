"""For everything that only looks like a fault the plan is nothing to do, on a scene in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from deployments.sandbox.pipeline.varied import EXTRAS, clean_up
from deployments.sandbox.server import Sandbox
from tests.recovery.world import DATA, PLAN, everything, recover

Change = Callable[[SceneFolder], object]


def extra(path: str) -> Change:
    return lambda folder: folder.write(path, EXTRAS.get(path, b""))


def gone(*below: str) -> Change:
    return lambda folder: [folder.delete(path) for start in below for path in folder.paths(start)]


def mended_since(folder: SceneFolder) -> None:
    """The cloud marks no completion of usd, and nobody removes a failure marker after a later success."""
    for path in ("assets/.usd_assembly_complete", ".usd_assembly_complete", "usd/.usd_complete"):
        folder.delete(path)
    folder.at = datetime.now(UTC) - timedelta(days=1)
    folder.write_json("usd-assembly-job/.failed", {"scene_id": folder.scene_id, "reason": "out of memory"})


def changed(ending: str, change: Callable[[bytes], bytes]) -> Change:
    """One object of that ending has other bytes."""

    def alter(folder: SceneFolder) -> None:
        path = next(path for path in folder.paths() if path.endswith(ending))
        folder.write(path, change(folder.read(path)))

    return alter


ALARMS: dict[str, tuple[float, Change]] = {
    "empty log": (0, extra("usd/.stderr")),
    "folder marker": (0, extra("geniesim_$folder$")),
    "odd yaml": (0, extra("isaac_lab/params/env.yaml")),
    "odd script": (0, extra("isaac_lab/notes.py")),
    "thumbnails": (0, extra("assets/thumbnail.jpg")),
    "retention at 40 days": (40, lambda folder: clean_up(folder, datetime.now(UTC))),
    "retention at 400 days": (400, lambda folder: clean_up(folder, datetime.now(UTC))),
    "a person's stop": (0, lambda folder: folder.write("geniesim/.canary_rollback", b"")),
    "an open breaker": (0, lambda folder: folder.write_json("geniesim/.circuit_breaker.json", {"status": "open"})),
    "a failure of no stage": (0, lambda folder: folder.write_json(".source_orchestrator_failed", {"status": "failed"})),
    "prepared, never started": (
        0,
        lambda folder: folder.write_json(
            "dwm/dwm_bundles_manifest.json", {"scene_id": folder.scene_id, "bundles": ["bundle_000"]}
        ),
    ),
    "whole input gone": (0, gone("regen3d/")),
    "bytes after a mesh": (0, changed("/asset.glb", lambda data: data + b"\0")),
    "a key twice": (0, changed("assets/scene_manifest.json", lambda data: b'{"version": "0",' + data.lstrip()[1:])),
}


@pytest.mark.parametrize("name", ALARMS)
def test_a_false_alarm_is_nothing_to_do(sandbox: Sandbox, environment: PipelineEnvironment, name: str) -> None:
    days, change = ALARMS[name]
    folder = make_scene(
        sandbox.store, DATA, "kitchen_001", "kitchen", objects=1, at=datetime.now(UTC) - timedelta(days)
    )
    folder.at = datetime.now(UTC) - timedelta(days)
    change(folder)
    before = everything(sandbox.store)
    result = recover(environment, wanted=PLAN)
    assert result.outcome == "nothing_to_do", result.reasons
    assert result.plan is not None
    assert not result.plan.actions
    assert everything(sandbox.store) == before


def test_a_failure_that_was_mended_since_is_nothing_to_do(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    mended_since(make_scene(sandbox.store, DATA, "kitchen_001", "kitchen", objects=1, upto="isaac-lab"))
    before = everything(sandbox.store)
    result = recover(environment, wanted=PLAN)
    assert result.outcome == "nothing_to_do", result.reasons
    assert everything(sandbox.store) == before


def test_a_failure_that_was_not_mended_is_still_planned_for(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    folder = make_scene(sandbox.store, DATA, "kitchen_001", "kitchen", objects=1, upto="isaac-lab")
    mended_since(folder)
    folder.at = datetime.now(UTC) + timedelta(minutes=1)
    folder.write_json("usd-assembly-job/.failed", {"scene_id": folder.scene_id, "reason": "out of memory"})
    assert recover(environment, wanted=PLAN).outcome == "planned"
