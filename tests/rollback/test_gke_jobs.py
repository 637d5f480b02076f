"""A GPU Job that has ended is created again with the image that its like last succeeded with."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.pipeline.labels import RUN_LABEL
from tests.rollback.world import SPACE, broken_gpu_job, gpu_job, on_step, page, rollback, undone

GENIE = "gcr.io/p/blueprint-genie-sim"


def image(sandbox: Sandbox, name: str) -> str:
    """Of the Job that is there now."""
    return str(sandbox.cluster.get(SPACE, name)["spec"]["template"]["spec"]["containers"][0]["image"])


def digest(environment: PipelineEnvironment, name: str) -> str:
    """Of the image that the Job ran with."""
    job = environment.cluster.workloads.job(name)
    assert job is not None
    return job.images[0]


def test_it_is_created_again_with_the_digest_that_another_one_succeeded_with(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    good, bad = broken_gpu_job(sandbox, environment)
    before, wanted = sandbox.cluster.get(SPACE, bad), digest(environment, good)
    assert wanted.startswith(f"{GENIE}@sha256:")
    one = rollback(environment, "gke-job", bad)
    assert one.outcome == "done", one.sentence()
    after = sandbox.cluster.get(SPACE, bad)
    assert image(sandbox, bad) == wanted
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["metadata"]["labels"] == {"scene-id": "kitchen", RUN_LABEL: one.id}
    assert after["status"]["active"] == 1
    for manifest in (before, after):
        manifest["spec"]["template"]["spec"]["containers"][0].pop("image")
        for label in ("controller-uid", "batch.kubernetes.io/controller-uid"):
            manifest["spec"]["template"]["metadata"]["labels"].pop(label)
        manifest["spec"].pop("selector")
    assert after["spec"] == before["spec"], "everything but its images stays"


def test_a_plan_changes_nothing_and_shows_no_value(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    sandbox.requests.reset()
    one = rollback(environment, "gke-job", bad, mode="plan", reason="")
    assert one.outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}
    assert "Likely:" in page(one)
    assert "hunter2" not in page(one)


def test_no_value_is_journalled(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    rollback(environment, "gke-job", bad)
    journal = [found.data.decode() for found in sandbox.store.list("sandbox-ops", "remediation/journal/")]
    assert journal
    assert "hunter2" not in "".join(journal)


def test_without_a_success_of_its_like_nothing_is_guessed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    gpu_job(sandbox, "geniesim-gpu-a-1", f"{GENIE}:v1", "failed")
    gpu_job(sandbox, "geniesim-gpu-b-2", f"{GENIE}:v2", "failed")
    gpu_job(sandbox, "episode-gen-c-3", f"{GENIE}:v3")
    uid = sandbox.cluster.get(SPACE, "geniesim-gpu-b-2")["metadata"]["uid"]
    one = rollback(environment, "gke-job", "geniesim-gpu-b-2")
    assert one.outcome == "escalated"
    assert "none is guessed" in one.reasons[0]
    assert sandbox.cluster.get(SPACE, "geniesim-gpu-b-2")["metadata"]["uid"] == uid


def test_a_tag_of_which_no_pod_tells_the_digest_is_no_target(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    good, bad = broken_gpu_job(sandbox, environment)
    (pod,) = [one for one in sandbox.cluster.objects.all("pods", SPACE) if one["metadata"]["name"].startswith(good)]
    sandbox.cluster.objects.remove("pods", SPACE, pod["metadata"]["name"])
    assert rollback(environment, "gke-job", bad).outcome == "escalated"
    one = rollback(environment, "gke-job", bad, to=f"{GENIE}:v1")
    assert one.outcome == "refused"
    assert "is a tag, and its digest is known nowhere" in one.reasons[0]


def test_one_that_is_at_work_is_for_a_person(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    good, _ = broken_gpu_job(sandbox, environment)
    gpu_job(sandbox, "geniesim-gpu-x-3", f"{GENIE}:v2", "running")
    one = rollback(environment, "gke-job", "geniesim-gpu-x-3", to=digest(environment, good))
    assert one.outcome == "escalated"
    assert "is at work; wait until it has ended, or delete it first" in one.reasons[0]


def test_one_that_is_not_there_says_where_it_may_have_gone(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = rollback(environment, "gke-job", "geniesim-gpu-gone-1")
    assert one.outcome == "refused"
    assert "deleted after their time" in one.reasons[0]
    assert "remediate recover" in one.reasons[0]


def test_one_that_is_created_again_meanwhile_is_left_alone(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_gpu_job(sandbox, environment)

    def theirs() -> None:
        sandbox.cluster.delete(SPACE, bad, {})
        gpu_job(sandbox, bad, "gcr.io/p/theirs:1", "failed")

    one = rollback(environment, "gke-job", bad, context=on_step(environment, "1 redeploy", theirs))
    assert one.outcome == "failed"
    assert "is another one than was seen" in one.reasons[0]
    assert image(sandbox, bad) == "gcr.io/p/theirs:1"


def test_one_that_is_resumed_meanwhile_is_not_deleted(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    context = on_step(environment, "1 redeploy", lambda: sandbox.cluster.set_state(SPACE, bad, "running"))
    one = rollback(environment, "gke-job", bad, context=context)
    assert one.outcome == "failed"
    assert "is at work" in one.reasons[0]
    assert image(sandbox, bad) == f"{GENIE}:v2"


def test_undo_creates_the_former_one_again_but_does_not_let_it_run(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    one = rollback(environment, "gke-job", bad)
    refused = undone(environment, one)
    assert refused.outcome == "escalated"
    assert "wait until it has ended, or delete it" in refused.reasons[0]
    sandbox.cluster.set_state(SPACE, bad, "failed")
    assert undone(environment, one).outcome == "done"
    back = sandbox.cluster.get(SPACE, bad)
    assert image(sandbox, bad) == f"{GENIE}:v2"
    assert back["spec"]["suspend"] is True
    assert "active" not in back["status"]


def test_when_it_was_deleted_and_could_not_be_created_undo_brings_it_back(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    sandbox.faults.add(FaultRule(service="kubernetes", method="jobs.create", kind="status", status=403))
    one = rollback(environment, "gke-job", bad)
    assert one.outcome == "failed"
    assert "create on jobs.batch" in one.reasons[0]
    assert environment.cluster.workloads.job(bad) is None
    sandbox.faults.clear()
    assert undone(environment, one).outcome == "done"
    assert image(sandbox, bad) == f"{GENIE}:v2"
    assert sandbox.cluster.get(SPACE, bad)["spec"]["suspend"] is True


@pytest.mark.parametrize("method", ["jobs.create", "jobs.delete"])
def test_a_lost_answer_creates_no_second_one(environment: PipelineEnvironment, sandbox: Sandbox, method: str) -> None:
    _, bad = broken_gpu_job(sandbox, environment)
    sandbox.faults.add(FaultRule(service="kubernetes", method=method, kind="lost_answer", times=1))
    one = rollback(environment, "gke-job", bad)
    assert one.outcome == "done", one.sentence()
    assert sandbox.cluster.get(SPACE, bad)["metadata"]["labels"][RUN_LABEL] == one.id


def test_an_init_container_of_the_same_image_goes_along(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    good, bad = broken_gpu_job(sandbox, environment)
    found = sandbox.cluster.get(SPACE, bad)
    spec = found["spec"]["template"]["spec"]
    spec["initContainers"] = [{"name": "gpu-check", "image": f"{GENIE}:v2"}, {"name": "other", "image": "busybox:1"}]
    sandbox.cluster.delete(SPACE, bad, {})
    template = {"metadata": {}, "spec": spec}
    sandbox.cluster.create(SPACE, {"metadata": {"name": bad}, "spec": {"template": template}})
    sandbox.cluster.set_state(SPACE, bad, "failed")
    wanted = digest(environment, good)
    assert rollback(environment, "gke-job", bad).outcome == "done"
    now = sandbox.cluster.get(SPACE, bad)["spec"]["template"]["spec"]
    assert [one["image"] for one in now["initContainers"]] == [wanted, "busybox:1"]
