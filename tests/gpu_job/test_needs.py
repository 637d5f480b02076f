"""What a Job needs is looked at and never made: what is missing stops it with what to do, what may not be seen is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import config_maps
from blocks.gke_references import GOOGLE_ACCOUNT
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_job.manifest import named, rendered
from tasks.gpu_job.needs import look_at_needs
from tasks.gpu_job.observe import values_of
from tests.gpu_job.world import ACCOUNT, CONFIG, SCENE, SPACE, deploy, manifest, put, remove


def needs(environment: PipelineEnvironment, given: Any = None, image: str = "") -> tuple[str, str]:
    """Problems and notes, each as one text."""
    job = named(rendered(given or manifest(), values_of(environment, SCENE), SCENE, image), "x-1")
    problems, notes = look_at_needs(environment, job)
    return " ".join(problems), " ".join(notes)


def test_where_all_is_there_only_what_a_tag_leaves_open_is_said(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    put(sandbox, "resourcequotas", "q", spec={"hard": {"requests.nvidia.com/gpu": "4"}})
    problems, notes = needs(environment)
    assert problems == ""
    assert notes == (
        "gcr.io/sandbox-project/blueprint-genie-sim:isaacsim is a tag: whatever image it stands for then is run. Name one by its "
        "digest to be sure."
    )


@pytest.mark.parametrize(
    ("plural", "name", "said"),
    [
        ("configmaps", CONFIG, f"There is no ConfigMap {CONFIG} in namespace {SPACE}"),
        ("serviceaccounts", ACCOUNT, f"There is no service account {ACCOUNT} in namespace {SPACE}"),
    ],
)
def test_what_is_missing_stops_the_job_and_is_not_made(
    sandbox: Sandbox, environment: PipelineEnvironment, plural: str, name: str, said: str
) -> None:
    remove(sandbox, plural, name)
    one = deploy(environment)
    assert (one.outcome, said in one.reasons[0]) == ("escalated", True), one.sentence()
    assert "nothing but the Job is created from here" in one.reasons[0]
    assert sandbox.cluster.objects.find(plural, SPACE, name) is None


@pytest.mark.parametrize("plural", ["configmaps", "serviceaccounts", "resourcequotas"])
def test_what_may_not_be_looked_at_is_unknown_and_stops_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment, plural: str
) -> None:
    verb = "list" if plural == "resourcequotas" else "get"
    sandbox.faults.add(FaultRule(service="kubernetes", method=f"{plural}.{verb}", kind="status", status=403))
    problems, notes = needs(environment)
    assert problems == ""
    assert "Not everything that the Job needs is known" in notes
    assert plural in notes


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({}, "has no annotation"),
        ({GOOGLE_ACCOUNT: "sa@${PROJECT_ID}.iam.gserviceaccount.com"}, "was never filled in and is nobody"),
    ],
)
def test_an_account_that_stands_for_nobody_is_said_with_the_command_and_left(
    sandbox: Sandbox, environment: PipelineEnvironment, annotations: dict[str, str], said: str
) -> None:
    remove(sandbox, "serviceaccounts", ACCOUNT)
    put(sandbox, "serviceaccounts", ACCOUNT, metadata={"annotations": annotations})
    problems, notes = needs(environment)
    assert problems == ""
    assert said in notes
    assert f"kubectl -n {SPACE} annotate --overwrite serviceaccount {ACCOUNT}" in notes


def test_a_quota_that_is_full_or_missing_is_said_and_left(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    assert f"Namespace {SPACE} has no quota and gets none from here" in needs(environment)[1]
    put(sandbox, "resourcequotas", "q", spec={"hard": {"requests.nvidia.com/gpu": "0"}})
    problems, notes = needs(environment)
    assert problems == ""
    assert "has 0 of 0 GPUs in use and the Job wants 1" in notes


@pytest.mark.parametrize("image", ["x@sha256:1", "docker.io/a/b@sha256:" + "a" * 64])
def test_of_an_image_that_is_in_no_registry_of_googles_nothing_is_known(
    environment: PipelineEnvironment, image: str
) -> None:
    problems, notes = needs(environment, image=image)
    assert problems == ""
    assert "Not everything that the Job needs is known" in notes


def test_config_maps_are_found_wherever_a_pod_names_them_but_for_optional_ones() -> None:
    pod = {
        "containers": [
            {"envFrom": [{"configMapRef": {"name": "a"}}, {"configMapRef": {"name": "no", "optional": True}}]},
            {
                "env": [
                    {"valueFrom": {"configMapKeyRef": {"name": "b", "key": "k"}}},
                    {"name": "configMap", "value": "v"},
                ]
            },
        ],
        "volumes": [{"configMap": {"name": "c"}}, {"configMap": "odd"}, {"secret": {"secretName": "s"}}],
    }
    assert config_maps(pod) == {"a", "b", "c"}
