"""Does a document fit Kubernetes' own schema? Strictly: an unknown field is an error, though the API would ignore it.

The schema is that of the models in Kubernetes' Python client, which are generated from the API's OpenAPI description.
"""

from __future__ import annotations

from typing import Any

from kubernetes import client
from pydantic import ValidationError


def problems(document: dict[str, Any]) -> list[str]:
    """What does not fit, one line each, with where it is."""
    model = getattr(client, f"V1{document['kind']}")
    try:
        model.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []
