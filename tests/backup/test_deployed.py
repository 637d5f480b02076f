"""Definitions and Terraform's state: captured once for each state they are in, and every night says which was live."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from blocks.environment import PipelineEnvironment
from blocks.job_definitions import JobDefinition
from blocks.workflow_definitions import WorkflowDefinition
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.backup.terraform import observe_states
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import read_definitions, read_states
from tasks.snapshots.summary import DefinitionRecord, Summary
from tests.backup.world import BACKUP, backup, done, fill, newest
from tests.recovery.world import until

TF, FOLDER = "sandbox-tf", "terraform/state"


def record(environment: PipelineEnvironment, kind: str, name: str) -> DefinitionRecord:
    found = read_definitions(environment, newest(environment))
    return next(one for one in found if (one.kind, one.name) == (kind, name))


def body(sandbox: Sandbox, found: DefinitionRecord) -> dict[str, object]:
    stored = sandbox.store.get(BACKUP, found.object)
    assert stored is not None
    return dict(json.loads(stored.data))


def test_workflows_jobs_triggers_and_schedulers_can_be_made_again_from_what_was_captured(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    done(environment)
    kinds = {one.kind for one in read_definitions(environment, newest(environment))}
    assert kinds == {"workflows", "jobs", "triggers", "schedulers"}
    workflow = record(environment, "workflows", "usd-assembly-pipeline")
    live = environment.workflows.definition("usd-assembly-pipeline")
    assert WorkflowDefinition.from_dict(body(sandbox, workflow)) == live
    assert live is not None
    assert workflow.revision == live.revision_id
    job = record(environment, "jobs", "simready-job")
    assert JobDefinition.from_dict(body(sandbox, job)) == environment.jobs.definition("simready-job")
    assert all("@sha256:" in image or ":" in image for image in job.digests)
    triggers = {str(one["name"]).rpartition("/")[2]: one for one in environment.triggers.definitions()}
    name = sorted(triggers)[0]
    assert body(sandbox, record(environment, "triggers", name)) == triggers[name]


def test_what_did_not_change_is_not_written_again_and_what_did_is(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    done(environment)
    before = {found.name for found in sandbox.store.list(BACKUP, "definitions/")}
    assert done(environment).outcome == "nothing to do"
    assert {found.name for found in sandbox.store.list(BACKUP, "definitions/")} == before
    live = environment.workflows.definition("usd-assembly-pipeline")
    assert live is not None
    changed = replace(live, source=live.source + "\n# changed\n")
    environment.workflows.deploy(changed, expected_revision=live.revision_id)
    assert done(environment).outcome == "clean"
    (new,) = {found.name for found in sandbox.store.list(BACKUP, "definitions/")} - before
    assert record(environment, "workflows", "usd-assembly-pipeline").object == new


def test_what_is_not_deployed_is_said_and_is_no_problem(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    environment.schedulers.region = "europe-west3"
    for name in sandbox.eventarc.deployed.names():
        sandbox.eventarc.deployed.put(name, False)
    summary = done(environment)
    assert any("Not deployed" in note and "the triggers, the schedulers" in note for note in summary.notes)


def test_a_service_that_refuses_makes_the_night_partial(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    fill(sandbox.store, 3)
    sandbox.faults.add(FaultRule(service="scheduler", kind="status", status=403))
    result = backup(environment)
    assert result.outcome == "partial"
    assert "The schedulers could not be captured" in result.reasons[0]
    assert "cloudscheduler.jobs.list" in result.reasons[0]


# Terraform's state


def state(serial: int, lineage: str = "a-lineage") -> bytes:
    return json.dumps({"version": 4, "terraform_version": "1.9.8", "serial": serial, "lineage": lineage}).encode()


def remote_state(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """A bucket with three serials of the default workspace and one of another."""
    sandbox.store.create_bucket(TF, versioning=True)
    environment.backup.terraform_state_bucket, environment.backup.terraform_state_prefix = TF, FOLDER
    for serial in (1, 2, 3):
        sandbox.store.put(TF, f"{FOLDER}/default.tfstate", state(serial))
    sandbox.store.put(TF, f"{FOLDER}/canary.tfstate", state(9, "another"))
    fill(sandbox.store, 3)


def test_every_generation_of_the_state_is_captured_with_lineage_and_serial(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    remote_state(environment, sandbox)
    summary = done(environment)
    found = read_states(environment, summary)
    assert [(one.name, one.serial, one.lineage, one.live) for one in found] == [
        (f"{FOLDER}/canary.tfstate", 9, "another", True),
        (f"{FOLDER}/default.tfstate", 1, "a-lineage", False),
        (f"{FOLDER}/default.tfstate", 2, "a-lineage", False),
        (f"{FOLDER}/default.tfstate", 3, "a-lineage", True),
    ]
    for one in found:
        copy = sandbox.store.get(BACKUP, one.object)
        assert copy is not None
        assert copy.data == state(one.serial, one.lineage)
    sandbox.requests.reset()
    assert done(environment).outcome == "nothing to do"
    assert sandbox.requests.count("storage", "objects.rewrite") == 0
    sandbox.store.put(TF, f"{FOLDER}/default.tfstate", state(4))
    assert done(environment).outcome == "clean"
    assert [one.serial for one in read_states(environment, newest(environment)) if one.live] == [9, 4]


def locked(summary: Summary, environment: PipelineEnvironment) -> set[str]:
    return {one.name for one in read_states(environment, summary) if one.captured_while_locked}


def test_a_state_that_stays_locked_is_captured_and_marked(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    remote_state(environment, sandbox)
    environment.backup.terraform_lock_wait_seconds = 0.1
    sandbox.store.put(TF, f"{FOLDER}/default.tflock", b'{"ID": "1"}')
    summary = done(environment)
    assert locked(summary, environment) == {f"{FOLDER}/default.tfstate"}
    assert any("default.tfstate was locked" in note for note in summary.notes)
    assert sandbox.store.get(TF, f"{FOLDER}/default.tflock") is not None


def test_a_lock_is_waited_for_and_the_serial_it_protected_is_captured(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    remote_state(environment, sandbox)
    environment.backup.terraform_lock_wait_seconds = 20
    sandbox.store.put(TF, f"{FOLDER}/default.tflock", b'{"ID": "1"}')
    sandbox.requests.reset()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(done, environment)
        until(lambda: sandbox.requests.count("storage", "objects.list") > 6 or running.done())
        assert not running.done()
        sandbox.store.put(TF, f"{FOLDER}/default.tfstate", state(4))
        sandbox.store.delete(TF, f"{FOLDER}/default.tflock")
        summary = running.result(20)
    assert locked(summary, environment) == set()
    assert max(one.serial for one in read_states(environment, summary) if "default" in one.name) == 4


def test_no_remote_state_is_said_and_a_wrong_prefix_is_a_problem(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    fill(sandbox.store, 3)
    assert any("no remote Terraform state" in note for note in done(environment).notes)
    remote_state(environment, sandbox)
    environment.backup.terraform_state_prefix = "elsewhere"
    result = backup(environment)
    assert result.outcome == "partial"
    assert "correct terraform_state_prefix" in result.reasons[0]


def test_a_plan_does_not_wait_for_the_lock(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    remote_state(environment, sandbox)
    environment.backup.terraform_lock_wait_seconds = 600
    sandbox.store.put(TF, f"{FOLDER}/default.tflock", b"{}")
    assert backup(environment, "plan").good
    states = observe_states(environment, layout_of(environment), [], wait=False)
    assert [one.record.captured_while_locked for one in states.found] == [False, False, False, True]
