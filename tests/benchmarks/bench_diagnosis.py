"""Five faults at once among 300 scenes: how long the diagnosis takes, and that it names the five and no sixth."""

from __future__ import annotations

import time

from deployments.sandbox.pipeline.varied import make_varied_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox
from tests.diagnosis.world import DATA, diagnosed, five_faults, rows

SCENES = 300
"""Healthy scenes beside the broken ones."""
TARGET_SECONDS = 20.0
FIVE = ["bad-image", "trigger-missing", "genie-sim-down", "stale-lock", "manifest-damaged"]


def main() -> None:
    """Print the time and what was found."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints)
        for number in range(SCENES):
            make_varied_scene(sandbox.store, DATA, f"varied-{number:04}", number, from_text=False)
        five_faults(sandbox, environment)
        sandbox.requests.reset()
        began = time.perf_counter()
        found = diagnosed(environment, seconds=15.0)
        seconds = time.perf_counter() - began
        requests = sum(sandbox.requests.snapshot().values())
        environment.close()
    assert rows(found) == FIVE, rows(found)
    assert found.unknown == [], found.unknown
    print(f"five faults among {SCENES} healthy scenes: named in {seconds:.1f} s (target {TARGET_SECONDS:g} s)")
    print(f"requests: {requests}; slowest probe: {max((one.seconds, one.probe) for one in found.probes)}")


if __name__ == "__main__":
    main()
