"""Traps of the cluster, each by real objects of it: an empty pool, a small quota, a webhook without a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_capacity import NamespaceQuota
from blocks.node_pools import NodePoolInfo
from deployments.sandbox.cluster.resources import BY_PLURAL
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tasks.doctor.cluster_traps import judge_preflight, judge_quotas, says, with_preflight
from tasks.pipeline.deployed import Unread
from tests.doctor.told import Told, World, found, looked, workflow
from tests.doctor.world import codes, said, seen_by, source

SPACE, HOOK = "blueprint", "genie-sim-import-webhook"
EPISODES, EXPORT = "episode-generation-pipeline", "genie-sim-export-pipeline"
SAYS = "ERROR: No GPU nodes found with accelerator label nvidia-tesla-t4."
JUNE = f"deployments: {{{HOOK}: {{starts: genie-sim-import-pipeline, needs_one_of: [WEBHOOK_HMAC_SECRET, WEBHOOK_OIDC_AUDIENCE]}}}}"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox whose episodes' workflow checks for GPU nodes; each test takes away what it adds."""
    with Sandbox(job_seconds=0.02, seed=7) as running:
        made = for_sandbox(running.endpoints)
        steps = {
            "build": {"call": "http.post", "args": {"body": {"steps": [{"args": ["-c", f"echo '{SAYS}'; exit 1"]}]}}}
        }
        source(EPISODES, [steps])(running, made)
        made.close()
        yield running


@pytest.fixture
def asked(shared: Sandbox) -> Iterator[PipelineEnvironment]:
    made = for_sandbox(shared.endpoints)
    yield made
    made.close()
    shared.faults.clear()


@pytest.fixture
def quota(shared: Sandbox) -> Iterator[Any]:
    """Makes the quota of the namespace."""
    kind, registry = BY_PLURAL["resourcequotas"], shared.cluster.registry

    def make(**hard: str) -> None:
        registry.create(kind, SPACE, {"metadata": {"name": "blueprint-quota"}, "spec": {"hard": hard}})

    yield make
    registry.delete(kind, SPACE, "blueprint-quota", {})


@pytest.fixture
def hook(shared: Sandbox, asked: PipelineEnvironment) -> Iterator[Any]:
    """Deploys the webhook with this container."""
    kind, registry = BY_PLURAL["deployments"], shared.cluster.registry
    asked.catalogue_overlay = JUNE

    def make(**container: Any) -> None:
        main = {"name": "main", "image": "x:1"} | container
        template = {
            "metadata": {"labels": {"app": HOOK}},
            "spec": {"containers": [main, {"name": "b", "image": "b:1"}]},
        }
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": HOOK}}, "template": template}
        registry.create(kind, SPACE, {"metadata": {"name": HOOK}, "spec": spec})

    yield make
    registry.delete(kind, SPACE, HOOK, {})


def pool(name: str = "gpu-pool", accelerator: str = "nvidia-tesla-t4", **more: Any) -> NodePoolInfo:
    usual = {"per_node": 1, "autoscaling": True, "maximum": 10}
    return NodePoolInfo(name, "n1-standard-8", ("us-central1-a",), accelerator, **(usual | more))


# An empty pool


def test_a_check_that_an_empty_pool_fails_is_found_and_is_none_with_a_minimum(
    shared: Sandbox, asked: PipelineEnvironment
) -> None:
    sentence = said(seen_by("cluster", asked), "gpu-preflight-empty-pool")
    assert sentence == f"Workflow {EPISODES} wants a GPU node to be up, and the minimum of gpu-ci-pool, gpu-pool is 0."
    shared.cluster.change_pool("gpu-pool", minimum=1)
    look = seen_by("cluster", asked)
    shared.cluster.change_pool("gpu-pool", minimum=0)
    assert "gpu-preflight-empty-pool" not in codes(look)


@pytest.mark.parametrize(
    ("pools", "wrong"),
    [
        ([pool()], True),
        ([pool(minimum=1)], False),
        ([pool(autoscaling=False)], False),
        ([pool(), pool("gpu-ci-pool", minimum=1)], False),
        ([pool(), pool("cpu-pool", "", minimum=1)], True),
        ([pool("cpu-pool", "")], False),
        ([], False),
    ],
    ids=range(7),
)
def test_any_node_with_a_gpu_lets_the_check_pass(pools: list[NodePoolInfo], wrong: bool) -> None:
    look = looked(lambda _, look: judge_preflight([EPISODES], pools, look))
    assert bool(found(look)) is wrong
    assert found(looked(lambda _, look: judge_preflight([], pools, look))) == []


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        (f"main:\n  steps: [{SAYS}]", True),
        (f"main: a: b: {SAYS}", True),
        (f"  # {SAYS}\nmain: {{steps: []}}", False),
        ("echo 'GPU nodes are there'", False),
    ],
)
def test_the_words_of_the_check_count_and_not_what_a_comment_says_of_it(text: str, checks: bool) -> None:
    assert says(text, Told(World()).catalogue.gpu.preflight) is checks


