"""Every part of the examination, and everything that can come of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from tasks.doctor import (
    buckets,
    cluster_traps,
    events,
    examine,
    gpu,
    jobs,
    lifecycle,
    listening,
    permissions,
    prefect_blocks,
    prefect_deployments,
    prefect_server,
    schedulers,
    switches,
    traps,
    triggers,
    workflows,
    writers,
)
from tasks.doctor.examine import Look, Part
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed

CATALOGUE = Code(
    "catalogue-broken",
    "error",
    "No flow can begin without the catalogue, and nothing that is deployed can be compared with it.",
    "Mend catalogue_overlay of the environment block at the line that is named (docs/catalogue.md).",
)
CODES: tuple[Code, ...] = (
    CATALOGUE, *examine.CODES, *buckets.CODES, *lifecycle.CODES, *listening.CODES, *events.CODES, *triggers.CODES,
    *workflows.CODES, *traps.CODES, *writers.CODES, *jobs.CODES, *schedulers.CODES, *switches.CODES, *permissions.CODES,
    *gpu.CODES, *cluster_traps.CODES, *prefect_server.CODES, *prefect_deployments.CODES, *prefect_blocks.CODES,
)  # fmt: skip
"""Everything that the doctor can say; docs/operations/doctor.md has them all."""
PIPELINE: dict[str, Callable[[Deployed, Look], None]] = {
    "buckets": buckets.look_at_buckets,
    "permissions": permissions.look_at_permissions,
    "workflows": workflows.look_at_workflows,
    "jobs": jobs.look_at_jobs,
    "triggers": triggers.look_at_triggers,
    "delivery": listening.look_at_listening,
    "events": events.look_at_events,
    "schedulers": schedulers.look_at_schedulers,
    "switches": switches.look_at_switches,
    "genie sim": gpu.look_at_genie_sim,
    "cluster": gpu.look_at_cluster,
}
STARTS_WORK = ("triggers", "delivery", "schedulers", "workflows", "jobs")
"""Of these, what starts work by itself and what it starts."""


def looks_of(
    environment: PipelineEnvironment | None, home: Path | None, seconds: float, names: Collection[str] = tuple(PIPELINE)
) -> list[Look]:
    """Everything that is found.

    Args:
        environment: The pipeline that is looked at; None: none.
        home: The checkout with prefect.yaml, whose Prefect server is looked at; None: none.
        seconds: How long the parts may take, all at the same time.
        names: Which parts of the pipeline are looked at.
    """
    others = prefect_parts(home) if home else []
    if environment is None:
        return examine.examine(others, seconds)
    try:
        deployed = Deployed(environment)
    except ValueError as error:
        broken = Look("catalogue")
        broken.say(CATALOGUE, "catalogue_overlay", " ".join(str(error).split()))
        return [broken, *examine.examine(others, seconds)]
    load_libraries()  # before the threads, which would do it in each other's way
    try:
        return examine.examine([*pipeline_parts(deployed, names), *others], seconds)
    finally:
        deployed.close()


def pipeline_parts(deployed: Deployed, names: Collection[str]) -> list[Part]:
    """What is asked of Google, the cluster and the simulator."""
    return [Part(name, _on(look, deployed)) for name, look in PIPELINE.items() if name in names]


def prefect_parts(home: Path) -> list[Part]:
    """What is asked of the Prefect server in use."""
    return [
        Part("prefect server", lambda look: prefect_server.look_at_server(home, look)),
        Part("prefect deployments", lambda look: prefect_deployments.look_at_deployments(home, look)),
        Part("prefect blocks", prefect_blocks.look_at_blocks),
    ]


def _on(look_at: Callable[[Deployed, Look], None], deployed: Deployed) -> Callable[[Look], None]:
    return lambda look: look_at(deployed, look)
