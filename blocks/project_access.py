"""What one may do in the project as a whole, for services that have no such question of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials

if TYPE_CHECKING:
    from google.cloud import resourcemanager_v3


class ProjectAccess(RemediationBlock):
    """The permissions that whoever asks has on the project; those given on a single resource are not among them."""

    _block_type_name = "Remediation Project Access"
    _block_type_slug = "remediation-project-access"
    _description = "Which permissions the remediation's account has on the project, asked of Resource Manager."

    project: str = Field(default="", description="Google Cloud project that is asked about.")
    endpoint: str = Field(
        default="", description="host:port of the Resource Manager API instead of Google's; unencrypted."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[resourcemanager_v3.ProjectsClient] = PrivateAttr(default_factory=Lazy)

    def granted(self, permissions: Iterable[str]) -> set[str]:
        """Which of these permissions whoever asks has on the project (Google: `projects.testIamPermissions`, for which
        none is needed). Raises `PermanentError` when its API is off or there is no such project."""
        call = Call(f"ask what may be done in project {self.project}", "none, but the Resource Manager API must be on")
        request = {"resource": f"projects/{self.project}", "permissions": sorted(permissions)}

        def attempt() -> set[str]:
            answer = self._open().test_iam_permissions(request=request, retry=None, timeout=self.limits.call_seconds)
            return set(answer.permissions)

        return read(call, attempt, self.limits)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _open(self) -> resourcemanager_v3.ProjectsClient:
        def make() -> resourcemanager_v3.ProjectsClient:
            from google.cloud import resourcemanager_v3
            from google.cloud.resourcemanager_v3.services.projects.transports import ProjectsGrpcTransport

            if self.endpoint:
                transport = ProjectsGrpcTransport(channel=plain_channel(self.endpoint))
                return resourcemanager_v3.ProjectsClient(transport=transport)
            return resourcemanager_v3.ProjectsClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)
