"""The environment block: what it hands on to its parts, what it refuses, and the catalogue it builds."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.run_jobs import CloudRunJobs
from blocks.workflows import PipelineWorkflows


def test_project_and_region_are_named_once() -> None:
    environment = PipelineEnvironment(project="p", region="europe-west4")
    for block in (environment.workflows, environment.jobs, environment.schedulers):
        assert (block.project, block.region) == ("p", "europe-west4")
    assert environment.triggers.project == "p", "triggers are looked for in every location"
    assert (environment.storage.project, environment.transfers.project) == ("p", "p")


def test_a_nested_block_that_names_its_own_project_or_region_keeps_it() -> None:
    environment = PipelineEnvironment(
        project="p",
        region="europe-west4",
        workflows=PipelineWorkflows(project="other"),
        jobs=CloudRunJobs(region="us-central1"),
    )
    assert (environment.workflows.project, environment.workflows.region) == ("other", "europe-west4")
    assert (environment.jobs.project, environment.jobs.region) == ("p", "us-central1")


def test_the_journal_may_not_be_in_the_data_bucket() -> None:
    with pytest.raises(ValidationError, match="name another one, because every object written to the data bucket"):
        PipelineEnvironment(data_bucket="b", ops_bucket="b")


def test_without_an_overlay_the_catalogue_is_the_shipped_one() -> None:
    assert PipelineEnvironment().catalogue == load_catalogue()


def test_an_overlay_changes_the_catalogue_of_this_environment_only() -> None:
    environment = PipelineEnvironment(catalogue_overlay="namespace: other-namespace\n")
    assert environment.catalogue.namespace == "other-namespace"
    assert PipelineEnvironment().catalogue.namespace == load_catalogue().namespace != "other-namespace"


def test_the_catalogue_is_built_once() -> None:
    environment = PipelineEnvironment(catalogue_overlay="namespace: other-namespace\n")
    assert environment.catalogue is environment.catalogue


def test_an_overlay_with_a_mistake_is_an_error_when_the_catalogue_is_used() -> None:
    with pytest.raises(ValueError, match="no_such_key"):
        _ = PipelineEnvironment(catalogue_overlay="no_such_key: 1\n").catalogue


def test_the_catalogue_can_be_used_without_importing_prefect_or_google() -> None:
    script = (
        "import sys, blocks, blocks.catalogue_load as c; c.load_catalogue(); "
        "print([name for name in ('prefect', 'google.cloud', 'grpc', 'kubernetes') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_in_the_package_is_an_attribute_error() -> None:
    import blocks

    with pytest.raises(AttributeError, match="no attribute 'NoSuchBlock'"):
        _ = blocks.NoSuchBlock
