"""How an outage of the simulator is ended: 20 scenes were in flight, one restart, one smoke run, and each made again once."""

from __future__ import annotations

import time

from deployments.sandbox.server import Sandbox
from tests.gpu_capacity.shortage import reruns
from tests.recovery.world import PATIENT, healthy, quick_environment, without_triggers
from tests.simulator_outage.aftermath import in_flight, paid, they_fail
from tests.simulator_outage.world import (
    BEGINS,
    deploy_server,
    forget_log,
    goes_out,
    logged,
    looked_at,
    outage,
    rollouts,
)

SCENES = 20


def main() -> None:
    """Print what the look, the restart and what follows take, and that nothing was made twice."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick_environment(sandbox, PATIENT)
        without_triggers(sandbox)
        deploy_server(sandbox)
        names = in_flight(sandbox, environment, SCENES)
        looked_at(environment)  # loads the clients
        goes_out(sandbox)
        sandbox.requests.reset()
        began = time.monotonic()
        _, found = looked_at(environment)
        seconds, asked = time.monotonic() - began, sum(sandbox.requests.snapshot().values())
        print(f"found by the first look after it: {list(found.answers)}, {seconds:.2f} s, {asked} requests")
        logged(sandbox, BEGINS, seconds_ago=5)
        print(
            f"while its client restarts it: {outage(environment, recover=True).outcome}, {rollouts(sandbox)} restarts"
        )
        forget_log(sandbox)
        they_fail(sandbox, environment)
        began = time.monotonic()
        one = outage(environment, recover=True)
        outage(environment, recover=True)
        print(f"then: {one.sentence()}; {rollouts(sandbox)} restart after two runs, {time.monotonic() - began:.1f} s")
        sandbox.requests.reset()
        waves: list[list[str]] = []
        began = time.monotonic()
        (made,) = paid(environment, waves)
        seconds, counts = time.monotonic() - began, sandbox.requests.snapshot()
        print(made.sentence())
        whole = sum(not healthy(environment, name) for name in names)
        twice = sum(reruns(environment)[name] != 2 for name in names)
        print(
            f"{whole} of {SCENES} scenes whole, {twice} not made exactly once again, "
            f"waves {[len(group) for group in waves]}"
        )
        print(
            f"{seconds:.1f} s with the smoke run, {sum(counts.values()):,} requests, "
            f"{counts.get('executions.CreateExecution', 0)} starts"
        )
        environment.close()


if __name__ == "__main__":
    main()
