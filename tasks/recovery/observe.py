"""Observe: everything a recovery plan is made from, read without changing anything."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from blocks.catalogue import Catalogue
from blocks.catalogue_query import class_of, expand
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.genie_sim import GenieSimHealth
from blocks.stored_object import Protection
from tasks.pipeline.activity import LiveBoard, LiveWork
from tasks.pipeline.locks import LockFact
from tasks.pipeline.scene_view import scene_view
from tasks.pipeline.stops import scene_locks, scene_stops
from tasks.recovery.candidates import Candidate, find_offers
from tasks.recovery.options import Argument, former_arguments
from tasks.recovery.records import WorkRecord, work_records
from tasks.recovery.request import PROCEDURE
from tasks.recovery.rerun import Unit, never_made, stages_to_make, units
from tasks.remediation.context import Context
from tasks.remediation.outcome import GOOD
from tasks.remediation.runs import PastRun, past_runs
from tasks.validation.findings import Finding, SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.scene_under_test import Depth
from tasks.validation.source import BucketSource, SceneFile, Vanished
from tasks.validation.stages.attribution import located
from tasks.validation.stages.guards import Stop

JOB = "geniesim/job.json"
"""The record of the simulation's job."""
GENIE_SIM_ASKED = 3
"""How often Genie Sim is asked before it is believed to be down."""
PROMISE_HOURS = 24.0 * 7
"""How far back an unfinished or failed run is still owed its stages."""


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What was seen of one scene and of everything around it that a plan depends on."""

    scene_id: str
    report: SceneReport
    files: dict[str, SceneFile]
    protection: Protection
    live: tuple[LiveWork, ...] = ()
    locks: tuple[LockFact, ...] = ()
    past: tuple[PastRun, ...] = ()
    promised: tuple[str, ...] = ()
    """Stages that an earlier failed run cleared and did not make again, or that are asked for and never ran."""
    job_id: str | None = None
    genie_sim: GenieSimHealth | None = None
    not_deployed: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    bad_inputs: tuple[Finding, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    units: tuple[Unit, ...] = field(default=())
    stops: tuple[Stop, ...] = ()
    """Guards that say something: nothing is rerun past one that stops it."""
    records: tuple[WorkRecord, ...] = ()
    """Records that make a rerun of the simulation or its import skip."""
    options: dict[str, Argument] = field(default_factory=dict)
    """Argument of the last successful execution on this scene, by workflow."""
    object_ids: tuple[str, ...] | None = None
    """Objects that a rerun will make again; None when neither the manifest nor the input tells."""
    incomplete: bool = False
    """Not everything of the scene was listed."""
    lately: int | None = None
    """Other scenes that recoveries were to work on in the last hour; None: it does not matter."""


def observe_scene(context: Context, scene_id: str, depth: Depth = "full", make: str = "") -> SceneFacts:
    """Look at one scene.

    Args:
        context: The pipeline and what runs in it.
        scene_id: The scene.
        depth: How deeply to validate.
        make: A stage of the catalogue that shall exist, though it never ran; empty: none.

    Raises:
        PermanentError: the id is malformed, or there is no such scene.
    """
    environment = context.environment
    source = scene_view(environment, scene_id)
    files = source.files()
    if not files:
        raise PermanentError(
            f"There is no scene {scene_id!r} in gs://{environment.data_bucket}/scenes/; check the id and the data bucket."
        )
    locks = scene_locks(environment, source)
    source.hidden = frozenset(lock.path for lock in locks if lock.alive is False)
    report = validate_scene(source, environment.catalogue, depth)
    runs = past_runs(environment.storage, environment.ops_bucket, scene_id, PROMISE_HOURS)
    past = tuple(run for run in runs if run.procedure == PROCEDURE)
    promised = owed_by(past[-1]) if past and past[-1].outcome not in GOOD else ()
    if make:
        promised = tuple(dict.fromkeys((*promised, *never_made(make, report.stages, environment.catalogue))))
    stages = stages_to_make(report.stages, environment.catalogue, promised, files)
    planned = tuple(units(stages, environment.catalogue))
    bad = tuple(bad_inputs(report, environment))
    options = former_arguments(environment, scene_id, planned)
    job_id = genie_sim_job_id(source, files)
    return SceneFacts(
        scene_id=scene_id,
        report=report,
        files=files,
        protection=environment.storage.protection(environment.data_bucket),
        live=LiveBoard.of(context).on(scene_id),
        locks=tuple(locks),
        past=past,
        promised=promised,
        job_id=job_id,
        genie_sim=ask_genie_sim(environment) if needs_genie_sim(planned, environment) else None,
        not_deployed=tuple(missing_entries(planned, environment)),
        triggers=tuple(trigger.name for trigger in environment.triggers.list()) if planned else (),
        bad_inputs=bad,
        candidates=tuple(find_offers(environment, scene_id, {f.object for f in bad})) if bad else (),
        units=planned,
        stops=scene_stops(environment, source, list(options.values())) if planned else (),
        records=tuple(work_records(source, environment.catalogue, job_id, JOB)) if planned else (),
        options=options,
        object_ids=object_ids(source, environment.catalogue) if planned else None,
        incomplete=bool(files.cut),
    )


def owed_by(past: PastRun) -> tuple[str, ...]:
    """The stages that a run was to make again."""
    stages = past.details.get("stages")
    return tuple(str(stage) for stage in stages) if isinstance(stages, list) else ()


def object_ids(source: BucketSource, catalogue: Catalogue) -> tuple[str, ...] | None:
    """Ids of the objects that a rerun will make: those of the manifest; without one, those of the reconstruction."""
    try:
        listed = json.loads(source.read(located(catalogue, "manifest")))["objects"]
        return tuple(str(entry["id"]) for entry in listed)
    except (KeyError, TypeError, ValueError, Vanished):
        pass
    for output in (output for stage in catalogue.stages.values() for output in stage.inputs):
        before, found, _ = output.path.partition("{object_id}")
        names = {path[len(before) :].partition("/")[0] for path in source.files() if path.startswith(before)}
        if found and names:
            return tuple(sorted(names))
    return None


def bad_inputs(report: SceneReport, environment: PipelineEnvironment) -> list[Finding]:
    """Error findings about objects that no stage makes: a rerun cannot mend them."""
    return [
        finding
        for finding in report.findings
        if finding.severity == "error" and class_of(environment.catalogue, finding.object) == "input"
    ]


def needs_genie_sim(planned: tuple[Unit, ...], environment: PipelineEnvironment) -> bool:
    """Whether any stage to be made talks to Genie Sim."""
    return any(environment.catalogue.stages[stage].genie_sim for unit in planned for stage in unit.stages)


def ask_genie_sim(environment: PipelineEnvironment) -> GenieSimHealth:
    """Genie Sim's health. What is bad is asked again: one lost answer is no reason to call a person."""
    health = environment.genie_sim.check()
    for _ in range(GENIE_SIM_ASKED - 1):
        if health.state in ("serving", "unknown"):
            break
        time.sleep(environment.policy.poll_seconds)
        health = environment.genie_sim.check()
    return health


def missing_entries(planned: tuple[Unit, ...], environment: PipelineEnvironment) -> list[str]:
    """Workflows and jobs that the plan would start and that are not deployed."""
    return [
        unit.entry
        for unit in planned
        if (environment.jobs.get(unit.entry) if unit.is_job else environment.workflows.get(unit.entry)) is None
    ]


def genie_sim_job_id(source: BucketSource, files: dict[str, SceneFile]) -> str | None:
    """`job_id` of `geniesim/job.json`, or None when there is none that can be read or used."""
    if JOB not in files:
        return None
    try:
        job = json.loads(source.read(JOB))
    except (ValueError, Vanished):
        return None
    job_id = job.get("job_id") if isinstance(job, dict) else None
    return job_id if isinstance(job_id, str) and expand("{job_id}", (), job_id) else None
