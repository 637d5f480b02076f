"""What the nightly backup records is what a restore and a drill bring back."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.backup.procedure import NightlyBackup
from tasks.remediation.context import Context
from tasks.remediation.procedure import Request
from tasks.remediation.runner import run
from tests.restore.world import (
    DATA,
    MARKERS,
    contents,
    delete_all,
    do,
    drill,
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
    assert run(NightlyBackup(), Context(environment, "a test"), Request(mode="apply")).outcome == "done"
    assert drill(environment).outcome == "done"
    without_history(sandbox)
    delete_all(sandbox, "scenes/")
    result = do(environment, "bucket", "")
    assert (result.outcome, result.reasons) == ("done", [])
    data = {name: found for name, found in before.items() if kind(environment, name) not in MARKERS}
    assert contents(sandbox.store, "scenes/") == data
    assert executions(sandbox) == []
    assert do(environment, "bucket", "", markers=True).outcome == "done"
    assert before.items() <= contents(sandbox.store, "scenes/").items(), "the markers have started their workflows"
    assert len(started_for(sandbox, WORKFLOW)) == 2
    assert do(environment, "workflow", WORKFLOW).outcome == "nothing_to_do"
    assert do(environment, "job", JOB).outcome == "nothing_to_do"
