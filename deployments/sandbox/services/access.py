"""Which permissions one has, over gRPC (Google: `google.iam.v1`). Policies themselves are left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import grpc
from google.iam.v1.iam_policy_pb2 import TestIamPermissionsRequest, TestIamPermissionsResponse

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.rpc import Methods, Wire, invalid, not_found

_SERVICES = {
    "pubsub": "google.iam.v1.IAMPolicy",
    "run": "google.cloud.run.v2.Jobs",
    "projects": "google.cloud.resourcemanager.v3.Projects",
}


def is_ours(resource: str) -> bool:
    """Whether that is the sandbox's one project."""
    return resource == f"projects/{PROJECT}"


class Access:
    """Answers for the services that have the question. Everybody has every permission but those in `denied`."""

    def __init__(self, denied: Collection[str], has: Mapping[str, Callable[[str], bool]]) -> None:
        """`denied` is looked at with every question; `has`: by service, whether there is a resource of that full name."""
        self._denied = denied
        self._has = has

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """One gRPC service each; that of Cloud Run is the part of `Jobs` that the jobs themselves do not have."""
        return [wire.service(_SERVICES[called], called, self._methods(called)) for called in self._has]

    def _methods(self, called: str) -> Methods:
        def test(request: TestIamPermissionsRequest) -> TestIamPermissionsResponse:
            if not request.permissions:
                raise invalid("permissions: name at least one.")
            if not self._has[called](request.resource):
                raise not_found(request.resource)
            held = [one for one in request.permissions if one not in self._denied]
            return TestIamPermissionsResponse(permissions=held)

        return {"TestIamPermissions": (TestIamPermissionsRequest, test)}
