"""Rules of the catalogue about objects and what stands beside the stages: classes, locks, guards, retention, GPU Jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from blocks.patterns import matches_any

ObjectClass = Literal[
    "input",
    "data",
    "completion_marker",
    "trigger_object",
    "lock",
    "guard",
    "idempotency_record",
    "failure_marker",
    "report",
]


class Model(BaseModel):
    """Read-only; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listing(Model):
    """A document of a stage that lists by name what else the stage made."""

    document: str
    key: str
    paths: tuple[str, ...]
    """What each `{name}` of the list must have."""


class Clear(Model):
    """Patterns of what to remove before the stage is run again; they may hold `{job_id}` of `geniesim/job.json`."""

    markers: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


class Lock(Model):
    """A lock object some workflow takes; `path` may be a pattern. `holder_field` names the execution that holds it."""

    path: str
    stage: str = ""
    """Empty for locks that nobody has described: they stop every stage."""
    holder_field: str = "execution_id"
    workflow: str = ""
    """Empty: the lock itself says it, in its field `workflow`."""
    ttl_seconds: int | None = None


class Guard(Model):
    """An object by which a person, or the pipeline itself, stops work. It is no data: never deleted, never rerun past.

    The first guard whose pattern fits an object is the one it is.
    """

    paths: tuple[str, ...] = Field(min_length=1)
    """Patterns relative to the scene, or to the bucket when `bucket_wide`."""
    bucket_wide: bool = False
    argument_key: str = ""
    """Key of the scene's settings or of an execution's argument that names another path for it."""
    kind: Literal["stop", "pause", "breaker"]
    """`stop`: its being there stops. `pause`: the same, or JSON that says `paused`. `breaker`: JSON that says `open`."""
    recovery_seconds: int = Field(default=600, gt=0)
    """Of a breaker: how long after it opened one run is let through as a probe."""
    stages: tuple[str, ...] = ()
    """What it stops; empty means every stage."""
    meaning: str
    """What it says, as the end of a sentence that begins with its path, and what to do."""


class Retention(Model):
    """What the pipeline's own clean-up deletes by age, silently in the bucket."""

    patterns: tuple[str, ...] = Field(min_length=1)
    days: int = Field(gt=0)
    job: str = ""
    """The job that deletes it, whose log names each object; empty: none is known."""


def kept_as(classes: Mapping[str, Retention], path: str) -> tuple[str, Retention] | None:
    """The class by which an object of a scene is deleted; None: by none.

    Of several that match it is the last one, as in the clean-up itself: it takes the outputs first and then the markers,
    also those among the outputs, which from then on are markers only.
    """
    return next(((name, one) for name, one in reversed(list(classes.items())) if matches_any(one.patterns, path)), None)


class WorkRecord(Model):
    """Records by which a workflow knows that it has done something: while one is there, running `stage` does nothing."""

    path: str
    stage: str


class GkeJob(Model):
    """GPU Jobs that workflows create. After the prefix `name` only the epoch's digits follow."""

    name: str = Field(pattern=r"^[^{}]*\{scene_id\}[^{}]*$")
    stage: str
    logged_as: str = ""
    """The job's name in the workflow's own events (`bp_metric`); empty: they do not name it."""


GPU_JOB_VALUES = ("BUCKET", "JOB_NAME", "NAMESPACE", "PROJECT_ID", "REGION", "SCENE_ID")
"""What a GPU Job's manifest may leave open as `${NAME}`: the variables of the pipeline's own script."""


class GpuJob(Model):
    """The GPU Job that a person may create for one scene."""

    name: str
    """Of which `gke_jobs` it is, so that everything else knows it for one."""
    manifest: dict[str, Any]
    """As Kubernetes takes it, without a name; `${BUCKET}` and the others of `GPU_JOB_VALUES` are filled in."""


class CronJob(Model):
    """A Kubernetes CronJob of the pipeline's namespace."""

    schedule: str
    """As in `0 2 * * *`."""
    suspended: bool = False
    """The pipeline's own manifest creates it suspended."""
    intake: bool = True
    """It starts work of the pipeline, so a pause of intake suspends it; False: it cleans up, and goes on."""
    created_by: str = ""


class OwnPause(Model):
    """The switch by which the pipeline pauses its own daily automation: either object is enough to stop it."""

    marker: str
    """Its being there is enough; relative to the bucket."""
    state: str
    """JSON whose `paused` is true; relative to the bucket."""


class DeploymentRule(Model):
    """A Deployment of the cluster, and what its work is seen by."""

    starts: str
    """The workflow that it starts: executions of it tell whether it works."""
    needs_one_of: tuple[str, ...] = ()
    """Variables of which one must be set, or it lets nobody in."""


class ObjectRule(Model):
    """First rule that matches an object's path decides its class."""

    object_class: ObjectClass
    patterns: tuple[str, ...]


class GpuPool(Model):
    """A node pool on which the pipeline's GPU Jobs run."""

    metric: str
    """The quota of Compute Engine that its GPUs count for, as in `NVIDIA_T4_GPUS`."""
    region: str
    stands_in_for: tuple[str, ...] = ()
    """Pools of the same cluster whose pods it may take when those have no capacity."""


class GpuWork(Model):
    """Work in the cluster that wants GPUs. What no entry names is critical: nobody turns it off."""

    kind: Literal["Job", "CronJob", "Deployment"]
    name: str = Field(min_length=1)
    """A pattern: `*` stands for any characters."""
    criticality: Literal["critical", "non_critical"]


class Gpu(Model):
    """Where GPU work runs, and what of it can wait."""

    pools: dict[str, GpuPool] = Field(default_factory=dict)
    work: tuple[GpuWork, ...] = ()
    """The first entry that fits counts."""
    preflight: tuple[str, ...] = ()
    """Words of the log by which a build says that it found no GPU node."""
    failures: tuple[str, ...] = ()
    """Further words by which a run that failed says that it got no GPU."""
