"""What the requests below `/_sandbox/` carry."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deployments.sandbox.cluster.cluster import JobState
from deployments.sandbox.cluster.node_pools import NodeState, PoolFault
from deployments.sandbox.services.genie_sim import GenieSimState
from deployments.sandbox.services.sinks import SinksState


class Body(BaseModel):
    """Read-only; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewScene(Body):
    """POST scenes. The fields are those of `make_scene`; what is left out takes its defaults there."""

    scene_id: str = Field(pattern="^[A-Za-z0-9_-]{1,128}$")
    kind: Literal["kitchen", "office", "warehouse"] = "kitchen"
    objects: int | None = Field(None, ge=1, le=1000)
    object_bytes: int | None = Field(None, ge=0)
    upto: str | None = None
    at: datetime | None = None
    quiet: bool | None = None
    seed: int | None = None


class NewDamage(Body):
    """POST scenes/<scene id>/damage. `execution_id` is who is to hold a lock that the damage leaves."""

    name: str
    execution_id: str | None = None


class GenieSimSwitch(Body):
    """POST genie_sim."""

    state: GenieSimState


class SinksSwitch(Body):
    """POST sinks: whether anybody listens where messages are sent to."""

    state: SinksState


class EventCopies(Body):
    """POST events: how often each event is delivered."""

    copies: int = Field(ge=1, le=10)


class Deployment(Body):
    """POST deployment: deploy a thing of the catalogue, or take it away."""

    kind: Literal["workflow", "job", "trigger"]
    name: str
    deployed: bool


class PodLog(Body):
    """POST kubernetes/logs/<pod>: what the container of a Pod has written, in the pipeline's namespace."""

    text: str


class Image(Body):
    """POST images: take an image of a Cloud Run job away, as the job names it, put it back, or let its runs fail."""

    image: str = Field(min_length=1)
    exists: bool = True
    fails_with: str = ""
    """What every run of a job with it logs before it fails; empty: it works."""


class LogLine(Body):
    """POST log: the container of a Cloud Run job writes a line to stderr."""

    job: str = Field(min_length=1)
    execution: str = ""
    text: str


class SpoiltJob(Body):
    """POST jobs/<name>: after its next change the Cloud Run job is not ready, and says this."""

    message: str = Field(min_length=1)


class KubernetesImage(Body):
    """POST kubernetes/images: containers of this image get ready, or never do."""

    image: str = Field(min_length=1)
    ready: bool


class KubernetesJobState(Body):
    """POST kubernetes/jobs/<name>."""

    state: JobState


class KubernetesNodeState(Body):
    """POST kubernetes/nodes/<name>."""

    state: NodeState


class KubernetesPool(Body):
    """POST kubernetes/pools/<name>: what keeps its nodes away, and its bounds. What is left out stays."""

    fault: PoolFault | None = None
    minimum: int | None = Field(None, ge=0, le=1000)
    maximum: int | None = Field(None, ge=0, le=1000)
    nodes: int | None = Field(None, ge=0, le=1000)


class GpuQuota(Body):
    """POST quotas/<metric>: how many GPUs the project may have; an empty region is the whole project."""

    region: str = "us-central1"
    limit: float = Field(ge=0, le=1e6)
