"""What becomes of a flow run on Kubernetes: the Job that Prefect's own worker makes of our base job template."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

from tests.production.kubernetes_schema import problems
from tests.production.manifests import BASE, DOCKERFILE, EXAMPLE, HOME, TEMPLATE, kustomization, named, variables_in

AUTOMATIONS = yaml.safe_load((HOME / "deployments" / "automations.yaml").read_text())["automations"]
POOL = "production-of-a-test"
Job = dict[str, Any]
BASE_JOB_TEMPLATE = json.loads(TEMPLATE.read_text())
VARIABLES = BASE_JOB_TEMPLATE["variables"]["properties"]
DEPLOYMENTS = yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"]


def job_of(values: dict[str, Any]) -> Job:
    """The Job of a flow run of a deployment with these job variables."""
    made = asyncio.run(KubernetesWorkerJobConfiguration.from_template_and_values(BASE_JOB_TEMPLATE, values))
    made.prepare_for_flow_run(FlowRun(id=uuid4(), name="recover-kitchen-001", flow_id=uuid4()))
    return made.job_manifest


@pytest.fixture(params=sorted({json.dumps(one["work_pool"]["job_variables"]) for one in DEPLOYMENTS}))
def job(request: pytest.FixtureRequest, prefect_server: None) -> Job:
    """The Job of our deployments: of each set of job variables that one of them has."""
    return job_of(json.loads(request.param))


def pod_of(job: Job) -> dict[str, Any]:
    return dict(job["spec"]["template"]["spec"])


def env_of(job: Job) -> dict[str, str]:
    return {one["name"]: one["value"] for one in pod_of(job)["containers"][0]["env"]}


def test_every_variable_that_is_used_is_declared_and_every_declared_one_is_used() -> None:
    assert variables_in(json.dumps(BASE_JOB_TEMPLATE["job_configuration"])) == set(VARIABLES)


def test_the_defaults_are_what_the_variables_schema_allows() -> None:
    jsonschema.Draft202012Validator.check_schema(BASE_JOB_TEMPLATE["variables"])
    defaults = {name: one["default"] for name, one in VARIABLES.items() if "default" in one}
    jsonschema.validate(defaults, BASE_JOB_TEMPLATE["variables"])
    assert [name for name, one in VARIABLES.items() if not one.get("description")] == []


def test_a_job_is_whole_for_kubernetes(job: Job) -> None:
    pod = job["spec"]["template"]["spec"]
    # Prefect demands these two in the pod, where Kubernetes ignores them.
    assert (pod.pop("parallelism"), pod.pop("completions")) == (1, 1)
    assert problems(job) == []
    assert pod["containers"][0]["args"] == ["prefect", "flow-run", "execute"]


def test_a_pod_is_never_started_again_behind_prefects_back(job: Job) -> None:
    assert job["spec"]["backoffLimit"] == 0
    assert pod_of(job)["restartPolicy"] == "Never"


def test_a_run_whose_pod_must_go_is_scheduled_again_by_prefect(job: Job) -> None:
    """The next pod continues from the journal. Prefect's worker says so by itself only where Kubernetes retries nothing."""
    assert env_of(job)["PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"] == "reschedule"
    assert pod_of(job)["terminationGracePeriodSeconds"] >= 60


