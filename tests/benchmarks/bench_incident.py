"""An incident of five faults among 300 healthy scenes: how long it takes to name them, and to see them through."""

from __future__ import annotations

import time

from deployments.sandbox.pipeline.varied import make_varied_scene
from deployments.sandbox.server import Sandbox
from deployments.sandbox_environment import for_sandbox, quick_policy
from tasks.incidents.entries import Scope
from tasks.incidents.incident import declare
from tasks.response.diagnosis import diagnosis_of
from tasks.response.respond import respond
from tasks.response.response import Means
from tasks.response.times import measures
from tests.diagnosis.world import DATA
from tests.response.five import FIVE, inject, on_call
from tests.response.world import QUICK, heir, incident_of, wanted

SCENES = 300
"""Healthy scenes beside the broken ones."""
TARGET_SECONDS = 20.0
"""For the diagnosis, which must name the five and no sixth."""


def main() -> None:
    """Print the times, and what was found."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = for_sandbox(sandbox.endpoints, quick_policy(**QUICK))
        for number in range(SCENES):
            make_varied_scene(sandbox.store, DATA, f"varied-{number:04}", number, from_text=False)
        inject(sandbox, environment)
        asked = wanted(title="Exports fail", scope=Scope(), pause="no")
        sandbox.requests.reset()
        began = time.perf_counter()
        said, faults = diagnosis_of(heir(environment), declare(heir(environment), asked.declaration()))
        seconds = time.perf_counter() - began
        requests = sum(sandbox.requests.snapshot().values())
        assert [one.row for one in faults] == list(FIVE), said.causes
        assert said.unknown == (), said.unknown
        print(f"named in {seconds:.1f} s (target {TARGET_SECONDS:g} s) with {requests} requests: {', '.join(FIVE)}")
        sandbox.requests.reset()
        began = time.perf_counter()
        one = respond(heir(environment), asked, Means(ask=on_call(sandbox, environment)))
        seconds = time.perf_counter() - began
        requests = sum(sandbox.requests.snapshot().values())
        incident = incident_of(one)
        assert (one.outcome, incident.still_wrong) == ("done", []), one.sentence()
        print(
            f"seen through to the review in {seconds:.1f} s with {requests} requests, {len(incident.case.entries)} entries"
        )
        print("; ".join(f"{each.name.lower()}: {each.words}" for each in measures(incident)))
        environment.close()


if __name__ == "__main__":
    main()
