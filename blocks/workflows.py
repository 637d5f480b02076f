"""Cloud Workflows: what is deployed, what ran, and starting one. A start is never made twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read, start, write
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound, OutsideError, PermanentError
from blocks.execution import Execution, ExecutionState, WorkflowInfo, execution_from, workflow_from
from blocks.workflow_definitions import WorkflowDefinition, WorkflowDefinitions

if TYPE_CHECKING:
    from google.cloud import workflows_v1
    from google.cloud.workflows import executions_v1

_PAGE = 100
"""The most executions the service gives in one page with everything in them."""
_EVERYTHING = "FULL"
"""The view (`ExecutionView`) that has argument and result too."""


class PipelineWorkflows(RemediationBlock):
    """The pipeline's workflows and their executions."""

    _block_type_name = "Remediation Workflows"
    _block_type_slug = "remediation-workflows"
    _description = "Cloud Workflows of the pipeline: what is deployed, what ran, and starting one exactly once."

    project: str = Field(default="", description="Google Cloud project of the workflows.")
    region: str = Field(default="us-central1", description="Region of the workflows.")
    endpoint: str = Field(default="", description="host:port of the Workflows API instead of Google's; unencrypted.")
    executions_endpoint: str = Field(
        default="", description="host:port of the Workflow Executions API instead of Google's; empty: as endpoint."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _workflows: Lazy[workflows_v1.WorkflowsClient] = PrivateAttr(default_factory=Lazy)
    _executions: Lazy[executions_v1.ExecutionsClient] = PrivateAttr(default_factory=Lazy)

    def get(self, workflow: str) -> WorkflowInfo | None:
        """The deployed workflow of that short name, None when it is not deployed."""
        call = Call(f"look at workflow {workflow}", "workflows.workflows.get")
        name = self._name(workflow)
        try:
            found = read(
                call,
                lambda: self._workflows_client().get_workflow(name=name, retry=None, timeout=self.limits.call_seconds),
                self.limits,
            )
        except NotFound:
            return None
        return workflow_from(found)

    def definition(self, workflow: str) -> WorkflowDefinition | None:
        """The live revision of a workflow with its source, None when it is not deployed."""
        return self._definitions.get(workflow)

    def revisions(self, workflow: str) -> list[WorkflowDefinition]:
        """Every revision of a workflow that Google keeps, newest first; none when it is not deployed."""
        return self._definitions.revisions(workflow)

    def deploy(self, definition: WorkflowDefinition, *, expected_revision: str) -> WorkflowDefinition:
        """Deploy what a definition records (its revision is not asked for: Google gives a new one) and wait for it.

        `expected_revision` is the live revision the caller saw, "" for "not deployed", which creates the workflow.
        Google's update carries no precondition, so the revision is read just before each try: a change within that
        moment is not seen. A lost answer is looked up. Returns the live definition. Raises `PreconditionFailed` when
        another revision lives, `PermanentError` when the source is refused, `UnknownOutcome`.
        """
        return self._definitions.deploy(definition, expected_revision)

    def executions(
        self, workflow: str, *, state: ExecutionState | None = None, since: datetime | None = None
    ) -> Iterator[Execution]:
        """The executions of a workflow, newest first, with argument and result; none when it is not deployed.

        `state` and `since` (created at or after, with a time zone) are asked of the service, not filtered here.
        """
        wanted = [f'state="{state}"'] if state else []
        if since is not None:
            wanted.append(f'createTime>="{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"')
        request: dict[str, Any] = {
            "parent": self._name(workflow),
            "page_size": _PAGE,
            "view": _EVERYTHING,
            "filter": " AND ".join(wanted),
        }
        call = Call(f"list the executions of workflow {workflow}", "workflows.executions.list")
        while True:
            try:
                page = read(call, partial(self._page, request), self.limits)
            except NotFound:
                return
            yield from map(execution_from, page.executions)
            if not page.next_page_token:
                return
            request["page_token"] = page.next_page_token

    def execution(self, name: str) -> Execution:
        """The execution of that full name, with argument and result. Raises `NotFound`."""
        call = Call(
            f"look at execution {name}", "workflows.executions.get", "it may be older than what Workflows keeps."
        )
        request = {"name": name, "view": _EVERYTHING}

        def attempt() -> Execution:
            client = self._executions_client()
            return execution_from(client.get_execution(request=request, retry=None, timeout=self.limits.call_seconds))

        return read(call, attempt, self.limits)

    def start(self, workflow: str, argument: dict[str, Any], *, labels: dict[str, str]) -> Execution:
        """Start one execution. Label keys and values: lower case letters, digits, '_' and '-', at most 63 of them.

        Raises `UnknownOutcome` when the answer is lost: find out with `executions` (the labels tell whose it is)
        before starting another. Raises `NotFound` when the workflow is not deployed.
        """
        call = Call(
            f"start workflow {workflow}", "workflows.executions.create", "deploy it, or check project and region."
        )
        from google.cloud.workflows import executions_v1

        execution = executions_v1.Execution(argument=json.dumps(argument), labels=labels)
        parent = self._name(workflow)

        def attempt() -> Execution:
            created = self._executions_client().create_execution(
                parent=parent, execution=execution, retry=None, timeout=self.limits.call_seconds
            )
            return execution_from(created)

        return start(call, attempt, self.limits)

    def cancel(self, name: str) -> Execution:
        """Stop an execution; one that has already ended is left as it is. Raises `NotFound`."""
        call = Call(f"cancel execution {name}", "workflows.executions.cancel")

        def attempt() -> Execution:
            client = self._executions_client()
            return execution_from(client.cancel_execution(name=name, retry=None, timeout=self.limits.call_seconds))

        def ended(refusal: OutsideError) -> Execution | None:
            found = self.execution(name)
            return None if found.live else found

        try:
            return write(call, attempt, self.limits, ended)
        except NotFound:
            raise
        except PermanentError as refusal:
            found = ended(refusal)
            if found is None:
                raise
            return found

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._workflows.drop(close_channel)
        self._executions.drop(close_channel)

    def _page(self, request: dict[str, Any]) -> executions_v1.ListExecutionsResponse:
        pager = self._executions_client().list_executions(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    @property
    def _definitions(self) -> WorkflowDefinitions:
        return WorkflowDefinitions(
            self._workflows_client, f"projects/{self.project}/locations/{self.region}", self.limits
        )

    def _name(self, workflow: str) -> str:
        return f"projects/{self.project}/locations/{self.region}/workflows/{workflow}"

    def _workflows_client(self) -> workflows_v1.WorkflowsClient:
        def make() -> workflows_v1.WorkflowsClient:
            from google.cloud import workflows_v1
            from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport

            if self.endpoint:
                transport = WorkflowsGrpcTransport(channel=plain_channel(self.endpoint))
                return workflows_v1.WorkflowsClient(transport=transport)
            return workflows_v1.WorkflowsClient(credentials=google_credentials(self.credentials))

        return self._workflows.get(make)

    def _executions_client(self) -> executions_v1.ExecutionsClient:
        def make() -> executions_v1.ExecutionsClient:
            from google.cloud.workflows import executions_v1
            from google.cloud.workflows.executions_v1.services.executions.transports import ExecutionsGrpcTransport

            if endpoint := self.executions_endpoint or self.endpoint:
                transport = ExecutionsGrpcTransport(channel=plain_channel(endpoint))
                return executions_v1.ExecutionsClient(transport=transport)
            return executions_v1.ExecutionsClient(credentials=google_credentials(self.credentials))

        return self._executions.get(make)
