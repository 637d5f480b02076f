"""The manifests fit Kubernetes, fit each other, and say what the rest of the project says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deployments.stack import LEASE_STORAGE, SERVER_SETTINGS, WORKER_SETTINGS
from tasks.doctor.examine import Look
from tasks.doctor.prefect_server import judge_settings
from tests.production.commands import refusal
from tests.production.known_settings import known_settings
from tests.production.kubernetes_schema import problems
from tests.production.manifests import (
    BASE,
    DOCKERFILE,
    EXAMPLE,
    IMAGE,
    NAMESPACE,
    TEMPLATE,
    containers,
    documents,
    generated,
    kustomization,
    named,
    of_kind,
    pods,
    settings,
)

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123: a label."""


@pytest.mark.parametrize("document", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_every_document_fits_kubernetes_own_schema(document: dict[str, Any]) -> None:
    assert problems(document) == []


def test_the_schema_check_sees_what_is_wrong() -> None:
    deployment = named("Deployment", "prefect-server")
    deployment["spec"]["replica"] = 2
    deployment["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": "4200"}]
    del deployment["spec"]["selector"]
    deployment["spec"]["template"]["spec"]["service_account_name"] = "prefect-server"
    assert {line.split(": ")[0] for line in problems(deployment)} == {
        "spec.replica",
        "spec.selector",
        "spec.template.spec.containers.0.ports.0.containerPort",
        "spec.template.spec.service_account_name",
    }


def test_names_are_lower_case_labels() -> None:
    names = [one["metadata"]["name"] for one in documents()] + [one["name"] for _, one in containers()]
    assert [name for name in [*names, *generated()] if not NAME.fullmatch(name)] == []


def test_everything_that_is_referred_to_exists() -> None:
    accounts = {one["metadata"]["name"] for one in of_kind("ServiceAccount")}
    labels = {pod["metadata"]["labels"]["app"]: pod for _, pod in pods()}
    for name, pod in pods():
        spec = pod["spec"]
        assert spec["serviceAccountName"] in accounts, name
        volumes = {volume["name"] for volume in spec["volumes"]} | {
            claim["metadata"]["name"]
            for one in of_kind("StatefulSet")
            if one["metadata"]["name"] == name
            for claim in one["spec"]["volumeClaimTemplates"]
        }
        assert {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume} <= generated()
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, name
            assert {one["configMapRef"]["name"] for one in container.get("envFrom", [])} <= generated()
            ports = {port["name"] for port in container.get("ports", [])}
            probes = [container[key] for key in container if key.endswith("Probe")]
            assert {probe["httpGet"]["port"] for probe in probes} <= ports, name
    for service in of_kind("Service"):
        pod = labels[service["spec"]["selector"]["app"]]
        offered = {port["name"] for one in pod["spec"]["containers"] for port in one.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= offered
    services = {one["metadata"]["name"] for one in of_kind("Service")}
    for rule in of_kind("Ingress")[0]["spec"]["rules"]:
        assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} <= services


