"""What a workflow is made of, by revision, and putting a recorded one back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from blocks.calls import Call, CallLimits, read, write
from blocks.errors import NotFound, OutsideError, PreconditionFailed
from blocks.operations import wait

if TYPE_CHECKING:
    from google.cloud import workflows_v1
    from google.longrunning import operations_pb2

_PAGE = 100
"""The most revisions the service gives in one page."""
_FIELDS = ("description", "labels", "service_account", "source_contents", "call_log_level", "user_env_vars")
"""What a deployment sets: everything a `WorkflowDefinition` records."""


@dataclass(frozen=True)
class WorkflowDefinition:
    """One revision of a workflow. All of it is plain data: `asdict` and `from_dict` are each other's reverse."""

    name: str
    """The short name, as in `usd-assembly-pipeline`."""
    revision_id: str
    """As in `000003-a4d`; Google gives a new one when source or service account change."""
    revision_create_time: str
    """ISO 8601."""
    source: str
    """The YAML (or JSON) of the workflow, as it was deployed."""
    service_account: str = ""
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    call_log_level: str = "CALL_LOG_LEVEL_UNSPECIFIED"
    environment: dict[str, str] = field(default_factory=dict)
    """The user's environment variables (`user_env_vars`)."""

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> WorkflowDefinition:
        """The definition recorded with `dataclasses.asdict`."""
        return cls(**value)

    def same_as(self, other: WorkflowDefinition) -> bool:
        """Whether both do the same: equal in everything but the revision, which Google numbers anew."""
        return replace(self, revision_id="", revision_create_time="") == replace(
            other, revision_id="", revision_create_time=""
        )


@dataclass(frozen=True)
class WorkflowDefinitions:
    """The definitions of one project and region, through the client of the workflows block."""

    client: Callable[[], workflows_v1.WorkflowsClient]
    parent: str
    """`projects/<p>/locations/<l>`."""
    limits: CallLimits

    def get(self, workflow: str) -> WorkflowDefinition | None:
        """The live revision; None when the workflow is not deployed."""
        call = Call(f"look at workflow {workflow}", "workflows.workflows.get")
        try:
            return read(call, lambda: self._live(workflow), self.limits)
        except NotFound:
            return None

    def revisions(self, workflow: str) -> list[WorkflowDefinition]:
        """The revisions Google keeps, newest first; none when the workflow is not deployed."""
        call = Call(f"list the revisions of workflow {workflow}", "workflows.workflows.listRevision")
        found: list[WorkflowDefinition] = []
        token = ""
        while True:
            try:
                page = read(call, partial(self._page, workflow, token), self.limits)
            except NotFound:
                return []
            found += map(definition_from, page.workflows)
            token = page.next_page_token
            if not token:
                return found

    def deploy(self, definition: WorkflowDefinition, expected_revision: str) -> WorkflowDefinition:
        """See `PipelineWorkflows.deploy`."""
        name = definition.name
        verb = "update" if expected_revision else "create"
        call = Call(f"deploy workflow {name}", f"workflows.workflows.{verb} and iam.serviceAccounts.actAs")

        def attempt() -> str:
            self._check(name, expected_revision)
            send = self._update if expected_revision else self._create
            return send(definition)

        def recognise(refusal: OutsideError) -> str | None:
            live = self.get(name)
            return "" if live is not None and live.same_as(definition) else None

        operation = write(call, attempt, self.limits, recognise)
        if operation:
            wait(call, partial(self._operation, operation), self.limits)
        live = self.get(name)
        if live is None or not live.same_as(definition):
            raise PreconditionFailed(
                f"Workflow {name} was deployed, but is not as it was asked for: somebody else changed it; look at its "
                "revisions."
            )
        return live

    def _check(self, workflow: str, expected: str) -> None:
        """Google's update takes no precondition, so the live revision is read just before every try."""
        from google.api_core.exceptions import NotFound as NotThere

        try:
            live = self._live(workflow).revision_id
        except NotThere:
            live = ""
        if live != expected:
            raise PreconditionFailed(
                f"Could not deploy workflow {workflow}: its revision is {live or 'none'}, not "
                f"{expected or 'none'} as observed; observe it again."
            )

    def _live(self, workflow: str) -> WorkflowDefinition:
        name = f"{self.parent}/workflows/{workflow}"
        return definition_from(self.client().get_workflow(name=name, retry=None, timeout=self.limits.call_seconds))

    def _page(self, workflow: str, token: str) -> workflows_v1.ListWorkflowRevisionsResponse:
        from google.cloud import workflows_v1

        request = workflows_v1.ListWorkflowRevisionsRequest(
            name=f"{self.parent}/workflows/{workflow}", page_size=_PAGE, page_token=token
        )
        pager = self.client().list_workflow_revisions(request=request, retry=None, timeout=self.limits.call_seconds)
        return next(pager.pages)

    def _update(self, definition: WorkflowDefinition) -> str:
        from google.cloud import workflows_v1

        request = workflows_v1.UpdateWorkflowRequest(
            workflow=self._message(definition), update_mask={"paths": list(_FIELDS)}
        )
        sent = self.client().update_workflow(request=request, retry=None, timeout=self.limits.call_seconds)
        return str(sent.operation.name)

    def _create(self, definition: WorkflowDefinition) -> str:
        from google.cloud import workflows_v1

        request = workflows_v1.CreateWorkflowRequest(
            parent=self.parent, workflow_id=definition.name, workflow=self._message(definition)
        )
        sent = self.client().create_workflow(request=request, retry=None, timeout=self.limits.call_seconds)
        return str(sent.operation.name)

    def _message(self, definition: WorkflowDefinition) -> workflows_v1.Workflow:
        from google.cloud import workflows_v1

        return workflows_v1.Workflow(
            name=f"{self.parent}/workflows/{definition.name}",
            description=definition.description,
            labels=definition.labels,
            service_account=definition.service_account,
            source_contents=definition.source,
            call_log_level=definition.call_log_level,
            user_env_vars=definition.environment,
        )

    def _operation(self, name: str) -> operations_pb2.Operation:
        from google.longrunning import operations_pb2

        request = operations_pb2.GetOperationRequest(name=name)
        return self.client().get_operation(request=request, retry=None, timeout=self.limits.call_seconds)


def definition_from(message: workflows_v1.Workflow) -> WorkflowDefinition:
    """What the service's message says."""
    from google.cloud import workflows_v1

    created = message.revision_create_time.isoformat() if "revision_create_time" in message else ""
    return WorkflowDefinition(
        name=message.name.rsplit("/", 1)[-1],
        revision_id=message.revision_id,
        revision_create_time=created,
        source=message.source_contents,
        service_account=message.service_account,
        description=message.description,
        labels=dict(message.labels),
        call_log_level=workflows_v1.Workflow.CallLogLevel(message.call_log_level).name,
        environment=dict(message.user_env_vars),
    )
