"""What the nightly backup records is what a restore and a drill bring back."""

from __future__ import annotations

from tasks.backup.backup import back_up

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.restore.drill import drill
from tests.restore.world import (
    DATA,
    MARKERS,
    contents,
    delete_all,
    do,
    executions,
    kind,
    scene,
    started_for,
    without_history,
)

WORKFLOW, JOB = "usd-assembly-pipeline", "simready-job"


def test_a_night_of_the_real_backup_drills_and_restores(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for scene_id in ("room_a", "room_b"):
        scene(sandbox, scene_id, upto="regen3d")
    sandbox.store.put(DATA, "scenes/room_a/regen3d/a+b (2).bin", b"plus", quiet=True)
    before = contents(sandbox.store, "scenes/")
    assert back_up(Context(environment, "a test"), "apply").outcome == "clean"
    assert drill(Context(environment, "a test")).outcome == "clean"
    without_history(sandbox)
    delete_all(sandbox, "scenes/")
    result = do(environment, "bucket", "")
    assert (result.outcome, result.reasons) == ("clean", [])
    data = {name: found for name, found in before.items() if kind(environment, name) not in MARKERS}
    assert contents(sandbox.store, "scenes/") == data
    assert executions(sandbox) == []
    assert do(environment, "bucket", "", markers=True).outcome == "clean"
    assert before.items() <= contents(sandbox.store, "scenes/").items(), "the markers have started their workflows"
    assert len(started_for(sandbox, WORKFLOW)) == 2
    assert do(environment, "workflow", WORKFLOW).outcome == "nothing to do"
    assert do(environment, "job", JOB).outcome == "nothing to do"
