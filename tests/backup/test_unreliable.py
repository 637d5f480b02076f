"""One call in five goes wrong: the same manifest, each generation copied once."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from blocks.calls import CallLimits
from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tests.backup.world import DATA, backup, copies, fill, manifest, quick_environment, untrue, verified

LIMITS = CallLimits(attempts=12, call_seconds=2.0, total_seconds=60.0, first_wait_seconds=0.005)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with another seed each time; the assertions tell it."""
    with Sandbox(job_seconds=0.02) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox) -> Iterator[PipelineEnvironment]:
    """An environment that expects trouble."""
    made = quick_environment(sandbox)
    for block in (made.storage, made.workflows, made.jobs, made.triggers, made.schedulers):
        block.limits = LIMITS
    yield made
    made.close()


def one_call_in_five(sandbox: Sandbox) -> None:
    """Every kind of trouble, together on one call in five."""
    for trouble in (
        FaultRule(service="*", kind="status", status=503, probability=0.05),
        FaultRule(service="*", kind="status", status=429, probability=0.05),
        FaultRule(service="*", kind="reset", probability=0.05),
        FaultRule(service="*", kind="lost_answer", probability=0.05),
    ):
        sandbox.faults.add(trouble)


def test_one_call_in_five_fails_and_the_night_is_the_same(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    told = f"seed {sandbox.faults.seed}"
    sys.stdout.write(f"{told}\n")
    fill(sandbox.store, 700)
    one_call_in_five(sandbox)
    result = backup(environment)
    looked = verified(environment)
    sandbox.faults.clear()
    assert result.outcome == "done", f"{told}: {result.sentence()}"
    live = {found.name: found.generation for found in sandbox.store.list(DATA, "scenes/")}
    assert {name: entry.generation for name, entry in manifest(environment).items()} == live, told
    assert untrue(environment, sandbox.store) == [], told
    assert len(copies(sandbox.store, versions=True)) == 700, told
    assert looked.good, f"{told}: {looked.sentence()}"
