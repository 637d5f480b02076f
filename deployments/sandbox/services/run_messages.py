"""Executions of jobs in the messages of Cloud Run's own client package."""

from __future__ import annotations

import uuid

import grpc
from google.cloud import run_v2
from google.longrunning import operations_pb2

from deployments.sandbox.services.executions import Execution

_State = run_v2.Condition.State
_Reason = run_v2.Condition.ExecutionReason


def execution_message(execution: Execution) -> run_v2.Execution:
    """An execution of one task, with the environment it was started with."""
    state = execution.state
    message = run_v2.Execution(
        name=execution.name,
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, execution.name)),
        generation=1,
        observed_generation=1,
        job=execution.parent,
        create_time=execution.created,
        start_time=execution.created,
        update_time=execution.ended or execution.created,
        parallelism=1,
        task_count=1,
        template=execution.template,
        reconciling=state == "ACTIVE",
        conditions=[_completed(execution)],
        running_count=int(state == "ACTIVE"),
        succeeded_count=int(state == "SUCCEEDED"),
        failed_count=int(state == "FAILED"),
        cancelled_count=int(state == "CANCELLED"),
    )
    if execution.ended is not None:
        message.completion_time = execution.ended
    return message


def task_message(execution: Execution) -> run_v2.Task:
    """The one task of an execution."""
    state, short = execution.state, execution.id
    template = execution.template or run_v2.TaskTemplate()
    message = run_v2.Task(
        name=f"{execution.name}/tasks/{short}-task0",
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{execution.name}/task0")),
        generation=1,
        observed_generation=1,
        job=execution.parent,
        execution=short,
        create_time=execution.created,
        scheduled_time=execution.created,
        start_time=execution.created,
        update_time=execution.ended or execution.created,
        containers=template.containers,
        timeout=template.timeout,
        service_account=template.service_account,
        reconciling=state == "ACTIVE",
        conditions=[_completed(execution)],
    )
    if execution.ended is not None:
        message.completion_time = execution.ended
        good = state == "SUCCEEDED"
        message.last_attempt_result = run_v2.TaskAttemptResult(exit_code=0 if good else 1)
    return message


def operation_message(name: str, execution: Execution) -> operations_pb2.Operation:
    """Google: the operation is done when the execution is; its metadata and its response are the execution."""
    message = run_v2.Execution.pb(execution_message(execution))
    operation = operations_pb2.Operation(name=name, done=execution.state != "ACTIVE")
    operation.metadata.Pack(message)
    if execution.state == "FAILED":
        operation.error.code = grpc.StatusCode.UNKNOWN.value[0]
        operation.error.message = execution.error
    elif operation.done:
        operation.response.Pack(message)
    return operation


def _completed(execution: Execution) -> run_v2.Condition:
    """The condition that tells how an execution stands (Google: `Execution.conditions`, type Completed)."""
    condition = run_v2.Condition(type_="Completed", last_transition_time=execution.ended or execution.created)
    if execution.state == "ACTIVE":
        condition.state = _State(_State.CONDITION_RECONCILING)
        condition.message = "Waiting for execution to complete."
    elif execution.state == "SUCCEEDED":
        condition.state = _State(_State.CONDITION_SUCCEEDED)
    else:
        cancelled = execution.state == "CANCELLED"
        condition.state, condition.message = _State(_State.CONDITION_FAILED), execution.error
        condition.execution_reason = _Reason(_Reason.CANCELLED if cancelled else _Reason.NON_ZERO_EXIT_CODE)
    return condition
