"""Terraform's state goes back under Terraform's own lock, to the same lineage, and never to an older serial by itself."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.remediation.report import run_markdown
from tasks.restore.terraform import RestoreState
from tasks.snapshots.layout import layout_of
from tasks.snapshots.summary import StateRecord
from tests.recovery.killer import Victims, at
from tests.restore.test_objects import now
from tests.restore.world import BACKUP, do, killed, make_night, without_history

BUCKET, NAME, LOCK = "sandbox-terraform", "state/default.tfstate", "state/default.tflock"


def body(serial: int, lineage: str = "a-lineage", secret: str = "hunter2") -> bytes:
    """A state."""
    outputs = {"password": {"value": secret}}
    return json.dumps(
        {"version": 4, "terraform_version": "1.9.0", "serial": serial, "lineage": lineage, "outputs": outputs}
    ).encode()


@pytest.fixture
def environment(environment: PipelineEnvironment, sandbox: Sandbox) -> PipelineEnvironment:
    """With remote state in a versioned bucket."""
    sandbox.store.create_bucket(BUCKET, versioning=True)
    environment.backup = environment.backup.model_copy(
        update={
            "terraform_state_bucket": BUCKET,
            "terraform_state_prefix": "state",
            "terraform_lock_wait_seconds": 0.0,
        }
    )
    return environment


def put(sandbox: Sandbox, serial: int, **options: str) -> datetime:
    """Write a state; a time at which it is the live one."""
    sandbox.store.put(BUCKET, NAME, body(serial, **options))
    return now()


def live(sandbox: Sandbox) -> int:
    found = sandbox.store.get(BUCKET, NAME)
    assert found is not None
    return int(json.loads(found.data)["serial"])


def lock(sandbox: Sandbox) -> bytes | None:
    found = sandbox.store.get(BUCKET, LOCK)
    return None if found is None else found.data


def test_it_says_so_when_there_is_no_remote_state(environment: PipelineEnvironment) -> None:
    environment.backup = environment.backup.model_copy(update={"terraform_state_bucket": ""})
    result = do(environment, "terraform-state", "")
    assert result.outcome == "refused"
    assert "no remote Terraform state" in result.reasons[0]


def test_a_generation_of_that_time_is_put_back_and_the_next_step_is_a_persons(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    at = put(sandbox, 3)
    put(sandbox, 4)
    planned = do(environment, "terraform-state", "default", at=at, older_serial=True, mode="plan")
    assert planned.outcome == "planned"
    assert planned.plan is not None
    assert planned.plan.risk == "high"
    assert live(sandbox) == 4
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert (result.outcome, live(sandbox), lock(sandbox)) == ("done", 3, None)
    assert "terraform plan" in result.sentence()
    assert "hunter2" not in run_markdown(result.run, RestoreState().sections(result.run)), (
        "a state's content is never shown"
    )
    again = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert again.outcome == "nothing_to_do"


def test_an_older_serial_needs_to_be_told(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    at = put(sandbox, 3)
    put(sandbox, 4)
    result = do(environment, "terraform-state", "default", at=at)
    assert result.outcome == "refused"
    assert "older_serial" in result.reasons[0]
    assert live(sandbox) == 4


def test_another_lineage_is_never_put_there(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    at = put(sandbox, 9, lineage="another")
    put(sandbox, 4)
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert result.outcome == "refused"
    assert "lineage" in result.reasons[0]
    assert live(sandbox) == 4


def test_a_lock_that_somebody_holds_is_respected_and_its_holder_named(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    at = put(sandbox, 3)
    put(sandbox, 4)
    held = json.dumps({"ID": "1", "Who": "somebody@laptop", "Operation": "OperationTypeApply", "Created": "today"})
    sandbox.store.put(BUCKET, LOCK, held.encode())
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert result.outcome == "failed"
    assert "somebody@laptop" in result.reasons[0]
    assert (live(sandbox), lock(sandbox)) == (4, held.encode())


def test_the_lock_is_terraforms_own_and_is_held_while_the_state_is_written(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    at = put(sandbox, 3)
    put(sandbox, 4)
    seen: list[bytes | None] = []
    sandbox.store.on_finalize(lambda bucket, version: seen.append(lock(sandbox)) if version.name == NAME else None)
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    (held,) = seen
    assert held is not None
    info = json.loads(held)
    assert set(info) == {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"}
    assert (info["ID"], info["Who"]) == (result.id, "a test")


def test_a_state_that_changed_since_the_plan_is_left_alone(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    at = put(sandbox, 3)
    put(sandbox, 4)

    def meanwhile(bucket: str, version: object) -> None:
        if getattr(version, "name", "") == LOCK:
            sandbox.store.put(BUCKET, NAME, body(5))

    sandbox.store.on_finalize(meanwhile)
    result = do(environment, "terraform-state", "default", at=at, older_serial=True)
    assert result.outcome == "failed"
    assert (live(sandbox), lock(sandbox)) == (5, None)


def test_without_versions_it_is_the_nights_copy(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    put(sandbox, 3)
    found = sandbox.store.get(BUCKET, NAME)
    assert found is not None
    where = layout_of(environment).terraform_copy(NAME, found.generation)
    sandbox.store.put(BACKUP, where, found.data)
    record = StateRecord(
        name=NAME,
        generation=found.generation,
        size=found.size,
        crc32c=found.crc32c,
        updated=found.updated.isoformat(),
        live=True,
        lineage="a-lineage",
        serial=3,
        object=where,
    )
    make_night(environment, sandbox.store, states=[record])
    without_history(sandbox, BUCKET)
    sandbox.store.delete(BUCKET, NAME)
    time.sleep(0.01)
    result = do(environment, "terraform-state", "default")
    assert (result.outcome, live(sandbox)) == ("done", 3)
    assert "the copy of night" in result.achieved


def test_a_time_before_everything_is_refused(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    put(sandbox, 3)
    result = do(environment, "terraform-state", "default", at=datetime(2020, 1, 1, tzinfo=UTC))
    assert result.outcome == "refused"
    assert "another time" in result.reasons[0]


@pytest.mark.parametrize("done", [False, True])
def test_killed_while_it_holds_the_lock_the_next_one_ends_it_and_gives_the_lock_back(
    victims: Victims, environment: PipelineEnvironment, sandbox: Sandbox, done: bool
) -> None:
    at_three = put(sandbox, 3)
    put(sandbox, 4)
    rules = {"terraform_state_bucket": BUCKET, "terraform_state_prefix": "state", "terraform_lock_wait_seconds": 0.0}
    asked = {"kind": "terraform-state", "name": "default", "at": at_three.isoformat(), "older_serial": True}
    killed(victims, sandbox, at("storage.objects.rewrite", done=done), backup=rules, **asked)
    assert lock(sandbox) is not None
    result = do(environment, "terraform-state", "default", at=at_three, older_serial=True)
    assert (result.outcome, result.reasons) == ("done", [])
    assert (live(sandbox), lock(sandbox)) == (3, None)
