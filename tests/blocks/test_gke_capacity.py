"""What the cluster block reads of nodes, pods, events and quotas, and how it turns work off and on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.errors import NotFound, PermanentError, PreconditionFailed
from blocks.gke import GkeCluster
from blocks.gke_capacity import ACCELERATOR
from blocks.gke_pods import gpus_of
from blocks.gke_switches import WorkKind, shown, work_from
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.blocks.conftest import QUICK
from tests.gpu_capacity.world import CRITICAL, RUNS, SPACE, WAITS, deployment, full_pool, job, nightly, older


@pytest.fixture(scope="module")
def own() -> Iterator[Sandbox]:
    """A full pool: one Job runs, two wait; nothing here changes that for good."""
    with Sandbox(seed=7, job_seconds=0.02) as sandbox:
        full_pool(sandbox)
        deployment(sandbox, "viewer", 2)
        quota = {"hard": {"requests.nvidia.com/gpu": "9", "limits.memory": "8Gi"}}
        sandbox.cluster.registry.create(
            BY_PLURAL["resourcequotas"], SPACE, {"metadata": {"name": "blueprint-quota"}, "spec": quota}
        )
        yield sandbox


@pytest.fixture
def cluster(own: Sandbox) -> Iterator[GkeCluster]:
    own.faults.clear()
    block = GkeCluster(endpoint=own.endpoints.kubernetes, limits=QUICK)
    yield block
    block.close()


def test_only_nodes_with_an_accelerator_are_listed(cluster: GkeCluster) -> None:
    (node,) = cluster.capacity.nodes()
    assert (node.pool, node.ready, node.gpus, node.cordoned, node.why) == ("gpu-pool", True, 1, False, "")
    assert node.labels[ACCELERATOR] == "nvidia-tesla-t4"
    assert node.taints == (("nvidia.com/gpu", "present"),)


@pytest.mark.parametrize(
    ("state", "ready", "gpus", "why"), [("not_ready", False, 1, "NodeStatusUnknown"), ("no_driver", True, 0, "")]
)
def test_a_node_says_what_is_wrong_with_it(
    cluster: GkeCluster, own: Sandbox, state: str, ready: bool, gpus: int, why: str
) -> None:
    own.cluster.set_node("gke-sandbox-gpu-pool-0", state)  # type: ignore[arg-type]
    (node,) = cluster.capacity.nodes()
    own.cluster.set_node("gke-sandbox-gpu-pool-0", "ready")
    assert (node.ready, node.gpus, node.why.partition(":")[0]) == (ready, gpus, why)


def test_pods_that_want_gpus_are_listed_by_phase_with_what_they_want(cluster: GkeCluster) -> None:
    waiting = {pod.job: pod for pod in cluster.capacity.pods("Pending") if pod.job}
    assert set(waiting) == {CRITICAL, WAITS}
    assert (waiting[CRITICAL].gpus, waiting[CRITICAL].node) == (1, "")
    assert waiting[CRITICAL].selector == {ACCELERATOR: "nvidia-tesla-t4"}
    assert "Insufficient nvidia.com/gpu" in waiting[CRITICAL].waits
    assert [pod.job for pod in cluster.capacity.pods("Running")] == [RUNS]


def test_events_are_listed_by_their_reason(cluster: GkeCluster) -> None:
    found = cluster.capacity.events("NotTriggerScaleUp")
    assert found
    assert all("max node group size reached" in event.message and event.kind == "Pod" for event in found)
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert cluster.capacity.events("NoSuchReason") == []


def test_the_figures_of_a_quota_that_are_whole_numbers_are_read(cluster: GkeCluster) -> None:
    (figure,) = cluster.capacity.quotas()
    assert (figure.name, figure.what, figure.hard) == ("blueprint-quota", "requests.nvidia.com/gpu", 9)
    assert figure.used >= 3


def test_lists_go_on_over_their_pages(cluster: GkeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pods, jobs = cluster.capacity.pods("Pending"), cluster.switches.list("Job")
    monkeypatch.setattr("blocks.gke_capacity._PAGE", 1)
    monkeypatch.setattr("blocks.gke_switches._PAGE", 1)
    assert [pod.name for pod in cluster.capacity.pods("Pending")] == [pod.name for pod in pods]
    assert cluster.switches.list("Job") == jobs
    assert len(jobs) == 3


def test_work_is_listed_with_its_setting_and_its_pods(cluster: GkeCluster) -> None:
    jobs = {work.name: work for work in cluster.switches.list("Job")}
    assert {name: (work.setting, work.gpus, work.ready) for name, work in jobs.items()} == {
        CRITICAL: (0, 1, 0),
        RUNS: (0, 1, 1),
        WAITS: (0, 1, 0),
    }
    (cron,) = cluster.switches.list("CronJob")
    assert (cron.name, cron.setting, cron.gpus) == ("episode-generation-scheduled", 0, 1)
    (viewer,) = cluster.switches.list("Deployment")
    assert (viewer.setting, viewer.gpus) == (2, 1)


@pytest.mark.parametrize(("kind", "off", "on"), [("CronJob", 1, 0), ("Deployment", 0, 2)])
def test_work_is_set_only_over_the_version_that_was_seen(
    cluster: GkeCluster, kind: WorkKind, off: int, on: int
) -> None:
    (seen,) = cluster.switches.list(kind)
    cluster.switches.set(seen, off)
    with pytest.raises(PreconditionFailed, match="changed by somebody else"):
        cluster.switches.set(seen, on)
    now = cluster.switches.get(kind, seen.name)
    assert now is not None
    assert now.setting == off
    cluster.switches.set(now, on)


@pytest.mark.parametrize("fault", ["status", "reset", "lost_answer"])
def test_one_fault_is_not_noticed(cluster: GkeCluster, own: Sandbox, fault: str) -> None:
    for method in ("nodes.list", "cronjobs.patch", "events.list"):
        own.faults.add(FaultRule.model_validate({"service": "kubernetes", "method": method, "kind": fault, "times": 1}))
    assert len(cluster.capacity.nodes()) == 1
    assert cluster.capacity.events("NotTriggerScaleUp")
    for wanted in (1, 0):
        (seen,) = cluster.switches.list("CronJob")
        cluster.switches.set(seen, wanted)
    assert cluster.switches.list("CronJob")[0].setting == 0


def test_a_refusal_names_the_right_to_give(cluster: GkeCluster, own: Sandbox) -> None:
    own.faults.add(FaultRule(service="kubernetes", method="cronjobs.patch", kind="status", status=403))
    (seen,) = cluster.switches.list("CronJob")
    with pytest.raises(PermanentError, match=r"grant patch on cronjobs\.batch"):
        cluster.switches.set(seen, 1)


def test_what_is_not_there_is_none_when_looked_at_and_not_found_when_set(cluster: GkeCluster, own: Sandbox) -> None:
    assert cluster.switches.get("Job", "no-such-job") is None
    nightly(own, "gone-soon")
    gone = cluster.switches.get("CronJob", "gone-soon")
    own.cluster.registry.delete(BY_PLURAL["cronjobs"], SPACE, "gone-soon", {})
    assert gone is not None
    with pytest.raises(NotFound):
        cluster.switches.set(gone, 1)


def test_without_a_cluster_nothing_of_it_is_claimed() -> None:
    for look in (lambda block: block.capacity, lambda block: block.switches, lambda block: block.workloads):
        with pytest.raises(PermanentError, match="has no cluster"):
            look(GkeCluster(enabled=False))


@pytest.mark.parametrize(
    ("resources", "wanted"),
    [
        ({}, 0),
        (None, 0),
        ({"limits": {"nvidia.com/gpu": "2"}}, 2),
        ({"requests": {"nvidia.com/gpu": 1}}, 1),
        ({"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1"}}, 1),
        ({"limits": {"cpu": "8"}}, 0),
        ({"limits": {"nvidia.com/gpu": "1k"}}, 0),
    ],
)
def test_the_gpus_of_a_pod_are_those_of_its_containers_together(
    resources: dict[str, object] | None, wanted: int
) -> None:
    assert gpus_of([{"resources": resources}]) == wanted
    assert gpus_of([{"resources": resources}, {"resources": {"limits": {"nvidia.com/gpu": "1"}}}]) == wanted + 1


def test_a_job_that_completed_or_failed_has_ended_and_a_suspended_one_has_not() -> None:
    meta = {"name": "a", "uid": "u", "resourceVersion": "1"}
    for kind, ended in (("Complete", True), ("Failed", True), ("Suspended", False)):
        status = {"conditions": [{"type": kind, "status": "True"}]}
        assert work_from("Job", {"metadata": meta, "spec": {"suspend": True}, "status": status}).ended is ended


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        ("Deployment", 1, "1 replica"),
        ("Deployment", 0, "0 replicas"),
        ("Job", 1, "suspended"),
        ("CronJob", 0, "not suspended"),
    ],
)
def test_a_setting_in_words(kind: WorkKind, setting: int, words: str) -> None:
    assert shown(kind, setting) == words


def test_a_finished_job_is_told_so(own: Sandbox, cluster: GkeCluster) -> None:
    job(own, "geniesim-gpu-scene-z-1")
    own.cluster.set_state(SPACE, "geniesim-gpu-scene-z-1", "failed")
    found = cluster.switches.get("Job", "geniesim-gpu-scene-z-1")
    own.cluster.delete(SPACE, "geniesim-gpu-scene-z-1", {})
    assert found is not None
    assert found.ended
    older(own, 0)
