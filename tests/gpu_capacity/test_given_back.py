"""A relief is over when there is nothing left of it to bring back, whoever brought it back and whatever is gone since."""

from __future__ import annotations

import copy

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.check import GpuCheck
from tasks.gpu_capacity.debt import read_debt
from tasks.gpu_capacity.end_relief import EndRelief
from tasks.gpu_capacity.left import SUBJECT, free_gpus, left_in_force
from tasks.gpu_capacity.look import look_at_gpus
from tasks.remediation.check import check
from tasks.remediation.journal import read_journal
from tasks.remediation.outcome import GOOD
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.remediation.undo import UndoRequest
from tasks.remediation.unfinished import unfinished_runs
from tasks.survival.left import continue_left, what_is_left
from tests.gpu_capacity.shortage import heir, settings, standings
from tests.gpu_capacity.test_relief import taken_back
from tests.gpu_capacity.world import RUNS, SPACE, actions, full_pool, policy, relieve
from tests.intake.world import pause, resume
from tests.kernel.world import Killed, killed_at


def end_relief(environment: PipelineEnvironment, one: Run) -> Run:
    """The watch's undo."""
    return run(EndRelief(), heir(environment), UndoRequest(subject=SUBJECT, run=one.id, mode="apply"))


def left(environment: PipelineEnvironment) -> list[str]:
    return [one.run for one in left_in_force(heir(environment))]


def test_a_relief_that_the_watch_has_settled_is_in_force_no_longer(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    debt = read_debt(heir(environment), one.id)
    debt.owe([])
    assert left(environment) == [one.id]
    debt.settle()
    assert left(environment) == []


@pytest.mark.parametrize(("entries", "in_force"), [(1, False), (2, True)], ids=["before its first step", "in it"])
def test_a_run_that_ended_before_its_first_step_has_nothing_in_force(
    sandbox: Sandbox, environment: PipelineEnvironment, entries: int, in_force: bool
) -> None:
    full_pool(sandbox)
    with pytest.raises(Killed), killed_at(entries, before=False):
        relieve(environment)
    (found,) = unfinished_runs(heir(environment))
    assert left(environment) == [found.run], "what has no end may go on"
    read_journal(environment.storage, environment.ops_bucket, SUBJECT, found.run, "ann").end("stopped", ["given up"])
    assert left(environment) == [found.run] * in_force


@pytest.mark.parametrize("entry", [1, 2])
def test_an_undo_by_hand_ends_the_watchs_own_that_was_killed(
    sandbox: Sandbox, environment: PipelineEnvironment, entry: int
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    with pytest.raises(Killed), killed_at(entry, before=False):
        end_relief(environment, one)
    assert len(list(unfinished_runs(heir(environment)))) == 1
    assert taken_back(environment, one).outcome == "done"
    assert list(unfinished_runs(heir(environment))) == []
    assert left(environment) == []


def test_where_the_watchs_own_has_brought_back_all_and_was_killed_the_next_watch_ends_it(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    with pytest.raises(Killed), killed_at(3, before=False):
        end_relief(environment, one)
    assert end_relief(environment, one).outcome == "nothing_to_do"
    assert list(unfinished_runs(heir(environment))) == []


@pytest.mark.parametrize("killed", [False, True], ids=["new", "continued"])
def test_in_the_middle_of_a_pause_of_intake_no_relief_is_given_back(
    sandbox: Sandbox, environment: PipelineEnvironment, killed: bool
) -> None:
    full_pool(sandbox)
    one = relieve(environment)
    if killed:
        with pytest.raises(Killed), killed_at(1, before=False):
            end_relief(environment, one)
    paused, before = pause(environment), settings(environment)
    by_watch, by_hand = end_relief(environment, one), taken_back(environment, one)
    assert (by_watch.outcome, by_hand.outcome) == ("refused", "refused")
    assert f"remediate intake resume {paused.id} --apply" in by_watch.reasons[0]
    assert f"The pause of intake of run {paused.id} is at work" in by_hand.reasons[0]
    assert settings(environment) == before
    assert resume(environment, paused.id).outcome == "done"
    assert end_relief(environment, one).outcome == "done"


def said(environment: PipelineEnvironment) -> tuple[list[str], list[str]]:
    """What the check says of reliefs in force, and where the watch sees them stand."""
    one = check(GpuCheck(), heir(environment), None)
    sentences = [text for text in (*one.reasons, *one.notes) if "give it back" in text]
    return sentences, [each.state for each in standings(heir(environment))]


@pytest.mark.parametrize("entry", [1, 2, 3], ids=["before its step", "in it", "after everything was back"])
def test_where_no_watch_comes_any_more_whoever_carries_runs_on_ends_its_undo_and_nobody_asks_for_another(
    sandbox: Sandbox, environment: PipelineEnvironment, entry: int
) -> None:
    full_pool(sandbox)
    before = settings(environment)
    one = relieve(environment)
    assert len(said(environment)[0]) == 1
    policy(environment, gpu_watch=False)
    with pytest.raises(Killed), killed_at(entry, before=False):
        end_relief(environment, one)
    if entry == 3:
        assert settings(environment) == before
    (found,) = what_is_left(heir(environment))
    assert found.found.procedure == EndRelief.name
    continue_left(heir(environment), found)
    assert found.outcome in GOOD, found.told
    assert list(unfinished_runs(heir(environment))) == []
    assert settings(environment) == before
    told, (state,) = said(environment)
    assert (told, state) == ([], "owes_waits"), (
        "nothing is in force; scenes that failed meanwhile are still to be looked for"
    )


def test_a_relief_that_somebody_has_brought_back_by_hand_is_told_no_longer(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    before = settings(environment)
    relieve(environment)
    switches = environment.cluster.switches
    for kind in ("Job", "CronJob"):
        for work in switches.list(kind):
            if work.setting != before[work.name]:
                assert len(said(environment)[0]) == 1, "a part of it is still in force"
                switches.set(work, before[work.name])
    assert settings(environment) == before
    assert said(environment)[0] == []
    sandbox.requests.reset()
    said(environment)
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_pool_that_is_gone_keeps_nothing_else_from_being_brought_back(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    policy(environment)
    one = relieve(environment)
    assert any("node pool gpu-pool" in what for what in actions(one)), actions(one)
    del sandbox.cluster.pools.pools["gpu-pool"]
    back = end_relief(environment, one)
    assert back.outcome == "done", back.sentence()
    assert actions(back)
    assert not any("node pool" in what for what in actions(back))


def test_a_gpu_of_a_pod_that_pulls_its_image_is_not_free(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    full_pool(sandbox)
    pods = sandbox.cluster.objects.all("pods", SPACE)
    pod = copy.deepcopy(next(one for one in pods if one["metadata"]["labels"].get("job-name") == RUNS))
    pod["status"]["phase"] = "Pending"
    sandbox.cluster.objects.put("pods", pod)
    facts = look_at_gpus(environment)
    assert [one.phase for one in facts.running] == ["Pending"]
    assert free_gpus(facts) == 0
