"""A manifest becomes the Job of one scene, or one sentence says why not; nothing of it is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.catalogue_rules import GPU_JOB_VALUES
from tasks.gpu_job.manifest import MOST_BYTES, RENDERED, job_in, named, rendered
from tasks.pipeline.gpu_jobs import SCENE_LABEL
from tasks.remediation.outcome import Refused
from tests.gpu_job.world import DIGEST, SCENE, SPACE, manifest, text

VALUES = {"BUCKET": "b", "NAMESPACE": SPACE, "PROJECT_ID": "p", "REGION": "r", "SCENE_ID": SCENE}


def made(given: Any, image: str = "") -> dict[str, Any]:
    return rendered(given, VALUES, SCENE, image)


def refusal(given: Any, image: str = "") -> str:
    with pytest.raises(Refused) as refused:
        made(given, image)
    return str(refused.value)


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "main", "image": "x:1", **fields}


def small(*containers: Any, **fields: Any) -> dict[str, Any]:
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": list(containers or (container(),))}}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": spec} | fields


def test_the_catalogues_manifest_is_filled_in_to_the_last_placeholder() -> None:
    job = named(made(manifest()), "the-name")
    assert "${" not in str(job)
    assert job["metadata"]["name"] == "the-name"
    assert job["metadata"]["labels"][SCENE_LABEL] == SCENE
    (main,) = job["spec"]["template"]["spec"]["containers"]
    assert main["image"] == "gcr.io/p/blueprint-genie-sim:isaacsim"
    variables = {one["name"]: one["value"] for one in main["env"]}
    assert (variables["SCENE_ID"], variables["BUCKET"]) == (SCENE, "b")
    assert variables["JOB_OUTPUT_PATH"] == f"scenes/{SCENE}/geniesim/job.json"


def test_what_may_be_left_open_is_what_is_filled_in() -> None:
    assert sorted({*VALUES, "JOB_NAME"}) == sorted(GPU_JOB_VALUES)


def test_a_placeholder_that_stands_for_nothing_is_refused_and_never_left_as_it_is() -> None:
    said = refusal(small(container(args=["${PROJECT}"])))
    assert "${PROJECT}, which nobody fills in" in said
    assert "PROJECT_ID" in said


def test_a_value_is_not_looked_through_for_placeholders() -> None:
    job = rendered(small(container(args=["${BUCKET}"])), VALUES | {"BUCKET": "${REGION}"}, SCENE)
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["${REGION}"]


def test_the_same_manifest_is_known_by_its_digest_whatever_the_name_and_another_image_is_another() -> None:
    with_name = small(container(args=["${JOB_NAME}"]))
    job = made(with_name)
    first, second = named(job, "a"), named(job, "b")
    assert first["spec"]["template"]["spec"]["containers"][0]["args"] == ["a"]
    assert first["metadata"]["annotations"] == second["metadata"]["annotations"]
    assert made(with_name, "x:2")["metadata"]["annotations"][RENDERED] != job["metadata"]["annotations"][RENDERED]


def test_what_the_api_server_gave_an_older_job_is_not_created_again() -> None:
    meta = {"name": "old", "uid": "u", "resourceVersion": "7", "labels": {"controller-uid": "u", "app": "x"}}
    job = made(small(metadata=meta, status={"active": 1}))
    assert "status" not in job
    assert {"name", "uid", "resourceVersion"} & set(job["metadata"]) == set()
    assert job["metadata"]["labels"] == {"app": "x", SCENE_LABEL: SCENE}


def test_an_image_is_that_of_the_one_container_and_not_of_what_checks_the_gpu() -> None:
    job = made(manifest(), f"gcr.io/p/x@{DIGEST}")
    pod = job["spec"]["template"]["spec"]
    assert [one["image"] for one in pod["containers"]] == [f"gcr.io/p/x@{DIGEST}"]
    assert DIGEST not in pod["initContainers"][0]["image"]
    assert "has 2 containers (a, b)" in refusal(small(container(name="a"), container(name="b")), "x:2")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (small(apiVersion="v1"), 'its apiVersion is not "batch/v1"'),
        (small(metadata=[1]), "its metadata are no mapping"),
        (small(metadata={"labels": "a"}), "its labels and annotations are no mappings"),
        (small(spec=7), "spec.template.spec has no containers"),
        (small(spec={"template": {"spec": {"containers": []}}}), "spec.template.spec has no containers"),
        (small({"name": "main"}), "a container has no name or no image"),
        (small("main"), "a container has no name or no image"),
        (small(metadata={"namespace": "other"}), "is for namespace other, and the pipeline's is blueprint"),
    ],
)
def test_what_is_no_job_of_this_pipeline_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    assert said in refusal(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a: [", "cannot be read as YAML"),
        ("", "holds 0 Jobs"),
        ("- 1\n- 2\n", "holds 0 Jobs"),
        (text(small(), small()), "holds 2 Jobs"),
        ("kind: Job\na: &x [1]\nb: *x\n", "refers to its own parts"),
        ("? [1, 2]\n: 3\n", "cannot be read as YAML"),
        pytest.param("x" * (MOST_BYTES + 1), "more than 100 kB", id="long"),
        pytest.param("[" * 100, "nested deeper than 40 levels", id="deep"),
    ],
)
def test_a_file_that_is_no_job_is_refused_in_one_sentence(given: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        job_in(given)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_of_a_file_with_several_objects_the_job_is_taken_and_the_others_are_named() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    job, others = job_in(text(config, small(), {"kind": "Odd", "metadata": 3}))
    assert job == small()
    assert others == ("ConfigMap c", "Odd ")


LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "x:1", "batch/v1", "${SCENE_ID}"])
KEYS = st.sampled_from(["metadata", "labels", "spec", "template", "containers", "name", "image", "kind"])
VALUE = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=2) | st.dictionaries(KEYS, one, max_size=4), max_leaves=8
)


@settings(max_examples=25)
@given(st.dictionaries(KEYS, VALUE, max_size=5))
def test_whatever_a_manifest_holds_it_is_a_job_or_refused(value: dict[str, Any]) -> None:
    try:
        job = made(value | {"apiVersion": "batch/v1"})
    except Refused:
        return
    assert job["metadata"]["labels"][SCENE_LABEL] == SCENE
