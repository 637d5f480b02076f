"""Former images are looked up in their registry before anything is changed: one that is gone is no way back."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.image_registry import resource_name
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.rollback import registered
from tests.rollback.world import JOB, broken_job, live_digest, live_job, page, push, rollback, run_job

DIGEST = "sha256:" + "a" * 64


def image(environment: PipelineEnvironment, digest: str) -> str:
    """The job's image of a digest."""
    name = live_job(environment).images[0].image.partition("@")[0].rpartition(":")[0]
    return f"{name}@{digest}"


def versions(one: Any) -> list[dict[str, Any]]:
    """The table of a plan."""
    assert one.plan is not None, one.sentence()
    return list(one.plan.details["versions"])


def test_the_plan_says_which_former_images_are_there_and_under_which_tags(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    broken_job(sandbox, environment, good=1)
    sandbox.requests.reset()
    one = rollback(environment, "job", JOB, mode="plan")
    assert [row["in the registry"] for row in versions(one)] == ["", "there, without a tag"]
    assert sandbox.requests.mutating() == {"total": 0}
    assert sandbox.requests.count("registry", "GetDockerImage") == 1
    assert "there, without a tag" in page(one)


def test_an_image_that_is_gone_is_not_gone_back_to_and_the_one_before_it_is(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    run_job_well(sandbox, environment)
    older = live_digest(environment)
    push(sandbox, environment)
    newer, _ = broken_job(sandbox, environment, good=1)
    sandbox.run.images.put(image(environment, newer), False)
    one = rollback(environment, "job", JOB, without_canary=True)
    assert one.outcome == "done", one.sentence()
    assert live_digest(environment) == older
    assert any("has worked, but it is not in its registry any more" in note for note in one.notes)


def run_job_well(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """One success of the image that the job has first."""
    from tests.rollback.world import make_test_scene

    make_test_scene(sandbox)
    assert run_job(environment).state == "succeeded"


def test_one_that_is_gone_is_refused_though_a_person_names_it_and_nothing_is_changed(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    former, _ = broken_job(sandbox, environment, good=1)
    sandbox.run.images.put(image(environment, former), False)
    before = live_job(environment)
    one = rollback(environment, "job", JOB, to=former)
    assert (one.outcome, "not in its registry any more" in one.reasons[0]) == ("refused", True)
    assert live_job(environment) == before


def test_where_all_are_gone_nothing_is_guessed(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, environment, good=1)
    sandbox.run.images.put(image(environment, former), False)
    one = rollback(environment, "job", JOB)
    assert one.outcome == "escalated"
    assert sandbox.requests.count("run", "UpdateJob") == 0


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_the_registry_does_not_say_is_not_known_and_not_missing(
    environment: PipelineEnvironment, sandbox: Sandbox, status: int
) -> None:
    former, _ = broken_job(sandbox, environment, good=1)
    environment.registry.limits = environment.registry.limits.model_copy(update={"total_seconds": 0.2})
    sandbox.faults.add(FaultRule(service="registry", kind="status", status=status))
    one = rollback(environment, "job", JOB, without_canary=True)
    if status == 404:
        assert one.outcome == "escalated"
        return
    assert one.outcome == "done", one.sentence()
    assert live_digest(environment) == former
    assert any("is not known: " in note for note in one.notes)


def test_a_tag_that_stands_for_an_image_is_named(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    run_job_well(sandbox, environment)
    found = environment.registry.look(image(environment, live_digest(environment)))
    assert found is not None
    assert found.tags == ("latest",)


def test_of_very_many_versions_the_newest_are_asked_for(
    environment: PipelineEnvironment, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered, "MOST_ASKED", 1)
    run_job_well(sandbox, environment)
    push(sandbox, environment)
    broken_job(sandbox, environment, good=1)
    sandbox.requests.reset()
    rows = versions(rollback(environment, "job", JOB, mode="plan"))
    assert [row["in the registry"] for row in rows][1:] == ["there, without a tag", "not asked"]
    assert sandbox.requests.count("registry", "GetDockerImage") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("us-central1-docker.pkg.dev/p/r/a/b", "projects/p/locations/us-central1/repositories/r/dockerImages/a%2Fb"),
        ("gcr.io/p/a", "projects/p/locations/us/repositories/gcr.io/dockerImages/a"),
        ("eu.gcr.io/p/a/b", "projects/p/locations/europe/repositories/eu.gcr.io/dockerImages/a%2Fb"),
    ],
)
def test_an_image_has_its_name_in_the_registry(name: str, expected: str) -> None:
    assert resource_name(f"{name}@{DIGEST}") == f"{expected}@{DIGEST}"


@pytest.mark.parametrize(
    "name", [f"ghcr.io/p/a@{DIGEST}", "gcr.io/p/a:latest", f"us-docker.pkg.dev/p/a@{DIGEST}", "", f"a@{DIGEST}"]
)
def test_what_is_in_no_registry_of_googles_is_not_looked_at_and_sends_nobody_a_token(name: str) -> None:
    with pytest.raises(ValueError, match=r"not looked at|nobody can be asked"):
        resource_name(name)
