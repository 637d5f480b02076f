"""Every field that a body may have, with every kind of value that it should not: refused or harmless, never a failure."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from kubernetes import client

from deployments.sandbox.cluster.api import KubernetesApi
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.faults import Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.storage import bodies
from tests.sandbox.test_no_input_is_a_500 import DEPLOYMENT, JOB, ask, storage_world

AWKWARD: tuple[Any, ...] = (None, True, -1, "x", "a\r\nb", ["x"], [{}], {"a": 5})
B, F = "/storage/v1/b", "/storage/v1/b/data/o/f"
ROUTES: list[tuple[str, str, str, type[bodies.Body]]] = [
    ("PATCH", f"{B}/data", "", bodies.BucketPatch),
    ("PUT", f"{B}/data", "", bodies.BucketPatch),
    ("POST", B, "project=p", bodies.BucketBody),
    ("PATCH", F, "", bodies.ObjectBody),
    ("PUT", F, "", bodies.ObjectBody),
    ("POST", "/upload/storage/v1/b/data/o", "uploadType=resumable&name=x", bodies.ObjectBody),
    ("POST", f"{F}/rewriteTo/b/data/o/g", "", bodies.ObjectBody),
    ("POST", f"{F}/compose", "", bodies.ComposeBody),
]
Way = tuple[Any, ...]


def inner(annotation: Any) -> tuple[type[bodies.Body] | None, bool]:
    """The model inside an annotation, and whether it is the entry of a list."""
    for part in get_args(annotation) or (annotation,):
        if isinstance(part, type) and issubclass(part, bodies.Body):
            return part, False
        for below in get_args(part):
            if isinstance(below, type) and issubclass(below, bodies.Body):
                return below, True
    return None, False


def fields(model: type[bodies.Body], way: Way = ()) -> Iterator[Way]:
    """The way to every field of a model; 0 is the first entry of a list."""
    for name, field in model.model_fields.items():
        here = (*way, field.alias or name)
        yield here
        below, listed = inner(field.annotation)
        if below is not None:
            yield from fields(below, (*here, 0) if listed else here)


def nested(way: Way, value: Any) -> Any:
    for step in reversed(way):
        value = [value] if step == 0 else {step: value}
    return value


STORAGE = [(*route, way) for route in ROUTES for way in fields(route[3])]


@pytest.mark.parametrize(("verb", "path", "query", "model", "way"), STORAGE, ids=lambda one: str(one)[-40:])
def test_a_field_of_storage_is_refused_or_harmless(
    verb: str, path: str, query: str, model: type[bodies.Body], way: Way
) -> None:
    for value in AWKWARD:
        app = storage_world()
        status, text = ask(app, verb, path, query, json.dumps(nested(way, value)).encode(), {})
        assert status < 500, (value, text)
        for place in (B, f"{B}/data/o"):
            shown, listing = ask(app, "GET", place, "project=p&versions=true", b"", {})
            assert (shown, json.loads(listing)["items"] != []) == (200, True), value
        assert ask(app, "GET", F, "alt=media", b"", {})[0] == 200, value


JOBS = "/apis/batch/v1/namespaces/blueprint/jobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/blueprint/deployments"


def model_ways(node: Any, kind: str, way: Way = ()) -> Iterator[Way]:
    """The way to every field that a manifest has or could have where it has objects."""
    if isinstance(node, list):
        for at, one in enumerate(node):
            yield from model_ways(one, kind[5:-1], (*way, at))
    model = getattr(client, kind, None)
    if isinstance(node, dict) and model is not None:
        for name, shown in model.attribute_map.items():
            yield (*way, shown)
            if shown in node:
                yield from model_ways(node[shown], model.openapi_types[name], (*way, shown))


def changed(manifest: dict[str, Any], way: Way, value: Any) -> bytes:
    whole = copy.deepcopy(manifest)
    place: Any = whole
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return json.dumps(whole).encode()


KINDS = [
    (path, kind, manifest, way)
    for path, kind, manifest in ((JOBS, "V1Job", JOB), (DEPLOYMENTS, "V1Deployment", DEPLOYMENT))
    for way in model_ways(manifest, kind)
]


def test_the_ways_reach_the_fields_of_a_container() -> None:
    assert any(way[-3:] == ("containers", 0, "image") for _, _, _, way in KINDS)
    assert ("sourceObjects", 0, "objectPreconditions", "ifGenerationMatch") in set(fields(bodies.ComposeBody))


@pytest.mark.parametrize(("path", "kind", "manifest", "way"), KINDS, ids=lambda one: str(one)[-40:])
def test_a_field_of_a_manifest_is_refused_or_harmless(path: str, kind: str, manifest: dict[str, Any], way: Way) -> None:
    for value in AWKWARD:
        app = KubernetesApi(Cluster(("blueprint",)), Faults(1), RequestLog())
        body = changed(manifest, way, value)
        for verb, place, content in (
            ("POST", path, "application/json"),
            ("PATCH", f"{path}/there", "application/strategic-merge-patch+json"),
            ("PATCH", f"{path}/there", "application/apply-patch+yaml"),
        ):
            status, text = ask(app, verb, place, "fieldManager=m", body, {"content-type": content})
            assert status < 500, (value, text)
        for listing in (path, "/api/v1/pods"):
            for accept in ("application/json", "application/json;as=Table"):
                assert ask(app, "GET", listing, "", b"", {"accept": accept})[0] == 200, value
