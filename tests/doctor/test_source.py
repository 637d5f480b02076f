"""A workflow's source is read without running it: each fault by the smallest source that has it, and none by another."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tasks.doctor.examine import Look
from tasks.doctor.source import EnvironmentRead, Source
from tasks.doctor.traps import judge_source
from tests.doctor.told import DATA, Told, World, workflow
from tests.doctor.world import codes, said

USD = "usd-assembly-pipeline"
RUN = "googleapis.run.v2.projects.locations.jobs.run"
GET = "googleapis.storage.v1.objects.get"


def source(*steps: dict[str, Any]) -> Source:
    return Source(yaml.safe_dump({"main": {"steps": list(steps)}}, sort_keys=False))


def text(expression: str) -> Source:
    return source({"one": {"assign": [{"it": expression}]}})


def call(called: str, /, **args: Any) -> dict[str, Any]:
    return {"one": {"call": called, "args": args}}


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ('${sys.get_env("A")}', EnvironmentRead("A", False)),
        ("${sys.get_env('A')}", EnvironmentRead("A", False)),
        ('${sys.get_env("A", "b")}', EnvironmentRead("A", True, "b")),
        ('${sys.get_env("A", "")}', EnvironmentRead("A", True, "")),
        ('${sys.get_env("A", other)}', EnvironmentRead("A", True, "")),
        ('${default( sys.get_env( "A" ), "b")}', EnvironmentRead("A", True, "")),
    ],
)
def test_a_variable_is_read_with_or_without_a_default(expression: str, read: EnvironmentRead) -> None:
    assert text(expression).environment() == [read]


def test_one_word_is_not_taken_for_a_longer_one() -> None:
    found = text("${event.job_id_of + a}")
    assert not found.reads("job_id")
    assert text("${event.job_id}").reads("job_id")
    assert not text("event.job_id").reads("job_id"), "a sentence is no expression"
    assert not text("starts scale-pipeline-two").mentions("scale-pipeline")
    assert not text("starts my-scale-pipeline").mentions("scale-pipeline")
    assert text("starts (scale-pipeline)").mentions("scale-pipeline")
    assert source({"scale-pipeline": {"return": 1}}).mentions("scale-pipeline"), "keys included"


def test_jobs_are_known_by_their_resource_names() -> None:
    assert text("projects/p/locations/l/jobs/scale-job:run and /jobs/usd-job").jobs() == {"scale-job", "usd-job"}
    assert text("the scale-job").jobs() == set()


def test_a_regular_expression_is_given_as_it_is_applied() -> None:
    assert text(r'${text.match_regex(name, "^scenes/.+/\\.done$")}').event_patterns() == [r"^scenes/.+/\.done$"]
    assert text("${text.find_all(name, 'x')}").event_patterns() == []


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("${text.to_lower(a)}", set()),
        ("${text.lower(a)}", {"text.lower"}),
        ("${context.lower(a)}", set()),
        ("${a && b}", {"&&"}),
        ("cd /a && b", set()),
        ("${text.trim(a) && text.lower(b)}", {"text.trim", "text.lower", "&&"}),
    ],
)
def test_a_function_is_unknown_that_workflows_does_not_have(expression: str, unknown: set[str]) -> None:
    assert text(expression).unknown_functions() == unknown


@pytest.mark.parametrize(
    ("args", "misplaced"),
    [
        ({"name": "x", "body": {"timeout": "60s"}}, True),
        ({"name": "x", "timeout": "60s"}, True),
        ({"name": "x", "body": {"overrides": {"timeout": "60s"}}}, False),
        ({"name": "x", "body": "${body}"}, False),
        ({"name": "x"}, False),
    ],
)
@pytest.mark.parametrize("tried", [False, True])
def test_a_timeout_belongs_into_the_overrides(args: dict[str, Any], misplaced: bool, tried: bool) -> None:
    step = call(RUN, **args)
    found = source({"one": {"try": step["one"]}} if tried else step)
    assert found.timeouts_beside_overrides() == ["one"] * misplaced
    assert source(call("http.get", **args)).timeouts_beside_overrides() == []


@pytest.mark.parametrize(
    ("value", "unencoded"),
    [
        ("scenes/a", True),
        ("plain", False),
        ("${name}", True),
        ("${text.url_encode(name)}", False),
        ("${text.url_encode_plus(name)}", False),
        (5, False),
    ],
)
def test_an_object_is_named_with_its_slashes_encoded(value: object, unencoded: bool) -> None:
    assert source(call(GET, bucket="b", object=value)).unencoded_objects() == ["one"] * unencoded


def test_a_variable_may_have_been_encoded_before() -> None:
    encoded = {"before": {"assign": [{"name": "${text.url_encode(path)}"}]}}
    assert source(encoded, call(GET, object="${name}")).unencoded_objects() == []
    assert source(encoded, call(GET, object="scenes/${name}")).unencoded_objects() == ["one"]


def test_steps_of_two_lists_may_have_one_name() -> None:
    inner = {"each": {"for": {"steps": [{"one": {"return": 1}}]}}}
    assert source({"one": {"return": 1}}, inner).repeated_steps() == []
    deep = {"each": {"for": {"steps": [{"two": {"return": 1}}, {"two": {"return": 2}}]}}}
    assert source({"one": {"return": 1}}, deep).repeated_steps() == ["two"]


def test_of_what_is_no_yaml_the_line_at_fault_is_known_and_no_step_is() -> None:
    found = Source('main:\n  # ${sys.get_env("COMMENT")}\n  a: b: ${sys.get_env("A")}\n')
    assert found.problem.startswith("line 3: ")
    assert [one.name for one in found.environment()] == ["A"]
    assert found.repeated_steps() == found.unencoded_objects() == []


@pytest.mark.parametrize(
    "written",
    [
        "", "[]", "5", f"main: {{steps: [{{one: {{call: {RUN}, args: '${{args}}'}}}}]}}",
        f"main: {{steps: [{{one: {{call: {GET}, args: [a, b]}}}}, two, {{three: 3}}]}}",
        "main: {steps: {one: two}}", "main: &a [*a]", "main: " + "[" * 1500, "2026-01-01: {1: 2, null: true}",
    ],
    ids=range(9),
)  # fmt: skip
def test_no_source_ends_the_judgement(written: str) -> None:
    look, found = Look("workflows"), Source(written)
    judge_source(Told(World()), workflow(USD, written), found, look)
    assert found.jobs() == set()
    assert not found.mentions(USD)


# What is said of it


def judged(expression: str, **given: str) -> Look:
    """What is said of a workflow with this expression and these variables."""
    look = Look("workflows")
    judge_source(Told(World()), workflow(USD, environment=given), text(expression), look)
    return look


@pytest.mark.parametrize(
    ("expression", "given", "unset"),
    [
        ('${sys.get_env("A")}', {}, "A"),
        ('${sys.get_env("A")}', {"A": ""}, ""),
        ('${sys.get_env("A", "b")}', {}, ""),
        ('${sys.get_env("GOOGLE_CLOUD_PROJECT_ID")}', {}, ""),
        ('${sys.get_env("GOOGLE_CLOUD_OTHER")}', {}, "GOOGLE_CLOUD_OTHER"),
    ],
)
def test_a_variable_without_default_value_or_google_is_unset(
    expression: str, given: dict[str, str], unset: str
) -> None:
    expected = f"Workflow {USD} reads {unset}, which is not set and has no default." if unset else ""
    assert said(judged(expression, **given), "workflow-env-unset") == expected


@pytest.mark.parametrize(
    ("expression", "given", "used"),
    [
        ('${sys.get_env("GCS_BUCKET", "other")}', {}, "other"),
        ('${sys.get_env("GCS_BUCKET", "other")}', {"GCS_BUCKET": DATA}, ""),
        ('${sys.get_env("GCS_BUCKET")}', {}, ""),
        ('${sys.get_env("BUCKET", "other")}', {}, ""),
        ('${sys.get_env("GCS_BUCKET", "a") + sys.get_env("PRIMARY_BUCKET", "b")}', {}, "b"),
        ('${sys.get_env("GCS_BUCKET", "a") + sys.get_env("PRIMARY_BUCKET", "b")}', {"PRIMARY_BUCKET": DATA}, ""),
    ],
)
def test_the_first_variable_that_names_a_bucket_must_name_ours(
    expression: str, given: dict[str, str], used: str
) -> None:
    expected = f"Workflow {USD} works on the bucket {used}, not on {DATA}." if used else ""
    assert said(judged(expression, **given), "workflow-other-bucket") == expected


@pytest.mark.parametrize(
    ("patterns", "refused"),
    [
        ([r"^scenes/.+/assets/\\.regen3d_complete$"], False),
        ([r"^scenes/.+/assets/\\.other$"], True),
        ([r"^scenes/.+/assets/\\.other$", r"^scenes/.+/assets/\\.regen3d_complete$"], False),
        ([r"^scenes/(?P<a"], False),
        (["^other/"], False),
    ],
)
def test_a_workflow_must_accept_the_event_that_a_recovery_sends(patterns: list[str], refused: bool) -> None:
    expression = " or ".join(f'text.match_regex(name, "{one}")' for one in patterns)
    assert ("workflow-refuses-event" in codes(judged(f"${{{expression}}}"))) is refused


def test_each_fault_of_a_source_is_one_finding_that_names_its_steps() -> None:
    look = Look("workflows")
    faulty = source(call(GET, object="a/b"), call(RUN, timeout="1s"), {"two": {"assign": [{"it": "${text.trim(a)}"}]}})
    judge_source(Told(World()), workflow(USD), faulty, look)
    assert codes(look) == {
        "workflow-object-unencoded",
        "workflow-timeout-ignored",
        "workflow-unknown-function",
        "workflow-step-repeated",
    }
    assert "in step one." in said(look, "workflow-timeout-ignored")
