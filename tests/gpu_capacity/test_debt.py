"""What a relief still owes survives every process, and each scene is owed until somebody looked after it."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.debt import read_debt
from tasks.remediation.debt import Debt, tried
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Outcome
from tasks.remediation.run import Run
from tests.gpu_capacity.shortage import heir
from tests.gpu_capacity.world import policy

RELIEF = "20260118t031502z-9f3ac1d2"


def read(environment: PipelineEnvironment) -> Debt:
    return read_debt(heir(environment), RELIEF)


def ended(environment: PipelineEnvironment, scene: str, outcome: Outcome, *reasons: str) -> Run:
    one = Run(heir(environment), "export-recovery")
    one.subject = scene
    one.end(outcome, *reasons)
    return one


def test_nothing_is_known_before_somebody_has_looked(environment: PipelineEnvironment) -> None:
    debt = read(environment)
    assert (debt.known, debt.settled, debt.left) == (False, False, [])


def test_that_no_scene_failed_is_known_too(environment: PipelineEnvironment) -> None:
    read(environment).owe([])
    assert (read(environment).known, read(environment).left) == (True, [])


def test_what_was_owed_first_counts(environment: PipelineEnvironment) -> None:
    read(environment).owe(["a", "b"])
    read(environment).owe(["c"])
    assert read(environment).left == ["a", "b"]


@pytest.mark.parametrize(
    "outcome", ["done", "nothing_to_do", "failed", "refused", "escalated", "needs_approval", "unknown"]
)
def test_a_scene_is_owed_no_longer_once_it_was_tried(environment: PipelineEnvironment, outcome: Outcome) -> None:
    debt = read(environment)
    debt.owe(["a", "b"])
    debt.looked_after([ended(environment, "a", outcome)])
    assert debt.left == read(environment).left == ["b"]


@pytest.mark.parametrize("outcome", ["busy", "stopped", "not_started"])
def test_a_scene_that_was_not_tried_stays_owed(environment: PipelineEnvironment, outcome: Outcome) -> None:
    debt = read(environment)
    debt.owe(["a"])
    debt.looked_after([ended(environment, "a", outcome)])
    assert read(environment).left == ["a"]
    assert len(read(environment).case.entries) == 1, "nothing to say is not said"


@pytest.mark.parametrize("closed", [True, False])
def test_what_the_kill_switch_has_refused_meanwhile_was_not_tried(
    environment: PipelineEnvironment, closed: bool
) -> None:
    runs = [ended(environment, "a", "refused", "why"), ended(environment, "b", "done")]
    policy(environment, kill_switch=["a drill"] * closed)
    debt = read(environment)
    debt.owe(["a", "b"])
    debt.looked_after(tried(heir(environment), runs))
    assert debt.left == ["a"] * closed


def test_a_scene_that_got_no_gpu_again_stays_owed_unless_it_was_refused(environment: PipelineEnvironment) -> None:
    debt, why = read(environment), "ended FAILED: ZONE_RESOURCE_POOL_EXHAUSTED"
    debt.owe(["a"])
    debt.looked_after([ended(environment, "a", "failed", why)])
    assert debt.left == ["a"]
    debt.looked_after([ended(environment, "a", "refused", f"restarted 2 times: {why}")])
    assert debt.left == []


def test_it_is_settled_once(environment: PipelineEnvironment) -> None:
    for _ in range(2):
        read(environment).settle()
    assert read(environment).settled
    assert len(read(environment).case.entries) == 1


def test_a_list_that_was_altered_is_not_believed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    read(environment).owe(["a"])
    read(environment).settle()
    sandbox.store.put("sandbox-ops", f"remediation/gpu/{RELIEF}/000001.json", b"{}")
    with pytest.raises(LedgerDamaged):
        read(environment)
