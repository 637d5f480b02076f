"""The Terraform of deployments/production/terraform, parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

from tests.production.manifests import PRODUCTION

FOLDER = PRODUCTION / "terraform"
PLAIN = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
ROLE = re.compile(r"roles/[A-Za-z.]+")
PERMISSION = re.compile(
    r"\b(?:storage|run|iam|pubsub|cloudscheduler|workflows|compute|container|datastore)\.[a-z][A-Za-z]*\.[A-Za-z]+\b"
)


@dataclass(frozen=True)
class Resource:
    """One resource, with its body."""

    kind: str
    name: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """Everything it says."""
        return json.dumps(self.body)


def blocks(kind: str) -> Iterator[dict[str, Any]]:
    """The top-level blocks of a kind, of all files."""
    for path in sorted(FOLDER.glob("*.tf")):
        yield from hcl2.loads(path.read_text(), serialization_options=PLAIN).get(kind, [])


def resources(kind: str = "") -> list[Resource]:
    """All resources (of a kind)."""
    found = [
        Resource(of, name, body)
        for block in blocks("resource")
        for of, inner in block.items()
        for name, body in inner.items()
    ]
    return [one for one in found if kind in ("", one.kind)]


def resource(kind: str, name: str) -> Resource:
    """One resource."""
    (found,) = [one for one in resources(kind) if one.name == name]
    return found


def granted() -> list[Resource]:
    """Everything that gives somebody a right."""
    return [one for one in resources() if one.kind.endswith("_iam_member")]


def rights(found: list[Resource]) -> set[str]:
    """The roles in these grants, and the permissions of the custom roles that they give."""
    text = " ".join(one.text for one in found)
    custom = re.findall(r"google_project_iam_custom_role\.(\w+)\.id", text)
    made = [one for one in resources("google_project_iam_custom_role") if one.name in custom]
    return {*ROLE.findall(text), *(permission for one in made for permission in one.body["permissions"])}
