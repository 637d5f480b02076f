"""The key of a Google service account, where the machine has no account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.types import SecretDict
from pydantic import Field

from blocks.base import RemediationBlock

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What the key may be used for: everything its roles allow (Google: "OAuth 2.0 scopes for Google APIs")."""


class GoogleCredentials(RemediationBlock):
    """A service account's key, stored encrypted and shown as `********`."""

    _block_type_name = "Remediation Google Credentials"
    _block_type_slug = "remediation-google-credentials"
    _description = "The JSON key of the service account that the flows use, where the machine has none of its own."

    service_account_info: SecretDict = Field(
        default_factory=lambda: SecretDict({}), description="The service account's key, the whole JSON document."
    )

    def credentials(self) -> Credentials:
        """The key as Google's clients take it. Raises ValueError (MalformedError) when it is not such a key."""
        from google.oauth2.service_account import Credentials

        key = self.service_account_info.get_secret_value()
        made: Credentials = Credentials.from_service_account_info(key, scopes=SCOPES)  # type: ignore[no-untyped-call]
        return made
