"""One run of a rolled back job on a test scene: the last word on whether the rollback has helped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from blocks.catalogue import Catalogue
from blocks.catalogue_query import is_trial, job_env
from blocks.environment import PipelineEnvironment
from blocks.job_execution import JobExecution
from blocks.run_jobs import JobInfo
from tasks.actions.job_runs import RunJob, run_job
from tasks.pipeline.labels import RUN_VARIABLE
from tasks.rollback.facts import Canary
from tasks.rollback.request import RollbackRequest

MOST_SCENES = 50
"""Test scenes that are looked at."""
SCENE = "SCENE_ID"


def find_canary(
    environment: PipelineEnvironment, request: RollbackRequest, executions: Iterable[JobExecution]
) -> Canary:
    """A test run of the job: as its last success on a test scene was started, else on one where its stage has run."""
    catalogue, name = environment.catalogue, request.name
    job = catalogue.jobs.get(name)
    if request.without_canary:
        return Canary(why_not="It was asked for without one.")
    if job is None:
        return Canary(why_not=f"The catalogue does not know {name}, so nobody knows what a test run of it would do.")
    if job.destructive or job.criticality in ("intake", "maintenance"):
        return Canary(why_not=f"{name} is never run to try it: it deletes objects, or starts new work.")
    found = as_last_time(catalogue, executions, environment.jobs.get(name)) or by_its_stage(environment, name)
    if found is None:
        patterns = ", ".join(catalogue.test_scene_ids) or "the catalogue's test_scene_ids names none"
        return Canary(why_not=f"No test scene ({patterns}) is known on which {name} has run before.")
    stage = catalogue.stages.get(job.stage or "")
    return canary(name, found, float(job.timeout_seconds or (stage.timeout_seconds if stage else 3600)))


def canary(name: str, env: dict[str, str], seconds: float) -> Canary:
    """The action that runs it once."""
    scene = env[SCENE]
    action = run_job.action(
        RunJob(job=name, env=env, timeout_seconds=seconds),
        step="3 canary",
        target=f"job {name} on {scene}",
        precondition="the job is ready, and no execution of this run is there",
        undo="nothing: the test scene's outputs are written again",
        why="its success is what proves the rollback",
    )
    return Canary(action, scene)


def as_last_time(
    catalogue: Catalogue, executions: Iterable[JobExecution], live: JobInfo | None
) -> dict[str, str] | None:
    """The variables of its newest success on a test scene, without those that the job has anyway."""
    own = live.env if live is not None else {}
    for one in executions:
        if one.state == "succeeded" and is_trial(catalogue, one.env.get(SCENE, "")):
            said = {key: value for key, value in one.env.items() if own.get(key) != value and key != RUN_VARIABLE}
            return said | {SCENE: one.env[SCENE]}
    return None


def by_its_stage(environment: PipelineEnvironment, name: str) -> dict[str, str] | None:
    """What the catalogue says of running the job by hand, for a test scene that has its stage's marker."""
    catalogue = environment.catalogue
    stage = catalogue.jobs[name].stage
    if stage is None:
        return None
    rerun = catalogue.stages[stage].rerun
    if rerun is None or rerun.job != name:  # the stage is made again by a workflow
        return None
    paths = [path for marker in catalogue.stages[stage].markers for path in catalogue.markers[marker].paths]
    for scene in islice(scenes_for_tests(environment), MOST_SCENES):
        names = (catalogue.scene_prefix(scene) + path for path in paths)
        if any(environment.storage.stat(environment.data_bucket, one) for one in names):
            env = job_env(catalogue, stage, bucket=environment.data_bucket, scene_id=scene)
            return env if env.get(SCENE) == scene else None
    return None


def scenes_for_tests(environment: PipelineEnvironment) -> Iterator[str]:
    """Scenes of the bucket that the catalogue calls test scenes."""
    catalogue = environment.catalogue
    root = catalogue.scene_root.partition("{scene_id}")[0]
    for pattern in catalogue.test_scene_ids:
        start = pattern.partition("*")[0]
        for folder in environment.storage.prefixes(environment.data_bucket, root + start):
            scene = folder.removeprefix(root).rstrip("/")
            if is_trial(catalogue, scene):
                yield scene
