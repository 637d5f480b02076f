"""A thousand events of a pause: none is lost, none comes twice, and they come at the rate that the policy says."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tests.intake.world import FLOW, OBJECTS, USD, make_trigger, only, pause, pushes, resume, started
from tests.kernel.world import policies
from tests.restore.world import DATA

PER_SECOND = 200.0
MARKER = r"^scenes/.+/assets/\.regen3d_complete$"


def test_a_thousand_events_come_once_each_and_never_faster_than_the_rate(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    policies(environment, release_per_minute=60 * PER_SECOND)
    only(sandbox, USD)
    make_trigger(sandbox, "us", "layouts", workflow=OBJECTS, pattern=MARKER)
    before = pushes(sandbox)
    assert pause(environment).outcome == "done"
    names = [f"scenes/s_{number}/assets/.regen3d_complete" for number in range(500)]
    for name in names:
        sandbox.store.put(DATA, name, b"{}")
    assert started(sandbox, FLOW) + started(sandbox, OBJECTS) == Counter()
    one = resume(environment)
    assert one.outcome == "done", one.sentence()
    assert started(sandbox, FLOW) == started(sandbox, OBJECTS) == Counter(names)
    assert pushes(sandbox) == before
    times = sorted(
        execution.created.timestamp()
        for workflow in (FLOW, OBJECTS)
        for execution in sandbox.workflows.executions.newest_first(workflow)
    )
    assert len(times) == 1000
    assert times[-1] - times[0] >= 999 / PER_SECOND - 0.05, "of both triggers together"
    for number, first in enumerate(times):
        within = bisect_left(times, first + 0.5) - number
        assert within <= 0.5 * PER_SECOND + 15, "what is late in its thread may come close to the next one"
