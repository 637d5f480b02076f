"""A restart is proved by one smoke run, whoever is killed on the way; what it owes is told until somebody has paid it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.procedures import undo
from tasks.remediation.context import Context
from tasks.remediation.debt import debt_of
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.simulator_outage.follow import TRIED
from tasks.simulator_outage.owed import LEASE, ROOT, owed_now
from tasks.simulator_outage.request import SUBJECT
from tests.gpu_capacity.shortage import EXPORT, reruns
from tests.kernel.world import heir, journals, policies
from tests.recovery.world import DATA, healthy, without_triggers
from tests.response.world import Killed, killed_at_each
from tests.simulator_outage.aftermath import TRIAL, ended, paid, ready_trial
from tests.simulator_outage.world import deploy_server, goes_out, looked_at, outage, rollouts

MOST_PROCESSES = 80
"""More than an undisturbed end of an outage writes entries."""


@pytest.fixture
def out(sandbox: Sandbox) -> Sandbox:
    """The simulator is down, and a trial is ready for it."""
    without_triggers(sandbox)
    deploy_server(sandbox)
    ready_trial(sandbox)
    goes_out(sandbox)
    return sandbox


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_entry_one_after_the_other_the_restart_and_the_smoke_run_are_made_once(
    out: Sandbox, environment: PipelineEnvironment, before: bool
) -> None:
    seen: set[tuple[str, ...]] = set()
    processes = 0
    while True:
        assert processes <= MOST_PROCESSES, sorted(seen)
        processes += 1
        with suppress(Killed), killed_at_each(seen, before=before):
            runs = ended(environment, trial=TRIAL)
            break
    assert {where for where, *_ in seen} >= {SUBJECT, TRIAL, "incident"}
    assert processes == len(seen) + 1 > 10, "every entry killed one process"
    assert all(one.good for one in runs), [one.sentence() for one in runs]
    assert rollouts(out) == 1
    assert reruns(environment) == {TRIAL: 1}, "simulated once"
    assert healthy(environment, TRIAL) == [], "proved by its outputs"
    assert owed_now(heir(environment)) == []
    assert all(journal.ended for journal in journals(environment, out, SUBJECT))


def test_a_restart_whose_process_died_is_told_by_the_check_until_its_smoke_run_was_made(
    out: Sandbox, environment: PipelineEnvironment
) -> None:
    one = outage(environment)
    seen, found = looked_at(environment)
    assert seen.outcome == "failed"
    assert f"Run {one.id} has restarted genie-sim" in seen.reasons[0]
    assert "the smoke run is owed: remediate simulator restart --apply makes it" in seen.reasons[0]
    assert list(found.answers) == ["genie-sim"]
    (made,) = paid(environment)
    assert made.outcome == "done", made.sentence()
    assert "smoke run on test_new: done" in made.summary
    seen, found = looked_at(environment)
    assert (seen.outcome, found.answers) == ("nothing_to_do", {})
    assert paid(environment) == []


@pytest.mark.parametrize("lease", [SUBJECT, LEASE])
def test_while_somebody_is_at_it_the_check_starts_nobody_else(
    out: Sandbox, environment: PipelineEnvironment, lease: str
) -> None:
    outage(environment, trial=TRIAL)
    with Context(environment, "bo").holding(lease, "their-run"):
        seen, found = looked_at(environment)
        assert found.answers == {}
        assert seen.outcome == "nothing_to_do", seen.sentence()
        assert any("Somebody is just ending an outage" in note for note in seen.notes)
    assert list(looked_at(environment)[1].answers) == ["genie-sim"]


def test_what_was_not_asked_for_is_not_owed(out: Sandbox, environment: PipelineEnvironment) -> None:
    assert outage(environment, smoke=False).outcome == "done"
    assert owed_now(heir(environment)) == []


def test_a_restart_that_did_not_help_owes_nothing(out: Sandbox, environment: PipelineEnvironment) -> None:
    out.genie_sim.stuck = True
    policies(environment, wait_seconds=0.2)
    assert outage(environment).outcome == "failed"
    assert owed_now(heir(environment)) == []


def test_a_restart_that_was_undone_owes_nothing(out: Sandbox, environment: PipelineEnvironment) -> None:
    one = outage(environment)
    assert len(owed_now(heir(environment))) == 1
    back = run(undo(), heir(environment), UndoRequest(subject=SUBJECT, run=one.id, mode="apply"))
    assert back.outcome == "done", back.sentence()
    assert owed_now(heir(environment)) == []


def test_a_smoke_run_that_went_wrong_is_told_once_and_nothing_is_recovered(
    out: Sandbox, environment: PipelineEnvironment
) -> None:
    out.simulator.behave(SimulatorFault(workflow=EXPORT, kind="raise"))
    one = outage(environment, trial=TRIAL, recover=True)
    (made,) = paid(environment)
    assert made.outcome == "failed"
    assert made.reasons[0].startswith(f"{TRIAL}: failed")
    debt = debt_of(heir(environment), ROOT, one.id)
    tried = debt.case.find(TRIED, one.id)
    assert (debt.settled, debt.known, tried and tried.data["outcome"]) == (True, False, "failed")
    assert paid(environment) == []


def test_a_trial_that_was_simulated_before_proves_nothing(out: Sandbox, environment: PipelineEnvironment) -> None:
    ready_trial(out, upto="genie-sim-import")
    outage(environment, trial=TRIAL)
    (made,) = paid(environment)
    assert (made.outcome, "nothing is proved" in made.reasons[0]) == ("failed", True), made.sentence()
    assert reruns(environment) == {}


def test_when_it_is_out_again_nothing_is_tried_and_all_stays_owed(
    out: Sandbox, environment: PipelineEnvironment
) -> None:
    outage(environment, trial=TRIAL)
    goes_out(out)
    (made,) = paid(environment)
    assert made.outcome == "stopped", made.sentence()
    assert "waits until it serves" in made.reasons[0]
    assert reruns(environment) == {}
    assert len(owed_now(heir(environment))) == 1
    assert looked_at(environment)[1].answers == {}, "its pod has only begun: it may be loading"


def test_while_the_kill_switch_is_on_nothing_is_tried_and_the_next_one_goes_on(
    out: Sandbox, environment: PipelineEnvironment
) -> None:
    outage(environment, trial=TRIAL)
    policies(environment, kill_switch=["a drill"])
    (made,) = paid(environment)
    assert "kill switch: a drill" in made.reasons[0], made.sentence()
    assert len(owed_now(heir(environment))) == 1, "what was not tried is owed"
    policies(environment, kill_switch=[])
    assert [one.outcome for one in paid(environment)] == ["done"]


def test_what_the_ledger_cannot_tell_is_a_doubt_and_no_outage(out: Sandbox, environment: PipelineEnvironment) -> None:
    outage(environment, trial=TRIAL)
    (one,) = owed_now(heir(environment))
    one.debt.owe([])
    out.store.put("sandbox-ops", f"{ROOT}{one.run}/000001.json", b"{}")
    seen, found = looked_at(environment)
    assert (seen.outcome, found.answers) == ("partial", {})
    assert found.unread
    assert out.store.get(DATA, f"scenes/{TRIAL}/geniesim/job.json") is None


def test_an_installation_without_an_ops_bucket_can_look_and_owes_nothing(looked: PipelineEnvironment) -> None:
    bare = looked.model_copy(update={"ops_bucket": ""})
    seen, found = looked_at(bare)
    assert (seen.outcome, found.owed, found.busy) == ("nothing_to_do", (), False), seen.sentence()
    assert owed_now(heir(bare)) == []
