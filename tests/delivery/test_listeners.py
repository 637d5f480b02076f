"""Which deployed triggers a written object fires: in doubt it fires."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.delivery.listeners import Listener, by_catalogue, listeners
from tests.intake.world import make_trigger, only


@pytest.mark.parametrize(
    ("pattern", "name", "fires"),
    [
        (None, "anything", True),
        (None, "", True),
        (r"^scenes/.*/x$", "scenes/a/x", True),
        (r"^scenes/.*/x$", "scenes/a/y", False),
        ("layout", "scenes/a/layout/b.json", True),
        ("(", "anything", True),
        ("", "anything", True),
    ],
)
def test_an_object_fires_a_trigger_by_its_pattern_and_one_that_cannot_be_read_counts_as_firing(
    pattern: str | None, name: str, fires: bool
) -> None:
    assert Listener("t", "w", "s", pattern).fires(name) == fires


def test_the_deployed_triggers_of_the_data_bucket_are_found_in_every_location(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    only(sandbox, "objects-trigger")
    make_trigger(sandbox, "us", "somewhere-else")
    make_trigger(sandbox, "us", "of-another-bucket", bucket="another-bucket")
    found = {one.trigger: one for one in listeners(environment)}
    assert set(found) == {"objects-trigger", "somewhere-else"}
    one = found["objects-trigger"]
    assert (one.workflow, one.subscription.startswith("projects/")) == ("objects-pipeline", True)
    assert one.fires("scenes/a/layout/scene_layout.json")
    only(sandbox)
    sandbox.eventarc.deployed.remove("projects/sandbox-project/locations/us/triggers/somewhere-else")
    assert listeners(environment) == ()


def test_the_catalogue_names_those_it_calls_deployed_when_the_project_cannot_be_asked(
    environment: PipelineEnvironment,
) -> None:
    triggers = environment.catalogue.triggers
    found = {one.trigger for one in by_catalogue(environment)}
    assert found
    assert found == {name for name, one in triggers.items() if one.deployed and one.event == "object_finalized"}
    assert any(not one.deployed for one in triggers.values()), "else this proves nothing"
    assert all(one.subscription == "" for one in by_catalogue(environment))
