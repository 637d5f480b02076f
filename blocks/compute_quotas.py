"""Quotas of Compute Engine: how many GPUs the project may have, and has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, anonymous, close_channel, google_credentials
from blocks.credentials import GoogleCredentials

if TYPE_CHECKING:
    from google.cloud import compute_v1

ALL_REGIONS = "GPUS_ALL_REGIONS"
"""The project's quota of GPUs in all regions together (Google: "Allocation quotas")."""


@dataclass(frozen=True)
class QuotaInfo:
    """One quota. A region of '' is the whole project."""

    metric: str
    """As in `NVIDIA_T4_GPUS`."""
    region: str
    limit: float
    usage: float

    @property
    def left(self) -> float:
        """What may still be had."""
        return max(0.0, self.limit - self.usage)


class ComputeQuotas(RemediationBlock):
    """The quotas of the project. They are only read: more is asked for by a person."""

    _block_type_name = "Remediation Compute Quotas"
    _block_type_slug = "remediation-compute-quotas"
    _description = "How many GPUs the project may have in a region, and how many it has."

    project: str = Field(default="", description="Google Cloud project of the quotas.")
    endpoint: str = Field(
        default="", description="Address of the Compute Engine API instead of Google's, as in http://127.0.0.1:8001."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _regions: Lazy[compute_v1.RegionsClient] = PrivateAttr(default_factory=Lazy)
    _projects: Lazy[compute_v1.ProjectsClient] = PrivateAttr(default_factory=Lazy)

    def gpus(self, region: str) -> tuple[QuotaInfo, ...]:
        """The GPU quotas of a region, and that of the whole project. Raises `TemporaryError`, `PermanentError`."""
        limits = self.limits
        call = Call(f"read the quotas of {region}", "compute.regions.get", "check project and region.")
        whole = Call(f"read the quotas of {self.project}", "compute.projects.get", "check the project.")
        seconds = limits.call_seconds
        found = read(
            call,
            lambda: self._open_regions().get(project=self.project, region=region, retry=None, timeout=seconds),
            limits,
        )
        every = read(
            whole, lambda: self._open_projects().get(project=self.project, retry=None, timeout=seconds), limits
        )
        regional = [one for one in _quotas(found.quotas, region) if one.metric.endswith("_GPUS")]
        return (*regional, *(one for one in _quotas(every.quotas, "") if one.metric == ALL_REGIONS))

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._regions.drop(close_channel)
        self._projects.drop(close_channel)

    def _open_regions(self) -> compute_v1.RegionsClient:
        def make() -> compute_v1.RegionsClient:
            from google.cloud import compute_v1
            from google.cloud.compute_v1.services.regions.transports import RegionsRestTransport

            return compute_v1.RegionsClient(transport=RegionsRestTransport(**self._where()))

        return self._regions.get(make)

    def _open_projects(self) -> compute_v1.ProjectsClient:
        def make() -> compute_v1.ProjectsClient:
            from google.cloud import compute_v1
            from google.cloud.compute_v1.services.projects.transports import ProjectsRestTransport

            return compute_v1.ProjectsClient(transport=ProjectsRestTransport(**self._where()))

        return self._projects.get(make)

    def _where(self) -> dict[str, Any]:
        """Address and credentials of a transport. An endpoint override is sent none."""
        if not self.endpoint:
            return {"credentials": google_credentials(self.credentials)}
        scheme, _, host = self.endpoint.rpartition("://")
        return {"host": host, "url_scheme": scheme or "http", "credentials": anonymous()}


def _quotas(messages: Iterable[Any], region: str) -> list[QuotaInfo]:
    return [QuotaInfo(str(one.metric), region, float(one.limit), float(one.usage)) for one in messages]
