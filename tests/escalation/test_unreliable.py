"""With a bucket and sinks that fail at random, everybody is told in the end, and nobody twice within a step."""

from __future__ import annotations

from collections import Counter

import pytest
from prefect.types import SecretDict

from blocks.environment import PipelineEnvironment
from blocks.notifier import Notifier
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.incidents.incident import read_incident
from tasks.incidents.pages import attempts
from tasks.remediation.context import Context
from tests.escalation.world import an_incident, an_update, tell

FAULTS = (
    {"service": "sinks", "kind": "status", "status": 503, "probability": 0.25},
    {"service": "sinks", "kind": "lost_answer", "probability": 0.2},
    {"service": "storage", "method": "objects.insert", "kind": "lost_answer", "probability": 0.1},
    {"service": "storage", "method": "objects.insert", "kind": "reset", "probability": 0.05},
    {"service": "storage", "method": "objects.*", "kind": "status", "status": 503, "probability": 0.1},
)


@pytest.mark.parametrize("seed", range(2))
def test_a_storm_loses_no_step_and_doubles_none(seed: int) -> None:
    with Sandbox(seed=seed) as sandbox:
        from deployments.sandbox_environment import for_sandbox

        environment = for_sandbox(sandbox.endpoints)
        environment.notifier = Notifier(sinks=SecretDict(environment.notifier.sinks.get_secret_value()), seconds=1.0)
        incident = an_incident(environment)
        incident.say(an_update())
        for fault in FAULTS:
            sandbox.faults.add(FaultRule(**fault))  # type: ignore[arg-type]
        for ahead in range(0, 70, 3):
            tell(environment, incident, ahead=ahead + 0.1)
        sandbox.faults.clear()
        tell(environment, incident, ahead=70)
        check(environment, sandbox, incident.id)
        environment.close()


def check(environment: PipelineEnvironment, sandbox: Sandbox, id_: str) -> None:
    """The record and what came agree."""
    read = read_incident(Context(environment, "x"), id_)
    assert read.case.verify() == []
    found = attempts(read)
    came = Counter(one.sink for one in sandbox.sinks.received())
    for sink in ("primary", "platform", "simulation", "updates"):
        states = Counter(one.state for one in found.values() if one.sink == sink)
        assert states["sending"] == 0, "what became of each message was told"
        assert states["sent"] <= came[sink] <= states["sent"] + states["unknown"], (sink, states, came)
    taken = Counter(
        key.partition(":retry")[0] for key, one in found.items() if one.state != "failed"
    )  # a message of which nothing was taken may be sent again; any other may not
    assert set(taken.values()) == {1}
    last = {key.partition(":retry")[0] for key in found}
    for key in ("page:1:primary:3:primary", "page:2:secondary:3:platform", "page:3:vendor:3:simulation"):
        assert key in last, "everybody's last message was tried"
