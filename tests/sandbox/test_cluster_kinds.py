"""What the cluster fills in, refuses and lets follow, kind by kind, without a server in between."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.discovery import document
from deployments.sandbox.cluster.door import check_manifest
from deployments.sandbox.cluster.errors import KubernetesError, status_of
from deployments.sandbox.cluster.objects import LOGGED, Objects
from deployments.sandbox.cluster.resources import BY_PLURAL, RESOURCES
from deployments.sandbox.cluster.table import table

Json = dict[str, Any]
SPACE = "blueprint"
CONTAINER: Json = {"name": "main", "image": "x:1"}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(("default", SPACE))


def job(name: str = "j", **spec: Any) -> Json:
    template = {"spec": {"restartPolicy": "Never", "containers": [copy.deepcopy(CONTAINER)]}}
    return {"metadata": {"name": name}, "spec": {"template": template, **spec}}


def deployment(image: str = "x:1", **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"metadata": {"name": "web"}, "spec": spec}


def cron_job(**spec: Any) -> Json:
    return {
        "metadata": {"name": "c"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job()["spec"]}, **spec},
    }


def create(cluster: Cluster, plural: str, manifest: Json) -> Json:
    resource = BY_PLURAL[plural]
    return cluster.registry.create(resource, SPACE if resource.namespaced else "", manifest)


def without(manifest: Json, *way: str) -> Json:
    """The manifest without one part."""
    changed = copy.deepcopy(manifest)
    place = changed
    for step in way[:-1]:
        place = place[step]
    del place[way[-1]]
    return changed


def with_(manifest: Json, value: Any, *way: str) -> Json:
    """The manifest with another value at one place."""
    changed = copy.deepcopy(manifest)
    place = changed
    for step in way[:-1]:
        place = place.setdefault(step, {})
    place[way[-1]] = value
    return changed


POD_SPEC = ("spec", "template", "spec")
REFUSED: list[tuple[str, Json, str]] = [
    ("jobs", without(job(), "spec"), "spec.template.spec.containers"),
    ("jobs", with_(job(), [], *POD_SPEC, "containers"), "spec.template.spec.containers"),
    ("jobs", with_(job(), [{"name": "m"}], *POD_SPEC, "containers"), "spec.template.spec.containers[0].image"),
    ("jobs", with_(job(), [{"image": "m"}], *POD_SPEC, "containers"), "spec.template.spec.containers[0].name"),
    ("jobs", without(job(), *POD_SPEC, "restartPolicy"), "spec.template.spec.restartPolicy"),
    ("jobs", with_(job(), "Always", *POD_SPEC, "restartPolicy"), "spec.template.spec.restartPolicy"),
    ("jobs", job(parallelism=-1), "spec.parallelism"),
    ("jobs", job("a" * 64), "spec.template.labels"),
    ("jobs", job("Kitchen_1"), "metadata.name"),
    ("jobs", without(job(), "metadata", "name"), "metadata.name"),
    ("jobs", with_(job(), {"a b": "c"}, "metadata", "labels"), "metadata.labels"),
    ("jobs", with_(job(), {"a": "x" * 64}, "metadata", "labels"), "metadata.labels"),
    ("deployments", without(deployment(), "spec", "selector"), "spec.template.metadata.labels"),
    (
        "deployments",
        with_(deployment(), {"app": "b"}, "spec", "selector", "matchLabels"),
        "spec.template.metadata.labels",
    ),
    ("deployments", deployment(replicas=-1), "spec.replicas"),
    ("deployments", with_(deployment(), "Never", *POD_SPEC, "restartPolicy"), "spec.template.spec.restartPolicy"),
    ("cronjobs", cron_job(schedule="daily"), "spec.schedule"),
    ("cronjobs", without(cron_job(), "spec", "jobTemplate"), "spec.jobTemplate.spec.template.spec.containers"),
    ("pods", {"metadata": {"name": "p"}, "spec": {}}, "spec.containers"),
    ("events", {"metadata": {"name": "e"}}, "involvedObject"),
]


@pytest.mark.parametrize(("plural", "manifest", "field"), REFUSED, ids=lambda one: str(one)[:40])
def test_what_breaks_a_rule_is_invalid_and_names_the_field(
    cluster: Cluster, plural: str, manifest: Json, field: str
) -> None:
    with pytest.raises(KubernetesError) as refused:
        create(cluster, plural, manifest)
    told = status_of(refused.value)
    assert (told["code"], told["reason"], told["details"]["causes"][0]["field"]) == (422, "Invalid", field)
    assert cluster.objects.all(plural, SPACE) == []


FILLED: list[tuple[str, Json, Callable[[Json], Any], Any]] = [
    ("jobs", job(), lambda made: (made["spec"]["backoffLimit"], made["spec"]["suspend"]), (6, False)),
    ("jobs", job(), lambda made: made["spec"]["template"]["metadata"]["labels"]["job-name"], "j"),
    (
        "deployments",
        deployment(),
        lambda made: (made["spec"]["replicas"], made["spec"]["strategy"]["type"]),
        (1, "RollingUpdate"),
    ),
    (
        "cronjobs",
        cron_job(),
        lambda made: (made["spec"]["suspend"], made["spec"]["concurrencyPolicy"]),
        (False, "Allow"),
    ),
    ("cronjobs", cron_job(schedule="@daily"), lambda made: made["spec"]["schedule"], "@daily"),
    (
        "pods",
        {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}},
        lambda made: made["status"]["phase"],
        "Running",
    ),
    ("namespaces", {"metadata": {"name": "n"}}, lambda made: made["status"]["phase"], "Active"),
    ("configmaps", {"metadata": {"generateName": "n-"}}, lambda made: len(made["metadata"]["name"]), 7),
]


@pytest.mark.parametrize(("plural", "manifest", "look", "expected"), FILLED, ids=lambda one: str(one)[:20])
def test_what_is_left_out_is_filled_in(
    cluster: Cluster, plural: str, manifest: Json, look: Callable[[Json], Any], expected: Any
) -> None:
    assert look(create(cluster, plural, manifest)) == expected


# What follows


def revisions(cluster: Cluster) -> dict[str, int]:
    """The revision of every ReplicaSet, with how many replicas it has."""
    key = "deployment.kubernetes.io/revision"
    return {one["metadata"]["annotations"][key]: one["spec"]["replicas"] for one in cluster.objects.all("replicasets")}


def roll(cluster: Cluster, **spec: Any) -> Json:
    return cluster.registry.change(BY_PLURAL["deployments"], SPACE, "web", lambda old: with_spec(old, **spec))


def with_spec(old: Json, image: str = "", **spec: Any) -> Json:
    if image:
        old["spec"]["template"]["spec"]["containers"][0]["image"] = image
    old["spec"] |= spec
    return old


def test_old_revisions_are_kept_up_to_the_limit(cluster: Cluster) -> None:
    create(cluster, "deployments", deployment(revisionHistoryLimit=2))
    for number in range(2, 6):
        roll(cluster, image=f"x:{number}")
    assert revisions(cluster) == {"3": 0, "4": 0, "5": 1}


def test_a_template_that_comes_back_takes_its_old_replica_set_under_a_new_revision(cluster: Cluster) -> None:
    create(cluster, "deployments", deployment())
    roll(cluster, image="x:2")
    roll(cluster, image="x:1")
    assert revisions(cluster) == {"2": 0, "3": 1}
    roll(cluster, replicas=4)
    assert revisions(cluster) == {"2": 0, "3": 4}


def test_a_paused_deployment_rolls_nothing_until_it_goes_on(cluster: Cluster) -> None:
    create(cluster, "deployments", deployment())
    roll(cluster, image="x:2", paused=True)
    assert revisions(cluster) == {"1": 1}
    roll(cluster, paused=False)
    assert revisions(cluster) == {"1": 0, "2": 1}


def test_what_an_object_owns_goes_with_it(cluster: Cluster) -> None:
    create(cluster, "deployments", deployment(replicas=3))
    create(cluster, "jobs", job())
    assert len(cluster.objects.all("pods", SPACE)) == 4
    cluster.registry.delete(BY_PLURAL["deployments"], SPACE, "web", {})
    cluster.delete(SPACE, "j", {})
    assert cluster.objects.all("pods") == cluster.objects.all("replicasets") == []


def test_a_job_that_ended_keeps_its_times_whatever_is_changed_about_it(cluster: Cluster) -> None:
    create(cluster, "jobs", job())
    cluster.set_state(SPACE, "j", "succeeded")
    before = cluster.get(SPACE, "j")["status"]
    cluster.registry.change(BY_PLURAL["jobs"], SPACE, "j", lambda old: with_(old, {"a": "b"}, "metadata", "labels"))
    assert cluster.get(SPACE, "j")["status"] == before
    assert [one["status"]["phase"] for one in cluster.objects.all("pods")] == ["Succeeded"]


def test_a_quota_follows_what_comes_and_goes(cluster: Cluster) -> None:
    hard = {"pods": "2", "count/jobs.batch": "5", "requests.nvidia.com/gpu": "4", "limits.cpu": "8"}
    create(cluster, "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})

    def used() -> dict[str, str]:
        return dict(cluster.objects.all("resourcequotas")[0]["status"]["used"])

    gpu = job("gpu")
    gpu["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": 2}}
    create(cluster, "jobs", gpu)
    assert used() == {"pods": "1", "count/jobs.batch": "1", "requests.nvidia.com/gpu": "2", "limits.cpu": "0"}
    cluster.set_state(SPACE, "gpu", "failed")
    assert (used()["pods"], used()["requests.nvidia.com/gpu"], used()["count/jobs.batch"]) == ("0", "0", "1")
    cluster.delete(SPACE, "gpu", {})
    assert set(used().values()) == {"0"}
    pod = {"spec": {"containers": [CONTAINER]}}
    for name in ("p1", "p2"):
        create(cluster, "pods", pod | {"metadata": {"name": name}})
    with pytest.raises(KubernetesError, match="exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"):
        create(cluster, "pods", pod | {"metadata": {"name": "p3"}})


# The log, the door, tables and discovery


def test_a_watch_can_go_back_as_far_as_the_log_and_no_further() -> None:
    objects = Objects()
    for number in range(LOGGED + 10):
        objects.put("pods", {"metadata": {"name": str(number), "namespace": "s", "uid": str(number)}})
    assert objects.since(1) is None
    changes = objects.since(objects.version - 3)
    assert changes is not None
    assert [change.item["metadata"]["name"] for change in changes] == [
        str(LOGGED + 7),
        str(LOGGED + 8),
        str(LOGGED + 9),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("spec", "parallelism", "1"), "spec.parallelism into a Go value of type int32"),
        (("spec", "suspend", "yes"), "spec.suspend into a Go value of type bool"),
        (("spec", "parallelism", True), "spec.parallelism"),
        (("spec", "template", []), "spec.template into a Go value of type object"),
        (("metadata", "labels", {"a": 1}), "metadata.labels.a into a Go value of type string"),
        (("metadata", "finalizers", "x"), "metadata.finalizers into a Go value of type array"),
        (("metadata", "creationTimestamp", "today"), "metadata.creationTimestamp into a Go value of type time"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(change: tuple[str, str, Any], words: str) -> None:
    *way, value = change
    with pytest.raises(KubernetesError, match=words) as refused:
        check_manifest(BY_PLURAL["jobs"], with_(job(), value, *way))
    assert refused.value.status == 400


def test_an_unknown_field_is_dropped_or_when_strict_refused_and_a_quantity_may_be_a_number() -> None:
    given = with_(job(), "red", "spec", "colour")
    assert "colour" not in check_manifest(BY_PLURAL["jobs"], given)["spec"]
    with pytest.raises(KubernetesError, match=r'unknown field "spec\.colour"'):
        check_manifest(BY_PLURAL["jobs"], given, strict=True)
    node = {"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": 1}}}
    assert check_manifest(BY_PLURAL["nodes"], node)["status"]["allocatable"] == {"nvidia.com/gpu": "1"}


@pytest.mark.parametrize(
    ("plural", "manifest", "cells"),
    [
        ("jobs", job(), {"Name": "j", "Status": "Running", "Completions": "0/1"}),
        ("pods", {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}},
         {"Ready": "1/1", "Status": "Running", "Restarts": 0}),
        ("deployments", deployment(replicas=2), {"Ready": "2/2", "Up-to-date": 2, "Available": 2}),
        ("cronjobs", cron_job(suspend=True), {"Schedule": "0 3 * * *", "Suspend": "True"}),
        ("configmaps", {"metadata": {"name": "m"}}, {"Name": "m", "Age": "0s"}),
    ],
)  # fmt: skip
def test_a_table_has_what_kubectl_prints(cluster: Cluster, plural: str, manifest: Json, cells: Json) -> None:
    made = create(cluster, plural, manifest)
    shown = table(BY_PLURAL[plural], [made], "7")
    row = dict(zip((one["name"] for one in shown["columnDefinitions"]), shown["rows"][0]["cells"], strict=True))
    assert {name: row[name] for name in cells} == cells


def test_every_kind_is_discovered_where_it_is_served_with_its_subresources() -> None:
    for resource in RESOURCES:
        shown = document(resource.root)
        assert isinstance(shown, dict)
        names = {one["name"]: one for one in shown["resources"]}
        assert names[resource.plural]["kind"] == resource.kind
        assert {f"{resource.plural}/{sub}" for sub in resource.subresources} <= set(names)
        paths = document(f"/openapi/v3{resource.root}")
        assert isinstance(paths, dict)
        assert any(path.endswith(f"/{resource.plural}/{{name}}") for path in paths["paths"])
    assert document("/apis/unheard.of/v1") is None
