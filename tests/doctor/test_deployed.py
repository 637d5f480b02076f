"""Jobs and workflows as they are deployed: missing, unreadable and wrong are three different things."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.errors import NotFound, PermanentError, TemporaryError
from tasks.doctor.jobs import look_at_jobs
from tasks.doctor.permissions import Need, deployed_jobs, judge
from tasks.doctor.workflows import look_at_workflows
from tasks.pipeline.deployed import LIMITS, Once, Unread, quick, readable
from tests.doctor.told import Told, World, environment, found, job, looked, names, scheduler, steps, trigger, workflow
from tests.doctor.world import codes, said

EXPORT = "genie-sim-export-pipeline"
IMPORT, POLLER, USD = "genie-sim-import-pipeline", "genie-sim-import-poller", "usd-assembly-pipeline"


def jobs(**told: Any) -> list[tuple[str, str]]:
    """What is said of the jobs, with one of them told."""
    return found(looked(look_at_jobs, World(jobs={"simready-job": job("simready-job", **told)})))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, []),
        ({"timeout": 3600}, []),
        ({"timeout": 3599}, ["job-timeout-short"]),
        ({"problem": "the image is gone"}, ["job-not-ready"]),
        ({"BYPASS_QUALITY_GATES": "true"}, ["job-gate-bypass"]),
    ],
)
def test_each_thing_that_is_wrong_with_a_job_is_told(told: dict[str, Any], expected: list[str]) -> None:
    assert jobs(**told) == [(code, "simready-job") for code in expected]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("simready-job", "job-missing"),
        ("objects-job", "optional-job-missing"),
        ("scene-generation-job", "optional-job-missing"),
    ],
)
def test_a_job_that_is_missing_is_an_error_if_scenes_need_it(name: str, code: str) -> None:
    assert found(looked(look_at_jobs, World(jobs={name: None}))) == [(code, name)]


def test_a_job_without_a_timeout_in_the_catalogue_is_not_short() -> None:
    assert found(looked(look_at_jobs, World(jobs={"retention-cleanup-job": job("retention-cleanup-job", 1)}))) == []


def test_a_job_that_may_not_be_read_is_not_missing_and_hides_no_other() -> None:
    world = World(jobs={"simready-job": Unread("It may not be read."), "usd-assembly-job": None})
    look = looked(look_at_jobs, world)
    assert found(look) == [("job-missing", "usd-assembly-job"), ("not-readable", "simready-job")]
    assert said(look, "not-readable") == "It may not be read."


def test_a_job_is_told_with_every_switch_of_the_catalogue_that_it_has_set() -> None:
    told = {
        "REQUIRE_ISAAC": "no",
        "BP_QUALITY_USD_MAX": "9",
        "INTERACTIVE_FAILURE_POLICY": "warn",
        "USE_MOCK_DATA": "false",
    }
    look = looked(look_at_jobs, World(jobs={"simready-job": job("simready-job", **told)}))
    for one in ("REQUIRE_ISAAC=no", "BP_QUALITY_USD_MAX=9", "INTERACTIVE_FAILURE_POLICY=warn"):
        assert one in said(look, "job-gate-bypass")
    assert "USE_MOCK_DATA" not in said(look, "job-gate-bypass")


# Workflows


def test_a_workflow_that_may_not_be_read_is_not_missing_and_hides_no_other() -> None:
    world = World(workflows={USD: Unread("It may not be read."), IMPORT: None})
    look = looked(look_at_workflows, world)
    assert names(found(look), "not-readable") == [USD]
    assert names(found(look), "optional-workflow-missing") == [IMPORT]
    assert "workflow-missing" not in codes(look)


@pytest.mark.parametrize(
    ("state", "wrong"), [("ACTIVE", False), ("STATE_UNSPECIFIED", False), ("UNAVAILABLE", True), ("NEW", True)]
)
def test_a_workflow_is_available_while_it_is_active(state: str, wrong: bool) -> None:
    look = looked(look_at_workflows, World(workflows={USD: workflow(USD, state=state)}))
    assert said(look, "workflow-unavailable") == (f"Workflow {USD} is {state}: no reason is given." if wrong else "")


@pytest.mark.parametrize("told", [None, Unread("It may not be read.")])
def test_a_job_in_a_source_is_missing_only_if_it_is_known_to_be(told: Unread | None) -> None:
    source = steps("one: {call: http.get, args: {url: 'x/jobs/simready-job:run'}}")
    world = World(workflows={USD: workflow(USD, source)}, jobs={"simready-job": told})
    assert ("workflow-job-missing" in codes(looked(look_at_workflows, world))) is (told is None)


@pytest.mark.parametrize(
    ("reads", "gives", "lacking"),
    [
        ("${event.job_id}", "{job_id: 1}", ""),
        ("${event.job_id + event.status}", "{job_id: 1}", "status"),
        ("${event.job_id}", "{}", "job_id"),
        ("${map.get(event, 'job_id')}", "{}", ""),
    ],
)
def test_a_call_is_incomplete_if_it_leaves_out_what_the_other_reads(reads: str, gives: str, lacking: str) -> None:
    caller = steps(f"call: {{call: run, args: {{workflow_id: {IMPORT}, argument: {gives}}}}}")
    called = steps(f'take: {{assign: [{{it: "{reads}"}}]}}')
    world = World(workflows={IMPORT: workflow(IMPORT, called), POLLER: workflow(POLLER, caller)})
    expected = f"Workflow {POLLER} starts {IMPORT} without {lacking}." if lacking else ""
    assert said(looked(look_at_workflows, world), "workflow-call-incomplete") == expected


def test_a_workflow_that_takes_an_event_is_given_no_keys() -> None:
    called = workflow(EXPORT, steps('take: {assign: [{it: "${event.data.name + event.robot_type}"}]}'))
    caller = workflow(POLLER, steps(f"call: {{call: run, args: {{workflow_id: {EXPORT}}}}}"))
    assert "workflow-call-incomplete" not in codes(
        looked(look_at_workflows, World(workflows={EXPORT: called, POLLER: caller}))
    )


def starters(world: World) -> list[str]:
    return names(found(looked(look_at_workflows, world)), "workflow-started-by-nobody")


def test_a_workflow_is_started_by_a_trigger_a_scheduler_or_another_workflow() -> None:
    nothing = World(triggers=[], schedulers=[])
    assert {USD, IMPORT, POLLER} <= set(starters(nothing))
    assert USD not in starters(World(triggers=[trigger("any", USD)], schedulers=[]))
    clock = scheduler("any", "0 1 * * *", target=POLLER)
    assert POLLER not in starters(World(triggers=[], schedulers=[clock]))
    caller = workflow(POLLER, steps(f"one: {{call: run, args: {{workflow_id: {IMPORT}}}}}"))
    assert IMPORT not in starters(World(triggers=[], schedulers=[], workflows={POLLER: caller}))
    itself = workflow(IMPORT, steps(f"one: {{call: run, args: {{workflow_id: {IMPORT}}}}}"))
    assert IMPORT in starters(World(triggers=[], schedulers=[], workflows={IMPORT: itself}))
    assert "upsell-features-pipeline" not in starters(nothing), "its trigger is forbidden: it is started by hand"


def test_a_scheduler_that_is_not_enabled_starts_nothing_and_is_named() -> None:
    clock = scheduler("any", "0 1 * * *", state="PAUSED", target=POLLER)
    look = looked(look_at_workflows, World(triggers=[], schedulers=[clock]))
    assert f"{POLLER} is started by no trigger, scheduler or other workflow; its scheduler is not enabled." in said(
        look, "workflow-started-by-nobody"
    )


# Asking


def test_what_is_asked_by_many_is_asked_once_and_so_is_a_refusal() -> None:
    asked: list[str] = []

    def answers() -> str:
        asked.append("answered")
        return ""

    def refuses() -> str:
        asked.append("refused")
        raise PermanentError("no")

    once, never = Once(answers), Once(refuses)
    assert [once.get(), once.get()] == ["", ""], "an empty answer is an answer"
    for _ in range(2):
        with pytest.raises(PermanentError, match="no"):
            never.get()
    assert asked == ["answered", "refused"]


@pytest.mark.parametrize("error", [PermanentError("no"), NotFound("gone")])
def test_a_refusal_is_unread_and_a_silence_ends_the_part(error: Exception) -> None:
    def fails(name: str) -> str:
        raise error

    def silent(name: str) -> str:
        raise TemporaryError("503")

    assert readable(fails, "a") == Unread(str(error))
    with pytest.raises(TemporaryError):
        readable(silent, "a")


def test_a_look_is_given_up_early_and_the_environments_own_limits_are_left_alone() -> None:
    own = environment()
    own.storage.limits = own.storage.limits.model_copy(update={"call_seconds": 3.0})
    copy = quick(own)
    assert copy.jobs.limits == LIMITS
    assert (copy.storage.limits.attempts, copy.storage.limits.call_seconds) == (LIMITS.attempts, 3.0)
    assert own.jobs.limits.attempts > LIMITS.attempts


def test_only_jobs_that_are_there_are_asked_what_may_be_done_with_them() -> None:
    there = deployed_jobs(Told(World(jobs={"regen3d-adapter-job": None})))
    assert there[0] == "usd-assembly-job"


def test_a_permission_is_missing_if_it_is_asked_for_and_not_held() -> None:
    needs = [Need("a.get", "nothing can be read"), Need("a.delete", "nothing can go")]
    asked: list[list[str]] = []

    def held(name: str, permissions: Any) -> set[str]:
        asked.append(list(permissions))
        return {"a.get"}

    look = looked(lambda _, look: judge(needs, "bucket b", "b", held, look))
    assert asked == [["a.get", "a.delete"]]
    assert [one.what for one in look.findings] == ["a.delete on bucket b is not granted: nothing can go."]
    assert look.good == 1


@pytest.mark.parametrize(("error", "expected"), [(NotFound("gone"), set()), (PermanentError("no"), {"not-readable"})])
def test_of_what_is_gone_no_permission_is_missing(error: Exception, expected: set[str]) -> None:
    def fails(name: str, permissions: Any) -> set[str]:
        raise error

    look = looked(lambda _, look: judge([Need("a.get", "nothing")], "bucket b", "b", fails, look))
    assert codes(look) == expected
