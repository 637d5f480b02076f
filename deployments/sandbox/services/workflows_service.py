"""Cloud Workflows: the deployed workflows and their executions, as Google's gRPC services answer for them."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import grpc
from google.cloud.workflows import executions_v1

from blocks.catalogue import Catalogue
from deployments.sandbox.faults import Faults
from deployments.sandbox.names import LOCATION
from deployments.sandbox.pipeline.simulator_failures import WorkflowFailed
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.execution_filter import parse_filter
from deployments.sandbox.services.executions import Execution, ExecutionTable, Workers
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, page, page_size, split_name
from deployments.sandbox.services.workflow_resources import WorkflowResources
from deployments.sandbox.services.workflow_revisions import WorkflowRevisions

EXECUTION = "projects/*/locations/*/workflows/*/executions/*"
_FULL = executions_v1.ExecutionView.FULL
_log = logging.getLogger(__name__)


class RunsWorkflows(Protocol):
    """What the simulator offers for workflows."""

    def run_workflow(self, workflow: str, argument: dict[str, Any], handle: Any) -> object:
        """The workflow's returned value; an exception is the workflow's own failure."""
        ...


class WorkflowsService:
    """The two gRPC services of Cloud Workflows. Every workflow of the catalogue is deployed at first."""

    def __init__(
        self, catalogue: Catalogue, simulator: RunsWorkflows, workers: Workers, operations: Operations, faults: Faults
    ) -> None:
        """`simulator` does what the workflows do, in the threads of `workers`, whatever their source says.

        `faults` says which executions are late in listings.
        """
        self.executions = ExecutionTable()
        self.deployed = Deployed(catalogue.workflows)
        self.revisions = WorkflowRevisions(catalogue, self.deployed)
        self._resources = WorkflowResources(self.deployed, self.revisions, operations)
        self.failed: list[Callable[[Execution], None]] = []
        """Called with every execution that ends as FAILED."""
        self.changed: list[Callable[[Execution], None]] = []
        """Called with every execution that begins or ends, but for those that had nothing to do."""
        self._simulator = simulator
        self._workers = workers
        self._faults = faults

    def start(self, workflow: str, argument: str) -> None:
        """Start an execution with `argument` (JSON text). Raises Refusal when that cannot be."""
        self._begin(self._register(workflow, argument, {}))

    def skip(self, workflow: str, argument: str) -> None:
        """Record an execution that ended at once because the event was not for it, without any work."""
        name = self._new_name(workflow)
        self.executions.add_skipped(
            name, workflow, argument=argument, result='{"status": "SKIPPED"}', revision=self._revision(workflow)
        )

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The two gRPC services."""
        executions: Methods = {
            "CreateExecution": (executions_v1.CreateExecutionRequest, self._create),
            "GetExecution": (executions_v1.GetExecutionRequest, self._get),
            "ListExecutions": (executions_v1.ListExecutionsRequest, self._list),
            "CancelExecution": (executions_v1.CancelExecutionRequest, self._cancel),
        }
        return [
            wire.service("google.cloud.workflows.v1.Workflows", "workflows", self._resources.methods()),
            wire.service("google.cloud.workflows.executions.v1.Executions", "executions", executions),
        ]

    def _new_name(self, workflow: str) -> str:
        name = f"{LOCATION}/workflows/{workflow}"
        if workflow not in self.deployed:
            raise not_found(name)
        return f"{name}/executions/{uuid.uuid4()}"

    def _register(self, workflow: str, argument: str, labels: dict[str, str]) -> Execution:
        name = self._new_name(workflow)
        _check_argument(argument)
        _check_labels(labels)
        revision = self._revision(workflow)
        listed_from = time.monotonic() + self._faults.lag("executions", "CreateExecution")
        return self.executions.add(
            name, workflow, argument=argument, labels=labels, revision=revision, listed_from=listed_from
        )

    def _revision(self, workflow: str) -> str:
        return str(self.revisions.live(workflow).revision_id)

    def _begin(self, execution: Execution) -> None:
        self._tell(self.changed, execution)
        self._workers.run(self._work, execution)

    def _work(self, execution: Execution) -> None:
        argument = json.loads(execution.argument or "{}")
        try:
            result = self._simulator.run_workflow(execution.parent, argument, execution)
            ended = self.executions.end(execution, "SUCCEEDED", result=json.dumps(result))
        except Exception as error:
            if not isinstance(error, WorkflowFailed):
                _log.exception("%s ended by a defect of the simulator", execution.name)
            ended = self.executions.end(execution, "FAILED", error=str(error) or type(error).__name__)
        if ended:
            self._tell(self.changed, execution)
            self._tell(self.failed if execution.state == "FAILED" else [], execution)

    @staticmethod
    def _tell(listeners: list[Callable[[Execution], None]], execution: Execution) -> None:
        for tell in listeners:
            tell(execution)

    def _create(self, request: executions_v1.CreateExecutionRequest) -> executions_v1.Execution:
        workflow = self._resources.deployed_workflow(request.parent)
        execution = self._register(workflow, request.execution.argument, dict(request.execution.labels))
        active = _message(execution, full=True)  # before it begins: Google's answer never shows the end
        self._begin(execution)
        return active

    def _get(self, request: executions_v1.GetExecutionRequest) -> executions_v1.Execution:
        view = request.view or _FULL
        return _message(self._existing(request.name), full=view == _FULL)

    def _list(self, request: executions_v1.ListExecutionsRequest) -> executions_v1.ListExecutionsResponse:
        workflow = self._resources.deployed_workflow(request.parent)
        if request.order_by:
            raise invalid("The sandbox lists executions newest first only: leave out order_by.")
        wanted = parse_filter(request.filter)
        full = request.view == _FULL
        chosen, token = page(
            (execution for execution in self.executions.listed(workflow) if wanted(execution)),
            lambda execution: -execution.number,
            size=page_size(request.page_size, default=100, most=100 if full else 1000),
            token=request.page_token,
            scope=f"{workflow}\n{request.filter}\n{full}",
        )
        return executions_v1.ListExecutionsResponse(
            executions=[_message(execution, full=full) for execution in chosen], next_page_token=token
        )

    def _cancel(self, request: executions_v1.CancelExecutionRequest) -> executions_v1.Execution:
        execution = self._existing(request.name)
        if not self.executions.cancel(execution):
            code = grpc.StatusCode.FAILED_PRECONDITION
            raise Refusal(code, f"Execution '{execution.id}' is {execution.state} and cannot be cancelled.")
        self._tell(self.changed, execution)
        return _message(execution, full=True)

    def _existing(self, name: str) -> Execution:
        split_name(name, EXECUTION)
        execution = self.executions.get(name)
        if execution is None or execution.parent not in self.deployed:
            raise not_found(name)
        return execution


