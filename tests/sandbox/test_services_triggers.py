"""Eventarc triggers made and deleted by Google's own client, and what becomes of their subscriptions and events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import eventarc_v1
from google.cloud.location import locations_pb2
from google.pubsub_v1 import PushConfig, SeekRequest

from deployments.sandbox.names import DATA_BUCKET, LOCATION, PROJECT
from tests.sandbox.service_world import World, services

FINALIZED = "google.cloud.storage.object.v1.finalized"
FLOW = f"{LOCATION}/workflows/usd-assembly-pipeline"
NAME = f"{LOCATION}/triggers/usd-assembly-trigger"
US = f"projects/{PROJECT}/locations/us"
MARKER = "scenes/a/assets/.regen3d_complete"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def trigger(workflow: str = FLOW, **filters: str) -> eventarc_v1.Trigger:
    filters = {"type": FINALIZED, "bucket": DATA_BUCKET} | filters
    return eventarc_v1.Trigger(
        event_filters=[eventarc_v1.EventFilter(attribute=key, value=value) for key, value in filters.items() if value],
        destination=eventarc_v1.Destination(workflow=workflow),
        service_account="somebody@p.iam.gserviceaccount.com",
    )


def create(world: World, short: str, parent: str = LOCATION, wanted: eventarc_v1.Trigger | None = None) -> Any:
    request = {"parent": parent, "trigger": trigger() if wanted is None else wanted, "trigger_id": short}
    return world.eventarc_client.create_trigger(request=request, timeout=60)


def subscription(world: World, name: str = NAME) -> str:
    return str(world.eventarc_client.get_trigger(name=name).transport.pubsub.subscription)


def started(world: World) -> int:
    return len(list(world.workflows.executions.newest_first("usd-assembly-pipeline")))


def test_a_created_trigger_is_an_operation_whose_result_is_what_get_shows(world: World) -> None:
    operation = create(world, "mine")
    assert not operation.operation.done
    made = operation.result(timeout=60)
    assert made == world.eventarc_client.get_trigger(name=f"{LOCATION}/triggers/mine")
    assert (made.destination.workflow, made.service_account) == (FLOW, "somebody@p.iam.gserviceaccount.com")
    assert made.uid
    assert made.etag
    assert made.create_time


def test_a_created_trigger_starts_its_workflow_through_a_subscription_of_its_own(world: World) -> None:
    world.eventarc_client.delete_trigger(name=NAME).result(timeout=60)
    create(world, "mine").result(timeout=60)
    pushed = world.subscriber_client.get_subscription(
        subscription=subscription(world, f"{LOCATION}/triggers/mine")
    ).push_config
    assert (FLOW in pushed.push_endpoint, pushed.oidc_token.service_account_email) == (
        True,
        "somebody@p.iam.gserviceaccount.com",
    )
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 1


def test_a_deleted_trigger_takes_its_subscription_and_its_backlog(world: World) -> None:
    held = subscription(world)
    world.subscriber_client.modify_push_config(subscription=held, push_config=PushConfig())
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    gone = world.eventarc_client.delete_trigger(name=NAME).result(timeout=60)
    assert gone.name == NAME
    with pytest.raises(exceptions.NotFound):
        world.subscriber_client.get_subscription(subscription=held)
    with pytest.raises(exceptions.NotFound):
        world.eventarc_client.get_trigger(name=NAME)


def test_events_while_a_trigger_is_away_are_gone_and_one_made_again_has_a_new_subscription(world: World) -> None:
    definition, before = world.eventarc_client.get_trigger(name=NAME), subscription(world)
    world.eventarc_client.delete_trigger(name=NAME).result(timeout=60)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    create(world, "usd-assembly-trigger", wanted=definition).result(timeout=60)
    assert (started(world), subscription(world) != before) == (0, True)
    with pytest.raises(exceptions.NotFound):
        world.subscriber_client.get_subscription(subscription=before)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 1
    assert world.eventarc_client.get_trigger(name=NAME).uid != definition.uid


def test_triggers_are_listed_where_they_are_and_everywhere(world: World) -> None:
    create(world, "source-orchestrator-trigger", US).result(timeout=60)

    def listed(location: str) -> list[str]:
        found = world.eventarc_client.list_triggers(
            request={"parent": f"projects/{PROJECT}/locations/{location}", "page_size": 2}
        )
        return [one.name.split("/")[3] for one in found]

    assert (listed("us"), set(listed("us-central1")), listed("us-east1")) == (["us"], {"us-central1"}, [])
    assert len(listed("-")) == len(listed("us-central1")) + 1
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 2, "a trigger of another location hears of the bucket too"


def test_the_locations_can_be_listed_and_fetched(world: World) -> None:
    found = world.eventarc_client.list_locations(locations_pb2.ListLocationsRequest(name=f"projects/{PROJECT}"))
    assert {"us", "us-central1"} <= {one.location_id for one in found.locations}
    assert world.eventarc_client.get_location(locations_pb2.GetLocationRequest(name=US)).location_id == "us"
    with pytest.raises(exceptions.NotFound):
        world.eventarc_client.get_location(locations_pb2.GetLocationRequest(name=f"projects/{PROJECT}/locations/moon"))


def test_validate_only_makes_and_deletes_nothing(world: World) -> None:
    request = {"parent": LOCATION, "trigger": trigger(), "trigger_id": "mine", "validate_only": True}
    world.eventarc_client.create_trigger(request=request).result(timeout=60)
    with pytest.raises(exceptions.NotFound):
        world.eventarc_client.get_trigger(name=f"{LOCATION}/triggers/mine")
    world.eventarc_client.delete_trigger(request={"name": NAME, "validate_only": True}).result(timeout=60)
    assert subscription(world)


@pytest.mark.parametrize(
    ("short", "parent", "wanted", "error"),
    [
        ("usd-assembly-trigger", LOCATION, trigger(), exceptions.AlreadyExists),
        ("mine", f"projects/{PROJECT}/locations/moon", trigger(), exceptions.NotFound),
        ("Mine", LOCATION, trigger(), exceptions.InvalidArgument),
        ("mine_1", LOCATION, trigger(), exceptions.InvalidArgument),
        ("", LOCATION, trigger(), exceptions.InvalidArgument),
        ("mine", LOCATION, eventarc_v1.Trigger(), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(bucket=""), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(type="google.cloud.audit.log.v1.written"), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(name="("), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(serviceName="x"), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(workflow=""), exceptions.InvalidArgument),
        ("mine", LOCATION, trigger(workflow="usd-assembly-pipeline"), exceptions.InvalidArgument),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused_and_not_there(
    world: World, short: str, parent: str, wanted: eventarc_v1.Trigger, error: type[Exception]
) -> None:
    before = [one.name for one in world.eventarc_client.list_triggers(parent=LOCATION)]
    with pytest.raises(error):
        create(world, short, parent, wanted)
    assert [one.name for one in world.eventarc_client.list_triggers(parent=LOCATION)] == before


def test_a_trigger_is_deleted_once_and_only_with_its_own_etag(world: World) -> None:
    etag = world.eventarc_client.get_trigger(name=NAME).etag
    with pytest.raises(exceptions.Aborted):
        world.eventarc_client.delete_trigger(request={"name": NAME, "etag": '"other"'})
    world.eventarc_client.delete_trigger(request={"name": NAME, "etag": etag}).result(timeout=60)
    with pytest.raises(exceptions.NotFound):
        world.eventarc_client.delete_trigger(name=NAME)
    world.eventarc_client.delete_trigger(request={"name": NAME, "allow_missing": True}).result(timeout=60)


def test_an_event_for_something_that_is_no_workflow_of_this_region_is_lost(world: World) -> None:
    for number, flow in enumerate((f"{US}/workflows/usd-assembly-pipeline", f"{LOCATION}/workflows/absent")):
        create(world, f"mine-{number}", wanted=trigger(workflow=flow)).result(timeout=60)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 1


# What else a subscription can do


def hold_two(world: World) -> tuple[str, PushConfig, datetime]:
    """A held subscription with two messages; the time between them."""
    name = subscription(world)
    config = world.subscriber_client.get_subscription(subscription=name).push_config
    world.subscriber_client.modify_push_config(subscription=name, push_config=PushConfig())
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    between = datetime.now(UTC)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    return name, config, between


def test_a_seek_forgets_what_was_published_before_and_brings_back_what_is_outstanding(world: World) -> None:
    name, config, between = hold_two(world)
    assert len(world.subscriber_client.pull(subscription=name, max_messages=10).received_messages) == 2
    world.subscriber_client.seek(request=SeekRequest(subscription=name, time=between))
    assert len(world.subscriber_client.pull(subscription=name, max_messages=10).received_messages) == 1
    world.subscriber_client.seek(request=SeekRequest(subscription=name, time=datetime.now(UTC) + timedelta(days=1)))
    world.subscriber_client.modify_push_config(subscription=name, push_config=config)
    assert started(world) == 0


@pytest.mark.parametrize(
    ("wish", "error"), [({}, exceptions.InvalidArgument), ({"snapshot": "projects/p/snapshots/s"}, exceptions.NotFound)]
)
def test_a_seek_to_nowhere_is_refused(world: World, wish: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        world.subscriber_client.seek(request={"subscription": subscription(world), **wish})


def test_a_detached_subscription_loses_what_waits_and_hears_nothing_more(world: World) -> None:
    name, config, _ = hold_two(world)
    world.publisher_client.detach_subscription(request={"subscription": name})
    assert world.subscriber_client.get_subscription(subscription=name).detached
    with pytest.raises(exceptions.FailedPrecondition):
        world.subscriber_client.pull(subscription=name, max_messages=1)
    with pytest.raises(exceptions.FailedPrecondition):
        world.subscriber_client.modify_push_config(subscription=name, push_config=config)
    world.store.put(DATA_BUCKET, MARKER, b"{}")
    assert started(world) == 0
