"""A Job of a scene is tried first, created once and beside nothing of that scene, seen to run, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_job.manifest import RENDERED
from tasks.pipeline.activity import live_gke_jobs
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.context import Context
from tests.gpu_job.world import (
    ACCOUNT,
    CONFIG,
    DIGEST,
    FIRST,
    SCENE,
    SPACE,
    deploy,
    live,
    manifest,
    put,
    text,
    undone,
)
from tests.recovery.world import DATA


def calls(sandbox: Sandbox, method: str) -> int:
    return sandbox.requests.count("kubernetes", method)


def others(sandbox: Sandbox) -> list[Any]:
    """What the pipeline's own script overwrites."""
    plurals = ("configmaps", "serviceaccounts", "resourcequotas", "namespaces")
    return [sandbox.cluster.objects.all(plural) for plural in plurals]


def test_a_plan_lets_the_api_server_judge_the_job_and_changes_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    one = deploy(environment, mode="plan", reason="")
    assert one.outcome == "planned", one.sentence()
    assert "the API server would take it" in one.sentence()
    assert calls(sandbox, "jobs.create") == 1, "the dry run"
    assert sandbox.requests.mutating() == {"total": 0}
    assert live(sandbox) == {}


def test_a_job_is_created_as_rendered_and_nothing_beside_it_is_touched(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    put(sandbox, "resourcequotas", "blueprint-quota", spec={"hard": {"requests.nvidia.com/gpu": "20"}})
    before = [sorted(one["metadata"]["name"] for one in kind) for kind in others(sandbox)]
    annotations = account(sandbox)["metadata"]["annotations"]
    one = deploy(environment)
    assert one.outcome == "done", one.sentence()
    assert list(live(sandbox)) == [FIRST]
    job = live(sandbox)[FIRST]
    assert job["metadata"]["labels"] | {"scene-id": SCENE, RUN_LABEL: one.id} == job["metadata"]["labels"]
    assert "on node gke-sandbox-gpu-pool" in one.summary
    assert "sha256:" in one.summary
    assert [sorted(one["metadata"]["name"] for one in kind) for kind in others(sandbox)] == before
    assert account(sandbox)["metadata"]["annotations"] == annotations
    (quota,) = sandbox.cluster.objects.all("resourcequotas", SPACE)
    assert quota["spec"]["hard"] == {"requests.nvidia.com/gpu": "20"}
    assert [calls(sandbox, f"{kind}.{verb}") for kind in ("resourcequotas", "serviceaccounts", "configmaps")
            for verb in ("create", "update", "patch", "delete")] == [0] * 12  # fmt: skip


def account(sandbox: Sandbox) -> dict[str, Any]:
    found = sandbox.cluster.objects.find("serviceaccounts", SPACE, ACCOUNT)
    assert found is not None
    return found


def test_the_same_job_that_is_at_work_is_left_alone_and_everybody_sees_whose_it_is(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy(environment)
    sandbox.requests.reset()
    again = deploy(environment)
    assert (again.outcome, FIRST in again.sentence()) == ("nothing_to_do", True), again.sentence()
    assert calls(sandbox, "jobs.create") + calls(sandbox, "jobs.delete") == 0
    (work,) = live_gke_jobs(environment)
    assert (work.scene_id, work.what) == (SCENE, f"GKE Job {FIRST}")


def test_another_job_of_the_scene_that_is_at_work_is_never_replaced(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy(environment)
    one = deploy(environment, image="gcr.io/sandbox-project/other:2")
    assert one.outcome == "escalated", one.sentence()
    assert f"kubectl -n {SPACE} delete job {FIRST}" in one.reasons[0]
    assert list(live(sandbox)) == [FIRST]


@pytest.mark.parametrize("name", ["geniesim-gpu-kitchen_001-1700000000", "genie-sim-gpu-kitchen-001-7"])
def test_a_job_that_a_workflow_has_made_is_known_by_its_name(
    sandbox: Sandbox, environment: PipelineEnvironment, name: str
) -> None:
    made = manifest(metadata={"name": name.replace("_", "-")})
    sandbox.cluster.create(SPACE, made)
    one = deploy(environment, mode="plan")
    assert one.outcome == "escalated", one.sentence()
    assert name.replace("_", "-") in one.reasons[0]


def test_a_suspended_job_of_the_scene_may_go_on_so_none_is_created_beside_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    deploy(environment)
    job = live(sandbox)[FIRST]
    sandbox.cluster.objects.put("jobs", job | {"spec": job["spec"] | {"suspend": True}})
    one = deploy(environment)
    assert (one.outcome, "is suspended" in one.reasons[0]) == ("escalated", True)
    assert "Let it go on" in one.reasons[0]


@pytest.mark.parametrize(("state", "said"), [("failed", "has failed"), ("succeeded", "is complete")])
def test_a_job_that_has_ended_is_said_and_stays_and_the_next_has_the_next_name(
    sandbox: Sandbox, environment: PipelineEnvironment, state: Any, said: str
) -> None:
    deploy(environment)
    sandbox.cluster.set_state(SPACE, FIRST, state)
    one = deploy(environment)
    assert one.outcome == "done", one.sentence()
    assert sorted(live(sandbox)) == [FIRST, "genie-sim-gpu-kitchen-001-2"]
    assert [note for note in one.notes if FIRST in note and said in note and "stays" in note]


def test_a_job_of_another_scene_whose_name_begins_alike_stands_in_nobodys_way(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    near = manifest(metadata={"name": f"{FIRST}-1", "labels": {"scene-id": "kitchen_001_1"}})
    sandbox.cluster.create(SPACE, near)
    one = deploy(environment)
    assert one.outcome == "done", one.sentence()
    assert sorted(live(sandbox)) == [FIRST, f"{FIRST}-1"]


def test_a_given_manifest_gives_the_job_alone(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG}, "data": {"EPISODES_PER_TASK": "1"}}
    given = manifest()
    given["spec"]["backoffLimit"] = 7
    before = sandbox.cluster.objects.find("configmaps", SPACE, CONFIG)
    one = deploy(environment, manifest=text(config, given))
    assert one.outcome == "done", one.sentence()
    assert live(sandbox)[FIRST]["spec"]["backoffLimit"] == 7
    assert sandbox.cluster.objects.find("configmaps", SPACE, CONFIG) == before
    assert any(f"also holds ConfigMap {CONFIG}" in note for note in one.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scene_id": "a/b"}, "is not a scene id"),
        ({"scene_id": "_a"}, "cannot be the label"),
        ({"scene_id": "a" * 64}, "cannot be the label"),
        ({"scene_id": "nowhere"}, f"There is no scene nowhere in gs://{DATA}"),
        ({"reason": " "}, "Say why"),
        ({"manifest": "a: ["}, "cannot be read as YAML"),
        ({"image": "x:1", "manifest": text({"kind": "Job"})}, "no Job of Kubernetes"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence_and_changes_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment, options: dict[str, Any], said: str
) -> None:
    one = deploy(environment, **options)
    assert (one.outcome, said in one.reasons[0]) == ("refused", True), one.sentence()
    assert (live(sandbox), calls(sandbox, "jobs.create")) == ({}, 0)


def test_without_a_cluster_or_a_rule_it_is_refused(environment: PipelineEnvironment) -> None:
    without = environment.model_copy(update={"catalogue_overlay": "gpu_job: null"}, deep=True)
    assert "has no gpu_job" in deploy(without).reasons[0]
    environment.cluster.enabled = False
    assert "has no cluster" in deploy(environment).reasons[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, 'unknown field "spec.colour"'),
        ({"parallelism": "many"}, "parallelism"),
        ({"backoffLimit": -1}, "must be greater than or equal to 0"),
    ],
)
def test_what_the_api_server_refuses_is_said_in_its_words_and_nothing_is_created(
    sandbox: Sandbox, environment: PipelineEnvironment, change: dict[str, Any], said: str
) -> None:
    given = manifest()
    given["spec"] |= change
    one = deploy(environment, manifest=text(given))
    assert (one.outcome, said in one.reasons[0]) == ("escalated", True), one.sentence()
    assert "API server would refuse" in one.reasons[0]
    assert live(sandbox) == {}


def test_a_full_quota_of_jobs_is_met_by_the_dry_run(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    put(sandbox, "resourcequotas", "q", spec={"hard": {"count/jobs.batch": "0"}})
    one = deploy(environment)
    assert (one.outcome, "exceeded quota: q" in one.reasons[0]) == ("escalated", True), one.sentence()


def test_an_api_server_that_does_not_answer_is_no_refusal(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    environment.cluster.limits = environment.cluster.limits.model_copy(update={"total_seconds": 0.2})
    sandbox.faults.add(FaultRule(service="kubernetes", method="jobs.create", kind="status", status=503))
    one = deploy(environment)
    assert one.outcome == "failed", one.sentence()
    assert live(sandbox) == {}


def test_what_is_at_work_on_the_scene_or_stops_it_holds_the_job_back(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    stop = f"scenes/{SCENE}/geniesim/.canary_rollback"
    sandbox.store.put(DATA, stop, b"{}", quiet=True)
    try:
        one = deploy(environment)
    finally:
        sandbox.store.delete(DATA, stop)
    assert (one.outcome, "is stopped" in one.reasons[0]) == ("escalated", True), one.sentence()
    busy = manifest(metadata={"name": "episode-gen-x-1", "labels": {"scene-id": SCENE}})
    sandbox.cluster.create(SPACE, busy)
    one = deploy(environment)
    assert (one.outcome, "GKE Job episode-gen-x-1 is at work" in one.reasons[0]) == ("refused", True), one.sentence()
    assert list(live(sandbox)) == ["episode-gen-x-1"]


def test_one_that_begins_after_the_plan_keeps_the_job_from_being_created(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    def begins() -> None:
        sandbox.cluster.create(SPACE, manifest(metadata={"name": "geniesim-gpu-x-1", "labels": {"scene-id": SCENE}}))

    acts = Context(environment, "ann", say=lambda said: begins() if said.endswith("create the Job") else None)
    one = deploy(environment, context=acts)
    assert one.outcome == "failed", one.sentence()
    assert "no Job is created for it" in one.reasons[0]
    assert list(live(sandbox)) == ["geniesim-gpu-x-1"]


def test_undo_suspends_a_job_that_has_not_begun_and_leaves_one_that_runs(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    one = deploy(environment)
    back = undone(environment, one)
    assert "is at work" in back.sentence()
    assert not live(sandbox)[FIRST]["spec"]["suspend"]
    sandbox.cluster.set_state(SPACE, FIRST, "pending")
    back = undone(environment, one)
    assert back.outcome == "done", back.sentence()
    assert live(sandbox)[FIRST]["spec"]["suspend"] is True


def test_an_answer_that_was_lost_makes_no_second_job(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.faults.add(FaultRule(service="kubernetes", method="jobs.create", kind="lost_answer", times=2))
    one = deploy(environment)
    assert one.outcome == "done", one.sentence()
    assert list(live(sandbox)) == [FIRST]


def test_an_image_is_run_by_the_digest_that_was_named_and_one_that_is_gone_is_not(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    image = f"gcr.io/sandbox-project/blueprint-genie-sim@{DIGEST}"
    sandbox.run.images.put(image, False)
    one = deploy(environment, image=image)
    assert (one.outcome, "is not in its registry" in one.reasons[0]) == ("escalated", True), one.sentence()
    sandbox.run.images.put(image, True)
    one = deploy(environment, image=image)
    assert (one.outcome, DIGEST[:19] in one.summary) == ("done", True), one.sentence()
    assert len(live(sandbox)[FIRST]["metadata"]["annotations"][RENDERED]) == 64


def test_what_a_plan_asks_the_cluster_is_little(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy(environment, mode="plan")
    asked = {"jobs.list": 2, "jobs.create": 1, "configmaps.get": 1, "serviceaccounts.get": 1, "resourcequotas.list": 1}
    assert {method: calls(sandbox, method) for method in asked} == asked