def test_a_workflow_that_may_not_be_read_checks_nothing_that_is_known() -> None:
    world = World(workflows={EPISODES: Unread("It may not be read."), EXPORT: workflow(EXPORT, SAYS)})
    assert with_preflight(Told(world)) == [EXPORT]


# The quota


def test_a_quota_below_the_pools_is_a_note_and_one_above_is_none(asked: PipelineEnvironment, quota: Any) -> None:
    quota(**{"requests.nvidia.com/gpu": "4", "count/jobs.batch": "3"})
    sentence = said(seen_by("cluster", asked), "gpu-quota-below-pools")
    assert sentence == "The quota blueprint-quota allows 4 GPUs, and the node pools can have 10."


@pytest.mark.parametrize(
    ("hard", "pools", "wrong"),
    [
        (4, [pool()], True),
        (10, [pool()], False),
        (20, [pool()], False),
        (20, [pool(per_node=4)], True),
        (10, [pool(), pool("gpu-ci-pool")], False),
        (4, [pool("another")], False),
        (4, [pool(autoscaling=False, maximum=0)], False),
        (0, [], False),
    ],
    ids=range(8),
)
def test_a_quota_is_compared_with_the_pools_of_the_catalogue(hard: int, pools: list[NodePoolInfo], wrong: bool) -> None:
    one = NamespaceQuota("blueprint-quota", "requests.nvidia.com/gpu", 0, hard)
    look = looked(lambda deployed, look: judge_quotas(deployed, [one], pools, look))
    assert bool(found(look)) is wrong


def test_a_quota_of_other_things_is_not_compared(asked: PipelineEnvironment, quota: Any) -> None:
    quota(**{"count/jobs.batch": "3", "pods": "1"})
    assert "gpu-quota-below-pools" not in codes(seen_by("cluster", asked))


# What may not be looked at


@pytest.mark.parametrize(
    ("service", "method", "what"), [("kubernetes", "resourcequotas.list", "quotas"), ("container", "*", "node pools")]
)
def test_what_may_not_be_looked_at_is_a_note_and_nothing_is_concluded(
    shared: Sandbox, asked: PipelineEnvironment, service: str, method: str, what: str
) -> None:
    shared.faults.add(FaultRule(service=service, method=method, kind="status", status=403))
    look = seen_by("cluster", asked)
    assert [one.subject for one in look.findings if one.code.name == "cluster-not-looked-at"] == [what]
    assert [one.what for one in look.findings if one.level in ("error", "unknown")] == []


# The webhook


@pytest.mark.parametrize(
    "container",
    [
        {},
        {"env": []},
        {"env": [{"name": "WEBHOOK_HMAC_SECRET", "value": ""}]},
        {"env": [{"name": "WORKFLOW_NAME", "value": "genie-sim-import-pipeline"}]},
    ],
    ids=range(4),
)
def test_a_webhook_with_neither_variable_lets_nobody_in(
    asked: PipelineEnvironment, hook: Any, container: dict[str, Any]
) -> None:
    hook(**container)
    expected = f"Deployment {HOOK} has neither WEBHOOK_HMAC_SECRET nor WEBHOOK_OIDC_AUDIENCE."
    assert said(seen_by("cluster", asked), "webhook-without-secret") == expected


OF_A_SECRET = {"secretKeyRef": {"name": "webhook-secrets", "key": "k", "optional": True}}


@pytest.mark.parametrize(
    "container",
    [
        {"env": [{"name": "WEBHOOK_OIDC_AUDIENCE", "value": "https://webhook.example"}]},
        {"env": [{"name": "WEBHOOK_HMAC_SECRET", "valueFrom": OF_A_SECRET}]},
        {"envFrom": [{"secretRef": {"name": "webhook-secrets"}}]},
        {"envFrom": [{"configMapRef": {"name": "webhook-config"}}]},
    ],
    ids=range(4),
)
def test_a_webhook_that_has_one_or_may_have_it_is_left_alone(
    asked: PipelineEnvironment, hook: Any, container: dict[str, Any]
) -> None:
    hook(**container)
    assert "webhook-without-secret" not in codes(seen_by("cluster", asked))


@pytest.mark.parametrize("overlay", ["", JUNE, "2026-06"])
def test_a_webhook_that_is_not_deployed_is_not_judged(asked: PipelineEnvironment, overlay: str) -> None:
    asked.catalogue_overlay = overlay
    assert "webhook-without-secret" not in codes(seen_by("cluster", asked))
