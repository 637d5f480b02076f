"""The watch tells where every relief stands, and takes GPUs for there only when it has seen them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.gke_pods import PodInfo
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.classify import classify
from tasks.gpu_capacity.left import capacity_proved
from tasks.gpu_capacity.procedure import GpuCapacity, GpuRequest
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tests.gpu_capacity.made_up import AT, MadeUp, ago, healthy, node
from tests.gpu_capacity.shortage import gpus_return, heir, look, standings, stock_out, watch
from tests.gpu_capacity.test_relief import taken_back
from tests.gpu_capacity.world import CRITICAL, RUNS, SPACE, WAITS, full_pool, job, policy, relieve
from tests.response.world import Killed, killed_at


def in_hours(environment: PipelineEnvironment, hours: float) -> Run:
    """What the watch says so many hours from now."""
    from tasks.gpu_capacity.watch import GpuWatch
    from tasks.remediation.check import check

    return check(GpuWatch(), heir(environment), datetime.now(UTC) + timedelta(hours=hours))


def test_where_nothing_was_turned_off_the_cluster_is_not_asked(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    seen = look(heir(environment))
    assert (seen.outcome, seen.summary) == ("nothing_to_do", "no work waits for GPUs by our doing")
    assert sandbox.requests.count("kubernetes", "nodes.list") == 0


def test_while_the_zone_has_none_it_waits_and_changes_nothing(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    stock_out(sandbox)
    one = relieve(environment)
    sandbox.requests.reset()
    seen = look(heir(environment))
    assert seen.outcome == "nothing_to_do"
    assert seen.notes[0].startswith(f"Run {one.id} lets work wait since ")
    assert "(GPUs are short); no GPUs were seen yet." in seen.notes[0]
    assert watch(environment) == []
    assert sandbox.requests.mutating() == {"total": 0}


def test_a_node_that_came_is_seen_and_named(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    stock_out(sandbox)
    one = relieve(environment)
    gpus_return(sandbox)
    seen = look(heir(environment))
    assert seen.outcome == "failed"
    assert "GPUs are there again (node gke-sandbox-gpu-pool-1 was made at" in seen.reasons[0]
    assert seen.reasons[0].endswith(f"remediate undo @gpu {one.id} --apply.")


def test_a_relief_that_shall_stay_is_left_in_force_and_told(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    stock_out(sandbox)
    request = GpuRequest(mode="apply", reason="until Monday's delivery is out", stays=True)
    assert run(GpuCapacity(), heir(environment), request).outcome == "done"
    gpus_return(sandbox)
    assert watch(environment) == []
    seen = in_hours(environment, 100)
    assert seen.outcome == "nothing_to_do", "not even its deadline counts"
    assert "until Monday's delivery is out) and shall stay until a person ends it" in seen.notes[0]
    work = environment.cluster.switches.get("Job", WAITS)
    assert work is not None
    assert work.setting == 1


def test_when_no_gpus_come_until_the_deadline_a_person_is_told_what_is_off_since_when_and_what_to_ask_for(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 1)
    full_pool(sandbox)
    sandbox.cluster.change_pool("gpu-pool", maximum=10)
    one = relieve(environment)
    assert one.outcome == "done", one.sentence()
    assert in_hours(environment, 11.5).outcome == "nothing_to_do"
    late = in_hours(environment, 12.5)
    assert (late.outcome, len(late.reasons)) == ("escalated", 1)
    (sentence,) = late.reasons
    assert f"Run {one.id} lets Job {WAITS}, CronJob episode-generation-scheduled wait since 20" in sentence
    assert "in 12 h no GPUs were seen" in sentence
    assert "NVIDIA_T4_GPUS in us-central1 from 1 to 2" in sentence
    assert f"remediate undo @gpu {one.id} --apply" in sentence
    assert watch(environment) == [], "what is late is no reason to turn anything on"


def test_the_draft_of_then_is_told_when_nothing_asks_for_gpus_any_more(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.cluster.set_quota("us-central1", "NVIDIA_T4_GPUS", 1)
    full_pool(sandbox)
    sandbox.cluster.change_pool("gpu-pool", maximum=10)
    relieve(environment)
    sandbox.cluster.set_state(SPACE, CRITICAL, "failed")  # its deadline was over
    late = in_hours(environment, 13)
    assert late.outcome == "escalated", late.sentence()
    assert "NVIDIA_T4_GPUS in us-central1 from 1 to" in late.reasons[0]


def test_what_cannot_be_looked_at_is_no_capacity(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    stock_out(sandbox)
    relieve(environment)
    gpus_return(sandbox)
    sandbox.faults.add(FaultRule(service="container", kind="status", status=403))
    seen = look(heir(environment))
    assert seen.outcome == "partial"
    assert seen.reasons[0].startswith("Could not list the node pools")
    assert watch(environment) == []


def test_what_a_person_has_given_back_is_theirs_to_follow_up(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    stock_out(sandbox)
    one = relieve(environment)
    gpus_return(sandbox)
    assert taken_back(environment, one).outcome == "done"
    assert standings(heir(environment)) == []


def test_a_relief_that_was_killed_is_not_given_back_before_it_has_ended(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    stock_out(sandbox)
    with pytest.raises(Killed), killed_at(3, before=False):
        relieve(environment)
    gpus_return(sandbox)
    (one,) = standings(heir(environment))
    assert one.state == "unended"
    assert "continue-runs carries it on" in one.sentence


def test_the_kill_switch_stops_the_watch_and_the_next_one_goes_on(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    stock_out(sandbox)
    relieve(environment)
    gpus_return(sandbox)
    policy(environment, kill_switch=["a drill"])
    (one,) = watch(environment)
    assert one.outcome == "refused"
    assert "kill switch: a drill" in one.reasons[0]
    policy(environment, kill_switch=[])
    (one,) = watch(environment)
    assert one.outcome == "done", one.sentence()


def test_two_reliefs_are_given_back_the_newest_first(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    stock_out(sandbox)
    first = relieve(environment)
    job(sandbox, f"{WAITS}-more")
    second = relieve(environment)
    assert second.outcome == "done", second.sentence()
    gpus_return(sandbox)
    assert [one.run for one in standings(heir(environment))] == [second.id, first.id]
    assert [one.outcome for one in watch(environment)] == ["done", "done"]
    assert standings(heir(environment)) == []


def busy(made: MadeUp, **changes: Any) -> MadeUp:
    """One pool with one node, which one pod has for itself."""
    made.pools = made.pools[:1]
    pool = made.change(nodes=(node("gpu-pool", 0, created=ago(600)),), **changes)
    made.running = [placed(made.pod(600), pool.nodes[0].name)]
    return made


def placed(pod: PodInfo, name: str) -> PodInfo:
    """The pod on a node."""
    return replace(pod, phase="Running", node=name, waits="")


def free(made: MadeUp) -> None:
    made.running = []


def newer_node(made: MadeUp) -> None:
    made.change(nodes=(node("gpu-pool", 1, created=ago(10)),))
    made.running = [placed(made.running[0], made.pools[0].nodes[0].name)]


def newer_pod(made: MadeUp) -> None:
    made.running = [placed(made.pod(10), made.pools[0].nodes[0].name)]


@pytest.mark.parametrize(
    ("how", "proof"),
    [(free, "1 GPU of ready nodes is free"), (newer_node, "is ready"), (newer_pod, "has its GPU")],
)
def test_a_free_gpu_a_new_node_and_a_pod_that_was_placed_prove_that_there_are_gpus(
    how: Callable[[MadeUp], None], proof: str
) -> None:
    made = busy(healthy(1), maximum=5)
    how(made)
    facts = made.facts()
    assert proof in capacity_proved(facts, classify(facts), AT - timedelta(minutes=60))


def test_that_a_pool_may_grow_proves_nothing() -> None:
    facts = busy(healthy(1), maximum=5).facts()
    assert capacity_proved(facts, classify(facts), AT - timedelta(minutes=60)) == ""


def test_a_new_pod_in_a_pool_that_may_not_grow_has_got_what_the_relief_has_freed() -> None:
    made = busy(healthy(1), maximum=1)
    newer_pod(made)
    facts = made.facts()
    assert capacity_proved(facts, classify(facts), AT - timedelta(minutes=60)) == ""


def test_while_anything_waits_a_free_gpu_proves_nothing() -> None:
    made = busy(healthy(1), maximum=5)
    free(made)
    made.wait(made.pod(1))
    facts = made.facts()
    assert capacity_proved(facts, classify(facts), AT - timedelta(minutes=60)) == ""


def test_a_gpu_that_critical_work_took_at_once_proves_nothing_and_one_that_stays_free_does(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    full_pool(sandbox)
    relieve(environment)
    sandbox.cluster.set_state(SPACE, RUNS, "succeeded")
    (one,) = standings(heir(environment))
    assert one.state == "waits", "the GPU that became free went to critical work at once"
    sandbox.cluster.set_state(SPACE, CRITICAL, "succeeded")
    (one,) = standings(heir(environment))
    assert one.state == "back"
    assert one.evidence == "1 GPU of ready nodes is free"
