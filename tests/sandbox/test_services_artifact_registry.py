"""Artifact Registry answers the stock client for an image by its digest, and refuses everything else as Google does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound, PermissionDenied
from google.cloud import artifactregistry_v1
from google.cloud.artifactregistry_v1.services.artifact_registry.transports import ArtifactRegistryGrpcTransport

from blocks.clients import plain_channel
from deployments.sandbox.server import Sandbox

IMAGE = "us-central1-docker.pkg.dev/sandbox-project/blueprint-jobs/simready-job"
PARENT = "projects/sandbox-project/locations/us-central1/repositories/blueprint-jobs/dockerImages"


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[artifactregistry_v1.ArtifactRegistryClient]:
    transport = ArtifactRegistryGrpcTransport(channel=plain_channel(sandbox.endpoints.registry))
    made = artifactregistry_v1.ArtifactRegistryClient(transport=transport)
    yield made
    made.transport.close()


def digest(sandbox: Sandbox, tag: str = "latest") -> str:
    return sandbox.run.images.resolve(f"{IMAGE}:{tag}").partition("@")[2]


def test_an_image_has_the_tags_that_stand_for_it_now(
    sandbox: Sandbox, client: artifactregistry_v1.ArtifactRegistryClient
) -> None:
    first = digest(sandbox)
    name = f"{PARENT}/simready-job@{first}"
    found = client.get_docker_image(name=name)
    assert (found.uri, list(found.tags)) == (f"{IMAGE}@{first}", ["latest"])
    sandbox.run.images.push(f"{IMAGE}:latest")
    assert list(client.get_docker_image(name=name).tags) == []
    assert list(client.get_docker_image(name=f"{PARENT}/simready-job@{digest(sandbox)}").tags) == ["latest"]


def test_one_that_was_taken_away_is_not_found(
    sandbox: Sandbox, client: artifactregistry_v1.ArtifactRegistryClient
) -> None:
    sandbox.run.images.put(f"{IMAGE}@{digest(sandbox)}", False)
    with pytest.raises(NotFound):
        client.get_docker_image(name=f"{PARENT}/simready-job@{digest(sandbox)}")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", InvalidArgument),
        ("x", InvalidArgument),
        (f"{PARENT}/simready-job", InvalidArgument),
        (f"{PARENT}/%zz@", InvalidArgument),
        (f"{PARENT.replace('sandbox-project', 'another')}/a@sha256:{'1' * 64}", PermissionDenied),
    ],
)
def test_what_is_no_image_of_the_project_is_refused(
    client: artifactregistry_v1.ArtifactRegistryClient, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.get_docker_image(name=name)
