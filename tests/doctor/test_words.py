"""What the doctor says can be acted on: every code is explained, and nothing is said of what is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.doctor import cluster_traps, events
from tasks.doctor.finding import LEVELS, Code
from tasks.doctor.parts import CODES
from tasks.doctor.permission_table import BUCKETS, EVENTS, JOBS, NOT_ASKED, PROJECT, SUBSCRIPTIONS
from tests.doctor.test_findings import FINDINGS
from tests.doctor.world import DATA, OPS, USD, bucket, codes, gone, said, seen_by, trigger

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "operations" / "doctor.md").read_text()
ELSEWHERE = {
    "catalogue-broken", "backup-near", "part-unknown", "not-readable", "state-no-undo", "permission-not-asked", "trigger-bucket-only",
    "trigger-name-filter", "trigger-never-fires", "scheduler-paused-as-created", "scheduler-deletes",
}  # fmt: skip
"""Codes that other tests prove, or that a sandbox that is well has."""


def test_every_code_is_there_once() -> None:
    names = [code.name for code in CODES]
    assert sorted(names) == sorted(set(names))


def test_every_code_of_the_pipeline_is_provoked_by_a_test() -> None:
    provoked = {code for _, code, _ in FINDINGS} | ELSEWHERE
    provoked |= {code.name for code in (*events.CODES, *cluster_traps.CODES)}  # by the tests of their names
    assert {code.name for code in CODES if not code.name.startswith(("prefect", "no-environment"))} == provoked


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_the_page_explains_it(code: Code) -> None:
    row = f"| `{code.name}` | {code.level} | {code.why} | {code.todo} |".replace("\n", " ")
    assert row in PAGE, f"docs/operations/doctor.md lacks this row:\n{row}"


def test_the_page_explains_nothing_else() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `") and line.split(" | ")[1] in LEVELS]
    assert len(rows) == len(CODES)


def test_every_permission_that_is_asked_for_is_in_the_table_of_rights() -> None:
    page = (HOME / "docs" / "security.md").read_text()
    needs = [need for group in (*BUCKETS.values(), JOBS, PROJECT, SUBSCRIPTIONS, EVENTS, NOT_ASKED) for need in group]
    assert [need.permission for need in needs if f"`{need.permission}`" not in page] == []


def test_a_missing_workflow_names_the_stages_that_cannot_be_made(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    gone("workflow", USD)(sandbox, environment)
    assert said(seen_by("workflows", environment), "workflow-missing") == (
        f"Workflow {USD}, which makes simready, usd, replicator, isaac-lab, is not deployed."
    )


def test_a_missing_permission_says_what_does_not_work_and_where(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.denied.add("storage.objects.delete")
    look = seen_by("permissions", environment)
    sentences = [one.what for one in look.findings if one.code.name == "permission-missing"]
    assert (
        f"storage.objects.delete on bucket {OPS} is not granted: no lease can be renewed or given back, so scenes stay locked."
        in sentences
    )
    assert len(sentences) == 3


def test_a_trigger_in_another_location_than_its_bucket_says_both(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    bucket(DATA, location="US")(sandbox, environment)
    assert "is in us-central1, and the data bucket is in us." in said(
        seen_by("triggers", environment), "trigger-elsewhere"
    )
    trigger("source-trigger", location="us")(sandbox, environment)
    assert "source-trigger is in" not in said(seen_by("triggers", environment), "trigger-elsewhere")


def test_the_bucket_of_terraforms_state_is_judged_if_it_is_named(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.store.create_bucket("some-state")
    environment.backup.terraform_state_bucket = "some-state"
    assert said(seen_by("buckets", environment), "state-no-undo") == ""
    bucket("some-state", soft_delete_seconds=0)(sandbox, environment)
    assert "some-state" in said(seen_by("buckets", environment), "state-no-undo")


def test_one_job_is_asked_for_all_and_of_triggers_only_those_of_the_data_bucket(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.denied |= {"run.jobs.runWithOverrides", "pubsub.subscriptions.update"}
    before = seen_by("permissions", environment)
    subjects = [one.subject for one in before.findings]
    assert [one for one in subjects if one.startswith("run.jobs")] == [
        "run.jobs.runWithOverrides on job regen3d-adapter-job"
    ]
    trigger("somebodys-trigger", bucket=OPS)(sandbox, environment)
    assert [one.subject for one in seen_by("permissions", environment).findings] == subjects


def test_delivery_to_triggers_of_other_buckets_is_not_ours_to_judge(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    trigger("somebodys-trigger", bucket="another")(sandbox, environment)
    subscription = sandbox.eventarc.deployed.named("somebodys-trigger").subscription
    assert subscription
    sandbox.eventarc.subscriptions.deleted.add(subscription)
    assert codes(seen_by("delivery", environment)) == set()
