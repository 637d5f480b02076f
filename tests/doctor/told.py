"""An installation that is told as plain data: what the doctor's judges make of it needs no service at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blocks.bucket_facts import BucketFacts
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from blocks.execution import WorkflowInfo
from blocks.run_jobs import JobInfo
from blocks.schedulers import SchedulerInfo
from blocks.stored_object import Protection
from tasks.doctor.examine import Look
from tasks.pipeline.deployed import Deployed, Jobs, Workflows

PLACE = "projects/p/locations/us-central1"
FINALIZED = "google.cloud.storage.object.v1.finalized"
DATA, OPS, BACKUP = "the-data", "the-ops", "the-backup"


def environment(**fields: Any) -> PipelineEnvironment:
    """An environment with three buckets."""
    named = {"project": "p", "data_bucket": DATA, "ops_bucket": OPS, "backup_bucket": BACKUP}
    return PipelineEnvironment(**(named | fields))


@dataclass
class World:
    """What is deployed. As it is made, everything of the catalogue is there and well."""

    environment: PipelineEnvironment = field(default_factory=environment)
    triggers: list[dict[str, Any]] | None = None
    schedulers: list[SchedulerInfo] | None = None
    workflows: Workflows = field(default_factory=dict)
    jobs: Jobs = field(default_factory=dict)
    buckets: dict[str, BucketFacts] = field(default_factory=dict)


class Told(Deployed):
    """An installation that answers with a world's data, and with what is well where the world says nothing."""

    def __init__(self, world: World) -> None:
        super().__init__(world.environment)
        self.world = world

    def triggers(self) -> list[dict[str, Any]]:
        if self.world.triggers is not None:
            return self.world.triggers
        return [trigger(name, known.workflow) for name, known in self.catalogue.triggers.items() if known.deployed]

    def schedulers(self) -> list[SchedulerInfo]:
        if self.world.schedulers is not None:
            return self.world.schedulers
        return [scheduler(name, one.cron, target=one.target) for name, one in self.catalogue.schedulers.items()]

    def workflows(self) -> Workflows:
        return {name: workflow(name) for name in self.catalogue.workflows} | self.world.workflows

    def jobs(self) -> Jobs:
        there: Jobs = {name: job(name, one.timeout_seconds or 0) for name, one in self.catalogue.jobs.items()}
        return there | self.world.jobs

    def bucket(self, name: str) -> BucketFacts:
        found = self.world.buckets.get(name, facts(name))
        if found.name != name:
            raise NotFound(f"{name} may not be looked at")
        return found


def looked(judge: Callable[[Deployed, Look], None], world: World | None = None) -> Look:
    """What a judge says of a world."""
    look = Look("a part")
    judge(Told(world or World()), look)
    return look


def found(look: Look) -> list[tuple[str, str]]:
    """Code and subject of each finding, in order."""
    return [(one.code.name, one.subject) for one in look.findings]


def facts(name: str = DATA, **settings: Any) -> BucketFacts:
    """A bucket in order: soft delete, uniform access, nothing that keeps or deletes."""
    kinds = Protection.__dataclass_fields__
    kept = {"exists": True, "soft_delete_seconds": 604_800} | {k: v for k, v in settings.items() if k in kinds}
    others = {key: value for key, value in settings.items() if key not in kinds}
    usual = {"location": "US-CENTRAL1", "project_number": "1", "uniform_access": True}
    return BucketFacts(name, Protection(**kept), **(usual | others))


def trigger(
    called: str, workflow: str, /, location: str = "us-central1", subscription: str = "", **filters: str
) -> dict[str, Any]:
    """A trigger as Google's REST API gives it; a filter that is empty is not there."""
    wanted = {"type": FINALIZED, "bucket": DATA} | filters
    return {
        "name": f"projects/p/locations/{location}/triggers/{called}",
        "eventFilters": [{"attribute": key, "value": value} for key, value in wanted.items() if value],
        "destination": {"workflow": f"{PLACE}/workflows/{workflow}"} if workflow else {},
        "transport": {"pubsub": {"subscription": subscription}},
    }


def scheduler(name: str, cron: str, state: str = "ENABLED", target: str = "", **definition: Any) -> SchedulerInfo:
    """A scheduler job."""
    return SchedulerInfo(name, cron, "Etc/UTC", state, target, definition)


def workflow(name: str, source: str = "main: {steps: []}", state: str = "ACTIVE", **fields: Any) -> WorkflowInfo:
    """A deployed workflow."""
    return WorkflowInfo(name=name, state=state, revision="1", updated=None, source=source, **fields)


def job(name: str, timeout: int = 3600, problem: str = "", **env: str) -> JobInfo:
    """A deployed job."""
    return JobInfo(name, "an-image", timeout, env, problem)


def steps(*lines: str) -> str:
    """The source of a workflow with these steps, each a line of YAML."""
    return "\n".join(["main:", "  params: [event]", "  steps:", *(f"    - {line}" for line in lines)])


def names(values: Sequence[tuple[str, str]], code: str) -> list[str]:
    """Subjects of one code."""
    return [subject for one, subject in values if one == code]
