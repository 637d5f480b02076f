"""kubectl as it is, against the sandbox: what an on-call engineer types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.sandbox.cluster.api import KubernetesApi
from deployments.sandbox.cluster.cluster import Cluster
from deployments.sandbox.faults import Faults
from deployments.sandbox.requests import RequestLog
from deployments.sandbox.services.loopback import HOST, HttpServer

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

SPACE = "blueprint"


@dataclass
class Kubectl:
    """kubectl with a home of its own, in the pipeline's namespace."""

    cluster: Cluster
    requests: RequestLog
    url: str
    home: Path

    def run(self, *words: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
        """What a command prints; `stdin` is given to it as JSON, one document or several: a bare `Y` of YAML is a bool to it."""
        every = [] if stdin is None else stdin if isinstance(stdin, list) else [stdin]
        text = "\n".join(json.dumps(one) for one in every)
        command = ["kubectl", f"--server={self.url}", "-n", SPACE, *words]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, env=env, check=False)

    def __call__(self, *words: str, stdin: object = None) -> str:
        """The same, which must succeed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *words: str, stdin: object = None) -> str:
        """The same, which must fail; what it complains of."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def read(self, *words: str) -> dict[str, object]:
        """An object."""
        found: dict[str, object] = json.loads(self("get", *words, "-o", "json"))
        return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all: kubectl keeps what it has discovered there."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.fixture
def kubectl(home: Path) -> Iterator[Kubectl]:
    cluster, log = Cluster(("default", SPACE)), RequestLog()
    server = HttpServer(KubernetesApi(cluster, Faults(1), log), 0)
    yield Kubectl(cluster, log, f"http://{HOST}:{server.port}", home)
    server.stop()


def job(name: str = "gpu-1", **spec: object) -> dict[str, object]:
    container = {"name": "main", "image": "gcr.io/p/image", "resources": {"limits": {"nvidia.com/gpu": 1}}}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    meta = {"name": name, "labels": {"app": "episode-generation"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template, **spec}}


