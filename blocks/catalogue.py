"""The pipeline as data: every stage, marker, workflow, job, trigger, scheduler and object class, with its names.

No name of the pipeline is in code. `blocks/catalogue.yaml` describes the pipeline as its authors ship it; an
installation that differs lays its own YAML over it. All paths are relative to the scene's root (`scenes/<scene_id>/`)
unless said otherwise. Patterns: `*` within a path segment, `**` across segments, `**/` also nothing at all.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field

from blocks.catalogue_gates import Gates
from blocks.catalogue_monitoring import Monitoring
from blocks.catalogue_rules import (
    Clear,
    CronJob,
    DeploymentRule,
    GkeJob,
    Gpu,
    GpuJob,
    Guard,
    Listing,
    Lock,
    Model,
    ObjectRule,
    OwnPause,
    Retention,
    WorkRecord,
)
from blocks.catalogue_services import Service, SimulationSwitches

SCENE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What a scene id may look like: the pipeline's own rule for its jobs."""


class Marker(Model):
    """A completion marker. `paths[0]` is what today's writer writes; the rest are older or alternative names."""

    paths: tuple[str, ...] = Field(min_length=1)
    payload: Literal["json", "text", "any"] = "json"
    writer: Literal["job", "workflow", "local_runner", "nobody"]
    required: bool = True
    """False: a healthy stage may lack it (nobody writes it, only the local runner does, or only in one mode)."""
    follows: str = ""
    """Name of another marker of the stage, after which the cloud always writes this one though it is not required: its
    lack is a warning then."""
    rewrite: bool = False
    """A remediation may write it after it proved the stage: no cloud component does, yet a later stage asks for it."""
    outputs: tuple[str, ...] = ()
    """Patterns of what only the step that writes this marker makes, where a stage has several steps."""
    notes: str = ""


class Output(Model):
    """Something a stage must have produced to be healthy.

    `path` may hold `{object_id}` (one for each object of the manifest), `{job_id}` (of `geniesim/job.json`), or a
    pattern, of which at least one match must exist. In a stage's inputs `{object_id}` means every folder found there.
    """

    path: str
    or_paths: tuple[str, ...] = ()
    """Other names the same thing may have: one of them is enough."""
    check: Literal["exists", "json", "manifest", "layout", "inventory", "glb", "usd", "gate_report", "text"] = "exists"
    required: bool = True
    always: bool = False
    """Of an optional output: every run of the stage writes it, though no reader refuses its lack, so that is a warning.
    Of an optional input: where one of its folder's is there, or of another object's, they all are."""
    cloud_only: bool = False
    """The local runner's version of the stage never writes it: not asked for when the stage ran locally."""


class Rerun(Model):
    """How the stage is run again by hand: one workflow with the event name it tests for, or one Cloud Run job."""

    workflow: str | None = None
    event_name: str | None = None
    """Relative to the scene, e.g. `assets/.regen3d_complete`. The object itself need not exist."""
    job: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    """Templates with `{bucket}` and `{scene_id}`."""


class Stage(Model):
    """One stage of the line, in the order of the file (which is topological)."""

    title: str
    needs: tuple[str, ...] = ()
    """Stages whose outputs this one reads: they must be good before this one is run again."""
    reads: tuple[str, ...] = ()
    """Objects of those stages without which this one's job fails, as far as retention may have removed them."""
    promised_by: dict[str, tuple[str | bool, ...]] = Field(default_factory=dict)
    """Settings of the scene (`settings`), with the values that promise an optional stage to whoever gets the scene."""
    inputs: tuple[Output, ...] = ()
    """Objects no stage of the pipeline makes (uploads, external exports). Never deleted; bad ones escalate."""
    needs_markers: tuple[str, ...] = ()
    """Names of markers without which this stage's job refuses to start, whoever should have written them."""
    outputs: tuple[Output, ...] = ()
    lists: tuple[Listing, ...] = ()
    markers: tuple[str, ...] = ()
    """Names (keys of `markers`) of the completion markers that belong to this stage."""
    failure_markers: tuple[str, ...] = ()
    """Paths, the one with today's schema first; some are shared between stages. May hold `{job_id}`."""
    local_checkpoint: str | None = None
    """Written when the local runner, not the cloud, ran this stage: its `cloud_only` outputs are then not expected."""
    clear: Clear = Clear()
    rerun: Rerun | None = None
    downstream: tuple[str, ...] = ()
    """Stages made from this one's outputs; the closure of this is what a rerun makes out of date."""
    fatal: bool = True
    optional: bool = False
    """A scene is whole without it (never ran is fine), e.g. arena, dwm, episodes."""
    gpu: bool = False
    genie_sim: bool = False
    timeout_seconds: int = Field(default=3600, gt=0)


class ResultWords(Model):
    """The vocabulary of one workflow's answer, in lower case: `result.status`, or words within a plain sentence."""

    success: tuple[str, ...] = ("success",)
    partial: tuple[str, ...] = ("partial_success",)
    nothing_done: tuple[str, ...] = ("skipped", "waiting", "dry_run")
    failed: tuple[str, ...] = ("failed",)


