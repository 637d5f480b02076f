"""What the transfers block does with a real client against the sandbox, with and without faults."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

import pytest

from blocks.calls import CallLimits
from blocks.errors import PermanentError, PreconditionFailed, TemporaryError
from blocks.transfer_messages import Transfer, TransferProgress
from blocks.transfers import StorageTransfers
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox

_numbers = count(1)


@pytest.fixture
def name() -> str:
    return f"remediation-test-{next(_numbers)}"


@pytest.fixture
def transfer(sandbox: Sandbox, name: str) -> Transfer:
    """From a bucket with three objects to an empty one, both of which keep every version."""
    source, sink = f"{name}-source", f"{name}-sink"
    for bucket in (source, sink):
        sandbox.store.create_bucket(bucket, versioning=True)
    for index in range(3):
        sandbox.store.put(source, f"scenes/a/{index}.bin", bytes([index]) * 10, metadata={"n": str(index)})
    sandbox.store.put(source, "elsewhere/x.bin", b"not asked for")
    return Transfer(source, sink, "scenes/", "night-1/scenes/")


def ended(transfers: StorageTransfers, name: str) -> TransferProgress:
    deadline = time.monotonic() + 10
    while (found := transfers.progress(name)) is None or not found.ended:
        assert time.monotonic() < deadline, "it did not end in time"
        time.sleep(0.02)
    return found


def contents(sandbox: Sandbox, bucket: str) -> dict[str, bytes]:
    return {version.name: version.data for version in sandbox.store.list(bucket)}


def with_manifest(sandbox: Sandbox, transfer: Transfer, text: str) -> Transfer:
    sandbox.store.put(transfer.sink_bucket, "manifests/1.csv", text.encode())
    return replace(transfer, manifest=f"gs://{transfer.sink_bucket}/manifests/1.csv")


def test_everything_below_the_prefix_is_copied_with_its_metadata(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    started = transfers.start(name, transfer)
    assert started.name == name
    done = ended(transfers, name)
    assert (done.state, done.objects_found, done.objects_copied, done.objects_failed) == ("succeeded", 3, 3, 0)
    assert (done.bytes_found, done.bytes_copied) == (30, 30)
    copies = contents(sandbox, transfer.sink_bucket)
    assert copies == {f"night-1/scenes/a/{index}.bin": bytes([index]) * 10 for index in range(3)}
    assert {version.metadata["n"] for version in sandbox.store.list(transfer.sink_bucket) if version.metadata} == {
        "0",
        "1",
        "2",
    }


def test_what_is_there_already_is_left_and_what_differs_is_overwritten_and_nothing_deleted(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    same = sandbox.store.put(transfer.sink_bucket, "night-1/scenes/a/0.bin", bytes(10))
    sandbox.store.put(transfer.sink_bucket, "night-1/scenes/a/1.bin", b"another..!")
    sandbox.store.put(transfer.sink_bucket, "night-1/scenes/a/own.bin", b"only here")
    before = contents(sandbox, transfer.source_bucket)
    transfers.start(name, transfer)
    done = ended(transfers, name)
    assert (done.objects_skipped, done.objects_copied) == (1, 2)
    after = contents(sandbox, transfer.sink_bucket)
    assert after["night-1/scenes/a/1.bin"] == bytes([1]) * 10
    assert after["night-1/scenes/a/own.bin"] == b"only here"
    kept = sandbox.store.get(transfer.sink_bucket, "night-1/scenes/a/0.bin")
    assert kept is not None
    assert kept.generation == same.generation
    assert contents(sandbox, transfer.source_bucket) == before


def test_with_a_manifest_exactly_the_listed_generations_are_copied(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    old = sandbox.store.put(transfer.source_bucket, "scenes/a/0, the first.bin", b"old")
    sandbox.store.put(transfer.source_bucket, "scenes/a/0, the first.bin", b"new")
    text = f'"a/0, the first.bin",{old.generation}\r\na/1.bin,\r\n'
    transfers.start(name, with_manifest(sandbox, transfer, text))
    assert ended(transfers, name).objects_copied == 2
    copies = contents(sandbox, transfer.sink_bucket)
    del copies["manifests/1.csv"]
    assert copies == {"night-1/scenes/a/0, the first.bin": b"old", "night-1/scenes/a/1.bin": bytes([1]) * 10}


def test_an_object_that_is_missing_fails_with_a_sample_and_the_others_are_copied(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    rows = "".join(f"a/gone_{index}.bin,1\r\n" for index in range(7))
    transfers.start(name, with_manifest(sandbox, transfer, f"a/0.bin,\r\n{rows}"))
    done = ended(transfers, name)
    assert (done.state, done.objects_found, done.objects_copied, done.objects_failed) == ("failed", 8, 1, 7)
    assert len(done.error_samples) == 5
    assert done.error_samples[0].startswith(f"NOT_FOUND gs://{transfer.source_bucket}/scenes/a/gone_0.bin: ")


def test_a_bucket_that_is_missing_is_told_by_the_progress(
    transfers: StorageTransfers, transfer: Transfer, name: str
) -> None:
    transfers.start(name, replace(transfer, source_bucket="no-such-bucket"))
    done = ended(transfers, name)
    assert done.state == "failed"
    assert "NOT_FOUND gs://no-such-bucket/scenes/" in done.error_samples[0]


def test_started_twice_runs_once(transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox) -> None:
    transfers.start(name, transfer)
    first = ended(transfers, name)
    sandbox.store.put(transfer.source_bucket, "scenes/a/later.bin", b"later")
    assert transfers.start(name, transfer) == first
    assert sandbox.requests.count("transfer", "RunTransferJob") == 1
    assert "night-1/scenes/a/later.bin" not in contents(sandbox, transfer.sink_bucket)


def test_a_name_that_does_something_else_is_refused(transfers: StorageTransfers, transfer: Transfer, name: str) -> None:
    transfers.start(name, transfer)
    for other in (
        replace(transfer, sink_prefix="night-2/scenes/"),
        replace(transfer, source_bucket=transfer.sink_bucket),
        replace(transfer, manifest="gs://b/manifest.csv"),
    ):
        with pytest.raises(PreconditionFailed, match="one of that name copies something else; choose another name"):
            transfers.start(name, other)


@pytest.mark.parametrize("method", ["CreateTransferJob", "RunTransferJob"])
@pytest.mark.parametrize("kind", ["status", "reset", "hang", "lost_answer"])
def test_after_one_fault_it_runs_once(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox, method: str, kind: str
) -> None:
    transfers.limits = CallLimits(attempts=3, total_seconds=10.0, call_seconds=0.4, first_wait_seconds=0.01)
    rule = {"service": "transfer", "method": method, "kind": kind, "seconds": 1.0, "times": 1}
    sandbox.faults.add(FaultRule.model_validate(rule))
    transfers.start(name, transfer)
    assert ended(transfers, name).objects_copied == 3
    lost_run = (method, kind) == ("RunTransferJob", "lost_answer")
    assert sandbox.requests.count("transfer", "RunTransferJob") == (
        2 if method == "RunTransferJob" and not lost_run else 1
    )


def test_a_transfer_that_was_created_but_not_run_is_run_by_the_next_start(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="transfer", method="RunTransferJob", kind="status", status=403, times=1))
    with pytest.raises(PermanentError, match=r"grant storagetransfer\.jobs\.run"):
        transfers.start(name, transfer)
    assert transfers.progress(name) == TransferProgress(name, "not_started")
    transfers.start(name, transfer)
    assert ended(transfers, name).state == "succeeded"


def test_a_transfer_that_was_never_made_has_no_progress(transfers: StorageTransfers) -> None:
    assert transfers.progress("remediation-test-never") is None


@pytest.mark.parametrize("bad", ["OPI-1", "ends-with-dash-", "a b"])
def test_a_name_google_does_not_take_is_refused(transfers: StorageTransfers, transfer: Transfer, bad: str) -> None:
    with pytest.raises(PermanentError, match=f"create transfer {bad}.*not a valid name"):
        transfers.start(bad, transfer)


def test_a_service_that_goes_on_failing_is_temporary(transfers: StorageTransfers, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="transfer", kind="reset"))
    with pytest.raises(TemporaryError, match="look at transfer x"):
        transfers.progress("x")


def test_a_refusal_names_the_permission_to_grant(
    transfers: StorageTransfers, transfer: Transfer, name: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(FaultRule(service="transfer", method="CreateTransferJob", kind="status", status=403))
    with pytest.raises(PermanentError, match=r"grant storagetransfer\.jobs\.create to the account"):
        transfers.start(name, transfer)
