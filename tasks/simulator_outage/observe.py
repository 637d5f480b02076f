"""Everything that a restart is planned by: the service, what in the cluster runs it, and which scenes failed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from blocks.environment import PipelineEnvironment
from blocks.execution import Execution
from tasks.actions.workflow_runs import meaning
from tasks.pipeline.activity import scene_of_argument
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.one import state_now
from tasks.simulator_outage.restart import LATELY_HOURS, RunsIt

MOST_EXECUTIONS = 300
"""Executions of one workflow that are looked at, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageFacts:
    """What was seen before anything is done."""

    at: datetime
    state: ServiceState
    unseen: tuple[str, ...] = ()
    runs_it: RunsIt = field(default_factory=RunsIt)
    failed: tuple[str, ...] = ()
    """Scenes whose last execution of a workflow that simulates has failed lately."""


def observe(environment: PipelineEnvironment, name: str) -> OutageFacts:
    """Look; what runs the service, and what failed, only when it is out."""
    state, unseen = state_now(environment, name)
    at, rule = datetime.now(UTC), environment.catalogue.services[name]
    if unseen or not state.out:
        return OutageFacts(at=at, state=state, unseen=tuple(unseen))
    failed = tuple(sorted(failed_scenes(environment, at))) if rule.gke_jobs else ()
    return OutageFacts(at=at, state=state, runs_it=replace(runs_it(environment, name), failed=failed), failed=failed)


def runs_it(environment: PipelineEnvironment, name: str) -> RunsIt:
    """Deployments and Jobs of the cluster that run the service."""
    if not environment.cluster.enabled:
        return RunsIt()
    catalogue, workloads = environment.catalogue, environment.cluster.workloads
    rule = catalogue.services[name]
    live = [found for one in rule.deployments if (found := workloads.deployment(one)) is not None]
    rolled = {
        one.name: newest.created
        for one in live
        if (newest := next((kept for kept in workloads.revisions(one) if kept.number == one.revision), None))
    }
    heads = [one.name.partition("{")[0] for one in catalogue.gke_jobs if catalogue.stages[one.stage].genie_sim]
    families = tuple(heads) if rule.gke_jobs and not live else ()
    jobs = [job for head in families for job in workloads.jobs(head)]
    newest_first = tuple(sorted(jobs, key=lambda one: (one.created, one.name), reverse=True))
    space = environment.cluster.namespace
    return RunsIt(deployments=tuple(live), rolled=rolled, jobs=newest_first, families=families, namespace=space)


def failed_scenes(environment: PipelineEnvironment, at: datetime) -> Iterator[str]:
    """Scenes whose newest execution of any workflow that simulates has failed, each once."""
    catalogue, since = environment.catalogue, at - timedelta(hours=LATELY_HOURS)
    simulating = {name for name, stage in catalogue.stages.items() if stage.genie_sim}
    newest: dict[str, Execution] = {}
    for name, workflow in catalogue.workflows.items():
        if not simulating & set(workflow.stages):
            continue
        for one in islice(environment.workflows.executions(name, since=since), MOST_EXECUTIONS):
            scene = scene_of_argument(one, environment)
            if scene and (scene not in newest or newest[scene].created < one.created):
                newest[scene] = one
    return (scene for scene, one in newest.items() if has_failed(environment, one))


def has_failed(environment: PipelineEnvironment, one: Execution) -> bool:
    """Whether an execution has failed, by its result too: several workflows return normally after a failure."""
    if one.state != "SUCCEEDED":
        return not one.live and one.state != "CANCELLED"
    return meaning(one.result, environment.catalogue.workflows[one.workflow].result) == "failed"
