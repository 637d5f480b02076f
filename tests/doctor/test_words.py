"""What the doctor says can be acted on: every code is explained, and nothing is said of what is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.doctor.finding import LEVELS, Code
from tasks.doctor.parts import CODES
from tasks.doctor.permission_table import BUCKETS, JOBS, NOT_ASKED, SUBSCRIPTIONS
from tasks.doctor.report import NAMED, text
from tests.doctor.test_findings import FINDINGS
from tests.doctor.world import DATA, OPS, USD, bucket, gone, live_message, said, seen_by, source, trigger

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
    needs = [need for group in (*BUCKETS.values(), JOBS, SUBSCRIPTIONS, NOT_ASKED) for need in group]
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


def test_a_retention_policy_beside_versioning_lets_data_be_replaced(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    bucket(DATA, retention_seconds=3600, versioning=True)(sandbox, environment)
    assert said(seen_by("buckets", environment), "data-kept") == ""


def test_the_bucket_of_terraforms_state_is_judged_if_it_is_named(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.store.create_bucket("some-state")
    environment.backup.terraform_state_bucket = "some-state"
    assert said(seen_by("buckets", environment), "state-no-undo") == ""
    bucket("some-state", soft_delete_seconds=0)(sandbox, environment)
    assert "some-state" in said(seen_by("buckets", environment), "state-no-undo")


@pytest.mark.parametrize(
    "expression",
    ['${sys.get_env("BP_ENV", "staging")}', '${sys.get_env("GOOGLE_CLOUD_PROJECT_ID")}', '${sys.get_env("SET")}'],
)
def test_a_variable_with_a_default_a_value_or_by_google_is_no_fault(
    sandbox: Sandbox, environment: PipelineEnvironment, expression: str
) -> None:
    source(USD, [{"one": {"assign": [{"it": expression}]}}], SET="yes")(sandbox, environment)
    assert said(seen_by("workflows", environment), "workflow-env-unset") == ""


def test_many_of_one_code_are_shown_by_the_first_few_and_counted(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    every = sandbox.run.deployed.names()
    for name in every:
        gone("job", name)(sandbox, environment)
    look = seen_by("jobs", environment)
    shown = text([look])
    assert shown.count("is not deployed") == 2 * NAMED
    assert "Likewise: " in shown
    assert len(look.findings) == len(every)
    assert max(map(len, text([look], 80).splitlines())) <= 80


def test_of_a_source_that_is_no_yaml_the_lines_are_read_all_the_same(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    """13 of the pipeline's own 17 are none, and what they do matters as much."""
    lines = [
        "main:",
        "  steps:",
        '    # - it: ${sys.get_env("IN_A_COMMENT")}',
        '    - one: {assign: [{it: ${sys.get_env("BP_ENV")}}]}',
        '    - two: ${"the job: " + text.lower(name)}',
    ]
    live_message(USD, source_contents="\n".join(lines))(sandbox, environment)
    look = seen_by("workflows", environment)
    assert "line 4" in said(look, "workflow-unparsable")
    assert said(look, "workflow-env-unset") == f"Workflow {USD} reads BP_ENV, which is not set and has no default."
    assert "text.lower" in said(look, "workflow-unknown-function")


@pytest.mark.parametrize(
    "text",
    ["cd /work && make", '${default(sys.get_env("SOME_REGION"), "us-central1")}', "${text.to_lower(name)}"],
)
def test_a_shells_script_and_a_default_are_no_fault(
    sandbox: Sandbox, environment: PipelineEnvironment, text: str
) -> None:
    source(USD, [{"one": {"assign": [{"it": text}]}}])(sandbox, environment)
    look = seen_by("workflows", environment)
    assert said(look, "workflow-unknown-function") + said(look, "workflow-env-unset") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "main: {steps: [{one: {call: googleapis.run.v2.projects.locations.jobs.run, args: '${args}'}}]}",
        "main: {steps: [{one: {call: googleapis.storage.v1.objects.get, args: [a, b]}}, two, {three: 3}]}",
        "main: {steps: {one: two}}",
        "main: &a [*a]",
        "main: " + "[" * 5000,
        "2026-01-01: {1: 2, null: true}",
    ],
)
def test_no_source_ends_the_part(sandbox: Sandbox, environment: PipelineEnvironment, text: str) -> None:
    live_message(USD, source_contents=text)(sandbox, environment)
    look = seen_by("workflows", environment)  # which raises what goes wrong
    assert look.good > 100
