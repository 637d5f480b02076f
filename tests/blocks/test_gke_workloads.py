"""Deployments, their history and Jobs with a real client: read as they are, changed only as they were seen."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks import gke_workloads
from blocks.calls import CallLimits
from blocks.errors import NotFound, PermanentError, PreconditionFailed, TemporaryError
from blocks.gke import GkeCluster
from blocks.gke_manifests import Deployment, as_new
from blocks.gke_workloads import Workloads
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

SPACE = "blueprint"
DIGEST = "sha256:" + "1" * 64


def deployment(image: str, name: str = "web") -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str, image: str = "gcr.io/p/x:v1") -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "main", "image": image}], "restartPolicy": "Never"}}
    return {"metadata": {"name": name, "labels": {"scene-id": "a"}}, "spec": {"template": template}}


@pytest.fixture
def workloads(cluster: GkeCluster, sandbox: Sandbox) -> Iterator[Workloads]:
    """Two revisions of a Deployment."""
    registry, kind = sandbox.cluster.registry, BY_PLURAL["deployments"]
    registry.create(kind, SPACE, deployment("x:1"))
    registry.change(kind, SPACE, "web", lambda old: old | {"spec": deployment("x:2")["spec"]})
    yield cluster.workloads
    registry.delete(kind, SPACE, "web", {})


def live(workloads: Workloads, name: str = "web") -> Deployment:
    found = workloads.deployment(name)
    assert found is not None
    return found


def changed(template: dict[str, Any], image: str) -> dict[str, Any]:
    made = copy.deepcopy(template)
    made["spec"]["containers"][0]["image"] = image
    return made


def test_a_deployment_is_read_as_it_is_and_another_is_none(workloads: Workloads) -> None:
    found = live(workloads)
    assert (found.name, found.revision, found.paused) == ("web", 2, False)
    assert found.template["spec"]["containers"][0]["image"] == "x:2"
    assert (found.waits_for(), found.failure()) == ("", "")
    assert workloads.deployment("none") is None


def test_its_revisions_are_newest_first_as_the_deployment_had_them(workloads: Workloads) -> None:
    found = workloads.revisions(live(workloads))
    assert [one.number for one in found] == [2, 1]
    assert found[0].template == live(workloads).template, "without the label that the controller adds"
    assert timedelta(0) <= datetime.now(UTC) - found[1].created < timedelta(minutes=1)


def test_replica_sets_of_others_are_not_its_revisions(workloads: Workloads, sandbox: Sandbox) -> None:
    sandbox.cluster.registry.create(BY_PLURAL["deployments"], SPACE, deployment("y:1", "other"))
    assert len(workloads.revisions(live(workloads))) == 2
    sandbox.cluster.registry.delete(BY_PLURAL["deployments"], SPACE, "other", {})


def test_a_template_is_rolled_only_over_the_version_that_was_seen(workloads: Workloads) -> None:
    seen = live(workloads)
    wanted = changed(seen.template, "x:3")
    rolled = workloads.roll("web", wanted, resource_version=seen.resource_version, cause="because")
    assert rolled.template == wanted
    assert workloads.revisions(rolled)[0].cause == "because"
    with pytest.raises(PreconditionFailed, match=r"roll out Deployment web.*changed by somebody else"):
        workloads.roll("web", seen.template, resource_version=seen.resource_version, cause="again")
    assert live(workloads).template == wanted
    with pytest.raises(NotFound):
        workloads.roll("none", wanted, resource_version="1", cause="x")


def test_a_lost_answer_of_a_rollout_is_looked_up(workloads: Workloads, sandbox: Sandbox) -> None:
    seen = live(workloads)
    sandbox.faults.add(FaultRule(service="kubernetes", method="deployments.patch", kind="lost_answer", times=1))
    rolled = workloads.roll("web", changed(seen.template, "x:3"), resource_version=seen.resource_version, cause="c")
    assert rolled.revision == 3


@pytest.mark.parametrize(
    ("method", "act", "permission"),
    [
        ("deployments.get", lambda w: w.deployment("web"), r"get on deployments\.apps"),
        ("replicasets.list", lambda w: w.revisions(live(w)), r"list on replicasets\.apps"),
        ("jobs.list", lambda w: w.jobs("x"), r"list on jobs\.batch"),
        ("pods.list", lambda w: w.job("gpu-1"), "list on pods"),
        ("jobs.create", lambda w: w.create_job(job("new") | {"apiVersion": "batch/v1", "kind": "Job"}, "scene-id"), r"create on jobs\.batch"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_permission_to_grant(
    workloads: Workloads, sandbox: Sandbox, method: str, act: Any, permission: str
) -> None:
    sandbox.cluster.create(SPACE, job("gpu-1"))
    sandbox.faults.add(FaultRule(service="kubernetes", method=method, kind="status", status=403))
    with pytest.raises(PermanentError, match=f"grant {permission} to the account"):
        act(workloads)
    sandbox.faults.clear()
    sandbox.cluster.delete(SPACE, "gpu-1", {})


def test_where_there_is_no_cluster_nothing_is_changed(sandbox: Sandbox) -> None:
    with pytest.raises(PermanentError, match="has no cluster"):
        _ = GkeCluster(enabled=False).workloads


def test_a_jobs_image_is_the_digest_that_its_pod_ran_with(cluster: GkeCluster, sandbox: Sandbox) -> None:
    for number, image in enumerate(("gcr.io/p/x:v1", f"gcr.io/p/x@{DIGEST}")):
        sandbox.cluster.create(SPACE, job(f"gpu-{number}", image))
    by_name = {one.name: one for one in cluster.workloads.jobs("gpu-")}
    assert by_name["gpu-0"].images[0].startswith("gcr.io/p/x@sha256:")
    assert by_name["gpu-1"].images == (f"gcr.io/p/x@{DIGEST}",)
    one = cluster.workloads.job("gpu-0")
    assert one is not None
    assert one.images == by_name["gpu-0"].images
    assert cluster.workloads.jobs("other") == []
    sandbox.cluster.set_state(SPACE, "gpu-0", "pending")
    assert one.state == "active"
    for number in range(2):
        sandbox.cluster.delete(SPACE, f"gpu-{number}", {})


def test_a_job_without_a_pod_has_the_image_as_it_is_written(cluster: GkeCluster, sandbox: Sandbox) -> None:
    sandbox.cluster.create(SPACE, job("gpu-1") | {"spec": job("x")["spec"] | {"suspend": True}})
    one = cluster.workloads.job("gpu-1")
    assert one is not None
    assert (one.images, one.state) == (("gcr.io/p/x:v1",), "suspended")
    sandbox.cluster.delete(SPACE, "gpu-1", {})


@pytest.mark.parametrize(("state", "word"), [("succeeded", "complete"), ("failed", "failed"), ("running", "active")])
def test_a_jobs_state_is_the_condition_that_the_cluster_gives(
    cluster: GkeCluster, sandbox: Sandbox, state: Any, word: str
) -> None:
    sandbox.cluster.create(SPACE, job("gpu-1"))
    sandbox.cluster.set_state(SPACE, "gpu-1", state)
    one = cluster.workloads.job("gpu-1")
    assert one is not None
    assert one.state == word
    sandbox.cluster.delete(SPACE, "gpu-1", {})


def test_a_job_is_deleted_by_its_uid_and_created_again(cluster: GkeCluster, sandbox: Sandbox) -> None:
    sandbox.cluster.create(SPACE, job("gpu-1"))
    workloads = cluster.workloads
    first = workloads.job("gpu-1")
    assert first is not None
    with pytest.raises(PreconditionFailed):
        workloads.delete_job("gpu-1", "another")
    workloads.delete_job("gpu-1", first.uid)
    workloads.delete_job("gpu-1", first.uid)  # gone is fine
    assert workloads.job("gpu-1") is None
    again = workloads.create_job(as_new(first.manifest), "scene-id")
    assert again.uid != first.uid
    with pytest.raises(PreconditionFailed):
        workloads.create_job(as_new(first.manifest), "scene-id")
    workloads.delete_job("gpu-1", again.uid)


def test_a_job_whose_name_does_not_get_free_is_said(
    cluster: GkeCluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.cluster.create(SPACE, job("gpu-1"))
    one = cluster.workloads.job("gpu-1")
    assert one is not None
    monkeypatch.setattr(gke_workloads, "GONE_SECONDS", 0.0)
    monkeypatch.setattr(sandbox.cluster.registry._objects, "remove", lambda *_: None)  # a finalizer keeps it
    with pytest.raises(TemporaryError, match="which finalizer keeps it"):
        cluster.workloads.delete_job("gpu-1", one.uid)
    monkeypatch.undo()
    sandbox.cluster.delete(SPACE, "gpu-1", {})


@pytest.mark.parametrize("kind", ["status", "reset", "lost_answer"])
def test_one_fault_is_not_noticed(cluster: GkeCluster, sandbox: Sandbox, kind: str) -> None:
    cluster.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=2.0, first_wait_seconds=0.01)
    sandbox.cluster.create(SPACE, job("gpu-1"))
    for method in ("jobs.get", "pods.list", "jobs.delete", "jobs.create"):
        sandbox.faults.add(
            FaultRule.model_validate({"service": "kubernetes", "method": method, "kind": kind, "times": 1})
        )
    one = cluster.workloads.job("gpu-1")
    assert one is not None
    cluster.workloads.delete_job("gpu-1", one.uid)
    assert cluster.workloads.create_job(as_new(one.manifest), "scene-id").name == "gpu-1"
    sandbox.faults.clear()
    sandbox.cluster.delete(SPACE, "gpu-1", {})
