"""One job of the played pipeline: it works for a while, then writes what its stage writes, or fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

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

    def play(self, call: JobCall) -> None:
        """Work, then write. Raises StageFailed after writing the job's own failure record, or Cancelled."""
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