def test_network_policies_know_the_pods_and_nobody_else_is_let_in() -> None:
    template = json.loads(TEMPLATE.read_text())
    apps = {pod["metadata"]["labels"]["app"] for _, pod in pods()}
    apps.add(template["variables"]["properties"]["labels"]["default"]["app"])
    text = json.dumps(of_kind("NetworkPolicy"))
    named_there = set(re.findall(r'"(?:app": "|)((?:prefect|remediation)-(?:server|worker|flow|receiver))"', text))
    assert named_there == apps
    (default,) = [one for one in of_kind("NetworkPolicy") if not one["spec"]["podSelector"]]
    assert set(default["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in default["spec"]


def test_from_outside_only_the_paths_of_events_are_reachable() -> None:
    (ingress,) = of_kind("Ingress")
    paths = {(path["path"], path["pathType"]) for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert {path for path, _ in paths} == {"/pubsub", "/cloudevents"}
    assert {kind for _, kind in paths} == {"Exact"}
    assert {one["spec"].get("type", "ClusterIP") for one in of_kind("Service")} == {"ClusterIP"}


@pytest.mark.parametrize(("name", "container"), containers(), ids=lambda one: one if isinstance(one, str) else "")
def test_containers_have_our_image_bounds_and_no_more_rights_than_they_need(name: str, container: Any) -> None:
    assert container["image"] == IMAGE
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_service_adds_no_variable_that_looks_like_a_setting() -> None:
    """Kubernetes would give each pod PREFECT_SERVER_PORT=tcp://... for the service prefect-server."""
    template = json.loads(TEMPLATE.read_text())["job_configuration"]["job_manifest"]["spec"]["template"]
    assert [pod["spec"]["enableServiceLinks"] for pod in [*(pod for _, pod in pods()), template]] == [False] * 4


def test_events_are_taken_while_prefect_is_away() -> None:
    """A receiver that is not ready gets no requests; the disk is all it needs to take one."""
    (receiver,) = named("StatefulSet", "remediation-receiver")["spec"]["template"]["spec"]["containers"]
    assert receiver["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_pods_are_not_root_and_share_no_namespace_of_processes() -> None:
    """A lease is taken from a holder whose process is gone; between namespaces nobody can tell, so nobody may share one."""
    for name, pod in pods():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        assert {"hostPID", "hostNetwork", "hostIPC", "shareProcessNamespace"} & set(pod["spec"]) == set(), name


@pytest.mark.parametrize(("name", "container"), containers(), ids=lambda one: one if isinstance(one, str) else "")
def test_commands_exist_with_these_options(name: str, container: Any) -> None:
    assert refusal(container["args"]) is None


@pytest.mark.parametrize(
    "arguments",
    [["remediate", "receiver", "--prot", "8080"], ["prefect", "server", "begin"], ["sh", "-c", "prefect x"]],
)
def test_the_check_of_commands_refuses_what_does_not_exist(arguments: list[str]) -> None:
    assert refusal(arguments)


def test_secrets_are_only_referred_to() -> None:
    assert of_kind("Secret") == []
    for name, container in containers():
        for variable in container.get("env", []):
            secret = re.search(r"AUTH_STRING$|PASSWORD|TOKEN|(DATABASE|REDIS|DOCKET|QUEUE).*_URL$", variable["name"])
            assert not secret or "secretKeyRef" in variable["valueFrom"], f"{name}: {variable['name']}"
    for path in [*BASE.iterdir(), *EXAMPLE.iterdir()]:
        assert not re.search(r"://[^/\s$]+:[^/\s$]+@", path.read_text()), path.name


@pytest.mark.parametrize("name", ["server", "client"])
def test_every_setting_is_one_that_prefect_or_its_integrations_know(name: str) -> None:
    """Prefect ignores an environment variable that it does not know, without a word."""
    assert {one for one in settings(name) if one.startswith("PREFECT_")} - known_settings() == set()


def test_every_variable_of_a_container_is_a_setting_that_is_known() -> None:
    used = {one["name"] for _, container in containers() for one in container.get("env", [])}
    assert used - known_settings() == set()


def test_server_and_worker_have_the_settings_of_the_stack() -> None:
    server = settings("server")
    differs = {name: server.get(name) for name, value in SERVER_SETTINGS.items() if server.get(name) != value}
    assert differs == {LEASE_STORAGE[0]: "prefect_redis.lease_storage"}, "several servers share leases through Redis"
    client = settings("client")
    assert {name: client.get(name) for name in WORKER_SETTINGS} == WORKER_SETTINGS


def test_the_doctor_has_nothing_to_say_of_the_servers_settings() -> None:
    server = settings("server")
    flush = float(server["PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL"])
    services = {"task_run_recorder": {"flush_interval": flush}}
    body = {"server": {"concurrency": {"lease_storage": server[LEASE_STORAGE[0]]}, "services": services}}
    look = Look("prefect server")
    judge_settings(body, look)
    assert (look.findings, look.good) == ([], 2)


def test_clients_are_told_where_the_server_is() -> None:
    (port,) = named("Service", "prefect-server")["spec"]["ports"]
    assert settings("client")["PREFECT_API_URL"] == f"http://prefect-server:{port['port']}/api"
    assert settings("server")["PREFECT_SERVER_API_PORT"] == str(port["port"])


def test_two_versions_of_the_server_never_use_one_database() -> None:
    assert named("Deployment", "prefect-server")["spec"]["strategy"] == {"type": "Recreate"}


def test_the_receivers_spool_is_on_a_disk_that_outlives_the_pod_and_only_one_writes_it() -> None:
    spec = named("StatefulSet", "remediation-receiver")["spec"]
    assert spec["replicas"] == 1
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    (receiver,) = spec["template"]["spec"]["containers"]
    (where,) = [one["mountPath"] for one in receiver["volumeMounts"] if one["name"] == claim["metadata"]["name"]]
    assert f"REMEDIATION_STATE={where}/" in DOCKERFILE.read_text()


def test_everything_is_in_one_namespace_but_the_rights_in_the_pipelines_own() -> None:
    assert kustomization(BASE)["namespace"] == NAMESPACE
    elsewhere = [one for one in documents() if one["metadata"].get("namespace", NAMESPACE) != NAMESPACE]
    assert {one["kind"] for one in elsewhere} == {"Role", "RoleBinding"}
    roles = {one["metadata"]["name"]: one["rules"] for one in elsewhere if one["kind"] == "Role"}
    roles.pop("remediation-rollback")  # only where an installation lists it: tests/rollback/test_rights.py
    roles.pop("remediation-gpu")  # likewise: tests/gpu_capacity/test_page.py
    roles.pop("remediation-gpu-job")  # likewise: tests/gpu_job/test_page.py
    assert roles == {
        "remediation-flows": [
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list"]},
            {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list", "patch"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ]
    }
