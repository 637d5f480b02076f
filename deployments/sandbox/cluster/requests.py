"""A request to the API server: which method on which thing it is, with its options and its body."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import yaml

from deployments.sandbox.asgi import Scope, header
from deployments.sandbox.cluster.errors import Json, refuse
from deployments.sandbox.cluster.registry import resource_at
from deployments.sandbox.cluster.resources import Resource

JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC_PATCH, APPLY_PATCH = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
_YAML = ("application/yaml", APPLY_PATCH)
_ON_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ON_ALL = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True)
class Target:
    """What a path names: a kind, in a namespace ('' = none or all), one of that name ('' = all), a part of it."""

    resource: Resource
    namespace: str
    name: str
    sub: str


@dataclass(frozen=True)
class Request:
    """One request. `method` is `jobs.list`, `pods/log.get`, ...; `unknown` for what is not served."""

    verb: str
    path: str
    query: dict[str, str]
    target: Target | None
    content_type: str
    accept: str
    body: bytes

    @property
    def method(self) -> str:
        """What faults and counts call it."""
        if self.target is None:
            known = {"/version": "version.get"}.get(self.path.rstrip("/"), "discovery.get")
            return known if self.verb == "GET" else "unknown"
        watch = self.verb == "GET" and not self.target.name and self.flag("watch")
        table = _ON_ONE if self.target.name else _ON_ALL
        does = "watch" if watch else table.get(self.verb, "unknown")
        part = f"/{self.target.sub}" if self.target.sub else ""
        return f"{self.target.resource.plural}{part}.{does}"

    @property
    def does(self) -> str:
        """The verb of the method alone."""
        return self.method.rpartition(".")[2]

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be kept. Raises KubernetesError 400 for another word than All."""
        asked = self.query.get("dryRun", "")
        if asked not in ("", "All"):
            refuse(400, "BadRequest", f'invalid value for dryRun: "{asked}": supported values: "All"')
        return asked == "All"

    @property
    def strict(self) -> bool:
        """Whether unknown fields are refused."""
        return self.query.get("fieldValidation") == "Strict"

    def flag(self, name: str) -> bool:
        """Whether a parameter is set."""
        return self.query.get(name, "").lower() in ("true", "1")

    def number(self, name: str) -> int:
        """A parameter that is a whole number; 0 when absent. Raises KubernetesError 400."""
        text = self.query.get(name, "") or "0"
        if not (text.isascii() and text.isdecimal()) or len(text) > 18:
            refuse(400, "BadRequest", f'invalid value for {name}: "{text}" is not a whole number')
        return int(text)

    def object(self) -> Json:
        """The body as an object. Raises KubernetesError 400 or 415."""
        value = self.value()
        if not isinstance(value, dict):
            refuse(400, "BadRequest", "the object provided is unrecognized: it is no JSON object")
        return value

    def value(self) -> Any:
        """The body, of any type. Raises KubernetesError 400 or 415."""
        kind = self.content_type
        if kind in _YAML:
            try:
                return json.loads(json.dumps(yaml.safe_load(self.body)), parse_constant=_no_number)
            except (yaml.YAMLError, ValueError, TypeError) as error:
                refuse(400, "BadRequest", f"the object provided is unrecognized: {str(error).splitlines()[0]}")
        if "json" not in kind and kind not in ("", "*/*"):
            refuse(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except ValueError as error:
            refuse(400, "BadRequest", f"the object provided is unrecognized: {error}")


def read_request(scope: Scope, body: bytes) -> Request:
    """The request of an ASGI scope."""
    path = scope["path"]
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    kind = header(scope, "content-type").partition(";")[0].strip()
    return Request(scope["method"], path, query, _target(path), kind, header(scope, "accept"), body)


def _target(path: str) -> Target | None:
    parts = path.strip("/").split("/")
    size = 2 if parts[0] == "api" else 3
    root, rest, namespace = "/" + "/".join(parts[:size]), parts[size:], ""
    if len(rest) >= 3 and rest[0] == "namespaces":
        inside = resource_at(root, rest[2])
        if inside is not None and inside.namespaced:
            namespace, rest = rest[1], rest[2:]
    resource = resource_at(root, rest[0]) if 1 <= len(rest) <= 3 else None
    if resource is None or "" in rest:
        return None
    name, sub = (*rest[1:], "", "")[:2]
    if (sub and sub not in resource.subresources) or (name and resource.namespaced and not namespace):
        return None
    return Target(resource, namespace, name, sub)


def token(item: Json) -> str:
    """Where the next page of a list begins: after this item."""
    place = [item["metadata"].get("namespace", ""), item["metadata"]["name"]]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(text: str) -> tuple[str, str]:
    """The namespace and name a page begins after. Raises KubernetesError 400."""
    try:
        namespace, name = json.loads(base64.urlsafe_b64decode(text)) if text else ("", "")
        return str(namespace), str(name)
    except (ValueError, TypeError):
        refuse(400, "BadRequest", "continue key is not valid: it is not one that this server gave out")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
