"""Transfers and heartbeats in their messages: the same work, never a deletion, and no secret in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.cloud import storage_transfer_v1 as api
from google.longrunning import operations_pb2
from pydantic import SecretStr

from blocks.errors import TemporaryError
from blocks.heartbeat import Heartbeat
from blocks.transfer_messages import Transfer, TransferProgress, job_message, progress_from, same_work

TRANSFER = Transfer("from", "to", "scenes/", "objects/", "gs://ops/list.csv", "a night")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"description": "another"}, True),
        ({"source_bucket": "x"}, False),
        ({"sink_bucket": "x"}, False),
        ({"source_prefix": "x/"}, False),
        ({"sink_prefix": "x/"}, False),
        ({"manifest": "gs://ops/other.csv"}, False),
        ({"manifest": ""}, False),
    ],
)
def test_two_transfers_do_the_same_if_they_copy_the_same(change: dict[str, str], same: bool) -> None:
    wanted = job_message("p", "night", TRANSFER)
    assert same_work(job_message("p", "night", replace(TRANSFER, **change)), wanted) is same


@pytest.mark.parametrize("option", ["delete_objects_unique_in_sink", "delete_objects_from_source_after_transfer"])
def test_a_transfer_that_deletes_is_never_adopted(option: str) -> None:
    there, wanted = (job_message("p", "night", TRANSFER) for _ in range(2))
    assert not getattr(wanted.transfer_spec.transfer_options, option), "and ours deletes nothing"
    setattr(there.transfer_spec.transfer_options, option, True)
    assert not same_work(there, wanted)


def test_a_transfer_has_no_schedule_and_overwrites_only_what_differs() -> None:
    message = job_message("p", "night", TRANSFER)
    assert "schedule" not in message
    assert message.transfer_spec.transfer_options.overwrite_when.name == "DIFFERENT"
    assert message.name == "transferJobs/night"
    assert "transfer_manifest" not in job_message("p", "night", replace(TRANSFER, manifest="")).transfer_spec


def progress(status: str, **counters: Any) -> TransferProgress:
    message = api.TransferOperation(status=api.TransferOperation.Status[status], counters=counters)
    operation = operations_pb2.Operation()
    operation.metadata.Pack(api.TransferOperation.pb(message))
    return progress_from("night", operation)


@pytest.mark.parametrize(
    ("status", "state", "ended"),
    [
        ("IN_PROGRESS", "running", False),
        ("SUSPENDING", "running", False),
        ("QUEUED", "queued", False),
        ("PAUSED", "paused", False),
        ("SUCCESS", "succeeded", True),
        ("FAILED", "failed", True),
        ("ABORTED", "aborted", True),
        ("STATUS_UNSPECIFIED", "queued", False),
    ],
)
def test_a_state_that_nobody_knows_is_not_an_end(status: str, state: str, ended: bool) -> None:
    found = progress(status)
    assert (found.state, found.ended) == (state, ended)


def test_every_counter_is_told() -> None:
    found = progress(
        "IN_PROGRESS", objects_found_from_source=9, bytes_found_from_source=90, objects_copied_to_sink=5,
        bytes_copied_to_sink=50, objects_from_source_skipped_by_sync=3, objects_from_source_failed=1,
    )  # fmt: skip
    assert found == TransferProgress("night", "running", 9, 90, 5, 50, 3, 1)


# The heartbeat


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/the-password", "no address the-password", "http://[the-password"])
def test_the_address_of_a_heartbeat_is_in_no_sentence_and_in_no_cause(url: str) -> None:
    with pytest.raises(TemporaryError) as failed:
        Heartbeat(url=SecretStr(url), seconds=2.0).beat("well")
    assert "the-password" not in str(failed.value)
    assert failed.value.__cause__ is None, "a traceback would show it"
    assert failed.value.__suppress_context__


def test_a_heartbeat_to_nobody_says_so() -> None:
    assert Heartbeat().beat("well") is False
