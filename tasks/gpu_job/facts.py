"""What is known before a GPU Job is created, and what is seen of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from blocks.gke_manifests import ClusterJob, Json
from blocks.gke_pods import PodInfo
from tasks.actions.definitions import Kept
from tasks.actions.gke_jobs import GKE_JOB
from tasks.remediation.plan import canonical
from tasks.remediation.procedure import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest(Request):
    """For which scene, from what."""

    scene_id: str
    manifest: str = ""
    """YAML with one Job; empty: that of the catalogue."""
    image: str = ""
    """What its one container runs; empty: what the manifest says."""

    def asked(self) -> dict[str, JsonValue]:
        """An interrupted run is only continued for the same Job."""
        return {"scene": self.scene_id, "manifest": self.manifest, "image": self.image}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What was seen before anything is done."""

    scene: str
    stage: str
    """Of the pipeline, which it carries out."""
    name: str
    """Free, and one by which everything knows it for a GPU Job of that scene."""
    job: Json
    """As it would be created."""
    jobs: tuple[ClusterJob, ...] = ()
    """Jobs of the scene in the cluster, newest first."""
    at_work: tuple[str, ...] = ()
    """What else is at work on the scene, one phrase each."""
    problems: tuple[str, ...] = ()
    """Why it could not run, one sentence each with what to do."""
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> Kept:
        """The Job as it is put into the ops bucket."""
        return Kept(GKE_JOB, self.name, canonical(self.job))

    @property
    def live(self) -> ClusterJob | None:
        """The scene's Job that runs, or is suspended and may go on."""
        return next((one for one in self.jobs if one.state in ("active", "suspended")), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """A Job that was created, and its pod."""

    job: ClusterJob | None
    pod: PodInfo | None = None
    why: str = ""
    """Why it has no pod, as far as anybody says so."""
