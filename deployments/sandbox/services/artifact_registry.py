"""Artifact Registry: the images that Cloud Run jobs name, by their digests, with their tags.

Left out: repositories, packages, versions, lists, and everything that changes something.
"""

from __future__ import annotations

from urllib.parse import unquote

import grpc
from google.cloud import artifactregistry_v1

from deployments.sandbox.names import PROJECT
from deployments.sandbox.services.deployed_jobs import ImageRegistry
from deployments.sandbox.services.rpc import Methods, Refusal, Wire, invalid, not_found, split_name

IMAGE = "projects/*/locations/*/repositories/*/dockerImages/*"


class ArtifactRegistry:
    """The gRPC service of Artifact Registry."""

    def __init__(self, images: ImageRegistry) -> None:
        """`images` says which there are."""
        self._images = images

    def handlers(self, wire: Wire) -> list[grpc.GenericRpcHandler]:
        """The gRPC service, whose faults and counts go by `registry`."""
        methods: Methods = {"GetDockerImage": (artifactregistry_v1.GetDockerImageRequest, self._get)}
        return [wire.service("google.devtools.artifactregistry.v1.ArtifactRegistry", "registry", methods)]

    def _get(self, request: artifactregistry_v1.GetDockerImageRequest) -> artifactregistry_v1.DockerImage:
        project, location, repository, image = split_name(request.name, IMAGE)
        path, _, digest = unquote(image).partition("@")
        if not digest:
            raise invalid(f"name: '{request.name}' must name an image by its digest.")
        if project != PROJECT:
            message = f"Permission 'artifactregistry.dockerimages.get' denied on resource '{request.name}'."
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, message)
        where = project if repository.endswith("gcr.io") else f"{project}/{repository}"
        host = repository if repository.endswith("gcr.io") else f"{location}-docker.pkg.dev"
        uri = f"{host}/{where}/{path}@{digest}"
        if uri not in self._images:
            raise not_found(request.name)
        return artifactregistry_v1.DockerImage(name=request.name, uri=uri, tags=self._images.tags_of(uri))
