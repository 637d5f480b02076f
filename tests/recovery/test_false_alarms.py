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
