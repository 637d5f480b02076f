"""Storage Transfer Service of the sandbox, asked by Google's own client."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import storage_transfer_v1 as api
from google.longrunning import operations_pb2

from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.services.transfer_run import CHUNK
from deployments.sandbox.storage.store import StoredVersion
from tests.sandbox.service_world import World, services, until

PROJECT = "sandbox-project"
NAME = "transferJobs/test-1"


@pytest.fixture
def world() -> Iterator[World]:
    with services() as running:
        running.store.create_bucket("source")
        running.store.create_bucket("sink")
        yield running


def wanted(sink: str = "sink", path: str = "", name: str = NAME, **options: object) -> api.TransferJob:
    return api.TransferJob(
        name=name,
        project_id=PROJECT,
        status=api.TransferJob.Status.ENABLED,
        transfer_spec=api.TransferSpec(
            gcs_data_source=api.GcsData(bucket_name="source"),
            gcs_data_sink=api.GcsData(bucket_name=sink, path=path),
            transfer_options=api.TransferOptions(**options),
        ),
    )


def create(world: World, job: api.TransferJob) -> api.TransferJob:
    return world.transfer_client.create_transfer_job(request=api.CreateTransferJobRequest(transfer_job=job))


def get(world: World) -> api.TransferJob:
    return world.transfer_client.get_transfer_job(request={"job_name": NAME, "project_id": PROJECT})


def operation(world: World, name: str) -> tuple[operations_pb2.Operation, api.TransferOperation]:
    found = world.transfer_client.get_operation(request=operations_pb2.GetOperationRequest(name=name))
    message = api.TransferOperation()
    found.metadata.Unpack(api.TransferOperation.pb(message))
    return found, message


def run(world: World) -> api.TransferOperation:
    """Run the job to its end."""
    world.transfer_client.run_transfer_job(request={"job_name": NAME, "project_id": PROJECT})
    name = get(world).latest_operation_name
    return until(lambda: operation(world, name), lambda found: found[0].done)[1]


def test_a_job_without_a_schedule_runs_only_when_told_to(world: World) -> None:
    world.store.put("source", "a", b"1")
    assert create(world, wanted()).latest_operation_name == ""
    assert list(world.store.list("sink")) == []
    done = run(world)
    assert (done.status.name, done.transfer_job_name) == ("SUCCESS", NAME)
    assert [version.name for version in world.store.list("sink")] == ["a"]


def test_the_counters_add_up(world: World) -> None:
    for number in range(2 * CHUNK + 1):
        world.store.put("source", f"{number:05d}", b"12345")
    world.store.put("sink", "00000", b"12345")
    create(world, wanted(overwrite_when=api.TransferOptions.OverwriteWhen.DIFFERENT))
    counters = run(world).counters
    assert (counters.objects_found_from_source, counters.bytes_found_from_source) == (201, 1005)
    assert (counters.objects_copied_to_sink, counters.objects_from_source_skipped_by_sync) == (200, 1)
    assert counters.bytes_copied_to_sink == 1000


@pytest.mark.parametrize(("when", "content"), [("ALWAYS", b"new"), ("NEVER", b"old"), ("DIFFERENT", b"new")])
def test_overwrite_when_is_honoured(world: World, when: str, content: bytes) -> None:
    world.store.put("source", "a", b"new")
    world.store.put("sink", "a", b"old")
    create(world, wanted(overwrite_when=api.TransferOptions.OverwriteWhen[when]))
    run(world)
    found = world.store.get("sink", "a")
    assert found is not None
    assert found.data == content


def test_a_copy_into_the_data_bucket_is_an_event_like_any_write(world: World) -> None:
    world.store.put("source", "notes.txt", b"hello")
    create(world, wanted(DATA_BUCKET, "scenes/a/"))
    run(world)
    (execution,) = world.workflows.executions.newest_first("genie-sim-export-pipeline")
    assert '"scenes/a/notes.txt"' in execution.argument


def test_errors_are_counted_by_code_with_five_samples(world: World) -> None:
    world.store.put("sink", "manifest.csv", "".join(f"gone-{number}\n" for number in range(9)).encode())
    job = wanted()
    job.transfer_spec.transfer_manifest = api.TransferManifest(location="gs://sink/manifest.csv")
    create(world, job)
    done = run(world)
    (summary,) = done.error_breakdowns
    assert (done.status.name, summary.error_count, len(summary.error_log_entries)) == ("FAILED", 9, 5)
    assert summary.error_log_entries[0].url == "gs://source/gone-0"
    assert summary.error_code == 5


def test_a_name_that_is_taken_is_refused(world: World) -> None:
    create(world, wanted())
    with pytest.raises(exceptions.AlreadyExists):
        create(world, wanted("other"))
    assert get(world).transfer_spec.gcs_data_sink.bucket_name == "sink"


@pytest.mark.parametrize(
    "job",
    [
        wanted(name="test-1"),
        wanted(name="transferJobs/OPI1"),
        wanted(path="/a/"),
        wanted(path="a"),
        wanted(delete_objects_unique_in_sink=True),
        wanted(delete_objects_from_source_after_transfer=True),
        wanted(""),
    ],
    ids=["prefix", "OPI", "leading slash", "no slash", "deletes at the sink", "deletes at the source", "no sink"],
)
def test_a_job_that_makes_no_sense_is_refused(world: World, job: api.TransferJob) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        create(world, job)


def test_a_job_that_runs_cannot_be_run_again_and_its_counters_grow(world: World) -> None:
    copied, go_on = threading.Event(), threading.Event()

    def slowly(bucket: str, _: StoredVersion) -> None:
        if bucket == "sink":
            copied.set()
            go_on.wait(5)

    world.store.put("source", "a", b"12345")
    world.store.put("source", "b", b"12345")
    world.store.on_finalize(slowly)
    create(world, wanted())
    world.transfer_client.run_transfer_job(request={"job_name": NAME, "project_id": PROJECT})
    copied.wait(5)
    found, message = operation(world, get(world).latest_operation_name)
    assert (found.done, message.status.name, message.counters.objects_copied_to_sink) == (False, "IN_PROGRESS", 0)
    with pytest.raises(exceptions.FailedPrecondition, match="active operation"):
        world.transfer_client.run_transfer_job(request={"job_name": NAME, "project_id": PROJECT})
    go_on.set()
    until(lambda: operation(world, get(world).latest_operation_name)[1].counters.objects_copied_to_sink == 2)


def test_a_job_nobody_made_is_not_found(world: World) -> None:
    with pytest.raises(exceptions.NotFound):
        get(world)
    with pytest.raises(exceptions.NotFound):
        world.transfer_client.run_transfer_job(request={"job_name": NAME, "project_id": PROJECT})
