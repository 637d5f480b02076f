"""The workflows themselves, as Google's gRPC service answers for them: get, list, create, update, revisions."""

from __future__ import annotations

from typing import Any

import grpc
from google.cloud import workflows_v1

from deployments.sandbox.names import LOCATION
from deployments.sandbox.services.deployed import Deployed
from deployments.sandbox.services.operations import Operations
from deployments.sandbox.services.rpc import Methods, Refusal, invalid, not_found, page, page_size, split_name
from deployments.sandbox.services.workflow_revisions import WorkflowRevisions

WORKFLOW = "projects/*/locations/*/workflows/*"


class WorkflowResources:
    """The methods of `google.cloud.workflows.v1.Workflows`. Deleting a workflow is left out."""

    def __init__(self, deployed: Deployed, revisions: WorkflowRevisions, operations: Operations) -> None:
        """`operations` gets one for every deployment."""
        self._deployed = deployed
        self._revisions = revisions
        self._operations = operations

    def methods(self) -> Methods:
        """What answers each rpc."""
        return {
            "GetWorkflow": (workflows_v1.GetWorkflowRequest, self._get_workflow),
            "ListWorkflows": (workflows_v1.ListWorkflowsRequest, self._list_workflows),
            "CreateWorkflow": (workflows_v1.CreateWorkflowRequest, self._create_workflow),
            "UpdateWorkflow": (workflows_v1.UpdateWorkflowRequest, self._update_workflow),
            "ListWorkflowRevisions": (workflows_v1.ListWorkflowRevisionsRequest, self._list_revisions),
        }

    def deployed_workflow(self, name: str) -> str:
        """The short name of the deployed workflow with that resource name. Raises Refusal."""
        workflow = split_name(name, WORKFLOW)[2]
        if name != f"{LOCATION}/workflows/{workflow}" or workflow not in self._deployed:
            raise not_found(name)
        return workflow

    def _get_workflow(self, request: workflows_v1.GetWorkflowRequest) -> workflows_v1.Workflow:
        workflow = self.deployed_workflow(request.name)
        if not request.revision_id:
            return self._revisions.live(workflow)
        found = [one for one in self._revisions.all(workflow) if one.revision_id == request.revision_id]
        if not found:
            raise not_found(f"{request.name}@{request.revision_id}")
        return found[0]

    def _list_workflows(self, request: workflows_v1.ListWorkflowsRequest) -> workflows_v1.ListWorkflowsResponse:
        split_name(request.parent, "projects/*/locations/*")
        if request.filter or request.order_by:
            raise invalid("The sandbox lists workflows by name only: leave out filter and order_by.")
        names = self._deployed.names() if request.parent == LOCATION else []
        size = page_size(request.page_size, default=500, most=1000)
        chosen, token = page(names, str, size=size, token=request.page_token)
        found = [self._revisions.live(name) for name in chosen]
        return workflows_v1.ListWorkflowsResponse(workflows=found, next_page_token=token)

    def _create_workflow(self, request: workflows_v1.CreateWorkflowRequest) -> Any:
        name = f"{request.parent}/workflows/{request.workflow_id}"
        if request.parent != LOCATION:
            raise not_found(request.parent)
        if request.workflow_id in self._deployed:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{name}' already exists.")
        return self._operations.deployed(self._revisions.create(request.workflow_id, request.workflow))

    def _update_workflow(self, request: workflows_v1.UpdateWorkflowRequest) -> Any:
        workflow = self.deployed_workflow(request.workflow.name)
        changed = self._revisions.update(workflow, request.workflow, request.update_mask.paths)
        return self._operations.deployed(changed)

    def _list_revisions(
        self, request: workflows_v1.ListWorkflowRevisionsRequest
    ) -> workflows_v1.ListWorkflowRevisionsResponse:
        workflow = self.deployed_workflow(request.name)
        chosen, token = page(
            reversed(self._revisions.all(workflow)),
            lambda one: -int(one.revision_id[:6]),
            size=page_size(request.page_size, default=20, most=100),
            token=request.page_token,
            scope=request.name,
        )
        return workflows_v1.ListWorkflowRevisionsResponse(workflows=chosen, next_page_token=token)
