"""What orchestration costs: the same recovery of 50 scenes through the flow and through the plain functions."""

from __future__ import annotations

import logging
import statistics
import time

from prefect.testing.utilities import prefect_test_harness

from blocks.environment import PipelineEnvironment
from deployments.sandbox_environment import for_sandbox, quick_policy
from flows.export_recovery import export_recovery
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.batch import run_batch, threads
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tests.benchmarks.serving import Served, sandbox_process

SCENES, ROUNDS = 50, 1


def main() -> None:
    """Print both times, round by round, and the ratio."""
    with sandbox_process() as served, prefect_test_harness(server_startup_timeout=120):
        environment = for_sandbox(served.endpoints, quick_policy(systematic_scenes=10_000, max_scenes=SCENES))
        environment.save("bench", overwrite=True)
        logging.getLogger("prefect").setLevel(logging.WARNING)
        through_flow("warm", ["warm_flow"], served)
        plainly(environment, broken(served, "warm_plain", 1))
        ratios = []
        for number in range(ROUNDS):
            plain = plainly(environment, broken(served, f"plain{number}", SCENES))
            flow = through_flow(f"flow{number}", broken(served, f"flow{number}", SCENES), served)
            ratios.append(flow / plain)
            print(f"round {number + 1}: plain functions {plain:.2f} s, flow {flow:.2f} s, ratio {flow / plain:.2f}")
        print(
            f"{SCENES} scenes of 8 objects, up to 8 at a time: median ratio {statistics.median(ratios):.2f} (goal: at most 1.5)"
        )


def broken(served: Served, name: str, count: int) -> list[str]:
    """New scenes whose export is cut short."""
    ids = [f"{name}_{number:03d}" for number in range(count)]
    for scene_id in ids:
        served.control("POST", "scenes", {"scene_id": scene_id, "kind": "kitchen"})
        served.control("POST", f"scenes/{scene_id}/damage", {"name": "export_corrupt"})
    return ids


def plainly(environment: PipelineEnvironment, ids: list[str]) -> float:
    """Seconds for a batch without Prefect."""
    context = Context(environment, "bench")
    began = time.monotonic()
    wave = threads(lambda name: run(ExportRecovery(), context, RecoveryRequest(scene_id=name, mode="apply")))
    results = run_batch(ids, context, "export-recovery", wave, lambda _done, _total: None)
    seconds = time.monotonic() - began
    assert [result.outcome for result in results] == ["done"] * len(ids), results[0].sentence()
    return seconds


def through_flow(name: str, ids: list[str], served: Served) -> float:
    """Seconds for the same batch as a flow run."""
    if name == "warm":
        broken(served, "warm_flow", 1)
        ids = ["warm_flow_000"]
    began = time.monotonic()
    state = export_recovery(ids, mode="apply", environment="bench", return_state=True)
    seconds = time.monotonic() - began
    assert state.is_completed(), state.message
    return seconds


if __name__ == "__main__":
    main()