class Workflow(Model):
    """One Cloud Workflow: how it is started by hand and what its answer means."""

    argument: dict[str, object]
    """The argument's template. Strings may hold `{bucket}`, `{event_name}`, `{scene_id}`, `{job_id}`."""
    event_name: str | None = None
    """Relative to the scene: the event to name when nobody says otherwise."""
    event_regex: str | None = None
    """What the workflow itself tests `data.name` against."""
    stages: tuple[str, ...] = ()
    """Every stage that one run of it makes."""
    jobs: tuple[str, ...] = ()
    skip_if: tuple[str, ...] = ()
    """Names (keys of `markers`): while one of them exists the workflow answers SKIPPED."""
    raises: bool = True
    """False: a failure returns normally, so the execution SUCCEEDED and only `result` tells."""
    result: ResultWords = ResultWords()
    timeout_seconds: int = Field(gt=0)
    """How long to wait for one run: the limits of its steps added up."""
    notes: str = ""


class Job(Model):
    """One Cloud Run job."""

    stage: str | None = None
    criticality: Literal["critical", "non_critical", "intake", "maintenance"]
    timeout_seconds: int | None = None
    env: tuple[str, ...] = ()
    destructive: bool = False


class Trigger(Model):
    """One Eventarc trigger. Without `name_regex` it fires for every object written to the bucket."""

    workflow: str
    event: Literal["object_finalized", "custom"] = "object_finalized"
    name_regex: str | None = None
    deployed: bool = True
    """False: it exists only in comments, or must not exist."""
    forbidden: bool = False
    """It must not exist; the pipeline's own `enable` deletes it."""
    intake: bool = True
    """A pause of intake holds what it is told of; False: upkeep, which goes on."""
    created_by: str = ""


class Scheduler(Model):
    """One Cloud Scheduler job."""

    cron: str
    target: str
    """The workflow or the Cloud Run job that it starts."""
    argument: dict[str, object] = Field(default_factory=dict)
    created_paused: bool = False
    deployed: bool = True
    """False: an installation may do without it."""
    intake: bool = True
    """A pause of intake pauses it; False: upkeep, which goes on."""


class Catalogue(Model):
    """The whole pipeline. Built by `load_catalogue`, which checks every reference between the parts."""

    version: int
    scene_root: str = Field(default="scenes/{scene_id}/", pattern=r"^[^{}]*\{scene_id\}/$")
    namespace: str = "blueprint"
    stages: dict[str, Stage]
    markers: dict[str, Marker]
    workflows: dict[str, Workflow]
    jobs: dict[str, Job]
    triggers: dict[str, Trigger]
    schedulers: dict[str, Scheduler]
    cron_jobs: dict[str, CronJob] = Field(default_factory=dict)
    own_pause: OwnPause | None = None
    """How the pipeline pauses itself; None: it does not."""
    locks: tuple[Lock, ...] = ()
    gke_jobs: tuple[GkeJob, ...] = ()
    gpu_job: GpuJob | None = None
    """The Job that a person may create for one scene; None: there is none."""
    gpu: Gpu = Gpu()
    monitoring: Monitoring = Monitoring()
    deployments: dict[str, DeploymentRule] = Field(default_factory=dict)
    """Deployments of the cluster by name."""
    services: dict[str, Service] = Field(default_factory=dict)
    simulation_switches: SimulationSwitches = SimulationSwitches()
    work_records: tuple[WorkRecord, ...] = ()
    guards: tuple[Guard, ...] = ()
    retention: dict[str, Retention] = Field(default_factory=dict)
    gates: Gates = Gates()
    """The quality gates, and what passes them without a record."""
    asset_folder: str = Field(default="assets/obj_{object_id}", pattern=r"^[^{}*]*\{object_id\}$")
    """The folder of one object's assets."""
    parts: tuple[str, ...] = ()
    """Patterns of parts of the scene's USD, whoever put them there: damage is an error, though no rerun mends it."""
    export_ids: tuple[str, ...] = ("{object_id}",)
    """What the export may call an object: templates with `{object_id}` and `{scene_id}`."""
    settings: str = "config.json"
    """The scene's own options, which its owner may have put there."""
    manifest_versions: tuple[str, ...] = ()
    """Versions of the scene manifest that somebody knows; empty means any."""
    schemas: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes to the shipped JSON schemas by their names, as JSON merge patches (RFC 7396)."""
    object_classes: tuple[ObjectRule, ...]
    """Of objects below a scene's root; what no rule matches is data."""
    bucket_object_classes: tuple[ObjectRule, ...] = ()
    """Of objects outside every scene, relative to the bucket."""
    test_scene_ids: tuple[str, ...] = ()
    """Patterns of scene ids that may receive synthetic fixtures."""

    def scene_prefix(self, scene_id: str) -> str:
        """`scenes/<scene_id>/`. Raises ValueError for anything that is not a plain scene id."""
        if not SCENE_ID.fullmatch(scene_id):
            raise ValueError(
                f"{scene_id!r} is not a scene id: use 1 to 128 letters, digits, '_' or '-', as in 'kitchen_001'."
            )
        return self.scene_root.format(scene_id=scene_id)
