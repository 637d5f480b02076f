"""Once GPUs are seen again, what was turned off is as it was, and what failed is made again: each scene once, more and more
at a time, whatever is killed in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.debt import read_debt
from tasks.remediation.run import Run
from tests.gpu_capacity.shortage import (
    EXPORT,
    export,
    gpus_return,
    heir,
    look,
    reruns,
    scenes,
    settings,
    standings,
    stock_out,
    watch,
)
from tests.gpu_capacity.world import WAITS, deployment, policy, relieve
from tests.recovery.world import healthy, journals, quick_environment
from tests.response.world import Killed, killed_at_each

MOST_PROCESSES = 150
"""More than an undisturbed follow-up and its recoveries write entries."""
CAN_WAIT = {"Job": "dwm-*", "CronJob": "episode-*", "Deployment": "viewer"}


@dataclass
class Shortage:
    """A stock-out that was relieved: what failed, and what was turned off."""

    sandbox: Sandbox
    environment: PipelineEnvironment
    names: list[str]
    before: dict[str, int]
    relief: Run
    waves: list[list[str]] = field(default_factory=list)


@contextmanager
def shortage(count: int) -> Iterator[Shortage]:
    """A sandbox of its own, in which so many scenes have failed."""
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = quick_environment(sandbox)
        work = [{"kind": kind, "name": name, "criticality": "non_critical"} for kind, name in CAN_WAIT.items()]
        environment.catalogue_overlay = json.dumps({"gpu": {"work": work}})
        stock_out(sandbox)
        deployment(sandbox, "viewer", 2)
        names = scenes(sandbox, count)
        export(environment, names)
        before = settings(environment)
        one = relieve(environment)
        assert one.outcome == "done", one.sentence()
        yield Shortage(sandbox, environment, names, before, one)
        environment.close()


pytestmark = pytest.mark.xdist_group("gpu_follow")
"""Of several processes that run the tests, one makes the world that most of these look at."""


@pytest.fixture(scope="module")
def over() -> Iterator[tuple[Shortage, Run]]:
    """Four scenes failed; GPUs came back, and one watch has followed that up."""
    with shortage(4) as world:
        off = settings(world.environment)
        assert {name for name, was in world.before.items() if off[name] != was} == {
            WAITS,
            "viewer",
            "episode-generation-scheduled",
        }
        assert watch(world.environment) == [], "no GPU was seen yet"
        assert settings(world.environment) == off
        gpus_return(world.sandbox)
        (one,) = watch(world.environment, world.waves)
        yield world, one


def test_every_scene_that_failed_for_want_of_gpus_is_whole_again(over: tuple[Shortage, Run]) -> None:
    world, one = over
    assert one.outcome == "done", one.sentence()
    assert "4 scenes whole again, 0 still owed" in one.summary
    assert [name for name in world.names if healthy(world.environment, name)] == []


def test_none_is_made_twice(over: tuple[Shortage, Run]) -> None:
    world, _ = over
    assert reruns(world.environment) == dict.fromkeys(world.names, 2), "once when it failed, once again"


def test_they_are_ramped_up(over: tuple[Shortage, Run]) -> None:
    assert [len(group) for group in over[0].waves] == [1, 2, 1]


def test_what_can_wait_is_back_at_its_former_size(over: tuple[Shortage, Run]) -> None:
    assert settings(over[0].environment) == over[0].before


def test_nothing_is_left_for_another_watch(over: tuple[Shortage, Run]) -> None:
    world, _ = over
    assert read_debt(heir(world.environment), world.relief.id).settled
    world.sandbox.requests.reset()
    seen = look(heir(world.environment))
    assert (seen.outcome, watch(world.environment)) == ("nothing_to_do", [])
    assert world.sandbox.requests.count("kubernetes", "nodes.list") == 0, "the cluster is not asked"
    assert world.sandbox.requests.mutating() == {"total": 0}


@pytest.mark.parametrize(("before", "count"), [(True, 1), (False, 2)], ids=["before", "after"])
def test_killed_at_every_entry_one_after_the_other_another_watch_brings_it_to_its_end(before: bool, count: int) -> None:
    seen: set[tuple[str, ...]] = set()
    with shortage(count) as world:
        gpus_return(world.sandbox)
        processes = 0
        while True:
            assert processes <= MOST_PROCESSES, sorted(seen)
            processes += 1
            with suppress(Killed), killed_at_each(seen, before=before):
                runs = watch(world.environment, one_by_one=True)
                break
        assert all(one.outcome in ("done", "nothing_to_do") for one in runs), [one.sentence() for one in runs]
        assert processes == len(seen) + 1 > 15, "every entry killed one process"
        assert {where for where, *_ in seen} >= {"@gpu", *world.names}
        assert settings(world.environment) == world.before
        assert read_debt(heir(world.environment), world.relief.id).settled
        for name in world.names:
            assert healthy(world.environment, name) == []
            (journal,) = journals(world.environment, world.sandbox.store, name)
            assert journal.entries[-1].data["outcome"] == "done"
        assert reruns(world.environment) == dict.fromkeys(world.names, 2)


def test_what_fails_for_another_reason_is_a_persons_and_what_gets_no_gpu_again_stays_owed() -> None:
    with shortage(3) as world:
        ill, unlucky, _ = world.names
        gpus_return(world.sandbox)
        policy(world.environment, error_threshold_percent=100)
        world.sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, scene_id=ill, kind="raise"))
        world.sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, scene_id=unlucky, kind="stock_out", times=1))
        (one,) = watch(world.environment)
        assert one.outcome == "failed"
        assert f"Left to a person: {ill}." in one.reasons[-1]
        assert read_debt(heir(world.environment), world.relief.id).left == [unlucky]
        assert [each.state for each in standings(heir(world.environment))] == ["owes"]
        (one,) = watch(world.environment)
        assert one.outcome == "done", one.sentence()
        assert watch(world.environment) == []
        assert reruns(world.environment) == dict.fromkeys(world.names, 2) | {unlucky: 3}


def test_while_the_kill_switch_is_on_nothing_is_tried_and_what_is_owed_stays_owed() -> None:
    with shortage(1) as world:
        gpus_return(world.sandbox)
        policy(world.environment, error_threshold_percent=100)
        world.sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="stock_out", times=1))
        watch(world.environment)
        policy(world.environment, kill_switch=["a drill"])
        (one,) = watch(world.environment)
        assert one.outcome == "stopped", one.sentence()
        assert "kill switch: a drill" in one.reasons[0]
        assert [each.state for each in standings(heir(world.environment))] == ["owes"]
        assert read_debt(heir(world.environment), world.relief.id).left == world.names
        policy(world.environment, kill_switch=[])
        assert [each.outcome for each in watch(world.environment)] == ["done"]


def test_a_scene_that_never_gets_a_gpu_is_left_to_a_person_after_the_tries_of_the_policy() -> None:
    with shortage(1) as world:
        gpus_return(world.sandbox)
        world.sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="stock_out"))
        told = [watch(world.environment)[0] for _ in range(world.environment.policy.attempts_per_stage + 1)]
        assert [one.outcome for one in told] == ["failed", "failed", "refused"], told[-1].sentence()
        assert "was restarted 2 times" in told[-1].reasons[0]
        assert watch(world.environment) == []


def test_where_the_policy_wants_a_person_for_gpu_work_all_is_given_back_and_every_scene_handed_over_at_once() -> None:
    with shortage(3) as world:
        gpus_return(world.sandbox)
        policy(world.environment, approval={"low": "automatic", "medium": "automatic", "high": "person"})
        (one,) = watch(world.environment)
        assert one.outcome == "needs_approval"
        assert f"Left to a person: {', '.join(world.names)}." in one.reasons[-1]
        assert settings(world.environment) == world.before
        assert reruns(world.environment) == dict.fromkeys(world.names, 1)
        assert watch(world.environment) == []


def test_more_than_a_run_may_change_are_made_again_by_several_watches() -> None:
    with shortage(2) as world:
        gpus_return(world.sandbox)
        policy(world.environment, max_scenes=1)
        assert [watch(world.environment)[0].summary.partition(": ")[2] for _ in range(2)] == [
            "1 scene whole again, 1 still owed",
            "1 scene whole again, 0 still owed",
        ]
        assert reruns(world.environment) == dict.fromkeys(world.names, 2)


def test_what_somebody_has_changed_since_is_theirs_and_nothing_is_made_again_before_they_have_decided() -> None:
    with shortage(1) as world:
        gpus_return(world.sandbox)
        seen = world.environment.cluster.switches.get("Deployment", "viewer")
        assert seen is not None
        world.environment.cluster.switches.set(seen, 1)
        (one,) = watch(world.environment)
        assert one.outcome == "escalated"
        assert "somebody has set it since" in one.reasons[0]
        assert reruns(world.environment) == {world.names[0]: 1}
        assert [each.state for each in standings(heir(world.environment))] == ["back"]
