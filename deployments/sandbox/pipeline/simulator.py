"""The pipeline, played: workflows and Cloud Run jobs that read and write the bucket as the real ones do.

What runs in which order, what makes a workflow skip, how it fails and which lock it takes comes from the catalogue;
what each job writes from `stage_writers`; what is particular to a workflow from `simulator_workflows`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from blocks.catalogue import Catalogue
from blocks.trial_mesh import json_bytes
from deployments.sandbox.pipeline.simulator_failures import (
    Cancelled,
    JobFailed,
    StartFailed,
    WorkflowFailed,
    write_failure,
)
from deployments.sandbox.pipeline.simulator_faults import FaultBoard, SimulatorFault, altering
from deployments.sandbox.pipeline.simulator_jobs import NO_GPU, POLL_SECONDS, JobCall, Jobs
from deployments.sandbox.pipeline.simulator_workflows import (
    EXPORT,
    INTERACTIVE,
    OBJECTS,
    SCALE,
    WITHOUT_SCENE,
    ExecutionHandle,
    Run,
    failure,
    nothing_to_do,
    options_of,
    scene_of,
    skipped,
    success,
)
from deployments.sandbox.pipeline.stage_writers import WRITERS, Step, step_of
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed, workflow_marker
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.store_errors import ConditionNotMet, StoreError

__all__ = ["Cancelled", "ExecutionHandle", "JobFailed", "Simulator", "SimulatorFault", "WorkflowFailed"]


class Simulator:
    """Plays runs in the caller's thread; safe to call from many threads at once."""

    def __init__(
        self,
        store: ObjectStore,
        catalogue: Catalogue,
        bucket: str,
        job_seconds: float = 0.3,
        *,
        genie_sim_ready: Callable[[], bool] = lambda: True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`bucket` is the one of the workflows that ignore their event's. `job_seconds`: how long each job works.

        `genie_sim_ready` says whether the Genie Sim server serves; `environment` is the workflows' (ENABLE_DWM).
        """
        self.store, self.catalogue, self.bucket = store, catalogue, bucket
        self.environment = dict(environment or {})
        self._faults = FaultBoard()
        self.jobs = Jobs(catalogue, self._faults, job_seconds, genie_sim_ready)
        self._count = itertools.count(1)

    def behave(self, fault: SimulatorFault) -> None:
        """Misbehave by this rule from now on."""
        self._faults.add(fault)

    def forgive(self) -> None:
        """Drop every rule; what is held goes on."""
        self._faults.clear()

    def run_workflow(self, workflow: str, argument: Mapping[str, Any], handle: ExecutionHandle) -> object:
        """Run a workflow to its end and return its result: a dict, or a sentence.

        Raises WorkflowFailed when the execution ends as FAILED, Cancelled when `handle.cancelled` is set meanwhile.
        """
        spec = self.catalogue.workflows.get(workflow)
        if spec is None:
            raise WorkflowFailed(f"Workflow {workflow} is not deployed.")
        if workflow in WITHOUT_SCENE:
            self.jobs.work(handle, self.jobs.job_seconds)
            return WITHOUT_SCENE[workflow]
        found = scene_of(workflow, spec, argument, self.bucket)
        if found is None:
            return {"status": "SKIPPED", "reason": "object name does not match"}
        try:
            folder = SceneFolder(self.store, found[0], found[1], catalogue=self.catalogue)
            run = Run(workflow, spec, argument, folder, handle)
            return self._answer(run)
        except (StoreError, ValueError) as error:
            raise WorkflowFailed(f"{workflow}: {error}") from error

    def run_job(self, job: str, env: Mapping[str, str], handle: ExecutionHandle) -> None:
        """Run one Cloud Run job to its end. Raises JobFailed, or Cancelled when `handle.cancelled` is set meanwhile."""
        if job not in self.catalogue.jobs:
            raise JobFailed(f"Cloud Run job {job} is not deployed.")
        found = step_of(job, dict(env))
        if found is None:
            self.jobs.work(handle, self.jobs.job_seconds)
            return
        if not env.get("SCENE_ID"):
            raise JobFailed(f"{job}: environment variable SCENE_ID is required")
        stage, step = found
        try:
            folder = SceneFolder(
                self.store, env.get("BUCKET") or self.bucket, env["SCENE_ID"], options=env, catalogue=self.catalogue
            )
            self.jobs.play(JobCall(folder, stage, step, handle, alone=True))
        except (StageFailed, StoreError, ValueError) as error:
            raise JobFailed(f"{job}: {error}") from error

    def _answer(self, run: Run) -> object:
        idle = nothing_to_do(run, self.environment)
        if idle is not None:
            return idle
        fault, forgiven = self._faults.draw(run.workflow, run.folder.scene_id)
        if fault is not None and fault.kind == "skipped":
            return skipped(run, "nothing to do")
        with self._lock(run) as taken:
            if not taken:
                return skipped(run, "locked")
            run.folder.options = options_of(run)
            run.folder.alter = altering(fault, self.catalogue)
            if fault is not None and fault.kind == "hold":
                self.jobs.hold(run.handle, fault, forgiven)
            return self._stages(run, fault)

    @contextmanager
    def _lock(self, run: Run) -> Iterator[bool]:
        """Take the workflow's lock, if it has one; False when somebody holds it. A cancelled run leaves it behind."""
        lock = next((lock for lock in self.catalogue.locks if lock.workflow == run.workflow), None)
        if lock is None:
            yield True
            return
        folder, holder = run.folder, run.handle.name.rsplit("/", 1)[-1]
        body = {
            "scene_id": folder.scene_id,
            "workflow": run.workflow,
            "timestamp": folder.now,
            lock.holder_field: holder,
        }
        try:
            self.store.put(folder.bucket, folder.prefix + lock.path, json_bytes(body), if_generation_match=0)
        except ConditionNotMet:
            yield False
            return
        try:
            yield True
        finally:
            if not run.handle.cancelled.is_set():
                folder.delete(lock.path)

    def _stages(self, run: Run, fault: SimulatorFault | None) -> object:
        for stage in run.spec.stages:
            if run.workflow == EXPORT and stage == "genie-sim-import":
                self._import_for_export(run)
                continue
            try:
                self._stage(run, stage, fault)
            except StageFailed as error:
                answer = self._failed(run, stage, error, fault)
                if answer is not None:
                    return answer
        if run.workflow == SCALE:
            raise WorkflowFailed("TypeError: name 'scaleStartTime' is not defined")
        return success(run)

    def _stage(self, run: Run, stage: str, fault: SimulatorFault | None) -> None:
        writer = WRITERS[stage]
        for step in writer.steps:
            number = next(self._count)
            run.executions[step.key] = f"{step.job}-{number:05d}"
            run.current_job = step.job
            refusal = self._refusal(run, stage, step, fault)
            self.jobs.play(JobCall(run.folder, stage, step, run.handle, fault, refusal))
        if writer.finish is not None:
            writer.finish(run.folder)

    def _refusal(self, run: Run, stage: str, step: Step, fault: SimulatorFault | None) -> StageFailed | None:
        """How this job must fail by the run's rule: at the first job, or for a stock-out at the first GPU job."""
        if fault is not None and fault.kind in ("raise", "failed_result"):
            return StageFailed(f"{step.job} failed for scene {run.folder.scene_id}")
        needs_gpu = [name for name in run.spec.stages if self.catalogue.stages[name].gpu]
        if fault is not None and fault.kind == "stock_out" and (stage in needs_gpu or not needs_gpu):
            return StartFailed(NO_GPU.format(job=step.job))
        return None

    def _failed(self, run: Run, stage: str, error: StageFailed, fault: SimulatorFault | None) -> object | None:
        """What a failed stage does to the run: WorkflowFailed, an answer, or None for 'go on without it'."""
        write_failure(run.folder, stage, run.current_job, error, run.handle.name)
        kind = fault.kind if fault is not None else None
        if kind == "failed_result":
            return failure(run, error)
        not_started = isinstance(error, StartFailed) and run.workflow != INTERACTIVE
        if kind == "raise" or not_started or WRITERS[stage].raises:
            raise WorkflowFailed(str(error))
        if not run.spec.raises:
            if run.workflow == OBJECTS:
                workflow_marker(run.folder, "objects_complete")
            return failure(run, error)
        if self.catalogue.stages[stage].fatal:
            raise WorkflowFailed(str(error))
        run.incomplete.append(stage)
        return None

    def _import_for_export(self, run: Run) -> None:
        """Local mode: start the import and wait for its marker, without a bound. Api mode: do not import at all."""
        # The import is an execution of its own: it reads what is in the bucket, also what a fault spoilt.
        folder = run.folder = replace(run.folder)
        if folder.options.get("GENIESIM_SUBMISSION_MODE", "local") == "local":
            try:
                self._stage(run, "genie-sim-import", None)
            except StageFailed as error:
                write_failure(folder, "genie-sim-import", run.current_job, error, run.handle.name)
            while not folder.has_marker("geniesim_import_complete"):
                self.jobs.work(run.handle, POLL_SECONDS)
        robot = folder.options.get("ROBOT_TYPE") or "franka"
        workflow_marker(folder, "geniesim_complete", robot_type=robot, commercial_only=True, ready_for_geniesim=True)
