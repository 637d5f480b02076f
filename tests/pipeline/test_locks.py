"""A lock is dead only when its holder certainly is; what cannot be told is not guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.catalogue_rules import Lock
from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.simulator_faults import SimulatorFault
from deployments.sandbox.server import Sandbox
from tasks.pipeline.locks import holder_lives, holder_of
from tasks.validation.source import SceneFile

USD = "usd-assembly-pipeline"
LOCK = Lock(path="locks/usd-assembly.lock", workflow=USD, ttl_seconds=3600)


def file(minutes: float | None = 0) -> SceneFile:
    """The lock's object, as old as that; None: nobody knows."""
    updated = None if minutes is None else datetime.now(UTC) - timedelta(minutes=minutes)
    return SceneFile(path=LOCK.path, size=2, generation=1, updated=updated)


@pytest.mark.parametrize(
    ("body", "holder"),
    [
        (b'{"execution_id": "abc"}', "abc"),
        (b'{"execution_id": 7}', "7"),
        (b'{"execution_id": ""}', ""),
        (b'{"execution_id": null}', ""),
        (b'{"owner": "abc"}', ""),
        (b'["execution_id"]', ""),
        (b'"execution_id"', ""),
        (b"7", ""),
        (b"", ""),
        (b"{", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_lock_names_its_holder_in_the_catalogues_field_or_nobody(body: bytes, holder: str) -> None:
    assert holder_of(body, LOCK) == holder
    other = LOCK.model_copy(update={"holder_field": "owner"})
    assert holder_of(body, other) == ("abc" if b"owner" in body else "")


@pytest.mark.parametrize(
    ("ttl", "minutes", "alive"),
    [(3600, 0, None), (3600, 59, None), (3600, 61, False), (None, 10**6, None), (3600, None, None)],
)
def test_one_that_names_nobody_is_dead_only_after_its_time_to_live(
    environment: PipelineEnvironment, ttl: int | None, minutes: float | None, alive: bool | None
) -> None:
    lock = LOCK.model_copy(update={"ttl_seconds": ttl})
    assert holder_lives(environment, lock, "", file(minutes)) is alive


@pytest.mark.parametrize("full", [False, True])
def test_the_execution_it_names_is_asked_for_by_its_short_or_its_full_name(
    environment: PipelineEnvironment, sandbox: Sandbox, kitchen: str, full: bool
) -> None:
    sandbox.simulator.behave(SimulatorFault(workflow=USD, kind="hold"))
    argument = {"data": {"bucket": "sandbox-scenes", "name": f"scenes/{kitchen}/assets/.regen3d_complete"}}
    execution = environment.workflows.start(USD, argument, labels={})
    name = execution.name if full else execution.name.rpartition("/")[2]
    assert holder_lives(environment, LOCK, name, file(10**6)) is True, "however old it is"
    environment.workflows.cancel(execution.name)
    assert holder_lives(environment, LOCK, name, file()) is False


def test_a_holder_that_never_was_is_dead(environment: PipelineEnvironment) -> None:
    assert holder_lives(environment, LOCK, "no-such-execution", file()) is False


def test_a_service_that_does_not_answer_says_nothing_of_the_holder(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    environment.workflows.limits = environment.workflows.limits.model_copy(update={"attempts": 1})
    sandbox.faults.add(FaultRule(service="executions", kind="status", status=503))
    with pytest.raises(TemporaryError):
        holder_lives(environment, LOCK, "abc", file())
