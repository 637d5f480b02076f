"""When rolling back a job goes wrong: nobody else's work is replaced, the reason is said, and undo brings back what was."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.rollback.procedure import Rollback
from tests.kernel.world import Killed, killed_at, policies
from tests.rollback.world import (
    JOB,
    broken_job,
    live_digest,
    live_job,
    on_step,
    page,
    rollback,
    run_job,
    set_secret,
    undone,
)


def test_a_job_that_somebody_deploys_meanwhile_is_left_to_them(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    context = on_step(environment, "1 redeploy", lambda: set_secret(environment, "theirs"))
    one = rollback(environment, "job", JOB, context=context)
    assert one.outcome == "failed"
    assert "etag" in one.reasons[0]
    (variable,) = live_job(environment).job["template"]["template"]["containers"][0]["env"]
    assert variable == {"name": "API_KEY", "value": "theirs"}


def test_an_image_that_goes_meanwhile_fails_with_googles_reason_and_undo_puts_the_former_one_back(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_job(sandbox, environment)
    image = live_job(environment).images[0].image.partition(":")[0]
    context = on_step(environment, "1 redeploy", lambda: sandbox.run.images.put(f"{image}@{former}", False))
    one = rollback(environment, "job", JOB, context=context)
    assert one.outcome == "failed"
    assert "not found" in one.reasons[0]
    assert f"remediate undo @rollback.job.{JOB} {one.id}" in " ".join(one.reasons)
    assert undone(environment, one).outcome == "done"
    assert live_digest(environment) == bad


def test_a_job_that_is_found_not_to_be_ready_after_its_update_fails_with_the_reason_and_is_not_tried(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    sandbox.run.spoilt[JOB] = "Secret projects/1/secrets/x was not found."
    starts = sandbox.requests.count("run", "RunJob")
    one = rollback(environment, "job", JOB)
    assert one.outcome == "failed"
    assert "not ready: Secret projects/1/secrets/x was not found." in one.reasons[0]
    assert sandbox.requests.count("run", "RunJob") == starts
    assert "remediate undo" in " ".join(one.reasons)


def test_a_job_that_is_changed_again_before_the_last_look_is_not_called_done(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    context = on_step(environment, "2 prove ready", lambda: move_on(environment))
    one = rollback(environment, "job", JOB, context=context, without_canary=True)
    assert one.outcome == "failed"
    assert "somebody has changed it since" in one.reasons[0]
    assert "remediate undo" in one.reasons[1]


def move_on(environment: PipelineEnvironment) -> None:
    """Somebody deploys another image."""
    live = live_job(environment)
    job = live.pinned()
    job["template"]["template"]["containers"][0]["image"] = "host/p/theirs@sha256:" + "f" * 64
    images = (replace(live.images[0], image="host/p/theirs", digest="sha256:" + "f" * 64),)
    environment.jobs.deploy(replace(live, job=job, images=images), etag=live.etag)


def test_what_is_refused_by_permission_changes_nothing(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_job(sandbox, environment)
    sandbox.faults.add(FaultRule(service="run", method="UpdateJob", kind="status", status=403))
    one = rollback(environment, "job", JOB)
    assert one.outcome == "failed"
    assert "run.jobs.update" in one.reasons[0]
    assert live_digest(environment) == bad


def test_the_policy_wants_a_person(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_job(sandbox, environment)
    policies(environment, approval={"low": "automatic", "medium": "automatic", "high": "person"})
    assert rollback(environment, "job", JOB).outcome == "needs_approval"
    assert live_digest(environment) == bad


# The way back


def test_undo_puts_back_exactly_what_was(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_job(sandbox, environment)
    set_secret(environment, "hunter2")
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise", times=1))
    run_job(environment)
    before = live_job(environment)
    one = rollback(environment, "job", JOB, without_canary=True)
    assert one.outcome == "done", one.sentence()
    assert live_job(environment).pinned() != before.pinned()
    assert undone(environment, one).outcome == "done"
    assert live_job(environment).pinned() == before.pinned()


def test_undo_leaves_alone_what_was_deployed_since(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    broken_job(sandbox, environment)
    one = rollback(environment, "job", JOB, without_canary=True)
    move_on(environment)
    back = undone(environment, one)
    assert back.outcome == "escalated"
    assert "was deployed again since" in back.reasons[0]


def test_the_report_of_a_run_that_was_continued_shows_the_same(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    with pytest.raises(Killed), killed_at(3, before=False):
        rollback(environment, "job", JOB)
    one = rollback(environment, "job", JOB)
    assert (one.outcome, bool(one.continues)) == ("done", True)
    assert "Certain:" in page(one)
    assert json.dumps(one.plan.details)  # type: ignore[union-attr]
    assert Rollback.name == one.procedure
