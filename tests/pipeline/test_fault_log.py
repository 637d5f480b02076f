"""The same fault on many scenes is one fault of the pipeline: scenes are counted, each once, of the last minutes only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.pipeline.fault_log import ROOT, hour, record_fault, scenes_with_fault

OPS = "sandbox-ops"


def test_other_scenes_with_the_same_fault_are_counted_each_once(environment: PipelineEnvironment) -> None:
    for scene in ("a", "b", "b", "c"):
        record_fault(environment, "export_corrupt", scene)
    record_fault(environment, "usd_missing", "d")
    record_fault(environment, "export_corrupt_2", "e")
    assert scenes_with_fault(environment, "export_corrupt", but="a") == 2
    assert scenes_with_fault(environment, "export_corrupt", but="x") == 3
    assert scenes_with_fault(environment, "usd_missing", but="d") == 0
    assert scenes_with_fault(environment, "no_such_fault", but="") == 0


def test_a_fault_is_one_small_object_an_hour(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    for _ in range(3):
        record_fault(environment, "f", "a")
    names = [found.name for found in sandbox.store.list(OPS, ROOT)]
    assert len(names) in (1, 2), "two when the hour has just changed"
    assert names[-1] == f"{ROOT}{hour(datetime.now(UTC))}/f/a" or len(names) == 2


@pytest.mark.parametrize(("minutes", "counted"), [(30, 1), (60, 1), (90, 2), (150, 3)])
def test_only_those_of_the_last_minutes_are_counted(
    environment: PipelineEnvironment, sandbox: Sandbox, minutes: int, counted: int
) -> None:
    now = datetime.now(UTC)
    for scene, ago in (("now", 0), ("once", 80), ("before", 140)):
        moment = now - timedelta(minutes=ago)
        stored = sandbox.store.put(OPS, f"{ROOT}{hour(moment)}/f/{scene}", b"", quiet=True)
        stored.time_created = moment
    environment.policy.systematic_minutes = minutes
    assert scenes_with_fault(environment, "f", but="") == counted


@pytest.mark.parametrize(("seconds", "counted"), [(-60, 0), (60, 1)])
def test_of_an_hour_that_is_half_over_only_its_later_part_counts(
    environment: PipelineEnvironment, sandbox: Sandbox, seconds: int, counted: int
) -> None:
    since = datetime.now(UTC) - timedelta(minutes=90)
    stored = sandbox.store.put(OPS, f"{ROOT}{hour(since)}/f/a", b"", quiet=True)
    stored.time_created = since + timedelta(seconds=seconds)
    environment.policy.systematic_minutes = 90
    assert scenes_with_fault(environment, "f", but="") == counted


def test_a_scene_that_showed_it_in_two_hours_is_one_scene(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    for ago in (0, 1):
        sandbox.store.put(OPS, f"{ROOT}{hour(now - timedelta(hours=ago))}/f/a", b"", quiet=True)
    environment.policy.systematic_minutes = 120
    assert scenes_with_fault(environment, "f", but="") == 1
