"""What pods, quotas, watches, patches and tables hold beyond their first sight, without a server in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.errors import KubernetesError
from deployments.sandbox.cluster.merge import strategic_patch
from deployments.sandbox.cluster.objects import LOGGED, Objects
from deployments.sandbox.cluster.pods import CPU_NODE, GPU_NODE, pulled
from deployments.sandbox.cluster.requests import Request, Target
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.cluster.selectors import field_selector, label_selector, matches
from deployments.sandbox.cluster.table import age, table
from deployments.sandbox.cluster.watch import _Watch
from tests.sandbox.test_cluster_kinds import CONTAINER, SPACE, create, cron_job, deployment, job, roll

Json = dict[str, Any]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(("default", SPACE))


def pods(cluster: Cluster) -> list[Json]:
    return cluster.objects.all("pods", SPACE)


def gpu_job(name: str, count: str = "1") -> Json:
    made = job(name)
    made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"nvidia.com/gpu": count}}
    return made


# Jobs and pods


def test_a_pod_has_the_annotations_of_its_template_and_the_node_it_needs(cluster: Cluster) -> None:
    wanted = gpu_job("gpu")
    wanted["spec"]["template"]["metadata"] = {"annotations": {"a": "b"}}
    create(cluster, "jobs", wanted)
    create(cluster, "jobs", job("plain"))
    gpu, plain = pods(cluster)
    assert (gpu["metadata"]["annotations"], gpu["spec"]["nodeName"]) == ({"a": "b"}, GPU_NODE)
    assert ("annotations" in plain["metadata"], plain["spec"]["nodeName"]) == (False, CPU_NODE)


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_a_container_that_ended_says_with_which_code(cluster: Cluster, state: Any, code: int) -> None:
    create(cluster, "jobs", job())
    cluster.set_state(SPACE, "j", state)
    (pod,) = pods(cluster)
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code
    before = cluster.get(SPACE, "j")["status"]
    cluster.set_state(SPACE, "j", state)
    assert cluster.get(SPACE, "j")["status"] == before, "it ended once"


def test_a_suspended_job_has_no_pod_and_says_so(cluster: Cluster) -> None:
    create(cluster, "jobs", job())
    cluster.registry.change(BY_PLURAL["jobs"], SPACE, "j", lambda old: old | {"spec": old["spec"] | {"suspend": True}})
    status = cluster.get(SPACE, "j")["status"]
    assert (pods(cluster), "active" in status, status["conditions"][0]["type"]) == ([], False, "Suspended")


def test_a_job_that_finds_no_gpu_has_one_event_and_no_log(cluster: Cluster) -> None:
    create(cluster, "jobs", gpu_job("gpu"))
    for _ in range(2):
        cluster.set_state(SPACE, "gpu", "pending")
    (event,) = cluster.objects.all("events", SPACE)
    assert (event["reason"], event["count"], event["involvedObject"]["name"]) == (
        "FailedScheduling", 1, pods(cluster)[0]["metadata"]["name"],
    )  # fmt: skip
    with pytest.raises(KubernetesError, match="waiting to start"):
        cluster.log(SPACE, pods(cluster)[0]["metadata"]["name"])


def test_a_quota_counts_gpus_of_pods_and_things_of_every_kind(cluster: Cluster) -> None:
    hard = {"count/pods": "3", "requests.nvidia.com/gpu": "3", "count/configmaps": "1"}
    create(cluster, "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    create(cluster, "jobs", gpu_job("two", "2"))
    create(cluster, "jobs", gpu_job("odd", "half"))
    create(cluster, "configmaps", {"metadata": {"name": "one"}})
    used = cluster.objects.all("resourcequotas")[0]["status"]["used"]
    assert used == {"count/pods": "2", "requests.nvidia.com/gpu": "2", "count/configmaps": "1"}
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [CONTAINER | {"resources": {"limits": {"nvidia.com/gpu": 2}}}]},
    }
    with pytest.raises(KubernetesError, match=r"requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=2, limited"):
        create(cluster, "pods", pod)
    with pytest.raises(KubernetesError, match=r"exceeded quota: q, requested: count/configmaps=1"):
        create(cluster, "configmaps", {"metadata": {"name": "two"}})
    cluster.registry.delete(BY_PLURAL["configmaps"], SPACE, "one", {})
    assert cluster.objects.all("resourcequotas")[0]["status"]["used"]["count/configmaps"] == "0"


def test_a_status_alone_changes_nothing_else_and_counts_no_generation(cluster: Cluster) -> None:
    create(cluster, "jobs", job())
    how = lambda old: {**old, "spec": {**old["spec"], "parallelism": 7}, "status": {"active": 5}}  # noqa: E731
    changed = cluster.registry.change(BY_PLURAL["jobs"], SPACE, "j", how, sub="status")
    assert (changed["spec"]["parallelism"], changed["status"]["active"]) == (1, 5)
    label = lambda old: old | {"metadata": old["metadata"] | {"labels": {"a": "b"}}}  # noqa: E731
    assert cluster.registry.change(BY_PLURAL["jobs"], SPACE, "j", label)["metadata"]["generation"] == 1


def test_what_a_caller_says_of_the_status_of_a_new_thing_is_not_believed(cluster: Cluster) -> None:
    made = create(cluster, "jobs", job() | {"status": {"succeeded": 1}})
    assert "succeeded" not in made["status"]
    node = create(cluster, "nodes", {"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}})
    assert node["status"] == {"capacity": {"cpu": "1"}}, "a kubelet brings its own"


def test_a_revision_keeps_its_cause_and_a_rollout_its_times(cluster: Cluster) -> None:
    wanted = deployment()
    wanted["metadata"]["annotations"] = {"kubernetes.io/change-cause": "first", "other": "x"}
    made = create(cluster, "deployments", wanted)
    (replicas,) = cluster.objects.all("replicasets")
    assert replicas["metadata"]["annotations"]["kubernetes.io/change-cause"] == "first"
    assert "other" not in replicas["metadata"]["annotations"]
    made["status"]["conditions"][0]["lastUpdateTime"] = "2020-01-01T00:00:00Z"
    cluster.objects.put("deployments", made)
    assert cluster.controllers.settle("deployments", made)["status"]["conditions"] == made["status"]["conditions"]
    assert roll(cluster, replicas=3)["status"]["conditions"] != made["status"]["conditions"]


def test_a_rollout_to_an_image_that_never_gets_ready_says_so_until_another_one_does(cluster: Cluster) -> None:
    create(cluster, "deployments", deployment())
    (container,) = deployment()["spec"]["template"]["spec"]["containers"]
    cluster.controllers.broken_images.add("broken:1")
    template = deployment()["spec"]["template"]
    stuck = roll(cluster, template=template | {"spec": {"containers": [container | {"image": "broken:1"}]}})
    reasons = {one["type"]: one["reason"] for one in stuck["status"]["conditions"]}
    assert reasons == {"Available": "MinimumReplicasAvailable", "Progressing": "ProgressDeadlineExceeded"}
    assert stuck["status"]["availableReplicas"] == 1, "the Pod of before serves on"
    again = cluster.controllers.settle("deployments", stuck)
    assert again["status"] == stuck["status"], "asked again, nothing has changed"
    mended = roll(cluster, template=template)
    assert {one["status"] for one in mended["status"]["conditions"]} == {"True"}
    assert mended["status"]["availableReplicas"] == mended["spec"]["replicas"]


def test_a_pod_tells_the_digest_of_its_image(cluster: Cluster) -> None:
    assert pulled("h:5000/p/x:v1").startswith("h:5000/p/x@sha256:")
    assert pulled("x") != pulled("x:v1")
    assert pulled("x@sha256:1") == "x@sha256:1"
    create(cluster, "jobs", job())
    (pod,) = pods(cluster)
    (status,) = pod["status"]["containerStatuses"]
    assert status["imageID"] == pulled(status["image"])


def test_a_cron_job_and_a_namespace_are_as_the_server_makes_them(cluster: Cluster) -> None:
    assert create(cluster, "cronjobs", cron_job())["spec"]["successfulJobsHistoryLimit"] == 3
    assert create(cluster, "namespaces", {"metadata": {"name": "n"}})["spec"] == {"finalizers": ["kubernetes"]}


# Watches


def watching(cluster: Cluster, query: dict[str, str], text: str = "") -> _Watch:
    target = Target(BY_PLURAL["jobs"], SPACE, "", "")
    chosen = label_selector(text)
    return _Watch(cluster.objects, Request("GET", "", query, target, "", "", b""), chosen)


def kinds(events: Any) -> list[tuple[str, str]]:
    return [(one["type"], one["object"]["metadata"]["name"]) for one in events]


def test_a_watch_tells_who_comes_into_and_leaves_its_selector(cluster: Cluster) -> None:
    stream = watching(cluster, {}, "a=1")
    assert kinds(stream.begin()) == []
    create(cluster, "jobs", job())
    for value in ("1", "1", "2", "1"):
        label = lambda old, value=value: old | {"metadata": old["metadata"] | {"labels": {"a": value}}}  # noqa: E731
        cluster.registry.change(BY_PLURAL["jobs"], SPACE, "j", label)
    cluster.delete(SPACE, "j", {})
    assert kinds(stream.more()) == [("ADDED", "j"), ("DELETED", "j"), ("ADDED", "j"), ("DELETED", "j")]


def test_a_watch_from_before_tells_of_a_deletion_of_what_it_never_showed(cluster: Cluster) -> None:
    create(cluster, "jobs", job())
    seen = cluster.objects.version
    cluster.delete(SPACE, "j", {})
    stream = watching(cluster, {"resourceVersion": str(seen)})
    assert kinds(stream.begin()) == []
    (event,) = stream.more()
    assert (event["type"], int(event["object"]["metadata"]["resourceVersion"]) > seen) == ("DELETED", True)


def test_the_oldest_change_that_is_kept_can_still_be_told() -> None:
    objects = Objects()
    for number in range(LOGGED + 1):
        objects.put("pods", {"metadata": {"name": str(number), "uid": str(number)}})
    oldest = objects.version - LOGGED
    assert len(objects.since(oldest) or []) == LOGGED
    assert objects.since(oldest - 1) is None


# Patches, selectors, tables


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"finalizers": ["a"]}, {"finalizers": ["b", "a"]}, {"finalizers": ["a", "b"]}),
        ({"ports": [{"containerPort": 1, "name": "x"}]}, {"ports": [{"containerPort": 1, "protocol": "TCP"}]},
         {"ports": [{"containerPort": 1, "name": "x", "protocol": "TCP"}]}),
        ({"volumeMounts": [{"mountPath": "/a", "name": "x"}]}, {"volumeMounts": [{"mountPath": "/b", "name": "y"}]},
         {"volumeMounts": [{"mountPath": "/a", "name": "x"}, {"mountPath": "/b", "name": "y"}]}),
        ({"env": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}, {"$setElementOrder/env": [{"name": "c"}, {"name": "a"}]},
         {"env": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
    ],
)  # fmt: skip
def test_a_list_is_merged_as_its_kind_is(before: Json, patch: Json, after: Json) -> None:
    assert strategic_patch(before, patch) == after


@pytest.mark.parametrize(("text", "holds"), [("a=", True), ("a!=", False), ("b=", False), ("b!=", True)])
def test_an_empty_value_is_a_value(text: str, holds: bool) -> None:
    assert label_selector(text)({"metadata": {"labels": {"a": ""}}}) is holds


def test_a_selector_of_a_spec_takes_every_operator() -> None:
    def chosen(operator: str, *values: str) -> bool:
        return matches({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]}, {"a": ""})

    assert [chosen("Exists"), chosen("DoesNotExist"), chosen("In", ""), chosen("NotIn", "x"), chosen("NotIn", "")] == [
        True, False, True, True, False,
    ]  # fmt: skip
    assert not chosen("Like", "")


def test_a_flag_is_selected_by_its_word_and_a_node_says_when_it_takes_nothing(cluster: Cluster) -> None:
    (node, *_) = cluster.objects.all("nodes")
    closed = node | {"spec": node["spec"] | {"unschedulable": True}}
    assert field_selector("spec.unschedulable=true", BY_PLURAL["nodes"])(closed)
    assert not field_selector("spec.unschedulable=true", BY_PLURAL["nodes"])(node)
    cells = [row["cells"][1] for row in table(BY_PLURAL["nodes"], [node, closed], "1")["rows"]]
    assert cells == ["Ready", "Ready,SchedulingDisabled"]


@pytest.mark.parametrize(("seconds", "letter"), [(90, "s"), (121, "m"), (7000, "m"), (7201, "h"), (172_801, "d")])
def test_an_age_is_in_the_largest_unit_of_which_there_are_two(seconds: int, letter: str) -> None:
    made = datetime.now(UTC) - timedelta(seconds=seconds)
    assert age({"metadata": {"creationTimestamp": made.isoformat()}})[-1] == letter
