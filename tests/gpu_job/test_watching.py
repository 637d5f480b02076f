"""What became of a Job that was created: it runs, waits with its reason, or cannot run; never more than was seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import ClusterJob
from blocks.gke_pods import PodInfo
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_job.facts import Seen
from tasks.gpu_job.watching import is_settled, verdict, why_none
from tests.gpu_job.world import DIGEST, FIRST, deploy, live, put

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
IMAGE = f"gcr.io/p/x@{DIGEST}"
STUCK = 'CreateContainerConfigError: secret "gcs-service-account" not found'


def job(image: str = IMAGE, state: str = "", ran: str = "") -> ClusterJob:
    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    conditions = [{"type": state, "status": "True"}] if state else []
    meta = {"name": "j", "uid": "u"}
    made: dict[str, Any] = {"metadata": meta, "spec": {"template": template}, "status": {"conditions": conditions}}
    return ClusterJob(made, {"main": ran} if ran else {})


def pod(phase: str, node: str = "", waits: str = "", killed: str = "") -> PodInfo:
    return PodInfo("j-x", "j", phase, AT, waits=waits, killed=killed, node=node)


@pytest.mark.parametrize(
    ("seen", "word", "said", "over"),
    [
        (Seen(job(), pod("Running", "n")), "done", "", True),
        (Seen(job(), pod("Succeeded", "n")), "done", "", True),
        (Seen(job(ran=IMAGE), pod("Running", "n")), "done", "", True),
        (Seen(job(), pod("Pending", "n", "ContainerCreating")), "done", "", False),
        (Seen(job(), pod("Pending", "n", STUCK)), "failed", "cannot start: CreateContainerConfigError", True),
        (
            Seen(job(), pod("Pending", waits="Unschedulable: 0/2 nodes")),
            "partial",
            "no node: Unschedulable: 0/2",
            False,
        ),
        (Seen(job(), pod("Pending")), "partial", "nothing says why", False),
        (Seen(job(), None, "exceeded quota: q"), "partial", "has no pod: exceeded quota: q", False),
        (Seen(job(state="Failed"), pod("Failed", "n", killed="OOMKilled, exit code 137")), "failed", "OOMKilled", True),
        (Seen(job(state="Complete")), "done", "", True),
        (Seen(None), "failed", "somebody has deleted it", True),
        (Seen(job("gcr.io/p/x:1"), pod("Running", "n")), "failed", "and not gcr.io/p/x@sha256", True),
        (Seen(job(ran="gcr.io/p/x@sha256:1"), pod("Running", "n")), "failed", "runs gcr.io/p/x@sha256:1", True),
    ],
)
def test_each_state_has_its_word_and_says_what_was_seen(seen: Seen, word: str, said: str, over: bool) -> None:
    found = verdict(seen, "j", job().manifest)
    assert found.outcome == word, found
    assert said in " ".join(found.reasons)
    assert bool(found.reasons) == bool(said)
    assert is_settled(seen) == over


def test_a_pod_that_finds_no_gpu_is_waited_for_and_then_said_with_the_schedulers_words(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.change_pool("gpu-pool", maximum=0, nodes=0)
    try:
        one = deploy(environment)
    finally:
        sandbox.cluster.change_pool("gpu-pool", maximum=4, nodes=1)
    assert (one.outcome, "has no node: Unschedulable: 0/" in one.reasons[0]) == ("partial", True), one.sentence()
    assert "see remediate gpu status" in one.sentence()
    assert f"remediate undo {one.subject} {one.id}" in one.reasons[-1]


def test_a_quota_that_lets_no_pod_be_made_is_said_in_its_own_words_or_is_unknown(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    put(sandbox, "resourcequotas", "blueprint-quota", spec={"hard": {"requests.nvidia.com/gpu": "0"}})
    one = deploy(environment)
    assert (one.outcome, "exceeded quota: blueprint-quota" in one.reasons[0]) == ("partial", True), one.sentence()
    assert list(live(sandbox)) == [FIRST]
    sandbox.faults.add(FaultRule(service="kubernetes", method="events.list", kind="status", status=403))
    assert why_none(environment, FIRST).startswith("why is not known: ")
    sandbox.faults.clear()
    assert why_none(environment, "another-1") == "its controller has made none yet"