def _message(execution: Execution, *, full: bool) -> executions_v1.Execution:
    """Google: view BASIC has no argument, result, error or labels."""
    message = executions_v1.Execution(
        name=execution.name,
        start_time=execution.created,
        state=getattr(executions_v1.Execution.State, execution.state),
        workflow_revision_id=execution.revision,
    )
    if execution.ended is not None:
        message.end_time = execution.ended
        message.duration = execution.ended - execution.created
    if full:
        message.argument = execution.argument
        message.labels = execution.labels
        message.result = execution.result
        if execution.error:
            message.error = executions_v1.Execution.Error(
                payload=json.dumps(execution.error), context=f'{execution.error}\nin step "raise", routine "main"'
            )
    return message


def _check_argument(text: str) -> None:
    try:
        argument = json.loads(text or "{}")
    except ValueError as error:
        raise invalid(f"execution.argument is not JSON: {error}.") from error
    if not isinstance(argument, dict):
        raise invalid("execution.argument must be a JSON object: every workflow of the pipeline reads keys of it.")


def _check_labels(labels: dict[str, str]) -> None:
    """Google: at most 64 labels, up to 63 lower-case letters, digits, '_' and '-' each, keys starting with a letter."""
    for key, value in labels.items():
        if not key[:1].isalpha() or not all(_plain(text) for text in (key, value)):
            raise invalid(f"execution.labels: {key!r}={value!r} breaks the rules for labels.")
    if len(labels) > 64:
        raise invalid("execution.labels holds more than 64 labels.")


def _plain(text: str) -> bool:
    allowed = all(letter.isalnum() or letter in "_-" for letter in text)
    return allowed and text == text.lower() and len(text) <= 63
