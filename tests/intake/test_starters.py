"""What a pause stops beside schedulers and triggers: CronJobs and the pipeline's own automation; and what it leaves alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import JsonValue

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.gke_switches import Work
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.intake.pause import PauseIntake
from tasks.intake.watch import IntakeWatch
from tasks.pipeline.own_pause import own_pause
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.plan import Action
from tests.intake.world import make_trigger, only, pause, pushes, resume, schedulers
from tests.restore.world import DATA

SPACE, CRON = "blueprint", "episode-generation-scheduled"
MARKER, STATE = "automation/text_daily/.paused", "automation/text_daily/state.json"
OWN = f"own_pause: {{marker: {MARKER}, state: {STATE}}}\n"
UPKEEP = "cron_jobs: {clean: {schedule: '0 4 * * *', intake: false}, nightly: {schedule: '0 1 * * *'}}\n"
WELL = b'{"schema_version":"v1",  "paused":false}\n'


@pytest.fixture
def clocks(environment: PipelineEnvironment, sandbox: Sandbox) -> dict[str, bool]:
    """CronJobs: one of the catalogue that runs, one that is suspended, an upkeep, and one that nobody knows."""
    environment.catalogue_overlay = UPKEEP
    only(sandbox)
    for name, suspended in (("nightly", False), ("clean", False), ("theirs", False)):
        sandbox.cluster.create_cron_job(SPACE, name, "0 1 * * *", suspended=suspended)
    return {"clean": False, CRON: True, "nightly": False, "theirs": False}


@pytest.fixture
def daily(environment: PipelineEnvironment, sandbox: Sandbox) -> PipelineEnvironment:
    """A pipeline with a daily automation that has run, and no trigger."""
    environment.catalogue_overlay = OWN
    only(sandbox)
    sandbox.store.put(DATA, STATE, WELL)
    return environment


def held(sandbox: Sandbox, name: str) -> bytes | None:
    found = sandbox.store.get(DATA, name)
    return None if found is None else found.data


def test_a_cron_job_that_was_suspended_before_stays_suspended(
    environment: PipelineEnvironment, sandbox: Sandbox, clocks: dict[str, bool]
) -> None:
    assert sandbox.cluster.suspended(SPACE) == clocks
    done = pause(environment)
    assert done.outcome == "done", done.sentence()
    assert sandbox.cluster.suspended(SPACE) == clocks | {"nightly": True}
    assert "1 CronJob" in done.summary
    assert done.journal.begin.data["former_suspend"] == {CRON: True, "nightly": False}
    assert resume(environment).outcome == "done"
    assert sandbox.cluster.suspended(SPACE) == clocks


def test_a_pause_of_an_earlier_version_which_had_a_kind_for_cron_jobs_is_carried_out_watched_and_resumed(
    environment: PipelineEnvironment, sandbox: Sandbox, clocks: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_it_was(one: Work) -> Action:
        params: dict[str, JsonValue] = {"name": one.name, "uid": one.uid, "suspend": True}
        told = {"precondition": "it is the same one", "undo": "spec.suspend is set back to false", "why": "a test"}
        return Action(
            kind="set_cron_job",
            effect="configure",
            step="set cron jobs",
            target=f"{SPACE}/{one.name}",
            params=params,
            **told,
        )

    monkeypatch.setattr("tasks.intake.plan.suspend", as_it_was)
    assert pause(environment).outcome == "done"
    assert sandbox.cluster.suspended(SPACE) == clocks | {"nightly": True}
    monkeypatch.undo()
    seen = environment.cluster.switches.get("CronJob", "nightly")
    assert seen is not None
    environment.cluster.switches.set(seen, 0)
    assert "CronJob nightly is not" in " ".join(check(IntakeWatch(), Context(environment, "watch"), None).reasons)
    seen = environment.cluster.switches.get("CronJob", "nightly")
    assert seen is not None
    environment.cluster.switches.set(seen, 1)
    assert resume(environment).outcome == "done"
    assert sandbox.cluster.suspended(SPACE) == clocks


def test_what_is_no_intake_and_what_nobody_knows_is_told_and_left_alone(
    environment: PipelineEnvironment, sandbox: Sandbox, clocks: dict[str, bool]
) -> None:
    make_trigger(sandbox, "us", "unheard-of")
    before = pushes(sandbox)
    done = pause(environment)
    told = " ".join(done.notes)
    assert "upkeep: CronJob clean." in told
    assert "does not name them as intake: CronJob theirs, trigger us/unheard-of." in told
    assert pushes(sandbox) == before
    report = "\n".join(section.document() for section in PauseIntake().sections(done))
    assert "- Trigger us/unheard-of is not in the catalogue." in report
    assert "| nightly | CronJob | blueprint | not suspended |" in report


def test_what_kubectl_sees_is_what_a_pause_did(
    environment: PipelineEnvironment, sandbox: Sandbox, clocks: dict[str, bool], tmp_path: Path
) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl")

    def ask(*words: str) -> str:
        command = [kubectl, f"--cache-dir={tmp_path}", "-s", sandbox.endpoints.kubernetes, "-n", SPACE, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    pause(environment)
    assert "Suspend:                       True" in ask("describe", "cronjob", "nightly")
    ask("patch", "cronjob", "nightly", "-p", '{"spec":{"suspend":false}}')
    told = " ".join(check(IntakeWatch(), Context(environment, "watch"), None).reasons)
    assert "CronJob nightly is not suspended; it should be suspended" in told
    assert resume(environment).outcome == "done"
    assert "False" in ask("get", "cronjob", "nightly")


def test_a_cluster_that_does_not_answer_is_not_one_without_cron_jobs(
    environment: PipelineEnvironment, sandbox: Sandbox, clocks: dict[str, bool]
) -> None:
    states = schedulers(environment)
    sandbox.faults.add(FaultRule(service="kubernetes", method="cronjobs.list", kind="status", status=403))
    assert pause(environment).outcome == "failed"
    assert (schedulers(environment), sandbox.cluster.suspended(SPACE)) == (states, clocks)


def test_where_there_is_no_cluster_the_rest_is_paused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    environment.cluster.enabled = False
    assert pause(environment).outcome == "done"
    assert resume(environment).outcome == "done"
    assert sandbox.requests.count("kubernetes", "cronjobs.list") == 0


def test_the_daily_automation_is_paused_and_put_back_byte_by_byte(daily: PipelineEnvironment, sandbox: Sandbox) -> None:
    done = pause(daily)
    assert done.outcome == "done", done.sentence()
    assert "the daily automation" in done.summary
    assert json.loads(held(sandbox, MARKER) or b"")["reason"] == "intake is paused: export is broken"
    assert json.loads(held(sandbox, STATE) or b"")["paused"] is True
    assert resume(daily).outcome == "done"
    assert (held(sandbox, MARKER), held(sandbox, STATE)) == (None, WELL)


def test_a_pause_that_the_pipeline_made_before_is_neither_changed_nor_lifted_and_is_told(
    daily: PipelineEnvironment, sandbox: Sandbox
) -> None:
    theirs = b'{"schema_version":"v1","paused":true,"reason":"consecutive_failures_threshold"}'
    sandbox.store.put(DATA, STATE, theirs)
    done = pause(daily)
    resumed = resume(daily)
    assert (done.outcome, resumed.outcome) == ("done", "done")
    assert (held(sandbox, MARKER), held(sandbox, STATE)) == (None, theirs)
    for one in (done, resumed):
        assert "a resume does not lift that" in " ".join(one.notes)


def test_a_pause_that_the_pipeline_makes_meanwhile_is_not_lifted_and_ours_is(
    daily: PipelineEnvironment, sandbox: Sandbox
) -> None:
    pause(daily)
    theirs = b'{"schema_version":"v1","paused":true,"reason":"consecutive_failures_threshold"}'
    sandbox.store.put(DATA, STATE, theirs)
    resumed = resume(daily)
    assert resumed.outcome == "done", resumed.sentence()
    assert (held(sandbox, MARKER), held(sandbox, STATE)) == (None, theirs)
    assert "consecutive_failures_threshold" in " ".join(resumed.notes)


def test_the_watch_says_when_the_automations_pause_was_lifted_meanwhile(
    daily: PipelineEnvironment, sandbox: Sandbox
) -> None:
    pause(daily)
    for name in (MARKER, STATE):
        sandbox.store.delete(DATA, name)
    told = " ".join(check(IntakeWatch(), Context(daily, "watch"), None).reasons)
    assert "daily automation is not paused any more" in told
    assert resume(daily).outcome == "done"
    assert own_pause(daily)[0].generation == 0


def test_a_state_that_could_not_be_put_back_is_for_a_person_and_nothing_is_touched(
    daily: PipelineEnvironment, sandbox: Sandbox
) -> None:
    sandbox.store.put(DATA, STATE, b"\xff")
    states = schedulers(daily)
    one = pause(daily)
    assert one.outcome == "escalated"
    assert f"{STATE} is no text" in one.reasons[0]
    assert (schedulers(daily), held(sandbox, MARKER)) == (states, None)
    assert pause(daily, without_hold=True).outcome == "done"
    assert resume(daily).outcome == "done"
    assert held(sandbox, STATE) == b"\xff"


@pytest.mark.parametrize("state", ["", "2026-06"])
def test_every_starter_of_both_states_of_the_pipeline_is_named(state: str) -> None:
    known = load_catalogue(state)
    starters = {
        "": {"scene-generation-daily", "genie-sim-import-poller", "retention-cleanup-daily", CRON},
        "2026-06": {"text-autonomy-daily", "scene-request-source-orchestrator-trigger", "image-upload-orchestrator-trigger",
                    "asset-replication-queue-trigger", "asset-embedding-queue-trigger"},
    }[state]  # fmt: skip
    both = {**known.schedulers, **known.triggers, **known.cron_jobs}
    assert all(both[name].intake for name in starters)
    upkeep = {name for name, one in both.items() if not one.intake}
    assert upkeep == (set() if not state else {"secret-rotation-schedule", "firebase-cleanup", "geniesim-cleanup"})
