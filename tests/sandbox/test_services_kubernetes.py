"""The Kubernetes API of the sandbox, asked by the stock client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import urllib3
from kubernetes import client, dynamic, watch
from kubernetes.client.exceptions import ApiException

from deployments.sandbox.cluster.api import KubernetesApi
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.loopback import HOST, HttpServer

SPACE = "blueprint"


@dataclass
class Kubernetes:
    """A served cluster and the stock clients."""

    cluster: Cluster
    faults: Faults
    batch: client.BatchV1Api
    core: client.CoreV1Api
    version: client.VersionApi


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    cluster, faults = Cluster(("default", SPACE)), Faults(1)
    server = HttpServer(KubernetesApi(cluster, faults, RequestLog()), 0)
    settings = client.Configuration(host=f"http://{HOST}:{server.port}")
    settings.retries = urllib3.Retry(0)
    api = client.ApiClient(settings)
    yield Kubernetes(cluster, faults, client.BatchV1Api(api), client.CoreV1Api(api), client.VersionApi(api))
    api.rest_client.pool_manager.clear()
    server.stop()


def job(name: str = "episode-gen-a-1", **labels: str) -> client.V1Job:
    container = client.V1Container(name="main", image="gcr.io/p/image")
    template = client.V1PodTemplateSpec(spec=client.V1PodSpec(containers=[container], restart_policy="Never"))
    return client.V1Job(
        metadata=client.V1ObjectMeta(name=name, labels=labels), spec=client.V1JobSpec(template=template)
    )


def code(error: pytest.ExceptionInfo[ApiException]) -> int:
    return int(error.value.status)


def test_a_created_job_runs_with_one_pod(kubernetes: Kubernetes) -> None:
    created = kubernetes.batch.create_namespaced_job(SPACE, job(app="episode-generation"))
    assert (created.status.active, created.metadata.namespace, created.spec.suspend) == (1, SPACE, False)
    read = kubernetes.batch.read_namespaced_job(created.metadata.name, SPACE)
    assert (read.metadata.uid, read.metadata.labels) == (created.metadata.uid, {"app": "episode-generation"})
    (pod,) = kubernetes.core.list_namespaced_pod(SPACE, label_selector=f"job-name={created.metadata.name}").items
    assert (pod.status.phase, pod.metadata.owner_references[0].name) == ("Running", created.metadata.name)


def test_a_job_is_suspended_and_resumed_by_a_patch(kubernetes: Kubernetes) -> None:
    name = kubernetes.batch.create_namespaced_job(SPACE, job()).metadata.name
    suspended = kubernetes.batch.patch_namespaced_job(name, SPACE, {"spec": {"suspend": True}})
    assert (suspended.spec.suspend, suspended.status.active) == (True, None)
    assert suspended.status.conditions[0].type == "Suspended"
    assert kubernetes.core.list_namespaced_pod(SPACE).items == []
    resumed = kubernetes.batch.patch_namespaced_job(name, SPACE, {"spec": {"suspend": False}})
    assert (resumed.spec.suspend, resumed.status.active) == (False, 1)
    assert int(resumed.metadata.resource_version) > int(suspended.metadata.resource_version)


def test_a_patch_or_delete_with_an_old_resource_version_changes_nothing(kubernetes: Kubernetes) -> None:
    created = kubernetes.batch.create_namespaced_job(SPACE, job())
    name, old = created.metadata.name, created.metadata.resource_version
    kubernetes.batch.patch_namespaced_job(name, SPACE, {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(ApiException) as refused:
        kubernetes.batch.patch_namespaced_job(
            name, SPACE, {"metadata": {"resourceVersion": old}, "spec": {"suspend": True}}
        )
    assert code(refused) == 409
    conditions = client.V1DeleteOptions(preconditions=client.V1Preconditions(resource_version=old))
    with pytest.raises(ApiException) as refused:
        kubernetes.batch.delete_namespaced_job(name, SPACE, body=conditions)
    assert code(refused) == 409
    assert kubernetes.batch.read_namespaced_job(name, SPACE).spec.suspend is False


def test_a_deleted_job_is_gone_with_its_pods(kubernetes: Kubernetes) -> None:
    name = kubernetes.batch.create_namespaced_job(SPACE, job()).metadata.name
    assert kubernetes.batch.delete_namespaced_job(name, SPACE, propagation_policy="Background")["status"] == "Success"
    with pytest.raises(ApiException) as refused:
        kubernetes.batch.read_namespaced_job(name, SPACE)
    assert code(refused) == 404
    assert kubernetes.core.list_namespaced_pod(SPACE).items == []


@pytest.mark.parametrize(
    ("state", "active", "succeeded", "failed", "phase"),
    [
        ("running", 1, None, None, "Running"),
        ("pending", 1, None, None, "Pending"),
        ("succeeded", None, 1, None, "Succeeded"),
        ("failed", None, None, 1, "Failed"),
    ],
)
def test_a_jobs_status_follows_its_state(
    kubernetes: Kubernetes, state: str, active: int | None, succeeded: int | None, failed: int | None, phase: str
) -> None:
    name = kubernetes.batch.create_namespaced_job(SPACE, job()).metadata.name
    kubernetes.cluster.set_state(SPACE, name, state)
    status = kubernetes.batch.read_namespaced_job(name, SPACE).status
    assert (status.active, status.succeeded, status.failed) == (active, succeeded, failed)
    assert kubernetes.core.list_namespaced_pod(SPACE).items[0].status.phase == phase
    events = kubernetes.core.list_namespaced_event(SPACE).items
    assert [event.reason for event in events] == (["FailedScheduling"] if state == "pending" else [])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("app=a", ["j1"]), ("app==a", ["j1"]), ("app!=a", ["j2", "j3"]), ("app", ["j1", "j2"]), ("!app", ["j3"]),
     ("app=b,gpu=t4", ["j2"]), ("app in (a, b)", ["j1", "j2"]), ("app notin (a)", ["j2", "j3"]), ("", ["j1", "j2", "j3"])],
)  # fmt: skip
def test_jobs_are_selected_by_label(kubernetes: Kubernetes, selector: str, expected: list[str]) -> None:
    for made in (job("j1", app="a"), job("j2", app="b", gpu="t4"), job("j3")):
        kubernetes.batch.create_namespaced_job(SPACE, made)
    found = kubernetes.batch.list_namespaced_job(SPACE, label_selector=selector).items
    assert [one.metadata.name for one in found] == expected


def test_a_long_list_comes_in_pages(kubernetes: Kubernetes) -> None:
    for number in range(5):
        kubernetes.batch.create_namespaced_job(SPACE, job(f"j{number}"))
    names, after = [], None
    while after != "":
        answer = kubernetes.batch.list_namespaced_job(SPACE, limit=2, _continue=after)
        names.append([one.metadata.name for one in answer.items])
        after = answer.metadata._continue or ""
    assert names == [["j0", "j1"], ["j2", "j3"], ["j4"]]


def test_what_makes_no_sense_is_refused_with_kubernetes_own_status(kubernetes: Kubernetes) -> None:
    kubernetes.batch.create_namespaced_job(SPACE, job("there"))
    changed = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "other"}]}}}}
    table = [
        (409, lambda: kubernetes.batch.create_namespaced_job(SPACE, job("there"))),
        (404, lambda: kubernetes.batch.create_namespaced_job("nowhere", job())),
        (422, lambda: kubernetes.batch.create_namespaced_job(SPACE, {"metadata": {"name": "x"}})),
        (404, lambda: kubernetes.batch.patch_namespaced_job("absent", SPACE, {})),
        (422, lambda: kubernetes.batch.patch_namespaced_job("there", SPACE, changed)),
        (422, lambda: kubernetes.batch.patch_namespaced_job("there", SPACE, [{"op": "remove", "path": "/spec"}])),
        (422, lambda: kubernetes.batch.patch_namespaced_job("there", SPACE, [{"op": "remove", "path": "/absent"}])),
        (400, lambda: kubernetes.batch.patch_namespaced_job("there", SPACE, [{"op": "explode"}])),
        (422, lambda: kubernetes.batch.create_namespaced_job(SPACE, job("Not_a_name"))),
        (422, lambda: kubernetes.batch.create_namespaced_job(SPACE, job("labels", app="not a label"))),
        (404, lambda: kubernetes.core.read_namespaced_pod("absent", SPACE)),
        (404, lambda: kubernetes.core.read_namespaced_pod_log("absent", SPACE)),
        (501, lambda: client.NetworkingV1Api(kubernetes.batch.api_client).list_ingress_for_all_namespaces()),
        (404, lambda: kubernetes.core.read_namespace("nowhere")),
        (400, lambda: kubernetes.batch.list_namespaced_job(SPACE, label_selector="app in a, b")),
        (400, lambda: kubernetes.batch.list_namespaced_job(SPACE, field_selector="spec.suspend=true")),
        (400, lambda: kubernetes.batch.list_namespaced_job(SPACE, _continue="not ours")),
    ]
    for status, ask in table:
        with pytest.raises(ApiException) as refused:
            ask()
        assert code(refused) == status
        told = json.loads(refused.value.body)
        assert (told["kind"], told["status"], told["code"]) == ("Status", "Failure", status)
        assert told["reason"]
        assert told["message"]
    assert kubernetes.batch.list_namespaced_job("nowhere").items == []


def test_namespace_and_version_can_be_read(kubernetes: Kubernetes) -> None:
    assert kubernetes.core.read_namespace(SPACE).status.phase == "Active"
    assert kubernetes.version.get_code().major == "1"


@pytest.mark.parametrize(("kind", "there"), [("reset", False), ("hang", False), ("lost_answer", True)])
def test_a_cut_connection_has_an_effect_only_when_the_answer_was_lost(
    kubernetes: Kubernetes, kind: str, there: bool
) -> None:
    kubernetes.faults.add(FaultRule(service="kubernetes", method="jobs.create", kind=kind, seconds=0.1, times=1))
    with pytest.raises(urllib3.exceptions.HTTPError):
        kubernetes.batch.create_namespaced_job(SPACE, job())
    assert bool(kubernetes.batch.list_namespaced_job(SPACE).items) is there


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_status_fault_is_answered_and_nothing_happens(kubernetes: Kubernetes, status: int) -> None:
    kubernetes.faults.add(FaultRule(service="kubernetes", kind="status", status=status, times=1))
    with pytest.raises(ApiException) as refused:
        kubernetes.batch.create_namespaced_job(SPACE, job())
    assert code(refused) == status
    assert kubernetes.batch.list_namespaced_job(SPACE).items == []


def test_a_slow_answer_comes_after_its_latency(kubernetes: Kubernetes) -> None:
    kubernetes.faults.add(FaultRule(service="kubernetes", method="version.get", kind="latency", seconds=0.2))
    begun = time.monotonic()
    kubernetes.version.get_code()
    assert time.monotonic() - begun >= 0.2


def test_the_dynamic_client_discovers_what_there_is(kubernetes: Kubernetes) -> None:
    found = dynamic.DynamicClient(kubernetes.batch.api_client)
    jobs = found.resources.get(api_version="batch/v1", kind="Job")
    made = jobs.create(body=kubernetes.batch.api_client.sanitize_for_serialization(job("dynamic")), namespace=SPACE)
    assert made.metadata.name == "dynamic"
    wish = {"spec": {"suspend": True}}
    jobs.patch(name="dynamic", namespace=SPACE, body=wish, content_type="application/merge-patch+json")
    assert jobs.get(name="dynamic", namespace=SPACE).spec.suspend is True
    nodes = found.resources.get(api_version="v1", kind="Node")
    assert {node.status.allocatable["nvidia.com/gpu"] for node in nodes.get().items} == {None, "1"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    maps = found.resources.get(api_version="v1", kind="ConfigMap")
    applied = maps.server_side_apply(body=body, namespace=SPACE, field_manager="mine")
    assert (applied.data.a, applied.metadata.managedFields[0].manager) == ("1", "mine")


def test_a_watch_tells_what_comes_changes_leaves_the_selector_and_goes(kubernetes: Kubernetes) -> None:
    begin = kubernetes.batch.list_namespaced_job(SPACE).metadata.resource_version
    kubernetes.batch.create_namespaced_job(SPACE, job("j1", app="a"))
    kubernetes.batch.create_namespaced_job(SPACE, job("j2", app="b"))
    kubernetes.batch.patch_namespaced_job("j1", SPACE, {"metadata": {"labels": {"app": "c"}}})
    kubernetes.batch.create_namespaced_job(SPACE, job("j3", app="a"))
    kubernetes.batch.delete_namespaced_job("j3", SPACE)
    stream = watch.Watch().stream(
        kubernetes.batch.list_namespaced_job, SPACE, label_selector="app=a", resource_version=begin, timeout_seconds=1
    )
    seen = [(event["type"], event["object"].metadata.name) for event in stream]
    steps = [step for at, step in enumerate(seen) if at == 0 or step != seen[at - 1]]
    assert [kind for kind, name in steps if name == "j1"] == ["ADDED", "MODIFIED", "DELETED"]
    assert [kind for kind, name in steps if name == "j3"][-1] == "DELETED"
    assert "j2" not in {name for _, name in seen}


def test_a_status_is_changed_apart_from_the_rest(kubernetes: Kubernetes) -> None:
    name = kubernetes.batch.create_namespaced_job(SPACE, job()).metadata.name
    (pod,) = kubernetes.core.list_namespaced_pod(SPACE).items
    wish = {"status": {"phase": "Unknown", "reason": "NodeLost"}, "metadata": {"labels": {"a": "b"}}}
    changed = kubernetes.core.patch_namespaced_pod_status(pod.metadata.name, SPACE, wish)
    assert (changed.status.phase, changed.status.reason) == ("Unknown", "NodeLost")
    assert "a" not in changed.metadata.labels
    same = kubernetes.core.patch_namespaced_pod(pod.metadata.name, SPACE, {"status": {"phase": "Running"}})
    assert same.status.phase == "Unknown"
    assert kubernetes.batch.read_namespaced_job(name, SPACE).metadata.generation == 1


def test_what_changes_nothing_leaves_the_resource_version_and_a_change_of_the_spec_counts(
    kubernetes: Kubernetes,
) -> None:
    made = kubernetes.batch.create_namespaced_job(SPACE, job(app="a"))
    same = kubernetes.batch.patch_namespaced_job(made.metadata.name, SPACE, {"metadata": {"labels": {"app": "a"}}})
    assert same.metadata.resource_version == made.metadata.resource_version
    changed = kubernetes.batch.patch_namespaced_job(made.metadata.name, SPACE, {"spec": {"backoffLimit": 1}})
    assert (changed.metadata.generation, made.metadata.generation) == (2, 1)
    assert changed.metadata.resource_version != made.metadata.resource_version


def test_a_collection_is_deleted_by_label_within_a_namespace_only(kubernetes: Kubernetes) -> None:
    for made in (job("j1", app="a"), job("j2", app="b")):
        kubernetes.batch.create_namespaced_job(SPACE, made)
    kubernetes.batch.delete_collection_namespaced_job(SPACE, label_selector="app=a")
    assert [one.metadata.name for one in kubernetes.batch.list_job_for_all_namespaces().items] == ["j2"]


JOBS = f"/apis/batch/v1/namespaces/{SPACE}/jobs"


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "words"),
    [
        ("POST", JOBS, {"metadata": {"name": 5}}, 400, "metadata.name"),
        ("POST", JOBS, {"metadata": {"labels": "x"}}, 400, "metadata.labels"),
        ("POST", JOBS, {"metadata": "x"}, 400, "metadata"),
        ("POST", JOBS, {"kind": "Pod", "apiVersion": "v1"}, 400, "v1 Pod"),
        ("POST", JOBS, {"metadata": {"name": "x", "namespace": "default"}}, 400, "namespace"),
        ("POST", JOBS, [], 400, "no JSON object"),
        ("POST", f"{JOBS}?dryRun=Some", {}, 400, "dryRun"),
        ("POST", f"{JOBS}/there", {}, 405, "method"),
        ("PUT", JOBS, {}, 405, "method"),
        ("GET", f"{JOBS}?limit=many", None, 400, "limit"),
        ("GET", f"{JOBS}?watch=1&resourceVersion=x", None, 400, "resourceVersion"),
        ("DELETE", "/apis/batch/v1/jobs", None, 405, "method"),
        ("GET", "/apis/unheard.of/v1/things", None, 501, "does not serve"),
        ("GET", f"{JOBS}/there/exec", None, 501, "does not serve"),
        ("POST", "/api", {}, 501, "does not serve"),
    ],
)
def test_a_refusal_is_a_status_that_names_what_is_wrong(
    kubernetes: Kubernetes, verb: str, path: str, body: object, status: int, words: str
) -> None:
    url = f"{kubernetes.batch.api_client.configuration.host}{path}"
    answer = requests.request(verb, url, json=body, timeout=60)
    told = answer.json()
    assert (answer.status_code, told["kind"], told["code"]) == (status, "Status", status)
    assert words in told["message"]


def test_orphaning_is_not_pretended(kubernetes: Kubernetes) -> None:
    name = kubernetes.batch.create_namespaced_job(SPACE, job()).metadata.name
    with pytest.raises(ApiException) as refused:
        kubernetes.batch.delete_namespaced_job(name, SPACE, propagation_policy="Orphan")
    assert code(refused) == 501
    assert kubernetes.batch.read_namespaced_job(name, SPACE)