def deployment(image: str, replicas: int = 2, **env: str) -> dict[str, object]:
    container = {"name": "main", "image": image, "env": [{"name": name, "value": value} for name, value in env.items()]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def test_a_job_is_created_seen_described_and_deleted(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    assert "gpu-1" in kubectl("get", "jobs")
    assert "Running" in kubectl("get", "pods", "-A", "-o", "wide")
    described = kubectl("describe", "job", "gpu-1")
    assert "nvidia.com/gpu:  1" in described
    assert "1 Active (1 Ready)" in described
    kubectl("delete", "job", "gpu-1", "--timeout=20s")
    assert "NotFound" in kubectl.refused("get", "job", "gpu-1")


def test_apply_makes_changes_and_leaves_alone(kubectl: Kubectl) -> None:
    said = [kubectl("apply", "-f", "-", stdin=deployment(image, A="1")).split()[-1] for image in ("x:1", "x:1", "x:2")]
    assert said == ["created", "unchanged", "configured"]
    shown = kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert shown == "x:2"


def test_apply_on_the_server_owns_fields_and_refuses_to_take_anothers(kubectl: Kubectl) -> None:
    words = ("apply", "--server-side", "-f", "-")
    kubectl(*words, "--field-manager=one", stdin=deployment("x:1", A="1", B="2"))
    assert "conflict" in kubectl.refused(*words, "--field-manager=two", stdin=deployment("x:2"))
    kubectl(*words, "--field-manager=two", "--force-conflicts", stdin=deployment("x:2"))
    kubectl(*words, "--field-manager=one", "--force-conflicts", stdin=deployment("x:3", A="1"))
    (container,) = kubectl.read("deployment", "web")["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    assert (container["image"], container["env"]) == ("x:3", [{"name": "A", "value": "1"}])
    managers = kubectl("get", "deployment", "web", "--show-managed-fields", "-o", "jsonpath={..manager}")
    assert managers.split() == ["two", "one"]


@pytest.mark.parametrize(
    "words", [("create", "-f", "-"), ("apply", "-f", "-"), ("apply", "--server-side", "-f", "-")], ids=str
)
def test_a_dry_run_on_the_server_judges_but_changes_nothing(kubectl: Kubectl, words: tuple[str, ...]) -> None:
    assert "dry run" in kubectl(*words, "--dry-run=server", stdin=job())
    assert "is invalid" in kubectl.refused(*words, "--dry-run=server", stdin=job("Gpu_1"))
    assert "No resources found" in kubectl.run("get", "jobs").stderr
    assert kubectl.requests.mutating() == {"total": 0}


def test_a_dry_run_of_a_deletion_deletes_nothing(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    kubectl("delete", "job", "gpu-1", "--dry-run=server")
    assert "gpu-1" in kubectl("get", "jobs")


@pytest.mark.parametrize("name", ["geniesim-gpu-kitchen_001-1", "Gpu-1", "-gpu", "gpu.", "g" * 64])
def test_a_name_that_is_no_name_is_invalid(kubectl: Kubectl, name: str) -> None:
    complaint = kubectl.refused("create", "-f", "-", stdin=job(name))
    assert "is invalid" in complaint
    assert name in complaint


def test_an_unknown_field_and_a_wrong_type_are_refused_with_their_place(kubectl: Kubectl) -> None:
    assert 'unknown field "spec.colour"' in kubectl.refused("create", "-f", "-", stdin=job(colour="red"))
    assert "spec.parallelism" in kubectl.refused("create", "-f", "-", stdin=job(parallelism="many"))


def test_wait_ends_when_the_condition_holds_and_not_before(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    words = ("wait", "--for=condition=complete", "job/gpu-1")
    assert "timed out" in kubectl.refused(*words, "--timeout=1s")
    kubectl.cluster.set_state(SPACE, "gpu-1", "succeeded")
    assert "condition met" in kubectl(*words, "--timeout=20s")


def test_wait_for_a_deletion_sees_it_come(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    kubectl("delete", "job", "gpu-1", "--wait=false")
    kubectl("wait", "--for=delete", "job/gpu-1", "--timeout=20s")


def test_a_watch_shows_what_is_there_and_what_changes(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    command = ["kubectl", f"--server={kubectl.url}", "-n", SPACE, "get", "jobs", "-w", "-o", "name"]
    env = {"PATH": os.environ["PATH"], "HOME": str(kubectl.home)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline().strip() == "job.batch/gpu-1"
            kubectl.cluster.set_state(SPACE, "gpu-1", "succeeded")
            assert watching.stdout.readline().strip() == "job.batch/gpu-1"
        finally:
            watching.terminate()


def test_logs_are_those_of_the_pod_of_a_job_and_not_of_one_that_waits(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    (pod,) = [one["metadata"]["name"] for one in kubectl.cluster.objects.all("pods", SPACE)]
    kubectl.cluster.logs[SPACE, pod] = "one\ntwo\nthree\n"
    assert kubectl("logs", "job/gpu-1") == "one\ntwo\nthree\n"
    assert kubectl("logs", pod, "--tail=1", "-c", "main") == "three\n"
    kubectl.cluster.set_state(SPACE, "gpu-1", "pending")
    assert "waiting to start" in kubectl.refused("logs", pod)


def test_a_pending_pod_says_why_in_its_events(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job())
    kubectl.cluster.set_state(SPACE, "gpu-1", "pending")
    assert "Insufficient nvidia.com/gpu" in kubectl("describe", "pods")
    assert "FailedScheduling" in kubectl("get", "events", "-A")
    assert "gpu-1" in kubectl("get", "pods", "--field-selector=status.phase=Pending", "-o", "name")
    assert kubectl("get", "pods", "--field-selector=status.phase!=Pending", "-o", "name") == ""
    assert "not supported" in kubectl.refused("get", "pods", "--field-selector=spec.colour=red")


def test_nodes_say_what_they_have(kubectl: Kubectl) -> None:
    node = kubectl("get", "nodes", "-l", "cloud.google.com/gke-accelerator", "-o", "name").strip()
    assert "nvidia.com/gpu:     1" in kubectl("describe", node)
    kubectl("create", "-f", "-", stdin=job())
    assert "gpu-1" in kubectl("describe", node), "the pods that run there are chosen by spec.nodeName"
    kubectl("cordon", node)
    assert "SchedulingDisabled" in kubectl("get", node)


def test_a_rollout_has_a_history_and_can_be_undone(kubectl: Kubectl) -> None:
    for image in ("x:1", "x:2"):
        kubectl("apply", "-f", "-", stdin=deployment(image))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    history = [line.split()[0] for line in kubectl("rollout", "history", "deployment/web").splitlines()[2:] if line]
    assert history == ["1", "2"]
    assert "x:1" in kubectl("rollout", "history", "deployment/web", "--revision=1")
    kubectl("rollout", "undo", "deployment/web")
    shown = kubectl("get", "deployment", "web", "-o", "jsonpath={..image} {.metadata.annotations}")
    assert shown.startswith("x:1 ")
    history = [line.split()[0] for line in kubectl("rollout", "history", "deployment/web").splitlines()[2:] if line]
    assert history == ["2", "3"]
    images = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={..spec.containers[*].image}").split()
    assert images == ["x:1", "x:1"]


def test_a_restart_makes_a_new_revision_and_a_scale_does_not(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=deployment("x:1"))
    kubectl("scale", "deployment/web", "--replicas=3")
    assert "3/3" in kubectl("get", "deployment", "web")
    assert len(kubectl("get", "pods", "-o", "name").split()) == 3
    assert len(kubectl("get", "replicasets", "-o", "name").split()) == 1
    kubectl("rollout", "restart", "deployment/web")
    assert len(kubectl("get", "replicasets", "-o", "name").split()) == 2


def test_a_cron_job_is_suspended_and_described(kubectl: Kubectl) -> None:
    nightly = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}}
    kubectl(
        "create", "-f", "-", stdin=nightly | {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job()["spec"]}}}
    )
    assert "False" in kubectl("get", "cronjobs")
    kubectl("patch", "cronjob", "nightly", "-p", '{"spec":{"suspend":true}}')
    assert "True" in kubectl("get", "cronjobs")
    assert "Suspend:                       True" in kubectl("describe", "cronjob", "nightly")


def test_a_quota_counts_and_refuses(kubectl: Kubectl) -> None:
    hard = {"hard": {"count/jobs.batch": "1", "requests.nvidia.com/gpu": 4}}
    kubectl(
        "create",
        "-f",
        "-",
        stdin={"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": hard},
    )
    kubectl("create", "-f", "-", stdin=job())
    assert "exceeded quota: q" in kubectl.refused("create", "-f", "-", stdin=job("gpu-2"))
    used = kubectl.read("quota", "q")["status"]["used"]  # type: ignore[index]
    assert used == {"count/jobs.batch": "1", "requests.nvidia.com/gpu": "1"}


def test_a_namespace_that_is_deleted_takes_everything_in_it(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "extra"}})
    kubectl("create", "-n", "extra", "-f", "-", stdin=job())
    kubectl("delete", "namespace", "extra", "--timeout=20s")
    assert "extra" not in kubectl("get", "jobs,pods,namespaces", "-A")


def test_labels_annotations_edits_and_diffs_work_as_patches(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=job())
    kubectl("label", "job", "gpu-1", "scene=a")
    kubectl("annotate", "job", "gpu-1", "why=test")
    kubectl("patch", "job", "gpu-1", "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/app"}]')
    meta = kubectl.read("job", "gpu-1")["metadata"]
    assert (meta["labels"], meta["annotations"]["why"]) == ({"scene": "a"}, "test")  # type: ignore[index]
    assert kubectl.run("diff", "-f", "-", stdin=job()).returncode == 1


def test_what_the_sandbox_has_is_discovered_and_what_it_has_not_is_said(kubectl: Kubectl) -> None:
    assert {"jobs", "cronjobs", "deployments", "pods", "nodes"} <= {
        line.split()[0] for line in kubectl("api-resources", "--no-headers").splitlines()
    }
    assert "v1.34.0-sandbox" in kubectl("version")
    assert "sandbox does not serve" in kubectl.refused("get", "--raw", "/apis/networking.k8s.io/v1/ingresses")


def test_a_shortage_of_gpus_is_seen_in_nodes_pods_events_and_quotas(kubectl: Kubectl) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "blueprint-quota"}}
    kubectl("create", "-f", "-", stdin=quota | {"spec": {"hard": {"requests.nvidia.com/gpu": 2}}})
    kubectl.cluster.change_pool("gpu-pool", maximum=1)
    for number in (1, 2, 3):
        kubectl("create", "-f", "-", stdin=job(f"gpu-{number}"))
    seen = kubectl("get", "nodes,pods,events,resourcequota")
    assert "gke-sandbox-gpu-pool-0" in seen
    assert "Pending" in seen
    assert "max node group size reached" in seen
    assert "exceeded quota: blueprint-quota" in seen
    assert "requests.nvidia.com/gpu" in kubectl("describe", "resourcequota", "blueprint-quota")
    kubectl.cluster.set_node("gke-sandbox-gpu-pool-0", "not_ready")
    assert "NotReady" in kubectl("get", "nodes")
    assert "Kubelet stopped posting" in kubectl("describe", "node", "gke-sandbox-gpu-pool-0")
