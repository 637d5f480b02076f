"""The manifests of deployments/production/kubernetes, as the tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HOME = Path(__file__).resolve().parents[2]
PRODUCTION = HOME / "deployments" / "production"
KUBERNETES = PRODUCTION / "kubernetes"
DOCKERFILE = PRODUCTION / "Dockerfile"
BASE, EXAMPLE = KUBERNETES / "base", KUBERNETES / "example"
TEMPLATE = BASE / "base-job-template.json"
NAMESPACE = "blueprint-remediation"
IMAGE = "blueprint-remediation"
Document = dict[str, Any]


def documents() -> list[Document]:
    """Everything that is applied, without what kustomize generates."""
    files = [path for folder in (BASE, EXAMPLE) for path in sorted(folder.glob("*.yaml"))]
    found = [one for path in files for one in yaml.safe_load_all(path.read_text())]
    return [one for one in found if one["kind"] != "Kustomization"]


def of_kind(*kinds: str) -> list[Document]:
    """The documents of these kinds."""
    return [one for one in documents() if one["kind"] in kinds]


def named(kind: str, name: str) -> Document:
    """The one document of this kind and name."""
    (found,) = [one for one in of_kind(kind) if one["metadata"]["name"] == name]
    return found


def pods() -> Iterator[tuple[str, Document]]:
    """Name and pod template of everything that runs pods."""
    for one in of_kind("Deployment", "StatefulSet"):
        yield one["metadata"]["name"], one["spec"]["template"]


def containers() -> Iterator[tuple[str, Document]]:
    """Name and container of everything that runs, containers that only prepare included."""
    for name, pod in pods():
        for one in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            yield f"{name}/{one['name']}", one


def settings(name: str) -> dict[str, str]:
    """The lines of `base/<name>.env`."""
    lines = (BASE / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def kustomization(folder: Path) -> Document:
    """A folder's kustomization."""
    return dict(yaml.safe_load((folder / "kustomization.yaml").read_text()))


def generated() -> set[str]:
    """Names of the ConfigMaps that kustomize makes."""
    return {one["name"] for folder in (BASE, EXAMPLE) for one in kustomization(folder)["configMapGenerator"]}


def variables_in(text: str) -> set[str]:
    """Names between double braces, as in a base job template."""
    return set(re.findall(r"\{\{ (\w+) \}\}", text))
