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