def test_a_run_shows_signs_of_life_three_times_before_it_is_called_dead(job: Job) -> None:
    (zombie,) = [one for one in AUTOMATIONS if one["trigger"]["after"] == ["prefect.flow-run.heartbeat"]]
    by_the_pool = job_of({})  # a deployment that forgets it
    for one in (job, by_the_pool):
        assert int(env_of(one)["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) * 3 <= zombie["trigger"]["within"]


def test_no_run_that_waits_for_its_pod_is_called_stuck() -> None:
    waits = VARIABLES["pod_watch_timeout_seconds"]["default"]
    for one in AUTOMATIONS:
        if "prefect.flow-run.Pending" in one["trigger"]["after"]:
            assert waits < one["trigger"]["within"], one["name"]


def test_a_run_is_bounded_and_has_the_account_of_flows(job: Job) -> None:
    pod = pod_of(job)
    container = pod["containers"][0]
    assert all(set(container["resources"][part]) == {"cpu", "memory"} for part in ("requests", "limits"))
    assert pod["serviceAccountName"] == named("ServiceAccount", "remediation-flows")["metadata"]["name"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert job["spec"]["activeDeadlineSeconds"] == 24 * 3600


def test_the_pod_has_the_label_by_which_network_policies_let_it_out(job: Job) -> None:
    assert job["spec"]["template"]["metadata"]["labels"]["app"] == "remediation-flow"


def test_an_image_of_a_deployment_replaces_the_pools(prefect_server: None) -> None:
    assert pod_of(job_of({"image": "registry/other:1"}))["containers"][0]["image"] == "registry/other:1"


def test_flow_runs_have_the_image_of_worker_and_receiver() -> None:
    (image,) = kustomization(EXAMPLE)["images"]
    assert VARIABLES["image"]["default"] == f"{image['newName']}:{image['newTag']}"


def test_the_worker_takes_the_runs_of_our_deployments_from_a_pool_of_its_own_kind() -> None:
    (worker,) = named("Deployment", "remediation-worker")["spec"]["template"]["spec"]["containers"]
    assert {worker["args"][worker["args"].index("--pool") + 1]} == {one["work_pool"]["name"] for one in DEPLOYMENTS}
    assert worker["args"][worker["args"].index("--type") + 1] == KubernetesWorker.type
    files = [name for one in kustomization(BASE)["configMapGenerator"] for name in one.get("files", [])]
    assert files == [TEMPLATE.name]


def test_a_worker_that_starts_makes_the_pool_and_leaves_one_that_is_paused_paused(prefect_server: None) -> None:
    (maker,) = named("Deployment", "remediation-worker")["spec"]["template"]["spec"]["initContainers"]
    shell, option, script = maker["args"]
    here = script.replace("/etc/work-pool", str(BASE)).replace("prefect ", f"{sys.executable} -m prefect ")
    here = here.replace(" remediation ", f" {POOL} ")
    environ = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    with get_client(sync_client=True) as client:
        for paused in (False, True):
            done = subprocess.run([shell, option, here], env=environ, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            pool = client.read_work_pool(POOL)
            assert (pool.type, pool.is_paused) == (KubernetesWorker.type, paused)
            assert pool.base_job_template == BASE_JOB_TEMPLATE
            client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True, base_job_template={}))


def test_the_password_of_the_server_reaches_a_run_by_reference_only() -> None:
    (worker,) = named("Deployment", "remediation-worker")["spec"]["template"]["spec"]["containers"]
    env = {one["name"]: one for one in worker["env"]}
    secret = env["PREFECT_API_AUTH_STRING"]["valueFrom"]["secretKeyRef"]
    prefix = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET"
    assert {part: env[f"{prefix}_{part.upper()}"]["value"] for part in ("name", "key")} == secret


def test_the_worker_may_do_in_its_namespace_what_it_must_and_no_more() -> None:
    rules = named("Role", "remediation-worker")["rules"]
    may = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert {("jobs", "create"), ("jobs", "delete"), ("pods", "watch"), ("pods/log", "get"), ("events", "list")} <= may
    assert {resource for resource, _ in may} == {"jobs", "pods", "pods/log", "pods/status", "events"}
    assert {resource for resource, verb in may if verb not in ("get", "list", "watch")} == {"jobs"}


def test_a_run_may_write_where_the_image_expects_it_to() -> None:
    """The rest of its file system is read-only: Prefect's home, our state, and temporary files are on volumes."""
    template = BASE_JOB_TEMPLATE["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    (container,) = template["containers"]
    mounts = {one["mountPath"] for one in container["volumeMounts"]}
    assert mounts == {"/var/lib/remediation", "/tmp"}
    written = re.findall(r"^ *(?:ENV )?(?:HOME|PREFECT_HOME|REMEDIATION_STATE)=([^ ]+)", DOCKERFILE.read_text(), re.M)
    assert len(written) == 3
    assert [path for path in written if not path.startswith("/var/lib/remediation")] == []
