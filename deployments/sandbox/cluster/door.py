"""Manifests checked once, at the door, against the types the stock client has for every field of every kind."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from kubernetes import client

from deployments.sandbox.cluster.errors import Json, KubernetesError, invalid, refuse
from deployments.sandbox.cluster.resources import Resource

_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_NAME}(\.{_NAME})*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_RFC_1123 = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}
_QUANTITIES = {
    "limits",
    "requests",
    "hard",
    "used",
    "capacity",
    "allocatable",
    "default",
    "defaultRequest",
    "max",
    "min",
}
_WORDS = {"str": "string", "int": "int32", "bool": "bool", "float": "float64"}


def check_manifest(resource: Resource, value: Json, *, strict: bool = False) -> Json:
    """The object a request carries, without nulls. Raises KubernetesError 400 for a wrong type.

    `strict`: a field that the kind does not have is refused too (`fieldValidation=Strict`), else it is dropped.
    """
    given = (value.get("kind", resource.kind), value.get("apiVersion", resource.api_version))
    if given != (resource.kind, resource.api_version):
        refuse(
            400,
            "BadRequest",
            f"the object provided is {given[1]} {given[0]}, not {resource.api_version} {resource.kind}",
        )
    unknown: list[str] = []
    try:
        read: Json = _read(value, resource.model, "", unknown)
    except ValueError as error:
        raise _cannot(resource, str(error)) from None
    if strict and unknown:
        raise _cannot(resource, "strict decoding error: " + ", ".join(f'unknown field "{one}"' for one in unknown))
    return read


def check_names(resource: Resource, value: Json) -> None:
    """The rules for names and labels. Raises KubernetesError 422 with Kubernetes' own words."""
    meta = value["metadata"]
    name = str(meta.get("name", ""))
    if not name:
        raise invalid(
            resource.kind, resource.group, name, "metadata.name", "Required value: name or generateName is required"
        )
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise invalid(resource.kind, resource.group, name, "metadata.name", f'Invalid value: "{name}": {_RFC_1123}')
    for key, label in (meta.get("labels") or {}).items():
        if not _LABEL_KEY.fullmatch(key) or len(label) > 63 or not _LABEL_VALUE.fullmatch(label):
            message = (
                f'Invalid value: "{key}={label}": a valid label must be an empty string or consist of alphanumerics'
            )
            raise invalid(resource.kind, resource.group, name, "metadata.labels", message)


def _cannot(resource: Resource, message: str) -> KubernetesError:
    head = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    return KubernetesError(400, "BadRequest", f"{head}: {message}")


def _read(value: Any, kind: str, where: str, unknown: list[str]) -> Any:
    """`value` as `kind`, which is a class of the client, a plain type, `list[x]` or `dict(str, x)`."""
    if kind == "object" or (kind[0] == "V" and not hasattr(client, kind)):
        return value
    if found := re.fullmatch(r"[Ll]ist\[(.+)\]", kind):
        _expect(isinstance(value, list), where, "array")
        return [_read(one, found[1], f"{where}[{number}]", unknown) for number, one in enumerate(value)]
    if found := re.fullmatch(r"[Dd]ict[(\[]str, (.+)[)\]]", kind):
        _expect(isinstance(value, dict), where, "map")
        return {key: _read(one, found[1], f"{where}.{key}", unknown) for key, one in value.items() if one is not None}
    if kind == "datetime":
        _expect(isinstance(value, str) and _is_time(value), where, "time")
        return value
    if kind in _PLAIN:
        plain = isinstance(value, _PLAIN[kind]) and (kind == "bool" or not isinstance(value, bool))
        _expect(plain and (kind != "int" or -(2**63) <= value < 2**63), where, _WORDS[kind])
        return value
    return _read_model(value, kind, where, unknown)


def _read_model(value: Any, kind: str, where: str, unknown: list[str]) -> Json:
    _expect(isinstance(value, dict), where or "body", "object")
    model = getattr(client, kind)
    names = {shown: model.openapi_types[name] for name, shown in model.attribute_map.items()}
    read = {}
    for key, one in value.items():
        place = f"{where}.{key}".lstrip(".")
        if key not in names:
            unknown.append(place)
        elif key in _QUANTITIES and isinstance(one, dict):
            read[key] = _read({name: _quantity(each) for name, each in one.items()}, names[key], place, unknown)
        elif one is not None:
            read[key] = _read(one, names[key], place, unknown)
            if read[key] == [] or (read[key] == {} and "ict" in names[key]):  # as Go's `omitempty` leaves them out
                del read[key]
    return read


def _quantity(value: object) -> object:
    """`nvidia.com/gpu: 1` is as good as '1'."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _expect(good: bool, where: str, word: str) -> None:
    if not good:
        raise ValueError(f"json: cannot unmarshal the value of {where} into a Go value of type {word}")


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
