"""The flows of trials: what Prefect shows, and that a trial goes through the whole line."""

from __future__ import annotations

from deployments.sandbox.server import Sandbox
from flows.end_to_end import end_to_end
from flows.generate_scene import generate_scene
from tests.flows.world import Saved, artifacts, everything, run
from tests.recovery.world import DATA, live


def test_a_trial_is_planned_then_generated(saved: Saved, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    shown = run(generate_scene, scene_id="test_kitchen", objects=1)
    assert shown.is_completed(), shown.message
    assert everything(sandbox) == before
    assert "plan-test-kitchen" in artifacts(shown)
    done = run(generate_scene, scene_id="test_kitchen", objects=1, mode="apply", requested_by="ann")
    assert done.is_completed(), done.message
    assert "scenes/test_kitchen/regen3d/scene_info.json" in live(sandbox.store)


def test_the_whole_line_is_tried_and_a_scene_that_was_tried_before_is_refused(saved: Saved, sandbox: Sandbox) -> None:
    tried = run(end_to_end, scene_id="test_kitchen", make="usd", objects=1, mode="apply", requested_by="ann")
    assert tried.is_completed(), tried.message
    assert sandbox.store.get(DATA, "scenes/test_kitchen/usd/scene.usda") is not None
    again = run(end_to_end, scene_id="test_kitchen", make="usd", objects=1, mode="apply", requested_by="ann")
    assert again.is_failed()
    assert "is there already" in (again.message or "")


def test_a_scene_that_is_no_trial_is_refused(saved: Saved, sandbox: Sandbox) -> None:
    state = run(end_to_end, scene_id="kitchen_001", mode="apply", requested_by="ann")
    assert state.is_failed()
    assert live(sandbox.store) == {}
