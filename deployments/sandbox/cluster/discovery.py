"""What the API server says of itself: groups, kinds, version, and of OpenAPI what kubectl asks for."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.cluster.errors import Json
from deployments.sandbox.cluster.resources import GROUPS, RESOURCES, VERBS, Resource

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0-sandbox", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
}  # fmt: skip
_SUB_VERBS = {"log": ["get"], "scale": ["get", "patch", "update"], "status": ["get", "patch", "update"]}
_HEALTH = ("/healthz", "/livez", "/readyz")


def document(path: str) -> Json | str | None:
    """The document at a path, text or JSON; None when discovery has nothing there."""
    path = path.rstrip("/") or "/"
    if path in _HEALTH:
        return "ok"
    if path == "/version":
        return dict(VERSION)
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*one) for one in GROUPS if one[0]]}
    if path == "/openapi/v3":
        return {"paths": {root[1:]: {"serverRelativeURL": f"/openapi/v3{root}"} for root in _roots()}}
    for group, version in GROUPS:
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        if path == root:
            return _resources(root, f"{group}/{version}" if group else version)
        if path == f"/openapi/v3{root}":
            return _openapi(root)
        if group and path == f"/apis/{group}":
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
    return None


def _roots() -> list[str]:
    return sorted({one.root for one in RESOURCES})


def _group(group: str, version: str) -> Json:
    shown = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [shown], "preferredVersion": shown}


def _resources(root: str, group_version: str) -> Json:
    found = [entry for one in RESOURCES if one.root == root for entry in _entries(one)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _entries(one: Resource) -> list[Json]:
    entry: Json = {
        "name": one.plural, "singularName": one.kind.lower(), "namespaced": one.namespaced, "kind": one.kind,
        "verbs": list(VERBS),
    }  # fmt: skip
    if one.short:
        entry["shortNames"] = list(one.short)
    if one.categories:
        entry["categories"] = list(one.categories)
    subs = []
    for sub in one.subresources:
        kind = {"kind": "Scale", "group": "autoscaling", "version": "v1"} if sub == "scale" else {"kind": one.kind}
        shown = {
            "name": f"{one.plural}/{sub}",
            "singularName": "",
            "namespaced": one.namespaced,
            "verbs": _SUB_VERBS[sub],
        }
        subs.append(shown | kind)
    return [entry, *subs]


def _openapi(root: str) -> Json:
    """Only that PATCH takes dryRun and fieldValidation, which kubectl looks up before it uses them."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("dryRun", "fieldValidation")]
    paths: dict[str, Any] = {}
    for one in RESOURCES:
        if one.root == root:
            place = "/namespaces/{namespace}" if one.namespaced else ""
            kind = {"group": one.group, "version": one.version, "kind": one.kind}
            operation = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": kind}
            paths[f"{root}{place}/{one.plural}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.0-sandbox"}, "paths": paths}
