"""Storage Transfer and Cloud Scheduler at the edges: manifests, counters, errors, defaults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import scheduler_v1
from google.cloud import storage_transfer_v1 as api

from deployments.sandbox.names import LOCATION, PROJECT
from deployments.sandbox.services.transfer_run import CHUNK, TransferRun
from deployments.sandbox.storage.store import BucketSettings, ObjectStore
from tests.sandbox.service_world import World, services

POLLER = f"{LOCATION}/jobs/genie-sim-import-poller"
When = api.TransferOptions.OverwriteWhen


@pytest.fixture
def store() -> ObjectStore:
    made = ObjectStore()
    for name in ("source", "sink"):
        made.create_bucket(name)
    return made


def transfer(store: ObjectStore, manifest: bytes | None = None, when: When = When.DIFFERENT) -> TransferRun:
    spec = api.TransferSpec(
        gcs_data_source={"bucket_name": "source"},
        gcs_data_sink={"bucket_name": "sink"},
        transfer_options={"overwrite_when": when},
    )
    if manifest is not None:
        store.put("source", "manifest", manifest)
        spec.transfer_manifest.location = "gs://source/manifest"
    return TransferRun(store, api.TransferJob(name="transferJobs/t", transfer_spec=spec), "transferOperations/1")


def ended(run: TransferRun) -> api.TransferOperation:
    run.run()
    message = api.TransferOperation()
    run.operation("transferOperations/1").metadata.Unpack(api.TransferOperation.pb(message))
    return message


def test_a_manifest_may_name_a_generation_and_hold_empty_lines(store: ObjectStore) -> None:
    store.create_bucket("versioned", versioning=True)
    run = transfer(store, b"")
    old = store.put("versioned", "a", b"old")
    store.put("versioned", "a", b"new")
    store.put("versioned", "b,c", b"comma")
    store.put("source", "manifest", f'a,{old.generation}\n\n"b,c",\n'.encode())
    run._spec.gcs_data_source.bucket_name = "versioned"
    done = ended(run)
    assert (done.status.name, {one.name: one.data for one in store.list("sink")}) == (
        "SUCCESS", {"a": b"old", "b,c": b"comma"},
    )  # fmt: skip
    assert done.end_time >= done.start_time


def test_equal_length_is_not_equal_content(store: ObjectStore) -> None:
    store.put("source", "a", b"new")
    store.put("sink", "a", b"old")
    counters = ended(transfer(store)).counters
    assert (counters.objects_copied_to_sink, counters.objects_from_source_skipped_by_sync) == (1, 0)
    again = ended(transfer(store)).counters
    assert (again.objects_copied_to_sink, again.bytes_from_source_skipped_by_sync) == (0, 3)


def test_a_copy_gets_the_class_of_the_sink(store: ObjectStore) -> None:
    store.create_bucket("cold", settings=BucketSettings(storage_class="COLDLINE"))
    store.put("cold", "a", b"1", metadata={"k": "v"}, content_type="a/b")
    run = transfer(store)
    run._spec.gcs_data_source.bucket_name = "cold"
    ended(run)
    copy = store.get("sink", "a")
    assert copy is not None and (copy.storage_class, copy.metadata, copy.content_type) == (
        "STANDARD", {"k": "v"}, "a/b",
    )  # fmt: skip


def test_errors_are_told_apart_by_their_code(store: ObjectStore) -> None:
    store.put("source", "held", b"new")
    store.put("sink", "held", b"old")
    sink = store.bucket("sink")
    sink.settings.retention_seconds = 3600
    done = ended(transfer(store, b"held\nabsent\n"))
    assert [(int(one.error_code), one.error_count) for one in done.error_breakdowns] == [(7, 1), (5, 1)]
    assert (done.status.name, done.counters.objects_from_source_failed) == ("FAILED", 2)


@pytest.mark.parametrize("manifest", [None, b"absent\n"])
def test_a_transfer_that_was_stopped_is_aborted_whatever_failed(store: ObjectStore, manifest: bytes | None) -> None:
    for number in range(CHUNK + 1):
        store.put("source", f"{number:03}", b"1")
    run = transfer(store, manifest)
    run._fail("gs://source/x", 404, "gone")
    run.stop()
    done = ended(run)
    assert (done.status.name, done.counters.objects_copied_to_sink) == ("ABORTED", 0)


def test_a_source_that_is_not_there_fails_the_transfer(store: ObjectStore) -> None:
    run = transfer(store)
    run._spec.gcs_data_source.bucket_name = "absent"
    done = ended(run)
    assert (done.status.name, done.error_breakdowns[0].error_log_entries[0].url) == ("FAILED", "gs://absent/")


# Cloud Scheduler and what is made


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        yield running


def test_a_made_scheduler_and_transfer_begin_as_the_service_says_not_as_they_are_sent(world: World) -> None:
    wanted = scheduler_v1.Job(name=f"{LOCATION}/jobs/{'a' * 500}", schedule="@daily", state="PAUSED")
    wanted.app_engine_http_target = scheduler_v1.AppEngineHttpTarget(relative_uri="/")
    made = world.scheduler_client.create_job(parent=LOCATION, job=wanted)
    assert (made.state.name, made.time_zone) == ("ENABLED", "Etc/UTC")
    spec = {"gcs_data_source": {"bucket_name": "a"}, "gcs_data_sink": {"bucket_name": "b"}}
    job = {"project_id": PROJECT, "status": "ENABLED", "transfer_spec": spec, "latest_operation_name": "mine"}
    sent = world.transfer_client.create_transfer_job(request={"transfer_job": job})
    assert (sent.name.startswith("transferJobs/"), sent.latest_operation_name) == (True, "")
    assert sent.creation_time == sent.last_modification_time


def test_a_pause_is_a_change_of_the_user(world: World) -> None:
    before = world.scheduler_client.get_job(name=POLLER).user_update_time
    assert world.scheduler_client.pause_job(name=POLLER).user_update_time > before


def test_no_page_of_schedulers_is_longer_than_500(world: World) -> None:
    job = world.scheduler_client.get_job(name=POLLER)
    world.scheduler._jobs |= {f"{LOCATION}/jobs/x{number:04}": job for number in range(600)}
    first = next(world.scheduler_client.list_jobs(request={"parent": LOCATION, "page_size": 1000}).pages)
    assert len(first.jobs) == 500


def test_a_scheduler_that_is_gone_cannot_be_deleted_again(world: World) -> None:
    world.scheduler_client.delete_job(name=POLLER)
    with pytest.raises(exceptions.NotFound, match="genie-sim-import-poller"):
        world.scheduler_client.delete_job(name=POLLER)
