"""How the messages of Workflow Executions are read: any field may be absent or of an unexpected form."""

from __future__ import annotations

import pytest
from google.cloud.workflows import executions_v1

from blocks.execution import execution_from


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ('{"status": "SUCCESS"}', {"status": "SUCCESS"}),
        ('"Objects pipeline finished"', "Objects pipeline finished"),
        ("Interactive job failed for kitchen_1", "Interactive job failed for kitchen_1"),
        ('{"status": ', '{"status": '),
        ("null", None),
        ("", None),
    ],
)
def test_a_result_may_be_json_or_a_plain_sentence(result: str, expected: object) -> None:
    assert execution_from(executions_v1.Execution(result=result)).result == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [('{"a": 1}', {"a": 1}), ("", {}), ("null", {}), ('"text"', {"": "text"}), ("{broken", {"": "{broken"})],
)
def test_an_argument_that_is_no_object_is_kept_under_an_empty_key(argument: str, expected: object) -> None:
    assert execution_from(executions_v1.Execution(argument=argument)).argument == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"message": "job failed", "tags": ["SystemError"]}', "job failed"),
        ('{"code": 404}', '{"code": 404}'),
        ('"job failed"', "job failed"),
        ("job failed", "job failed"),
        ("", "in step a"),
    ],
)
def test_the_error_is_the_sentence_of_the_workflow(payload: str, expected: str) -> None:
    error = executions_v1.Execution.Error(payload=payload, context="in step a")
    assert execution_from(executions_v1.Execution(error=error)).error == expected


@pytest.mark.filterwarnings("ignore:Unrecognized State enum value")
def test_a_state_that_this_client_does_not_know_is_unknown_and_not_live() -> None:
    message = executions_v1.Execution.deserialize(b"\x20\x63")  # field 4 (state) = 99
    execution = execution_from(message)
    assert (execution.state, execution.live) == ("UNKNOWN", False)


def test_what_waits_in_the_queue_is_live_and_a_state_without_a_meaning_is_not() -> None:
    state = executions_v1.Execution.State
    assert [execution_from(executions_v1.Execution(state=one)).live for one in (state.ACTIVE, state.QUEUED)] == [
        True
    ] * 2
    unspecified = execution_from(executions_v1.Execution(state=state.STATE_UNSPECIFIED))
    assert (unspecified.state, unspecified.live) == ("UNKNOWN", False)


def test_why_google_could_not_run_it_is_its_error() -> None:
    message = executions_v1.Execution(state_error={"details": "the key is disabled"})
    assert execution_from(message).error == "the key is disabled"
    assert execution_from(executions_v1.Execution()).error is None
