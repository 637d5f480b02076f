"""What an API server refuses, and the Status it answers with."""

from __future__ import annotations

from typing import Any, NoReturn

Json = dict[str, Any]


class KubernetesError(Exception):
    """A refusal with the HTTP status, Kubernetes' word for it and a sentence."""

    def __init__(self, status: int, reason: str, message: str, details: Json | None = None) -> None:
        """`reason` is one of Kubernetes' own: NotFound, AlreadyExists, Conflict, Invalid, BadRequest."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}


def refuse(status: int, reason: str, message: str) -> NoReturn:
    """Raise a KubernetesError."""
    raise KubernetesError(status, reason, message)


def invalid(kind: str, group: str, name: str, field: str, message: str) -> KubernetesError:
    """422: one field of an object breaks a rule."""
    where = f"{kind}.{group}" if group else kind
    cause = {"reason": "FieldValueInvalid", "message": message, "field": field}
    details = {"name": name, "group": group, "kind": kind, "causes": [cause]}
    return KubernetesError(422, "Invalid", f'{where} "{name}" is invalid: {field}: {message}', details)


def status_of(error: KubernetesError) -> Json:
    """The body of the answer to a refusal."""
    shown: Json = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": error.message, "reason": error.reason, "code": error.status,
    }  # fmt: skip
    return shown | ({"details": error.details} if error.details else {})
