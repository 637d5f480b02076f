"""Artifact Registry: whether an image is still there, by its digest, and which tags it has. It is only read.

By Google's own client: one typed call tells existence, tags and age of one digest, with the rights, retries and errors of
every other block, and it needs no package that the others do not. The registry's Docker HTTP API would want a token of its own
kind, and lists all tags of a repository to say those of one image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import Field, PrivateAttr

from blocks.base import RemediationBlock
from blocks.calls import Call, CallLimits, read
from blocks.clients import Lazy, close_channel, google_credentials, plain_channel
from blocks.credentials import GoogleCredentials
from blocks.errors import NotFound

if TYPE_CHECKING:
    from google.cloud import artifactregistry_v1

_IMAGE = re.compile(r"(?P<host>[^/]+)/(?P<project>[^/]+)/(?P<path>.+)@(?P<digest>sha256:[0-9a-f]{64})")
_GCR = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
"""Repositories of the former Container Registry and where they are (Google: "Transition to repositories with gcr.io
domain support")."""


@dataclass(frozen=True)
class RegisteredImage:
    """One image that is there."""

    tags: tuple[str, ...]
    uploaded: datetime | None = None


class ImageRegistry(RemediationBlock):
    """Images in Artifact Registry, in whatever project and repository they are."""

    _block_type_name = "Remediation Image Registry"
    _block_type_slug = "remediation-image-registry"
    _description = "Artifact Registry: whether an image is still there, and which tags it has."

    endpoint: str = Field(
        default="", description="host:port of the Artifact Registry API instead of Google's; unencrypted."
    )
    credentials: GoogleCredentials | None = Field(
        default=None, description="Service account to use; empty: the application default credentials."
    )
    limits: CallLimits = Field(default_factory=CallLimits, description="How long calls are waited for and repeated.")

    _client: Lazy[artifactregistry_v1.ArtifactRegistryClient] = PrivateAttr(default_factory=Lazy)

    def look(self, image: str) -> RegisteredImage | None:
        """The image of that digest, as in `HOST/PROJECT/REPOSITORY/NAME@sha256:...`; None: it is not there any more.

        Raises ValueError for one that is in no registry of Google's or has no digest, `PermanentError` when it may not be
        looked at, `TemporaryError`: then nothing is known.
        """
        name = resource_name(image)
        call = Call(f"look at image {image}", "artifactregistry.dockerimages.get")

        def attempt() -> RegisteredImage:
            found = self._open().get_docker_image(name=name, retry=None, timeout=self.limits.call_seconds)
            return RegisteredImage(tuple(sorted(found.tags)), found.upload_time if "upload_time" in found else None)

        try:
            return read(call, attempt, self.limits)
        except NotFound:
            return None

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._client.drop(close_channel)

    def _open(self) -> artifactregistry_v1.ArtifactRegistryClient:
        def make() -> artifactregistry_v1.ArtifactRegistryClient:
            from google.cloud import artifactregistry_v1
            from google.cloud.artifactregistry_v1.services.artifact_registry.transports import (
                ArtifactRegistryGrpcTransport,
            )

            if self.endpoint:
                transport = ArtifactRegistryGrpcTransport(channel=plain_channel(self.endpoint))
                return artifactregistry_v1.ArtifactRegistryClient(transport=transport)
            return artifactregistry_v1.ArtifactRegistryClient(credentials=google_credentials(self.credentials))

        return self._client.get(make)


def resource_name(image: str) -> str:
    """What the API calls an image. Raises ValueError for one that it cannot know."""
    match = _IMAGE.fullmatch(image)
    if match is None:
        raise ValueError(f"{image} names no digest in a registry, so nobody can be asked for it.")
    host, project, path = match["host"], match["project"], match["path"]
    if host in _GCR:
        location, repository = _GCR[host], host
    elif host.endswith("-docker.pkg.dev") and "/" in path:
        location, (repository, _, path) = host.removesuffix("-docker.pkg.dev"), path.partition("/")
    else:
        raise ValueError(f"{image} is not in Artifact Registry, so it is not looked at.")
    parent = f"projects/{project}/locations/{location}/repositories/{repository}"
    return f"{parent}/dockerImages/{quote(path, safe='')}@{match['digest']}"
