"""One job of the played pipeline: it works for a while, then writes what its stage writes, or fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from typing import Any

from blocks.catalogue import Catalogue
from deployments.sandbox.pipeline.simulator_failures import Cancelled, StartFailed, write_job_record
from deployments.sandbox.pipeline.simulator_faults import FaultBoard, SimulatorFault, altering
from deployments.sandbox.pipeline.simulator_workflows import ExecutionHandle
from deployments.sandbox.pipeline.stage_writers import Step
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, StageFailed
from deployments.sandbox.pipeline.stage_writers_recordings import run_failed

POLL_SECONDS = 0.05
NO_GPU = "ZONE_RESOURCE_POOL_EXHAUSTED: the zone does not have enough resources (nvidia-tesla-t4) for {job}"
CRASHES = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What a job's code raises when a document of the scene has a shape that nobody thought of."""


@dataclass
class JobCall:
    """One step of a stage that is to be played."""

    folder: SceneFolder
    stage: str
    step: Step
    handle: ExecutionHandle
    run_fault: SimulatorFault | None = None
    """The rule that the workflow around it was drawn; None when the job is run alone."""
    refusal: StageFailed | None = None
    """The failure that this rule demands of the job."""
    alone: bool = False


class Jobs:
    """Plays jobs. Safe to call from many threads at once."""

    def __init__(
        self, catalogue: Catalogue, faults: FaultBoard, job_seconds: float, genie_sim_ready: Callable[[], bool]
    ) -> None:
        """`job_seconds` is how long each job works; `genie_sim_ready` whether the Genie Sim server serves."""
        self.catalogue, self.faults = catalogue, faults
        self.job_seconds, self.genie_sim_ready = job_seconds, genie_sim_ready
        self.tell: Callable[[str, str, dict[str, Any]], None] = lambda workflow, execution, payload: None
        """Hears what a workflow logs of a job it runs: its name, the execution's id, and the event."""
        self.image_fault: Callable[[str], str] = lambda job: ""
        """What every run of a job fails with, because of its image."""

    def play(self, call: JobCall) -> None:
        """Work, then write. Raises StageFailed after writing the job's own failure record, or Cancelled."""
        if call.alone:
            self._play(call)
            return
        begun, status = datetime.now(UTC), "FAILED"
        self._log(call, "start", begun, "STARTED")
        try:
            self._play(call)
            status = "SUCCEEDED"
        finally:
            self._log(call, "complete", begun, status)

    def _log(self, call: JobCall, event: str, begun: datetime, status: str) -> None:
        """As the pipeline's workflows log it: `bp_metric` job_invocation."""
        now, known = datetime.now(UTC), self.catalogue.jobs.get(call.step.job)
        limit = known.timeout_seconds or 0 if known else 0
        seconds = (now - begun).total_seconds() if event == "complete" else 0.0
        names = call.handle.name.split("/")
        payload = {
            "bp_metric": "job_invocation", "event": event, "job": call.step.job, "scene_id": call.folder.scene_id,
            "timeout_seconds": limit, "duration_seconds": seconds, "status": status,
            "timeout_usage_ratio": seconds / limit if limit else 0.0, "timed_out": bool(limit) and seconds >= limit,
            "start_time": begun.isoformat(), **({"end_time": now.isoformat()} if event == "complete" else {}),
        }  # fmt: skip
        self.tell(names[-3] if len(names) > 2 else "", names[-1], payload)

    def _play(self, call: JobCall) -> None:
        folder, step = call.folder, call.step
        own, forgiven = self.faults.draw(step.job, folder.scene_id, wildcard=call.alone)
        if own is not None and own.kind == "hold":
            self.hold(call.handle, own, forgiven)
        slow = sum(rule.seconds for rule in (call.run_fault, own) if rule is not None and rule.kind == "slow")
        outer, folder.alter = folder.alter, altering(own, self.catalogue) or folder.alter
        try:
            self.work(call.handle, self.job_seconds + slow)
            self._write(call, own)
        except StageFailed as error:
            write_job_record(folder, step, error)
            raise
        finally:
            folder.alter = outer

    def _write(self, call: JobCall, own: SimulatorFault | None) -> None:
        folder, job, spec = call.folder, call.step.job, self.catalogue.stages[call.stage]
        kind = own.kind if own is not None else None
        if call.refusal is not None:
            raise call.refusal
        if said := self.image_fault(job):
            raise StageFailed(f"{job}: {said}")
        if kind == "stock_out":
            raise StartFailed(NO_GPU.format(job=job))
        if kind in ("raise", "failed_result"):
            raise StageFailed(f"{job} failed for scene {folder.scene_id}")
        if kind == "skipped":
            return
        for name in spec.needs_markers:
            if not folder.has_marker(name):
                raise StageFailed(f"{job}: required marker {folder.prefix}{folder.marker(name)} is missing")
        if spec.genie_sim and not self.genie_sim_ready():
            run_failed(folder, "Genie Sim gRPC server is not ready")
        try:
            call.step.write(folder)
        except CRASHES as error:
            raise StageFailed(f"{job}: {type(error).__name__}: {error}") from error

    def hold(self, handle: ExecutionHandle, fault: SimulatorFault, forgiven: Event) -> None:
        """Wait for `fault.seconds`, or until the rules are forgiven. Raises Cancelled."""
        end = time.monotonic() + fault.seconds if fault.seconds else None
        while not forgiven.is_set() and (end is None or time.monotonic() < end):
            self.work(handle, POLL_SECONDS)

    def work(self, handle: ExecutionHandle, seconds: float) -> None:
        """Let `seconds` pass. Raises Cancelled as soon as the execution is cancelled."""
        if handle.cancelled.wait(seconds):
            raise Cancelled(f"{handle.name} was cancelled.")
