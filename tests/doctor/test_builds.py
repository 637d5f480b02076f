"""What is lost in a workflow's source: results beside `try`, and names in a build that nobody fills in."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.doctor.builds import BUILT_IN, unfilled
from tasks.doctor.source import Source
from tests.doctor.test_source import call, source

CREATE = "googleapis.cloudbuild.v1.projects.builds.create"
GIVEN = {"init": {"assign": [{"zone": "us-central1-a"}, {"scene.id": "a"}, {"rows[0]": 1}]}}


def build(script: str, *, called: str = CREATE, **body: Any) -> Source:
    """A workflow with the variables `zone`, `scene` and `rows` that has Cloud Build run a script."""
    step = {"name": "gcr.io/cloud-sdk", "entrypoint": "bash", "args": ["-c", script]}
    return source(GIVEN, call(called, projectId="p", body={"steps": [step], "timeout": "60s"} | body))


# `result` beside `try`


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({"try": {"call": "http.get", "result": "it"}, "retry": "${http.default_retry}"}, []),
        ({"try": {"steps": [{"in": {"call": "http.get", "result": "it"}}]}}, []),
        ({"call": "http.get", "result": "it"}, []),
        ({"call": "http.post", "args": {"body": {"try": 1, "result": "it"}}}, []),
        ({"assign": [{"result": 1}, {"try": 2}]}, []),
        ({"try": {"call": "http.get"}, "result": "it", "except": {"as": "e", "steps": []}}, ["one"]),
        ({"try": {"call": "http.get", "result": "it"}, "result": "other"}, ["one"]),
    ],
)
def test_a_result_is_kept_beside_a_call_and_not_beside_try(step: dict[str, Any], found: list[str]) -> None:
    assert source({"one": step}).results_beside_try() == found


def test_steps_within_steps_are_looked_at_too_and_a_step_may_be_called_try() -> None:
    lost = {"deep": {"try": {"call": "http.get"}, "result": "it"}}
    assert source({"each": {"for": {"steps": [lost]}}}).results_beside_try() == ["deep"]
    assert source({"one": {"switch": [{"condition": True, "steps": [lost]}]}}).results_beside_try() == ["deep"]
    assert source({"try": {"call": "http.get", "result": "it"}}).results_beside_try() == []


# What a build is given


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("gcloud --zone=${zone}", ["${zone}"]),
        ("echo ${scene} ${rows}", ["${scene}", "${rows}"]),
        ("JOB_NAME=a; echo ${JOB_NAME} $STATUS", ["${JOB_NAME}", "${STATUS}"]),
        ("echo $$$JOB_NAME", ["${JOB_NAME}"]),
        ("a=${zone}; b=${zone}", ["${zone}"]),
    ],
)
def test_a_name_that_stays_as_it_is_is_found_once(script: str, names: list[str]) -> None:
    assert unfilled(build(script)) == names


@pytest.mark.parametrize(
    "script",
    [
        '${"gcloud --zone=" + zone + " $JOB_NAME"}',
        '  ${"${JOB_NAME}"}\n',
        "gcloud --project=$PROJECT_ID ${BUILD_ID}",
        "echo $_OWN ${_OWN}",
        "echo $${JOB_NAME} $$STATUS $$$$",
        "echo ${count} ${left:-0} ${COUNT:-0} ${#rows[@]}",
        "zone=b; echo ${zone}",
        "for zone in a b; do echo ${zone}; done",
        "read -r zone < file; echo ${zone}",
        "echo $zone $1 $? $(date +%s) $((1 + 1)) $'x' costs 5$",
        "",
    ],
)
def test_what_somebody_fills_in_or_the_shell_itself_is_left_alone(script: str) -> None:
    assert unfilled(build(script)) == []


def test_a_build_that_allows_unknown_names_is_only_told_of_the_workflows_own() -> None:
    loose = build("echo $STATUS ${zone}", options={"substitutionOption": "ALLOW_LOOSE"})
    assert unfilled(loose) == ["${zone}"]
    assert unfilled(build("echo $STATUS", options="${options}")) == ["${STATUS}"]


def test_a_build_is_known_by_the_connector_or_by_its_address() -> None:
    url = '${"https://cloudbuild.googleapis.com/v1/projects/" + project + "/builds"}'
    steps = {"steps": [{"name": "x", "args": ["echo $STATUS"]}]}
    assert unfilled(source(call("http.post", url=url, body=steps))) == ["${STATUS}"]
    assert unfilled(source({"one": {"try": call(CREATE, body=steps)["one"]}})) == ["${STATUS}"]
    assert unfilled(source(call("http.post", url="https://example.com", body=steps))) == []
    assert unfilled(source(call("sys.log", body=steps))) == []


@pytest.mark.parametrize(
    "body",
    [
        "${body}",
        {"steps": "${steps}"},
        {"steps": ["${step}", None, 5]},
        {"steps": [{"name": "x", "script": "echo $STATUS"}]},
        {"steps": [{"args": [1, None, {"a": "$STATUS"}]}]},
        {"substitutions": {"_A": "$STATUS"}, "steps": []},
    ],
)
def test_what_cannot_be_read_and_what_cloud_build_leaves_alone_is_not_judged(body: Any) -> None:
    assert unfilled(source(call(CREATE, body=body))) == []


def test_every_field_that_cloud_build_fills_in_is_read() -> None:
    step = {"name": "x:$A", "args": ["$B"], "env": ["C=$C"], "dir": "$D", "entrypoint": "$E"}
    assert unfilled(source(call(CREATE, body={"steps": [step]}))) == ["${A}", "${B}", "${C}", "${D}", "${E}"]
    assert unfilled(build(" ".join(f"${one}" for one in sorted(BUILT_IN)))) == []


def test_parameters_results_and_errors_are_variables_too() -> None:
    text = """
main:
  params: [event, {mode: plan}]
  steps:
    - one: {call: http.get, result: answer}
    - two: {try: {call: http.get}, except: {as: e, steps: []}}
"""
    assert Source(text).variables() >= {"event", "mode", "answer", "e"}
    assert Source("main: a: b").variables() == set()
