"""How long it takes to follow a stock-out up: 50 scenes failed, work was turned off, and GPUs are there again."""

from __future__ import annotations

import time

from deployments.sandbox.server import Sandbox
from tests.gpu_capacity.shortage import export, gpus_return, heir, look, reruns, scenes, settings, stock_out, watch
from tests.gpu_capacity.world import relieve
from tests.recovery.world import PATIENT, healthy, quick_environment

SCENES = 50


def main() -> None:
    """Print what the look and the follow-up take, and that nothing was made twice."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick_environment(sandbox, PATIENT)
        stock_out(sandbox)
        names = scenes(sandbox, SCENES)
        export(environment, names)
        before = settings(environment)
        assert relieve(environment).outcome == "done"
        gpus_return(sandbox)
        sandbox.requests.reset()
        began = time.monotonic()
        look(heir(environment))
        print(f"look: {time.monotonic() - began:.2f} s, {sum(sandbox.requests.snapshot().values())} requests")
        waves: list[list[str]] = []
        sandbox.requests.reset()
        began = time.monotonic()
        (one,) = watch(environment, waves)
        seconds = time.monotonic() - began
        asked = sandbox.requests.snapshot()
        whole = sum(not healthy(environment, name) for name in names)
        twice = sum(count != 2 for count in reruns(environment).values())
        print(f"{one.sentence()}")
        print(
            f"{whole} of {SCENES} scenes whole, {twice} not made exactly once, waves {[len(group) for group in waves]}"
        )
        print(
            f"follow-up: {sum(asked.values()):,} requests, {asked.get('executions.CreateExecution', 0)} starts, "
            f"{sum(asked.values()) / SCENES:.0f} requests a scene"
        )
        print(f"work as it was: {settings(environment) == before}; {seconds:.1f} s, {seconds / SCENES:.2f} s a scene")
        environment.close()


if __name__ == "__main__":
    main()
