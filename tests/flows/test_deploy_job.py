"""The flow that deploys a GPU Job: shown first, then created, told of with its image, and taken back."""

from __future__ import annotations

from deployments.sandbox.server import Sandbox
from flows.deploy_job import deploy_job
from tests.flows.world import Saved, actions, artifacts, run
from tests.gpu_job.world import FIRST, SCENE, live, with_scene


def test_a_job_is_shown_first_then_created_and_told_of(saved: Saved, sandbox: Sandbox) -> None:
    with_scene(sandbox)
    shown = run(deploy_job, scene_id=SCENE)
    assert shown.is_completed(), shown.message
    assert live(sandbox) == {}
    (plan,) = [one for key, one in artifacts(shown).items() if key.startswith("plan-")]
    assert [(row["effect"], row["target"]) for row in actions(plan)] == [("configure", f"gke-job {FIRST}")]
    refused = run(deploy_job, scene_id=SCENE, mode="apply")
    assert (refused.is_failed(), "Say why" in str(refused.message)) == (True, True)
    done = run(deploy_job, scene_id=SCENE, mode="apply", reason="its Job was evicted", requested_by="ann")
    assert done.is_completed(), done.message
    assert list(live(sandbox)) == [FIRST]
    (report,) = [str(one.data) for key, one in artifacts(done).items() if key.startswith("job-deploy-")]
    assert f"remediate undo @gpu-job.{SCENE}" in report
    assert "@sha256:" in report
