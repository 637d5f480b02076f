"""Whatever a caller sends over HTTP, it is his mistake or it works: nothing he sends is the sandbox's own failure."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes import client

from deployments.sandbox import control_bodies
from deployments.sandbox.asgi import App
from deployments.sandbox.cluster.api import KubernetesApi
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.cluster.resources import RESOURCES
from deployments.sandbox.control import Control
from deployments.sandbox.faults import FaultRule, Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.server import Sandbox
from deployments.sandbox.storage import bodies
from deployments.sandbox.storage.api import StorageApp
from deployments.sandbox.storage.routes import routes
from deployments.sandbox.storage.store import ObjectStore

BOUNDED = settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
NAMES = ("f", "data", "", "a/b", "ä", "..", "\x00", "x" * 1025, "é" * 600, "a\nb")
TEXTS = st.sampled_from(
    ("", "x", "0", "-1", "5", "true", "false", "null", "99999999999999999999", "[z-a]", "[!]", "{a,b", "**", "a,b", "a(b",
     "items(name", "*", "bytes 0-4/5", "bytes */*", "bytes=-0", "2026-01-01T00:00:00Z", "All", "application/json", "a=b",
     "a in (b)", "metadata.name=x", "gzip", "resumable", "media", "multipart", "\x00", "ü", "W10=", "eyJ9", "\ud7ff")
) | st.text(max_size=12)  # fmt: skip
NUMBERS = st.sampled_from((0, 1, -1, 5, 2**31, 2**63, -(2**63), 10**30, 1.5, 1e300))


def fields(*models: Any) -> set[str]:
    """The names a body may have, as they are written."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


STORAGE = fields(*bodies.Body.__subclasses__(), *bodies.BucketPatch.__subclasses__())
KUBERNETES = {
    shown
    for kind in ("V1Job", "V1JobSpec", "V1ObjectMeta", "V1PodTemplateSpec", "V1PodSpec", "V1Container", "V1Deployment",
                 "V1DeploymentSpec", "V1CronJobSpec", "V1LabelSelector", "CoreV1Event", "V1ResourceQuotaSpec", "V1Scale")
    for shown in getattr(client, kind).attribute_map.values()
} | {"$patch", "$setElementOrder/containers", "$retainKeys", "$deleteFromPrimitiveList/finalizers", "op", "path", "value"}  # fmt: skip
CONTROL = fields(*control_bodies.Body.__subclasses__(), FaultRule)


def values(names: set[str]) -> st.SearchStrategy[Any]:
    """JSON of any shape, most of its keys those that mean something."""
    keys = st.sampled_from(sorted(names)) | TEXTS
    plain = st.none() | st.booleans() | NUMBERS | TEXTS
    return st.recursive(
        plain, lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=4), max_leaves=12
    )


def raw_bodies(names: set[str]) -> st.SearchStrategy[bytes]:
    """Mostly JSON objects, also other JSON and what is none."""
    whole = st.dictionaries(st.sampled_from(sorted(names)), values(names), max_size=4)
    return st.one_of(
        whole.map(lambda body: json.dumps(body).encode()),
        values(names).map(lambda body: json.dumps(body).encode()),
        st.sampled_from(
            (b"", b"{", b"null", b"\xff\xfe", b'{"a":"\\ud800"}', b"[" * 3000, b"NaN", gzip.compress(b"{}"))
        ),
    )


def multipart(body: bytes) -> bytes:
    """The body as the resource of a multipart upload that names the boundary x."""
    return b"--x\r\nContent-Type: application/json\r\n\r\n" + body + b"\r\n--x\r\n\r\nbytes\r\n--x--"


def batched(drawn: tuple[str, str, bytes]) -> bytes:
    """A batch of two calls, the first of which is what was drawn."""
    verb, path, body = drawn
    call = f"{verb} {path} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n".encode("utf-8", "replace") + body
    fine = b"GET /storage/v1/b/data/o/f HTTP/1.1\r\n\r\n"
    return b"".join(b"--x\r\nContent-Type: application/http\r\n\r\n" + one + b"\r\n" for one in (call, fine)) + b"--x--"


def queries(names: str) -> st.SearchStrategy[str]:
    return st.dictionaries(st.sampled_from(names.split()), TEXTS, max_size=4).map(urlencode)


HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "content-range", "content-encoding", "range", "if-match", "x-upload-content-length", "x-goog-hash", "accept", "accept-encoding", "x-goog-if-generation-match", "x-goog-gcs-idempotency-token", "x-upload-content-type"]
    ),
    TEXTS.map(lambda text: text.encode("utf-8").decode("latin-1"))
    | st.sampled_from(
        ("multipart/related; boundary=x", "application/apply-patch+yaml", "application/json-patch+json",
         "application/merge-patch+json", "application/strategic-merge-patch+json", "application/json;as=Table")
    ),
    max_size=3,
)  # fmt: skip


def ask(app: App, verb: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request, in this thread; the caller leaves when he has sent it."""
    sent: list[Any] = []
    inbox = [{"type": "http.request", "body": body}]
    raw = quote(path, safe="/%")
    scope = {
        "type": "http", "method": verb, "path": path, "raw_path": raw.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip

    async def receive() -> Any:
        return inbox.pop() if inbox else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def storage_world() -> StorageApp:
    store = ObjectStore()
    store.create_bucket("data", versioning=True)
    store.put("data", "f", b"12345", metadata={"a": "b"})
    return StorageApp(store, Faults(1), RequestLog())


STORAGE_VERBS = sorted({(verb, route.path.pattern) for route in routes(ObjectStore(), 1) for verb in route.verbs})


def paths(pattern: str) -> st.SearchStrategy[str]:
    """Paths of a route: its groups filled in."""
    form = pattern.replace("(?:/resumable)?", "").replace("(?!(?:storage|resumable|upload|download|batch)/)", "")
    parts = form.replace("(.+)", "([^/]+)").split("([^/]+)")
    names = st.sampled_from([quote(name, safe="") for name in NAMES] + ["f", "f", "data", "data"])
    return st.tuples(*[names] * (len(parts) - 1)).map(
        lambda filled: parts[0] + "".join(name + part for name, part in zip(filled, parts[1:], strict=True))
    )


@BOUNDED
@given(
    st.sampled_from(STORAGE_VERBS).flatmap(lambda route: st.tuples(st.just(route[0]), paths(route[1]))),
    queries(
        "uploadType name upload_id generation ifGenerationMatch ifMetagenerationNotMatch ifSourceGenerationMatch fields "
        "maxResults pageToken prefix delimiter matchGlob startOffset endOffset versions softDeleted alt project "
        "contentEncoding sourceGeneration rewriteToken maxBytesRewrittenPerCall includeTrailingDelimiter"
    ),
    st.lists(raw_bodies(STORAGE), min_size=1, max_size=3),
    HEADERS,
)
def test_nothing_that_is_sent_to_storage_is_a_500(
    route: tuple[str, str], query: str, sent: list[bytes], headers: dict[str, str]
) -> None:
    app = storage_world()
    if headers.get("content-type", "").startswith("multipart/related"):
        sent = [multipart(body) for body in sent]
    for body in sent:
        status, text = ask(app, *route, query, body, headers)
        assert status < 500 or status == 501 or (status == 503 and b"upload offset" in text), text
    for path in ("/storage/v1/b", "/storage/v1/b/data/o"):
        assert ask(app, "GET", path, "project=p&versions=true", b"", {})[0] == 200, "a listing that was broken"
    assert ask(app, "GET", "/storage/v1/b/data/o/f", "alt=media", b"", {})[0] in (200, 404)


@BOUNDED
@given(
    st.tuples(
        st.sampled_from(("GET", "PATCH", "PUT", "POST", "DELETE", "", "NOT A")),
        st.sampled_from(STORAGE_VERBS).flatmap(lambda route: paths(route[1])) | TEXTS | st.just("http://["),
        raw_bodies(STORAGE),
    ).map(batched)
    | raw_bodies(STORAGE)
)
def test_no_call_in_a_batch_is_a_500_for_the_whole(body: bytes) -> None:
    app = storage_world()
    status, text = ask(app, "POST", "/batch/storage/v1", "", body, {"content-type": "multipart/mixed; boundary=x"})
    assert status in (200, 400), text
    assert b"HTTP/1.1 500" not in text


PLACES = [
    f"{one.root}{'/namespaces/blueprint' if one.namespaced else ''}/{one.plural}{rest}"
    for one in RESOURCES
    for rest in ("", "/there", "/absent", *(f"/there/{sub}" for sub in one.subresources))
]
JOB: dict[str, Any] = {
    "metadata": {"name": "there", "labels": {"a": "b"}},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}]}}},
}
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "there"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "m", "image": "i", "env": [{"name": "A", "value": "1"}]}]},
        },
    },
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1, job_seconds=0.0) as running:
        yield running


def cluster_world() -> KubernetesApi:
    app = KubernetesApi(Cluster(("default", "blueprint")), Faults(1), RequestLog())
    for path, made in (
        ("/apis/batch/v1/namespaces/blueprint/jobs", JOB),
        ("/apis/apps/v1/namespaces/blueprint/deployments", DEPLOYMENT),
    ):
        assert ask(app, "POST", path, "", json.dumps(made).encode(), {})[0] == 201
    return app


def mutated(manifest: dict[str, Any], names: set[str]) -> st.SearchStrategy[bytes]:
    """A manifest that is right but for one part."""

    def change(drawn: tuple[tuple[Any, ...], str, Any]) -> bytes:
        whole = json.loads(json.dumps(manifest))
        place, (*way, last) = whole, drawn[0]
        for step in way:
            place = place[step]
        if isinstance(place[last], dict) and drawn[1]:
            place[last][drawn[1]] = drawn[2]
        else:
            place[last] = drawn[2]
        return json.dumps(whole).encode()

    added = st.just("") | st.sampled_from(sorted(names))
    return st.tuples(st.sampled_from(sorted(ways(manifest), key=str)), added, values(names)).map(change)


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a manifest."""
    if way:
        yield way
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield from ways(below, (*way, step))


@settings(BOUNDED, max_examples=100)
@given(
    st.sampled_from(("GET", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE")),
    st.sampled_from(PLACES) | st.sampled_from(("/api", "/apis", "/version", "/openapi/v3", "/apis/batch", "/healthz")),
    queries(
        "limit continue labelSelector fieldSelector watch resourceVersion timeoutSeconds dryRun fieldValidation force "
        "fieldManager sendInitialEvents tailLines propagationPolicy"
    ),
    st.lists(
        raw_bodies(KUBERNETES) | mutated(JOB, KUBERNETES) | mutated(DEPLOYMENT, KUBERNETES), min_size=1, max_size=3
    ),
    HEADERS,
)
def test_nothing_that_is_sent_to_the_cluster_is_a_500(
    verb: str, path: str, query: str, sent: list[bytes], headers: dict[str, str]
) -> None:
    app = cluster_world()
    for body in sent:
        status, text = ask(app, verb, path, query, body, headers)
        assert status < 500 or status == 501, text
    for place in (
        "/apis/batch/v1/jobs",
        "/apis/apps/v1/deployments",
        "/api/v1/pods",
        "/api/v1/events",
        "/api/v1/nodes",
    ):
        for accept in ("application/json", "application/json;as=Table"):
            assert ask(app, "GET", place, "", b"", {"accept": accept})[0] == 200, "a listing that was broken"


CONTROL_PATHS = [
    "faults",
    "simulator",
    "genie_sim",
    "push",
    "events",
    "deployment",
    "requests",
    "endpoints",
    "executions",
    "kubernetes/jobs/x",
    "kubernetes/images",
    "jobs/simready-job",
    "scenes/a/damage",
    "objects",
    "nothing",
]


@settings(BOUNDED, max_examples=60)
@given(
    st.sampled_from(("GET", "POST", "DELETE", "PUT")),
    st.sampled_from(CONTROL_PATHS),
    queries("limit skipped bucket at prefix"),
    raw_bodies(CONTROL),
)
def test_nothing_that_is_sent_to_the_control_interface_is_a_500(
    sandbox: Sandbox, verb: str, path: str, query: str, body: bytes
) -> None:
    status, text = ask(Control(sandbox), verb, f"/_sandbox/{path}", query, body, {})
    assert status < 500, text
    sandbox.faults.clear()


def test_a_fault_that_was_asked_for_is_a_500_still() -> None:
    app = storage_world()
    app._faults.add(FaultRule(kind="status", status=500, times=1))
    assert ask(app, "GET", "/storage/v1/b/data", "", b"", {})[0] == 500
