"""A GPU Job that failed is created again for a scene that failed with it, never beside anybody's work on that scene."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import ClusterJob
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.pipeline.labels import RUN_LABEL
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.request import SUBJECT
from tasks.simulator_outage.restart import AGAIN, LATELY_HOURS, RunsIt, of_job
from tests.gpu_capacity.shortage import EXPORT, export, start_export
from tests.gpu_capacity.world import job, older
from tests.recovery.world import DATA, without_triggers
from tests.simulator_outage.world import SPACE, goes_out, jobs_of, just_before, outage

SCENE, GPU_JOB, NEXT = "kitchen", "geniesim-gpu-kitchen-1700000000", "geniesim-gpu-kitchen-1700000001"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FAMILIES = ("geniesim-gpu-", "genie-sim-gpu-")


def failed_job(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """The Job of a scene has failed, and so has the scene's workflow; the simulator is down."""
    without_triggers(sandbox)
    make_scene(sandbox.store, DATA, SCENE, "kitchen", objects=1, upto="variation")
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="raise"))
    export(environment, [SCENE])
    job(sandbox, GPU_JOB)
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    goes_out(sandbox)


def test_a_job_that_failed_is_created_again_under_a_new_name_and_undo_suspends_nothing_that_runs(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    failed_job(sandbox, environment)
    serves = just_before(environment, "prove serving", lambda: sandbox.genie_sim.switch("serving"))
    one = outage(environment, context=serves)
    assert one.outcome == "done", one.sentence()
    assert jobs_of(sandbox) == [GPU_JOB, "geniesim-gpu-kitchen-1700000001"]
    made = sandbox.cluster.get(SPACE, "geniesim-gpu-kitchen-1700000001")
    assert made["metadata"]["labels"]["remediation-run"] == one.id
    assert (
        made["spec"]["template"]["spec"]["containers"]
        == sandbox.cluster.get(SPACE, GPU_JOB)["spec"]["template"]["spec"]["containers"]
    )
    request = UndoRequest(subject=SUBJECT, run=one.id, mode="apply")
    back = run(undo(), Context(environment, "bo", gone=lambda _: True), request)
    assert "is at work" in back.sentence()
    assert not sandbox.cluster.get(SPACE, "geniesim-gpu-kitchen-1700000001")["spec"].get("suspend")


def test_a_running_job_is_never_ended_and_none_is_created_beside_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    job(sandbox, GPU_JOB)
    job(sandbox, "geniesim-gpu-office-1700000007")
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    goes_out(sandbox)
    sandbox.requests.reset()
    one = outage(environment)
    assert one.outcome == "escalated", one.sentence()
    assert "kubectl -n blueprint delete job geniesim-gpu-office-1700000007" in one.reasons[0]
    assert len(jobs_of(sandbox)) == 2
    assert (
        sandbox.requests.count("kubernetes", "jobs.create") + sandbox.requests.count("kubernetes", "jobs.delete") == 0
    )


def test_one_that_begins_meanwhile_keeps_another_from_being_created(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    failed_job(sandbox, environment)
    begins = just_before(environment, "2 restart", lambda: job(sandbox, "geniesim-gpu-office-1700000007"))
    one = outage(environment, context=begins)
    assert one.outcome == "failed", one.sentence()
    assert "none is created beside it" in one.reasons[0]
    assert len(jobs_of(sandbox)) == 2


def leased(environment: PipelineEnvironment, _sandbox: Sandbox) -> None:
    Context(environment, "bo").holding(SCENE, "their-run").__enter__()


def exported_again(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.simulator.forgive()
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="hold", seconds=30))
    start_export(environment, SCENE)


def stopped(_environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    sandbox.store.put(DATA, f"scenes/{SCENE}/geniesim/.canary_rollback", b"{}", quiet=True)


@pytest.mark.parametrize(
    ("hand", "said"), [(leased, "bo (run their-run"), (exported_again, EXPORT), (stopped, "kitchen is stopped")]
)
def test_none_is_created_for_a_scene_that_is_in_somebodys_hands_or_was_stopped(
    sandbox: Sandbox, environment: PipelineEnvironment, hand: Callable[..., None], said: str
) -> None:
    failed_job(sandbox, environment)
    acts = just_before(environment, "2 restart", lambda: hand(environment, sandbox))
    acts.gone = lambda holder: holder.owner != "bo"
    one = outage(environment, context=acts)
    assert one.outcome == "failed", one.sentence()
    assert said in one.reasons[0]
    assert jobs_of(sandbox) == [GPU_JOB]


def test_one_whose_scene_did_not_fail_is_a_persons(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    job(sandbox, GPU_JOB)
    older(sandbox, 30)
    sandbox.cluster.set_state(SPACE, GPU_JOB, "failed")
    goes_out(sandbox)
    one = outage(environment)
    assert (one.outcome, jobs_of(sandbox)) == ("escalated", [GPU_JOB])
    assert "its scene is none whose last simulation failed lately" in one.reasons[0]


def cluster_job(
    name: str = GPU_JOB, hours: float = 1.0, state: str = "Failed", labels: dict[str, str] | None = None
) -> ClusterJob:
    created = f"{AT - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    meta = {"name": name, "labels": labels or {}, "creationTimestamp": created}
    conditions = [{"type": state, "status": "True"}] if state else []
    return ClusterJob({"metadata": meta, "spec": {"template": {"spec": {}}}, "status": {"conditions": conditions}})


def planned(one: ClusterJob, *failed: str) -> str:
    """The scene for which it is created again, or why it is not."""
    state = ServiceState("genie-sim", "1.2.3.4:50051", "down", ("Nobody answers.",))
    found = of_job(state, RunsIt(jobs=(one,), families=FAMILIES, namespace=SPACE, failed=failed), AT)
    return str(found.action.params["scene"]) if found.action is not None else found.escalation


@pytest.mark.parametrize(
    ("one", "failed", "scene"),
    [
        (cluster_job(), "kitchen", "kitchen"),
        (cluster_job("geniesim-gpu-kitchen-001-1700000000"), "kitchen_001", "kitchen_001"),
        (cluster_job("geniesim-gpu-17", labels={"scene-id": "Kitchen_001"}), "Kitchen_001", "Kitchen_001"),
        (cluster_job(labels={"scene-id": "other"}), "kitchen", ""),
        (cluster_job(), "kitchen-2", ""),
        (cluster_job(hours=LATELY_HOURS + 1), "kitchen", ""),
        (cluster_job(hours=AGAIN.total_seconds() / 3600 - 0.1, labels={RUN_LABEL: "r"}), "kitchen", ""),
        (cluster_job(hours=AGAIN.total_seconds() / 3600 + 0.1, labels={RUN_LABEL: "r"}), "kitchen", "kitchen"),
    ],
)
def test_the_scene_is_known_by_the_label_or_else_by_the_name_and_an_old_or_repeated_one_is_a_persons(
    one: ClusterJob, failed: str, scene: str
) -> None:
    said = planned(one, failed)
    assert said == scene if scene else said.startswith("genie-sim is down"), said


def test_the_command_that_deletes_one_at_work_names_its_namespace() -> None:
    assert f"kubectl -n {SPACE} delete job {GPU_JOB}" in planned(cluster_job(state=""), "kitchen")
