"""What the manifests of Deployments, ReplicaSets and Jobs say, without a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.gke_manifests import ClusterJob, Deployment, as_new, revision_from, with_images

DIGEST = "sha256:" + "1" * 64


def status_of(**status: Any) -> Deployment:
    manifest = {"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 3}, "status": status}
    return Deployment(manifest)


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        ({}, "not been seen by the controller"),
        ({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, "not been seen"),
        ({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1}, "1 of 3 new replicas"),
        ({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 3}, "2 old replicas have not ended"),
        ({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}, "2 of 3 new replicas are available"),
        ({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, ""),
        ({"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, ""),
    ],
)  # fmt: skip
def test_a_rollout_is_finished_in_the_order_that_kubectl_asks(status: dict[str, Any], waits: str) -> None:
    found = status_of(**status).waits_for()
    assert waits in found
    assert bool(found) == bool(waits)


def test_what_a_status_says_of_the_rollout_before_is_no_failure() -> None:
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]
    assert status_of(observedGeneration=2, conditions=late).failure() == "timed out"
    assert status_of(observedGeneration=1, conditions=late).failure() == ""
    assert status_of(observedGeneration=2, conditions=[{"reason": "ProgressDeadlineExceeded"}]).failure()


def test_a_deployment_that_says_nothing_has_defaults() -> None:
    found = Deployment({"metadata": {"name": "web", "annotations": None}, "spec": {"replicas": 0}, "status": None})
    assert (found.revision, found.generation, found.paused, found.failure()) == (0, 0, False, "")


@pytest.mark.parametrize("annotations", [None, {}, {"deployment.kubernetes.io/revision": "x"}])
def test_a_replica_set_without_a_number_is_no_revision(annotations: Any) -> None:
    template = {"metadata": {"labels": None}, "spec": {"containers": []}}
    meta = {"name": "web-1", "annotations": annotations, "creationTimestamp": "2026-01-01T00:00:00Z"}
    assert revision_from({"metadata": meta, "spec": {"template": template}}) is None


@pytest.mark.parametrize("labels", [None, {}, {"pod-template-hash": "1"}, {"app": "x", "pod-template-hash": "1"}])
def test_a_revision_has_the_labels_that_the_deployment_had(labels: Any) -> None:
    template = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    meta = {"annotations": {"deployment.kubernetes.io/revision": "3"}, "creationTimestamp": "2026-01-01T00:00:00Z"}
    found = revision_from({"metadata": meta, "spec": {"template": template}})
    assert found is not None
    assert (found.number, "pod-template-hash" in str(found.template)) == (3, False)
    assert template["metadata"]["labels"] == labels, "what was read is not changed"


def test_a_new_job_has_nothing_of_what_the_server_gave_the_old_one() -> None:
    labels = {"app": "x", "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "n"}
    manifest = {
        "metadata": {
            "name": "n",
            "uid": "u",
            "resourceVersion": "1",
            "annotations": {"a": "b"},
            "labels": dict(labels),
        },
        "spec": {"selector": {"matchLabels": {}}, "template": {"metadata": {"labels": dict(labels)}, "spec": {}}},
        "status": {"failed": 1},
    }
    assert as_new(manifest) == {
        "metadata": {"name": "n", "annotations": {"a": "b"}, "labels": {"app": "x"}},
        "spec": {"template": {"metadata": {"labels": {"app": "x"}}, "spec": {}}},
    }
    assert "status" in manifest, "the old one is not changed"
    manifest["spec"]["manualSelector"] = True
    assert as_new(manifest)["spec"]["selector"] == {"matchLabels": {}}
    assert as_new({"metadata": {"name": "n"}, "spec": {"template": {"spec": {}}}})["metadata"] == {"name": "n"}


def test_images_are_changed_in_every_container() -> None:
    spec = {"containers": [{"image": "a"}, {"image": "b"}], "initContainers": [{"image": "a"}]}
    made = with_images({"spec": {"template": {"spec": spec}}}, lambda image: {"a": "c"}.get(image, image))
    assert made["spec"]["template"]["spec"] == {
        "containers": [{"image": "c"}, {"image": "b"}], "initContainers": [{"image": "c"}],
    }  # fmt: skip
    assert spec["containers"][0]["image"] == "a"


@pytest.mark.parametrize(
    ("image_id", "image"),
    [
        (f"docker-pullable://gcr.io/p/x@{DIGEST}", f"gcr.io/p/x@{DIGEST}"),
        (f"gcr.io/p/x@{DIGEST}", f"gcr.io/p/x@{DIGEST}"),
        ("", "x:1"),
    ],
)
def test_what_a_node_says_of_an_image(image_id: str, image: str) -> None:
    template = {"spec": {"containers": [{"name": "main", "image": "x:1"}]}}
    assert ClusterJob({"spec": {"template": template}}, {"main": image_id}).images == (image,)
