"""kubectl and kustomize as they are: what `kubectl apply -k` would send. There is no cluster here, so nobody answers for one:
a small server only says which kinds of objects Kubernetes has, which kubectl asks before it looks at anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tests.production.kubernetes_schema import problems
from tests.production.manifests import EXAMPLE, NAMESPACE, containers

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed: the manifests are not rendered and not dry-run"
)

KINDS = {
    "v1": ["Namespace", "ServiceAccount", "Service", "ConfigMap"],
    "apps/v1": ["Deployment", "StatefulSet"],
    "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding"],
    "networking.k8s.io/v1": ["NetworkPolicy", "Ingress"],
}
"""The kinds of objects that a cluster has, by group and version."""


def answer(path: str) -> dict[str, Any] | None:
    """What a cluster says of itself; None: there is no such thing."""
    groups = [one.split("/") for one in KINDS if "/" in one]
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        versions = {group: {"groupVersion": f"{group}/{version}", "version": version} for group, version in groups}
        return {"kind": "APIGroupList", "groups": [{"name": g, "versions": [v]} for g, v in versions.items()]}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version not in KINDS:
        return None
    listed = [
        {
            "name": f"{kind.lower()}s".replace("policys", "policies").replace("ingresss", "ingresses"),
            "kind": kind,
            "namespaced": kind != "Namespace",
            "verbs": ["get", "patch", "create"],
        }
        for kind in KINDS[version]
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


class Handler(BaseHTTPRequestHandler):
    """Answers questions about kinds; every object is said not to be there yet."""

    def do_GET(self) -> None:
        body = answer(self.path.partition("?")[0])
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        text = json.dumps(missing if body is None else {"apiVersion": "v1", **body}).encode()
        self.send_response(404 if body is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def cluster() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def kubectl(home: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(["kubectl", *words], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def rendered(tmp_path: Path) -> list[dict[str, Any]]:
    """Everything as kustomize makes it."""
    return list(yaml.safe_load_all(kubectl(tmp_path, "kustomize", str(EXAMPLE))))


def test_what_is_rendered_fits_kubernetes_own_schema(rendered: list[dict[str, Any]]) -> None:
    assert [line for one in rendered for line in problems(one)] == []


def test_the_image_of_the_installation_is_everywhere(rendered: list[dict[str, Any]]) -> None:
    pods = [one["spec"]["template"]["spec"] for one in rendered if one["kind"] in ("Deployment", "StatefulSet")]
    used = [one["image"] for pod in pods for one in [*pod.get("initContainers", []), *pod["containers"]]]
    (image,) = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())["images"]
    assert used == [f"{image['newName']}:{image['newTag']}"] * len(list(containers()))


def test_settings_are_found_under_the_names_that_kustomize_gave_them(rendered: list[dict[str, Any]]) -> None:
    """A ConfigMap's name carries a hash of what is in it, so that a changed setting is a new start of its pods."""
    made = {one["metadata"]["name"] for one in rendered if one["kind"] == "ConfigMap"}
    text = json.dumps([one for one in rendered if one["kind"] in ("Deployment", "StatefulSet")])
    assert len(made) == 4
    assert [name for name in made if f'"{name}"' not in text] == []


def test_google_stands_behind_the_accounts_that_need_it(rendered: list[dict[str, Any]]) -> None:
    behind = {
        one["metadata"]["name"]: one["metadata"].get("annotations", {}).get("iam.gke.io/gcp-service-account", "")
        for one in rendered
        if one["kind"] == "ServiceAccount"
    }
    assert {name for name, account in behind.items() if account.startswith(f"{name}@")} == {
        "remediation-flows",
        "remediation-receiver",
    }


def test_kubectl_would_apply_it(cluster: str, tmp_path: Path, rendered: list[dict[str, Any]]) -> None:
    words = ["apply", "--dry-run=client", "--validate=false", "-o", "name", f"--server={cluster}", "-k", str(EXAMPLE)]
    said = kubectl(tmp_path, *words).splitlines()
    assert len(said) == len(rendered)
    assert f"namespace/{NAMESPACE}" in said
    assert "statefulset.apps/remediation-receiver" in said
