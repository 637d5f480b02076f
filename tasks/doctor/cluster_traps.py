"""Traps of the cluster: a check that an empty pool fails, a quota below the pools, a webhook that lets nobody in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from blocks.errors import OutsideError, TemporaryError
from blocks.execution import WorkflowInfo
from blocks.gke_capacity import NamespaceQuota
from blocks.gke_pods import GPU
from blocks.node_pools import NodePoolInfo
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed
from tasks.remediation.report import listed

NOT_LOOKED_AT = Code(
    "cluster-not-looked-at",
    "note",
    "The right to see it is given only where what else it is for is wanted; whether it is in order is not known.",
    "Nothing, or grant what the sentence names (docs/security.md, 'Who may do what').",
)
EMPTY_POOL = Code(
    "gpu-preflight-empty-pool",
    "warning",
    "The build ends at once while no GPU node is up, and the autoscaler makes none before a pod waits for one: with pools "
    "that may be empty the stage fails until somebody makes room.",
    "Give one pool a minimum of 1 while such work is due, or take the check out of the workflow; `remediate gpu status` "
    "tells an empty pool from a shortage.",
)
QUOTA_BELOW = Code(
    "gpu-quota-below-pools",
    "note",
    "Two files of the pipeline set a quota of that name, one to 4 GPUs and one to 20, and the one that was applied last "
    "counts. Pods above it are refused while the pools could still grow.",
    "If it is not meant so, raise requests.nvidia.com/gpu of the quota, in the file that is applied last.",
)
LETS_NOBODY_IN = Code(
    "webhook-without-secret",
    "warning",
    "It cannot tell whose request it is, so it refuses all of them (401), or does not even start where ENV is production: "
    "what is reported to it starts nothing.",
    "Set one of these variables on the Deployment, and give the same secret or audience to whoever calls it.",
)
CODES = (NOT_LOOKED_AT, EMPTY_POOL, QUOTA_BELOW, LETS_NOBODY_IN)
WANTED = f"requests.{GPU}"


def judge_traps(deployed: Deployed, look: Look) -> None:
    """Node pools are asked for only if something here depends on them."""
    environment, quotas = deployed.environment, list[NamespaceQuota]()
    with allowed(look, "quotas"):
        quotas = [one for one in environment.cluster.capacity.quotas() if one.what == WANTED]
    checking = with_preflight(deployed)
    if quotas or checking:
        with allowed(look, "node pools"):
            pools = environment.node_pools.list()
            judge_preflight(checking, pools, look)
            judge_quotas(deployed, quotas, pools, look)
    for name, rule in deployed.catalogue.deployments.items():
        if rule.needs_one_of:
            with allowed(look, f"Deployment {name}"):
                judge_webhook(deployed, name, rule.needs_one_of, look)


@contextmanager
def allowed(look: Look, what: str) -> Iterator[None]:
    """What may not be looked at is said so. A service that does not answer ends the part."""
    try:
        yield
    except TemporaryError:
        raise
    except OutsideError as error:
        look.say(NOT_LOOKED_AT, what, f"Not looked at: {what}. {error}")


def with_preflight(deployed: Deployed) -> list[str]:
    """The deployed workflows that have a build look for GPU nodes first, by the words it says when it finds none."""
    try:
        workflows = deployed.workflows()
    except OutsideError:  # the part of workflows says so
        return []
    found = {name: one.source for name, one in workflows.items() if isinstance(one, WorkflowInfo)}
    return sorted(name for name, source in found.items() if says(source, deployed.catalogue.gpu.preflight))


def says(source: str, words: Sequence[str]) -> bool:
    """Whether a line that is no comment has one of these."""
    lines = (line for line in source.splitlines() if not line.lstrip().startswith("#"))
    return any(word in line for line in lines for word in words)


def judge_preflight(checking: list[str], pools: Sequence[NodePoolInfo], look: Look) -> None:
    """Any node with a GPU lets the check pass, also one of a pool that the Jobs themselves cannot use."""
    with_gpus = [pool for pool in pools if pool.accelerator]
    if not checking or not with_gpus:
        return
    empty = all(pool.autoscaling and not pool.minimum for pool in with_gpus)
    said = f"Workflow {listed(checking)} wants a GPU node to be up, and the minimum of {listed([one.name for one in with_gpus])} is 0."
    look.judge(EMPTY_POOL, checking[0], said, empty)


def judge_quotas(
    deployed: Deployed, quotas: Sequence[NamespaceQuota], pools: Sequence[NodePoolInfo], look: Look
) -> None:
    """Whether the pods of the namespace may have what the pools of the catalogue can."""
    most = sum(pool.most * pool.per_node for pool in pools if pool.name in deployed.catalogue.gpu.pools)
    for one in quotas:
        said = f"The quota {one.name} allows {one.hard} GPUs, and the node pools can have {most}."
        look.judge(QUOTA_BELOW, one.name, said, one.hard < most)


def judge_webhook(deployed: Deployed, name: str, variables: Sequence[str], look: Look) -> None:
    """What comes from a Secret or a whole ConfigMap is taken for set: nobody looks into those."""
    found = deployed.environment.cluster.workloads.deployment(name)
    containers: list[dict[str, Any]] = found.template["spec"].get("containers") or [] if found is not None else []
    if not containers or any(one.get("envFrom") for one in containers):
        return
    given = {
        env["name"] for one in containers for env in one.get("env") or () if env.get("value") or env.get("valueFrom")
    }
    said = f"Deployment {name} has neither {' nor '.join(variables)}."
    look.judge(LETS_NOBODY_IN, name, said, not given & set(variables))
