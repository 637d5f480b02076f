"""A drill proves that the newest good night restores, finds what does not, and leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.server import Sandbox
from tasks.restore.drill_record import DrillRecord, past_drills, scorecard
from tests.recovery.world import live
from tests.restore.world import BACKUP, DATA, OPS, contents, drill, executions, make_night, scene

ROOMS = ["room_a", "room_b", "room_c"]


@pytest.fixture
def rooms(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """Three scenes and a night of them."""
    for room in ROOMS:
        scene(sandbox, room, upto="regen3d")
    make_night(environment, sandbox.store)


def run(environment: PipelineEnvironment, *scenes: str) -> DrillRecord:
    """One drill's record."""
    done = drill(environment, *scenes)
    (record,) = [one for one in past_drills(environment) if one.run == done.id]
    assert done.outcome == {"clean": "done"}.get(record.outcome, record.outcome)
    return record


def scratch(sandbox: Sandbox) -> dict[str, bytes]:
    """What drills have left."""
    return contents(sandbox.store, "drills/", OPS)


def test_a_drill_restores_proves_measures_and_cleans_up(
    environment: PipelineEnvironment, sandbox: Sandbox, rooms: None
) -> None:
    before = live(sandbox.store)
    record = run(environment)
    assert (record.outcome, record.problems) == ("clean", ())
    assert [one.scene_id for one in record.scenes] == ROOMS[:2]
    assert record.objects == sum(len(contents(sandbox.store, f"scenes/{room}/")) for room in ROOMS[:2])
    assert record.seconds > 0
    assert record.bucket_seconds > record.seconds, "everything takes longer than two of three scenes"
    assert scratch(sandbox) == {}
    assert live(sandbox.store) == before
    assert executions(sandbox) == []
    assert past_drills(environment) == [record]


def test_the_scenes_take_turns(environment: PipelineEnvironment, rooms: None) -> None:
    drilled = [[one.scene_id for one in run(environment).scenes] for _ in range(3)]
    assert drilled == [["room_a", "room_b"], ["room_c", "room_a"], ["room_b", "room_a"]]


def test_a_copy_with_other_bytes_fails_the_drill_and_is_named(
    environment: PipelineEnvironment, sandbox: Sandbox, rooms: None
) -> None:
    spoilt = next(one for one in sandbox.store.list(BACKUP, "objects/scenes/room_a/") if one.name.count("mesh.glb"))
    sandbox.store.put(BACKUP, spoilt.name, spoilt.data[:-1] + b"?")
    record = run(environment, "room_a")
    assert record.outcome == "failed"
    assert "not what was recorded" in record.problems[0]
    assert "mesh.glb" in record.problems[0]
    assert scratch(sandbox) == {}


def test_a_copy_that_is_gone_fails_the_drill(environment: PipelineEnvironment, sandbox: Sandbox, rooms: None) -> None:
    gone = next(iter(sandbox.store.list(BACKUP, "objects/scenes/room_b/")))
    sandbox.store.delete(BACKUP, gone.name)
    record = run(environment, "room_b")
    assert record.outcome == "failed"
    assert "1 copies are gone" in record.problems[0]


def test_a_scene_that_was_broken_when_it_was_captured_restores_as_it_was_and_the_drill_says_so(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    scene(sandbox, "room_a", upto="regen3d")
    good = contents(sandbox.store, "scenes/room_a/")
    damage(sandbox.store, DATA, "room_a", "input_mesh_truncated")
    make_night(environment, sandbox.store)
    for mended in (False, True):  # whether it has been mended since says nothing of the backup
        if mended:
            for name, data in good.items():
                sandbox.store.put(DATA, name, data, quiet=True)
        record = run(environment)
        assert (record.outcome, record.problems) == ("clean", ()), record.sentence()
        (note,) = record.scenes[0].notes
        assert "exactly as night" in note
        assert "when it was broken already" in note
        assert note in record.sentence()
        assert "as recorded, when it was broken" in scorecard(record, environment.backup)


def test_a_scene_that_the_night_caught_half_written_fails_the_drill(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=1)  # a stored time has milliseconds, this one microseconds
    scene(sandbox, "room_a", upto="regen3d")
    damage(sandbox.store, DATA, "room_a", "input_mesh_truncated")
    found = next(iter(sandbox.store.list(DATA, "scenes/room_a/")))
    sandbox.store.put(DATA, found.name, found.data, quiet=True)
    make_night(environment, sandbox.store, begun)
    record = run(environment)
    assert record.outcome == "failed"
    assert "was written while night" in record.problems[0]


def test_scenes_that_were_whole_are_drilled_first_and_the_broken_ones_when_there_are_no_others(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for room in ("a_broken", "b_broken", "c_broken", "d_whole"):
        scene(sandbox, room, upto="regen3d")
        if room.endswith("broken"):
            damage(sandbox.store, DATA, room, "input_mesh_truncated")
    make_night(environment, sandbox.store)
    drilled = [[one.scene_id for one in run(environment).scenes] for _ in range(3)]
    assert drilled == [["d_whole", "a_broken"], ["d_whole", "b_broken"], ["d_whole", "c_broken"]]


def test_what_a_killed_drill_left_is_removed_by_the_next(
    environment: PipelineEnvironment, sandbox: Sandbox, rooms: None
) -> None:
    sandbox.store.put(OPS, "drills/an-old-run/scenes/room_a/usd/scene.usda", b"left")
    assert run(environment).outcome == "clean"
    assert scratch(sandbox) == {}


def test_it_cleans_up_after_a_failure_too(environment: PipelineEnvironment, sandbox: Sandbox, rooms: None) -> None:
    environment.storage.limits = environment.storage.limits.model_copy(update={"attempts": 1})
    fault = FaultRule(service="storage", method="objects.rewrite", kind="status", status=403, probability=0.5)
    sandbox.faults.add(fault)
    record = run(environment)
    assert record.outcome == "failed"
    assert "could not be restored" in record.problems[0]
    assert scratch(sandbox) == {}


def test_without_a_good_night_there_is_nothing_to_prove(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    scene(sandbox, "room_a", upto="regen3d")
    assert "no good night" in drill(environment).reasons[0]
    make_night(environment, sandbox.store, datetime(2026, 1, 1, tzinfo=UTC), outcome="partial")
    assert "no good night" in drill(environment).reasons[0]


def test_a_scene_that_the_night_does_not_hold_is_named(environment: PipelineEnvironment, rooms: None) -> None:
    refused = drill(environment, "attic")
    assert refused.outcome == "refused"
    assert "holds no scene attic" in refused.reasons[0]


def test_the_scorecard_tells_what_is_measured_from_what_is_estimated(
    environment: PipelineEnvironment, rooms: None
) -> None:
    shown = scorecard(run(environment), environment.backup)
    assert "measured" in shown
    assert "estimated" in shown
    assert "✅ 60 min" in shown
    old = run(environment).model_copy(update={"night_at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert "❌ 1,440 min" in scorecard(old, environment.backup), "a missed aim is shown"
