"""What the API server answers to wrong and odd requests: status, reason and words, over HTTP as kubectl sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from deployments.sandbox.cluster.api import KubernetesApi, is_kubernetes_path
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.faults import Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.loopback import HOST, HttpServer
from tests.sandbox.test_cluster_kinds import deployment, job

Json = dict[str, Any]
SPACE = "blueprint"
JOBS, CORE = f"/apis/batch/v1/namespaces/{SPACE}/jobs", f"/api/v1/namespaces/{SPACE}"
WEB = f"/apis/apps/v1/namespaces/{SPACE}/deployments/web"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass
class Server:
    """A served cluster with a Job `kept`, a Deployment `web` and a ConfigMap `map`."""

    cluster: Cluster
    log: RequestLog
    url: str
    session: requests.Session

    def call(self, verb: str, path: str, body: Any = None, kind: str = "application/json") -> requests.Response:
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        return self.session.request(verb, self.url + path, data=data, headers={"Content-Type": kind}, timeout=30)

    def state(self) -> dict[str, int]:
        """What is there, by kind."""
        plurals = ("jobs", "pods", "deployments", "replicasets", "configmaps", "namespaces")
        return {plural: len(self.cluster.objects.all(plural)) for plural in plurals}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    cluster, log = Cluster(("default", SPACE)), RequestLog()
    served = HttpServer(KubernetesApi(cluster, Faults(1), log), 0)
    with requests.Session() as session:
        running = Server(cluster, log, f"http://{HOST}:{served.port}", session)
        running.call("POST", JOBS, job("kept"))
        running.call("POST", WEB.removesuffix("/web"), deployment(replicas=2))
        running.call("POST", f"{CORE}/configmaps", {"metadata": {"name": "map"}, "data": {"a": "1"}})
        yield running
    served.stop()


@dataclass(frozen=True)
class Case:
    """A request that is refused and changes nothing."""

    rule: str
    verb: str
    path: str
    status: int
    reason: str
    words: str
    body: Any = None
    kind: str = "application/json"


CASES = [
    Case("a thing of another name", "PUT", f"{JOBS}/kept", 400, "BadRequest", "does not match", job("other")),
    Case("a thing of another namespace", "PUT", f"{JOBS}/kept", 400, "BadRequest", "does not match",
         {**job("kept"), "metadata": {"name": "kept", "namespace": "default"}}),
    Case("a create for another namespace", "POST", JOBS, 400, "BadRequest", "does not match the namespace",
         {**job("new"), "metadata": {"name": "new", "namespace": "default"}}),
    Case("a thing of another uid", "PATCH", f"{CORE}/configmaps/map", 409, "Conflict", "UID in precondition: x",
         {"metadata": {"uid": "x"}}, MERGE),
    Case("a deletion of another uid", "DELETE", f"{JOBS}/kept", 409, "Conflict", "UID in precondition: x",
         {"preconditions": {"uid": "x"}}),
    Case("a deletion of an old version", "DELETE", f"{JOBS}/kept", 409, "Conflict", "has been modified",
         {"preconditions": {"resourceVersion": "1"}}),
    Case("preconditions are an object", "DELETE", f"{JOBS}/kept", 400, "BadRequest", "preconditions",
         {"preconditions": "x"}),
    Case("orphans in the body", "DELETE", WEB, 501, "NotImplemented", "orphans", {"orphanDependents": True}),
    Case("orphans in the parameters", "DELETE", f"{WEB}?propagationPolicy=Orphan", 501, "NotImplemented", "orphans"),
    Case("a collection of everywhere", "DELETE", "/api/v1/pods", 405, "MethodNotAllowed", "does not allow"),
    Case("a create of nowhere", "POST", "/apis/batch/v1/jobs", 405, "MethodNotAllowed", "does not allow", job("new")),
    Case("a template that changes", "PATCH", f"{JOBS}/kept", 422, "Invalid", "spec.template: Invalid value: field is",
         {"spec": {"template": {"spec": {"nodeName": "x"}}}}, MERGE),
    Case("a selector that changes", "PUT", WEB, 422, "Invalid", "spec.selector: Invalid value: field is immutable",
         {**deployment(), "spec": {
             "selector": {"matchLabels": {"app": "other"}},
             "template": {"metadata": {"labels": {"app": "other"}}, "spec": deployment()["spec"]["template"]["spec"]}}}),
    Case("a negative number of tries", "POST", JOBS, 422, "Invalid", "backoffLimit", job("new", backoffLimit=-1)),
    Case("a name of 254 letters", "POST", f"{CORE}/configmaps", 422, "Invalid", "RFC 1123",
         {"metadata": {"name": "a" * 254}}),
    Case("a label's prefix of 254 letters", "POST", f"{CORE}/configmaps", 422, "Invalid", "metadata.labels",
         {"metadata": {"name": "new", "labels": {"a" * 254 + "/b": ""}}}),
    Case("another version of the kind", "POST", JOBS, 400, "BadRequest", "not batch/v1 Job",
         {**job("new"), "kind": "Job", "apiVersion": "batch/v1beta1"}),
    Case("a number that is too large", "POST", JOBS, 400, "BadRequest", "int32", job("new", completions=2**63)),
    Case("an unknown field when strict", "POST", f"{JOBS}?fieldValidation=Strict", 400, "BadRequest", "spec.colour",
         job("new", colour="red")),
    Case("another word than All", "DELETE", f"{JOBS}/kept?dryRun=Maybe", 400, "BadRequest", "dryRun"),
    Case("a limit that is too large", "GET", f"{JOBS}?limit={10**19}", 400, "BadRequest", "limit"),
    Case("a limit that is negative", "GET", f"{JOBS}?limit=-1", 400, "BadRequest", "limit"),
    Case("an apply of nobody", "PATCH", f"{JOBS}/new", 400, "BadRequest", "fieldManager", job("new"), APPLY),
    Case("a scale by apply", "PATCH", f"{WEB}/scale", 415, "UnsupportedMediaType", "unknown format", {}, APPLY),
    Case("a patch of no kind", "PATCH", f"{JOBS}/kept", 415, "UnsupportedMediaType", "unknown format", {}),
    Case("a number of replicas that is a flag", "PATCH", f"{WEB}/scale", 400, "BadRequest", "spec.replicas",
         {"spec": {"replicas": True}}, MERGE),
    Case("a number of replicas that is negative", "PATCH", f"{WEB}/scale", 422, "Invalid", "spec.replicas",
         {"spec": {"replicas": -1}}, MERGE),
    Case("a log of a pod that is not there", "GET", f"{CORE}/pods/none/log", 404, "NotFound", 'pods "none" not found'),
    Case("a body in another language", "POST", JOBS, 415, "UnsupportedMediaType", "unknown format", "x", "text/plain"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace(" ", "_"))
def test_a_request_that_makes_no_sense_is_refused_with_its_reason_and_changes_nothing(
    server: Server, case: Case
) -> None:
    before = server.state(), server.cluster.objects.version
    answer = server.call(case.verb, case.path, case.body, case.kind)
    told = answer.json()
    assert (answer.status_code, told["reason"], told["status"]) == (case.status, case.reason, "Failure"), told
    assert case.words in told["message"]
    assert (server.state(), server.cluster.objects.version) == before


@pytest.mark.parametrize(
    ("verb", "path", "body", "kind"),
    [
        ("POST", f"{JOBS}?dryRun=All", job("new"), "application/json"),
        ("PUT", f"{WEB}?dryRun=All", deployment("x:9"), "application/json"),
        ("PATCH", f"{WEB}/scale?dryRun=All", {"spec": {"replicas": 7}}, MERGE),
        ("PATCH", f"{CORE}/configmaps/dry?dryRun=All&fieldManager=me", {"data": {"a": "1"}}, APPLY),
        ("DELETE", f"{JOBS}/kept?dryRun=All", None, "application/json"),
        ("DELETE", f"{JOBS}/kept", {"dryRun": ["All"]}, "application/json"),
        ("DELETE", f"{JOBS}?dryRun=All", None, "application/json"),
    ],
)
def test_what_is_tried_only_is_answered_as_if_it_were_done(
    server: Server, verb: str, path: str, body: Any, kind: str
) -> None:
    before, mutating = (server.state(), server.cluster.objects.version), server.log.mutating()
    assert server.call(verb, path, body, kind).ok
    assert (server.state(), server.cluster.objects.version) == before
    assert (server.log.mutating() == mutating) == ("dryRun=All" in path), "a body is not looked at for counting"


def test_an_apply_that_was_tried_only_owns_nothing(server: Server) -> None:
    path = f"{CORE}/configmaps/owned"
    for query, value in (("fieldManager=one&dryRun=All", "1"), ("fieldManager=two", "2")):
        assert server.call("PATCH", f"{path}?{query}", {"data": {"a": value}}, APPLY).status_code == 201
    conflict = server.call("PATCH", f"{path}?fieldManager=three", {"data": {"a": "3"}}, APPLY)
    assert conflict.status_code == 409 and 'conflict with "two"' in conflict.json()["message"]
    forced = server.call("PATCH", f"{path}?fieldManager=three&force=1", {"data": {"a": "3"}}, APPLY)
    assert (forced.status_code, forced.json()["data"]) == (200, {"a": "3"})
    server.call("DELETE", path)


@pytest.mark.parametrize(("query", "lines"), [("", 3), ("?tailLines=2", 2), ("?tailLines=0", 0), ("?tailLines=9", 3)])
def test_a_log_ends_with_as_many_lines_as_are_asked_for(server: Server, query: str, lines: int) -> None:
    pod = next(
        one["metadata"]["name"] for one in server.cluster.objects.all("pods") if "kept" in one["metadata"]["name"]
    )
    server.cluster.logs[SPACE, pod] = "one\ntwo\nthree\n"
    text = server.call("GET", f"{CORE}/pods/{pod}/log{query}").text
    assert text == "".join(["one\n", "two\n", "three\n"][3 - lines :])


def test_a_long_list_says_how_much_is_left(server: Server) -> None:
    first = server.call("GET", "/api/v1/nodes?limit=1").json()["metadata"]
    assert first["remainingItemCount"] == 1
    last = server.call("GET", f"/api/v1/nodes?limit=1&continue={first['continue']}").json()["metadata"]
    assert "continue" not in last and "remainingItemCount" not in last


@pytest.mark.parametrize(
    ("path", "belongs"),
    [("/api", True), ("/apis/batch/v1", True), ("/version", True), ("/api-data/x", False), ("/versions/x", False)],
)
def test_a_bucket_may_begin_like_the_api_server(path: str, belongs: bool) -> None:
    assert is_kubernetes_path(path) is belongs


def test_a_watch_is_a_table_when_it_is_asked_for_one_and_begins_with_what_is_there(server: Server) -> None:
    for accept, kind in (("application/json;as=Table", "Table"), ("application/json", "Node")):
        path = "/api/v1/nodes?watch=1&timeoutSeconds=1&resourceVersion=1&sendInitialEvents=true"
        with server.session.get(server.url + path, headers={"Accept": accept}, stream=True, timeout=30) as answer:
            lines = answer.iter_lines()
            events = [json.loads(next(lines)) for _ in range(3)]
        assert [(one["type"], one["object"]["kind"]) for one in events] == [
            ("ADDED", kind), ("ADDED", kind), ("BOOKMARK", "Node"),
        ]  # fmt: skip
