"""Waiting for Google's long-running operations, and messages as plain data."""

from __future__ import annotations

import grpc
import pytest
from google.cloud import scheduler_v1
from google.longrunning import operations_pb2

from blocks.calls import Call, CallLimits
from blocks.errors import PermanentError, PreconditionFailed, UnknownOutcome
from blocks.messages import as_dict, from_dict
from blocks.operations import wait

CALL = Call("deploy workflow x", "workflows.workflows.update")


def ended_with(code: grpc.StatusCode) -> operations_pb2.Operation:
    operation = operations_pb2.Operation(done=True)
    operation.error.code, operation.error.message = code.value[0], "because"
    return operation


def test_an_operation_is_looked_at_until_it_is_done() -> None:
    answers = [operations_pb2.Operation(done=done) for done in (False, False, True)]
    wait(CALL, lambda: answers.pop(0), CallLimits())
    assert answers == []


def test_one_that_does_not_end_in_time_has_an_unknown_outcome() -> None:
    with pytest.raises(UnknownOutcome, match=r"not finished after 0 s when asked to deploy workflow x; look at it"):
        wait(CALL, operations_pb2.Operation, CallLimits(), seconds=0.1)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, PermanentError),
        (grpc.StatusCode.ABORTED, PreconditionFailed),
        (grpc.StatusCode.INTERNAL, UnknownOutcome),
    ],
)
def test_one_that_failed_raises_its_error(code: grpc.StatusCode, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"deploy workflow x.*because"):
        wait(CALL, lambda: ended_with(code), CallLimits())


@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_a_message_is_the_same_after_being_plain_data() -> None:
    message = scheduler_v1.Job(name="x", state=scheduler_v1.Job.State.PAUSED, http_target={"uri": "u", "body": b"\x00"})
    value = as_dict(message)
    assert value == {"name": "x", "state": "PAUSED", "httpTarget": {"uri": "u", "body": "AA=="}}
    assert from_dict(scheduler_v1.Job, value | {"fieldOfAnotherVersion": 1}) == message
