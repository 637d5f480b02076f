"""Triggers, workflows and jobs: what should be deployed, and what stands in for it."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tests.diagnosis.world import TRIGGER, delete_trigger, diagnosed, only, rows
from tests.doctor.world import bucket, trigger

USD_NAMES = r"^scenes/.+/assets/\.regen3d_complete$"


def test_a_trigger_of_another_name_that_does_the_same_is_as_good(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    delete_trigger(sandbox)
    trigger("our-usd-trigger", name=USD_NAMES)(sandbox, environment)
    assert rows(diagnosed(environment)) == []


def test_one_that_fires_for_every_object_does_the_same(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    delete_trigger(sandbox)
    trigger("our-usd-trigger")(sandbox, environment)
    assert rows(diagnosed(environment)) == []


@pytest.mark.parametrize(
    "filters", [{"bucket": "another"}, {"name": "^other$"}, {"workflow": f"{LOCATION}/workflows/other"}]
)
def test_one_that_does_something_else_is_not(
    sandbox: Sandbox, environment: PipelineEnvironment, filters: dict[str, str]
) -> None:
    delete_trigger(sandbox)
    trigger("our-usd-trigger", **filters)(sandbox, environment)
    only(diagnosed(environment), "trigger-missing")


def test_another_trigger_of_the_catalogue_stands_in_for_none(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    delete_trigger(sandbox, "arena-export-usd-trigger")  # two others start the same workflow
    assert only(diagnosed(environment), "trigger-missing").subject == "trigger arena-export-usd-trigger"


def test_the_command_names_the_buckets_location(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    delete_trigger(sandbox)
    bucket("sandbox-scenes", location="US")(sandbox, environment)
    assert " --location=us " in only(diagnosed(environment), "trigger-missing").remedy


def test_where_that_may_not_be_asked_a_person_fills_it_in(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    delete_trigger(sandbox)
    sandbox.faults.add(FaultRule(service="storage", method="buckets.get", kind="status", status=403))
    cause = only(diagnosed(environment), "trigger-missing")
    assert " --location=LOCATION_OF_THE_BUCKET " in cause.remedy


def test_a_trigger_in_another_location_is_there(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    trigger(TRIGGER, location="us")(sandbox, environment)
    assert rows(diagnosed(environment)) == []


def test_a_trigger_that_starts_another_workflow_is_named(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    trigger(TRIGGER, workflow=f"{LOCATION}/workflows/scale-pipeline")(sandbox, environment)
    cause = only(diagnosed(environment), "trigger-misdirected")
    assert cause.sentence == f"Trigger {TRIGGER} starts scale-pipeline and not usd-assembly-pipeline."


def test_what_an_installation_may_do_without_is_no_cause(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.workflows.deployed.put("dream2flow-preparation-pipeline", False)
    sandbox.run.deployed.put("dwm-inference-job", False)
    assert rows(diagnosed(environment)) == []


def test_a_job_that_scenes_need_is_missed(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.run.deployed.put("simready-job", False)
    cause = only(diagnosed(environment), "job-not-ready")
    assert cause.sentence == "Job simready-job, which makes simready, is not deployed."
