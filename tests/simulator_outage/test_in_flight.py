"""The simulator goes out with twenty scenes in flight: found at the next look, restarted once, proved, and each made again once."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.simulator_outage.owed import owed_now
from tasks.simulator_outage.request import FAILED
from tests.gpu_capacity.shortage import EXPORT, reruns
from tests.kernel.world import heir, policies
from tests.recovery.world import healthy, without_triggers
from tests.simulator_outage.aftermath import TRIAL, in_flight, paid, ready_trial, they_fail
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
AT_A_TIME = 3
"""Scenes that are made again here; the others stay owed, since a hundred seconds of recoveries prove no more."""


@pytest.fixture
def names(sandbox: Sandbox, environment: PipelineEnvironment) -> list[str]:
    """Twenty scenes whose simulation has begun."""
    without_triggers(sandbox)
    deploy_server(sandbox)
    ready_trial(sandbox)
    return in_flight(sandbox, environment, SCENES)


def test_it_is_found_at_once_restarted_once_after_its_client_gave_up_and_all_are_made_again_none_twice(
    sandbox: Sandbox, environment: PipelineEnvironment, names: list[str]
) -> None:
    assert looked_at(environment)[1].answers == {}, "nothing is wrong yet"
    goes_out(sandbox)
    assert list(looked_at(environment)[1].answers) == ["genie-sim"], "the very next look finds it"

    logged(sandbox, BEGINS, seconds_ago=5)
    assert looked_at(environment)[1].answers == {}, "its client is at it"
    assert outage(environment, trial=TRIAL, recover=True).outcome == "nothing_to_do"
    assert rollouts(sandbox) == 0

    forget_log(sandbox)
    logged(sandbox, BEGINS, seconds_ago=400)
    they_fail(sandbox, environment)
    one = outage(environment, trial=TRIAL, recover=True)
    assert one.outcome == "done", one.sentence()
    assert one.plan is not None
    assert one.plan.details[FAILED] == names
    assert outage(environment, trial=TRIAL, recover=True).outcome == "nothing_to_do"
    assert rollouts(sandbox) == 1

    policies(environment, max_scenes=AT_A_TIME)
    waves: list[list[str]] = []
    (made,) = paid(environment, waves)
    assert made.outcome == "done", made.sentence()
    assert made.summary == f"smoke run on {TRIAL}: done; 3 scenes whole again, {SCENES - AT_A_TIME} still owed"
    assert [len(group) for group in waves] == [1, 2], "ramped"
    assert healthy(environment, TRIAL) == []
    again = [name for group in waves for name in group]
    assert [name for name in again if healthy(environment, name)] == []
    (owed,) = owed_now(heir(environment))
    assert owed.debt.left == [name for name in names if name not in again]
    assert f"{SCENES - AT_A_TIME} scenes that failed meanwhile are owed" in owed.sentence
    assert reruns(environment) == dict.fromkeys(names, 1) | dict.fromkeys(again, 2) | {TRIAL: 1}


def test_scenes_that_still_run_or_ran_again_meanwhile_are_not_made_again(
    sandbox: Sandbox, environment: PipelineEnvironment, names: list[str]
) -> None:
    goes_out(sandbox)
    outage(environment, trial=TRIAL, recover=True)  # serves again before any of them has failed
    sandbox.simulator.forgive()
    (made,) = paid(environment)
    assert made.outcome == "done", made.sentence()
    assert "0 scenes whole again, 0 still owed" in made.summary
    assert owed_now(heir(environment)) == []
    assert len(list(environment.workflows.executions(EXPORT))) == SCENES + 1
