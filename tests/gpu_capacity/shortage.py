"""A stock-out in which scenes have failed, and processes that follow the relief up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from blocks.catalogue_query import workflow_argument
from blocks.environment import PipelineEnvironment
from blocks.gke_switches import WorkKind
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.follow import follow
from tasks.gpu_capacity.watch import GpuWatch, Standing
from tasks.pipeline.activity import scene_of_argument
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.batch import threads
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.debt import Rerun
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.gpu_capacity.world import CRITICAL, WAITS, job, nightly, older
from tests.recovery.world import DATA, until, without_triggers

EXPORT = "genie-sim-export-pipeline"


def scenes(sandbox: Sandbox, count: int) -> list[str]:
    """Small scenes that are about to be exported."""
    names = [f"office_{number:03d}" for number in range(count)]
    for name in names:
        make_scene(sandbox.store, DATA, name, "office", objects=1, upto="variation")
    return names


def start_export(environment: PipelineEnvironment, name: str) -> None:
    """Start the export workflow on a scene, as a trigger does."""
    marker, catalogue = "variation_assets/.variation_pipeline_complete", environment.catalogue
    argument = workflow_argument(catalogue, EXPORT, bucket=DATA, scene_id=name, event_name=marker, job_id=None)
    environment.workflows.start(EXPORT, argument, labels={})


def export(environment: PipelineEnvironment, names: Iterable[str]) -> None:
    """Run the export workflow on each, and wait until all have ended."""
    for name in names:
        start_export(environment, name)
    until(lambda: all(not one.live for one in environment.workflows.executions(EXPORT)))


def stock_out(sandbox: Sandbox) -> None:
    """The zone has no GPUs: what wants one fails, or waits with work that can wait."""
    without_triggers(sandbox)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="stock_out"))
    sandbox.cluster.change_pool("gpu-pool", fault="stock_out")
    job(sandbox, f"{CRITICAL}-0")
    job(sandbox, CRITICAL)
    job(sandbox, WAITS)
    nightly(sandbox)
    older(sandbox, 20)


def gpus_return(sandbox: Sandbox) -> None:
    """The zone has GPUs again, and the autoscaler gets one."""
    sandbox.simulator.forgive()
    sandbox.cluster.change_pool("gpu-pool", fault="")


def heir(environment: PipelineEnvironment) -> Context:
    """A process that knows that the earlier one is gone."""
    return Context(environment, "the watch", gone=lambda _: True)


def look(context: Context) -> Run:
    """What the watch sees."""
    return check(GpuWatch(), context, None)


def standings(context: Context) -> list[Standing]:
    """The reliefs that are not over."""
    seen = look(context)
    assert seen.facts is not None, seen.sentence()
    found: list[Standing] = seen.facts.facts
    return found


def rerun(context: Context, waves: list[list[str]], *, one_by_one: bool) -> Rerun:
    """Recoveries, as the flow makes them; `waves` takes down which scenes were worked on together."""

    def recover(name: str) -> Run:
        return run(ExportRecovery(), context, RecoveryRequest(scene_id=name, mode="apply", accept_systematic=True))

    def wave(group: list[str]) -> list[Run]:
        waves.append(group)
        return [recover(name) for name in group] if one_by_one else threads(recover)(group)

    return Rerun(PROCEDURE, wave)


def watch(
    environment: PipelineEnvironment, waves: list[list[str]] | None = None, *, one_by_one: bool = False
) -> list[Run]:
    """One process of the watch: it looks, and follows up what can be."""
    context, taken = heir(environment), waves if waves is not None else []
    ready = [one for one in standings(context) if one.state in ("back", "owes")]
    return [follow(context, one, rerun(context, taken, one_by_one=one_by_one)) for one in ready]


def settings(environment: PipelineEnvironment) -> dict[str, int]:
    """What the work in the cluster is set to."""
    kinds: tuple[WorkKind, ...] = ("Job", "CronJob", "Deployment")
    return {one.name: one.setting for kind in kinds for one in environment.cluster.switches.list(kind)}


def reruns(environment: PipelineEnvironment) -> Counter[str]:
    """How often each scene was exported; once when it failed, and once for each time it was made again."""
    return Counter(str(scene_of_argument(one, environment)) for one in environment.workflows.executions(EXPORT))
