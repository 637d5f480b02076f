"""Many scenes: one first, then more at a time, and an end when too many go wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.remediation.batch import check_batch, run_batch, threads, waves
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome, Refused
from tasks.remediation.run import Run
from tests.recovery.world import healthy, ill, recover, worked

EXPORT = "genie-sim-export-pipeline"


def scenes(number: int) -> list[str]:
    return [f"s{index}" for index in range(number)]


@given(st.integers(0, 300), st.integers(-1, 40))
def test_the_waves_are_the_scenes_in_order_and_double_up_to_the_limit(number: int, limit: int) -> None:
    found = list(waves(scenes(number), limit))
    assert [scene for wave in found for scene in wave] == scenes(number)
    sizes = [len(wave) for wave in found]
    assert sizes[:1] in ([], [1])
    assert all(size <= max(limit, 1) for size in sizes)
    full = sizes[:-1]
    assert all(later in (2 * earlier, max(limit, 1)) for earlier, later in pairwise(full))


def test_the_first_waves_are_one_two_four() -> None:
    assert [len(wave) for wave in waves(scenes(20), 8)] == [1, 2, 4, 8, 5]
    assert [len(wave) for wave in waves(scenes(7), 3)] == [1, 2, 3, 1]
    assert [len(wave) for wave in waves(scenes(3), 1)] == [1, 1, 1]


def test_an_empty_list_never_means_all() -> None:
    with pytest.raises(Refused, match="never means all"):
        check_batch([], 50)


def test_a_scene_named_twice_is_done_once_where_it_was_named_first() -> None:
    assert check_batch(["b", "a", "b", "a"], 50) == ["b", "a"]


def test_more_scenes_than_the_policy_allows_are_refused_repetitions_not_counted() -> None:
    assert check_batch(["a", "b", "c", "a"], 3) == ["a", "b", "c"]
    with pytest.raises(Refused, match="4 scenes are named; the policy's max_scenes is 3"):
        check_batch(scenes(4), 3)


def played(number: int, bad: set[int], outcome: Outcome = "failed", **policy: float) -> list[Run]:
    """A batch in which the scenes of these numbers go wrong."""
    asked: list[tuple[int, int]] = []

    def one(scene_id: str) -> Run:
        run = Run(context, "p")
        run.subject = scene_id
        run.end(outcome if int(scene_id[1:]) in bad else "done")
        return run

    switch = {"kill_switch": ["ann: fire"]} if outcome == "stopped" else {}
    limits = RemediationPolicy(**policy, **switch)  # type: ignore[arg-type]
    context = Context(PipelineEnvironment(policy=limits), "a test")
    results = run_batch(scenes(number), context, "p", threads(one), lambda done, of: asked.append((done, of)))
    started = [result for result in results if result.outcome != "not_started"]
    assert [result.subject for result in results] == scenes(number)
    assert asked[-1:] == [(len(started), number)]
    return results


def test_when_too_many_go_wrong_the_rest_is_not_started() -> None:
    results = played(20, {0, 1, 2, 3}, error_threshold_percent=10.0)
    assert [result.outcome for result in results] == ["failed"] * 3 + ["not_started"] * 17
    assert "3 of 3 went wrong before it (at most 2 may)" in results[-1].reasons[0]


def test_exactly_the_threshold_may_go_wrong() -> None:
    assert "not_started" not in [result.outcome for result in played(20, {0, 1}, error_threshold_percent=10.0)]


def test_what_is_under_way_when_the_threshold_is_passed_is_finished() -> None:
    results = played(20, {3, 4, 5}, error_threshold_percent=10.0)
    assert [result.outcome for result in results[3:7]] == ["failed", "failed", "failed", "done"]
    assert {result.outcome for result in results[7:]} == {"not_started"}


def test_with_a_threshold_of_nothing_the_first_failure_ends_it() -> None:
    assert [result.outcome for result in played(4, {0}, error_threshold_percent=0)] == ["failed"] + ["not_started"] * 3


def test_the_kill_switch_ends_a_batch_at_once() -> None:
    results = played(50, {0}, outcome="stopped", error_threshold_percent=100)
    assert [result.outcome for result in results] == ["stopped"] + ["not_started"] * 49


@pytest.mark.parametrize("outcome", ["refused", "escalated", "needs_approval", "busy", "unknown"])
def test_whatever_needs_a_person_counts_as_gone_wrong(outcome: Outcome) -> None:
    assert "not_started" in [r.outcome for r in played(8, {0}, outcome=outcome, error_threshold_percent=0)]


def test_a_real_batch_recovers_every_scene_once(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = scenes(5)
    environment.policy.systematic_scenes = 50
    for scene_id in names:
        ill(sandbox, "export_missing", scene_id, objects=1)
    results = run_batch(
        names,
        Context(environment, "a test"),
        "p",
        threads(lambda scene_id: recover(environment, scene_id)),
        lambda *_: None,
    )
    assert [result.outcome for result in results] == ["done"] * 5
    assert [healthy(environment, scene_id, "documents") for scene_id in names] == [[]] * 5
    assert [len(worked(sandbox, EXPORT, scene_id)) for scene_id in names] == [1] * 5


def test_a_real_batch_stops_when_the_first_scenes_cannot_be_mended(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    names = scenes(6)
    for scene_id in names:
        ill(sandbox, "export_missing", scene_id, objects=1)
    sandbox.simulator.behave(SimulatorFault(workflow=EXPORT, kind="raise"))
    results = run_batch(
        names,
        Context(environment, "a test"),
        "p",
        threads(lambda scene_id: recover(environment, scene_id)),
        lambda *_: None,
    )
    assert [result.outcome for result in results] == ["failed"] * 3 + ["not_started"] * 3
    assert [len(worked(sandbox, EXPORT, scene_id)) for scene_id in names] == [1] * 3 + [0] * 3
