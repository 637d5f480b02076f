"""A Cloud Run job goes back to the image that last worked, by its digest, and proves it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.job_definitions import ImageRef
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tests.rollback.world import (
    DATA,
    JOB,
    TEST_SCENE,
    broken_job,
    live_digest,
    live_job,
    make_test_scene,
    page,
    push,
    rollback,
    run_job,
    set_secret,
)


def test_the_image_that_last_worked_is_found_deployed_by_its_digest_and_tried(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_job(sandbox, environment)
    one = rollback(environment, "job", JOB)
    assert one.outcome == "done", one.sentence()
    assert live_job(environment).job["template"]["template"]["containers"][0]["image"].endswith(f"{JOB}@{former}")
    (canary,) = [ran for ran in environment.jobs.executions(JOB) if ran.env.get("REMEDIATION_RUN") == one.id]
    assert (canary.state, canary.env["SCENE_ID"], canary.images[0].partition("@")[2]) == (
        "succeeded",
        TEST_SCENE,
        former,
    )
    assert bad[:19] in page(one)
    assert "Certain:" in page(one)


def test_a_plan_shows_both_images_and_how_sure_it_is_and_changes_nothing(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, bad = broken_job(sandbox, environment)
    sandbox.requests.reset()
    one = rollback(environment, "job", JOB, mode="plan", reason="")
    assert one.outcome == "planned"
    assert sandbox.requests.mutating() == {"total": 0}
    assert one.plan is not None
    assert (one.plan.risk, one.plan.details["sure"]) == ("high", "certain")
    assert f"@{bad}\n" in page(one)
    assert f"@{former}\n" in page(one)


def test_one_success_is_likely_and_none_is_for_a_person(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, environment, good=1)
    one = rollback(environment, "job", JOB, mode="plan")
    assert one.plan is not None
    assert one.plan.details["sure"] == "likely"
    assert former[:19] in one.summary


def test_without_a_success_of_a_former_image_nothing_is_guessed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise"))
    make_test_scene(sandbox)
    run_job(environment)
    never = live_digest(environment)
    push(sandbox, environment)
    run_job(environment)
    before = live_job(environment)
    one = rollback(environment, "job", JOB)
    assert one.outcome == "escalated"
    assert "none is guessed" in one.reasons[0]
    assert never in one.reasons[0]
    assert live_job(environment) == before


def test_a_job_that_never_ran_has_nothing_to_go_by(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = rollback(environment, "job", JOB)
    assert one.outcome == "escalated"
    assert "there is no run to go by" in one.reasons[0]
    assert any("has not run since it was deployed" in note for note in one.notes)


def test_a_job_that_is_not_deployed_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    one = rollback(environment, "job", "no-such-job")
    assert one.outcome == "refused"
    assert one.reasons == ["No job no-such-job is deployed in sandbox-project/us-central1; check the name."]


def test_while_the_present_image_works_there_is_nothing_to_do(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    run_job(environment)
    before = live_job(environment)
    one = rollback(environment, "job", JOB)
    assert one.outcome == "nothing_to_do"
    assert "which works" in one.summary
    assert live_job(environment) == before


def test_a_job_that_names_a_tag_is_told_that_it_may_run_something_else_next(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_test_scene(sandbox)
    run_job(environment)
    one = rollback(environment, "job", JOB)
    assert one.outcome == "nothing_to_do"
    (note,) = one.notes
    assert f"{JOB}:latest, whose image is looked up at each execution" in note
    assert f"gcloud run jobs update {JOB} --image" in note
    assert note.endswith(f"{JOB}@{live_digest(environment)}")


def test_the_live_image_is_never_gone_back_to(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_job(sandbox, environment)
    sandbox.requests.reset()
    assert rollback(environment, "job", JOB, to=bad).outcome == "nothing_to_do"
    assert sandbox.requests.count("run", "UpdateJob") == 0


@pytest.mark.parametrize("form", ["whole", "bare", "begins", "image"])
def test_a_person_names_a_digest(environment: PipelineEnvironment, sandbox: Sandbox, form: str) -> None:
    former, _ = broken_job(sandbox, environment, good=1)
    forms = {"whole": former, "bare": former[7:], "begins": former[:20], "image": f"any/{JOB}@{former}"}
    one = rollback(environment, "job", JOB, to=forms[form], without_canary=True)
    assert one.outcome == "done", one.sentence()
    assert live_digest(environment) == former


def test_a_digest_of_which_nothing_ran_is_taken_when_a_person_names_it_and_is_called_unknown(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment)
    digest = "sha256:" + "c" * 64
    one = rollback(environment, "job", JOB, to=digest, without_canary=True)
    assert one.outcome == "done", one.sentence()
    assert live_digest(environment) == digest
    assert "Unknown: nothing is known to have succeeded" in page(one)


@pytest.mark.parametrize("to", ["latest", "v1", "sha256:123", "000001-abc", "sha256:" + "d" * 63])
def test_a_tag_or_an_unknown_digest_is_refused_with_what_there_is(
    environment: PipelineEnvironment, sandbox: Sandbox, to: str
) -> None:
    former, _ = broken_job(sandbox, environment)
    one = rollback(environment, "job", JOB, to=to)
    assert one.outcome == "refused"
    assert former in one.reasons[0]


def test_an_execution_that_somebody_has_cancelled_says_nothing_of_its_image(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_test_scene(sandbox)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="hold"))
    started = environment.jobs.start(JOB, {"BUCKET": DATA, "SCENE_ID": TEST_SCENE})
    found = sandbox.run.executions.get(started.name)
    assert found is not None
    sandbox.run.executions.cancel(found)
    sandbox.simulator.forgive()
    push(sandbox, environment)
    run_job(environment)
    one = rollback(environment, "job", JOB, mode="plan")
    assert one.plan is not None
    versions: Any = one.plan.details["versions"]
    assert [(row["succeeded"], row["failed"]) for row in versions] == [(1, 0), (0, 0)]


def test_the_containers_of_a_job_go_back_together_and_another_number_of_them_is_no_target(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    make_test_scene(sandbox)
    run_job(environment)  # with one container
    add_sidecar(environment)
    run_job(environment)
    former = [one.digest for one in live_job(environment).images]
    push(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise"))
    run_job(environment)
    sandbox.simulator.forgive()
    assert "fits several versions" in rollback(environment, "job", JOB, to=str(former[0])[:20]).reasons[0]
    assert (
        "the job had 1 containers, and it has 2 now" in rollback(environment, "job", JOB, to=str(former[0])).reasons[0]
    )
    one = rollback(environment, "job", JOB)
    assert one.outcome == "done", one.sentence()
    assert [image.digest for image in live_job(environment).images] == former
    assert "- **sidecar**\n" in page(one)


def add_sidecar(environment: PipelineEnvironment) -> None:
    """Deploy the job with a second container."""
    live = live_job(environment)
    job = copy.deepcopy(live.job)
    job["template"]["template"]["containers"].append({"name": "sidecar", "image": "host/p/sidecar:v1"})
    images = (replace(live.images[0], digest=None), ImageRef("host/p/sidecar:v1", None))
    environment.jobs.deploy(replace(live, job=job, images=images), etag=live.etag)


def test_what_runs_is_named_with_its_image_and_not_touched(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    _, bad = broken_job(sandbox, environment)
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, scene_id="busy", kind="hold"))
    running = environment.jobs.start(JOB, {"BUCKET": DATA, "SCENE_ID": "busy"})
    one = rollback(environment, "job", JOB)
    assert one.outcome == "done", one.sentence()
    assert f"on busy goes on to its end with {JOB}@{bad[:19]}" in page(one)
    assert environment.jobs.execution(running.name).state == "running"
    sandbox.simulator.forgive()


def test_only_the_image_is_changed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, environment)
    set_secret(environment, "hunter2")
    sandbox.simulator.behave(SimulatorFault(workflow=JOB, kind="raise", times=1))
    run_job(environment)
    before = live_job(environment).job
    assert rollback(environment, "job", JOB, to=former, without_canary=True).outcome == "done"
    after = live_job(environment).job
    for one in (before, after):
        one["template"]["template"]["containers"][0].pop("image")
    assert after == before


def test_no_value_of_a_variable_is_shown_or_journalled(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, environment)
    set_secret(environment, "hunter2")
    one = rollback(environment, "job", JOB, to=former)
    assert one.outcome == "done", one.sentence()
    assert "hunter2" not in page(one)
    journal = [found.data.decode() for found in sandbox.store.list("sandbox-ops", "remediation/journal/")]
    assert journal
    assert not [entry for entry in journal if "hunter2" in entry]
