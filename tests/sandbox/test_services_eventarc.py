"""Eventarc of the sandbox: which triggers are there, and what an object that is written starts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud.workflows import executions_v1

from deployments.sandbox.names import DATA_BUCKET, LOCATION
from deployments.sandbox.services.executions import ExecutionTable
from tests.sandbox.service_world import World, services, until

EXPORT = "genie-sim-export-pipeline"
USD = "usd-assembly-pipeline"
EXPORT_MARKER = "scenes/a/variation_assets/.variation_pipeline_complete"
USD_MARKER = "scenes/a/assets/.regen3d_complete"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def executions(world: World, workflow: str) -> list[executions_v1.Execution]:
    request = {"parent": f"{LOCATION}/workflows/{workflow}", "view": executions_v1.ExecutionView.FULL}
    return list(world.executions_client.list_executions(request=request))


def started(world: World) -> dict[str, int]:
    """How many executions each workflow had, those that skipped included."""
    counts = {name: len(list(world.workflows.executions.newest_first(name))) for name in world.catalogue.workflows}
    return {name: count for name, count in counts.items() if count}


def bucket_wide(world: World) -> dict[str, int]:
    triggers = [trigger for trigger in world.catalogue.triggers.values() if trigger.deployed and not trigger.name_regex]
    return {trigger.workflow: 1 for trigger in triggers}


def test_the_catalogues_deployed_triggers_are_listed_with_their_filters_and_workflow(world: World) -> None:
    listed = {one.name.rpartition("/")[2]: one for one in world.eventarc_client.list_triggers(parent=LOCATION)}
    assert set(listed) == {name for name, trigger in world.catalogue.triggers.items() if trigger.deployed}
    for name, message in listed.items():
        trigger = world.catalogue.triggers[name]
        filters = {one.attribute: one.value for one in message.event_filters}
        assert (filters["type"], filters["bucket"]) == ("google.cloud.storage.object.v1.finalized", DATA_BUCKET)
        assert filters.get("name") == trigger.name_regex
        assert message.destination.workflow == f"{LOCATION}/workflows/{trigger.workflow}"


def test_a_trigger_that_is_not_deployed_is_not_found(world: World) -> None:
    name = next(name for name, trigger in world.catalogue.triggers.items() if not trigger.deployed)
    with pytest.raises(exceptions.NotFound):
        world.eventarc_client.get_trigger(name=f"{LOCATION}/triggers/{name}")


def test_any_object_starts_an_execution_of_every_bucket_wide_trigger_which_skips_without_work(world: World) -> None:
    assert EXPORT in bucket_wide(world)
    world.store.put(DATA_BUCKET, "scenes/a/notes.txt", b"hello")
    assert started(world) == bucket_wide(world)
    (execution,) = executions(world, EXPORT)
    assert (execution.state.name, json.loads(execution.result)) == ("SUCCEEDED", {"status": "SKIPPED"})
    assert world.script.calls == []


def test_the_argument_of_a_started_workflow_is_the_cloudevent_of_the_object(world: World) -> None:
    version = world.store.put(DATA_BUCKET, EXPORT_MARKER, b"{}")
    until(lambda: EXPORT in dict(world.script.calls))
    event = dict(world.script.calls)[EXPORT]
    assert (event["type"], event["specversion"]) == ("google.cloud.storage.object.v1.finalized", "1.0")
    assert event["source"] == f"//storage.googleapis.com/projects/_/buckets/{DATA_BUCKET}"
    assert event["subject"] == f"objects/{EXPORT_MARKER}"
    data = event["data"]
    assert (data["bucket"], data["name"], data["generation"]) == (DATA_BUCKET, EXPORT_MARKER, str(version.generation))


def test_a_trigger_with_a_name_filter_fires_for_matching_names_only(world: World) -> None:
    world.store.put(DATA_BUCKET, "scenes/a/assets/.regen3d_completed", b"{}")
    assert USD not in started(world)
    world.store.put(DATA_BUCKET, USD_MARKER, b"{}")
    assert started(world)[USD] == 1


def test_a_quiet_write_and_another_bucket_start_nothing(world: World) -> None:
    world.store.create_bucket("other")
    world.store.put(DATA_BUCKET, EXPORT_MARKER, b"{}", quiet=True)
    world.store.put("other", EXPORT_MARKER, b"{}")
    assert started(world) == {}


def test_a_trigger_that_was_taken_away_starts_nothing(world: World) -> None:
    for name in world.eventarc.deployed.names():
        world.eventarc.deployed.put(name, False)
    world.store.put(DATA_BUCKET, EXPORT_MARKER, b"{}")
    assert started(world) == {}


def test_an_event_for_a_workflow_that_is_not_there_is_lost_and_harms_nobody(world: World) -> None:
    world.workflows.deployed.put(EXPORT, False)
    world.store.put(DATA_BUCKET, EXPORT_MARKER, b"{}")
    assert EXPORT not in started(world)


def test_delivery_at_least_once_starts_the_same_event_twice(world: World) -> None:
    world.eventarc.copies = 2
    world.store.put(DATA_BUCKET, USD_MARKER, b"{}")
    first, second = (json.loads(execution.argument) for execution in executions(world, USD))
    assert first == second
    assert first["id"]


def test_executions_that_skipped_are_remembered_up_to_a_bound_and_those_that_worked_always() -> None:
    table = ExecutionTable(remembered=10)
    kept = table.add("p/e/worked", "p")
    for number in range(1000):
        table.add_skipped(f"p/e/{number}", "p", argument="{}", result="{}")
    names = [execution.name for execution in table.newest_first("p")]
    assert names == [f"p/e/{number}" for number in range(999, 989, -1)] + [kept.name]
    assert table.get("p/e/0") is None
    assert table.get("p/e/999") is not None
