"""Lines of the log: whose they are, what is mended since, what is left out, and how much is looked at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.logs import LogLine
from deployments.sandbox.server import Sandbox
from tasks.diagnosis import world as bounds
from tasks.diagnosis.attempts import MOST_READ, MOST_TEXT, Attempt, cut, service_tags
from tasks.diagnosis.logs import about
from tests.diagnosis.world import PXR, SIMREADY, USD, diagnosed, only, rows, run_job, scene, start

NOW = datetime.now(UTC)


def line(text: str = "", data: dict[str, Any] | None = None, **labels: str) -> LogLine:
    return LogLine(NOW, "ERROR", "stderr", "cloud_run_job", text, labels, data or {}, "1")


def test_a_line_is_of_the_job_that_its_labels_name_and_of_its_executions_scene() -> None:
    tried = Attempt(SIMREADY, True, "p/e/x-1", "kitchen-1", "", "failed", NOW, None, "")
    found = about(line("boom", job_name=SIMREADY, **{"run.googleapis.com/execution_name": "x-1"}), {"x-1": tried})
    assert (found.job, found.scene, found.execution, found.who) == (SIMREADY, "kitchen-1", "x-1", SIMREADY)


def test_a_workflows_line_says_itself_which_job_and_scene_it_is_about() -> None:
    data = {"workflow": USD, "job": SIMREADY, "scene_id": "kitchen-2", "error": "x"}
    found = about(line(data=data, workflow_id="other"), {})
    assert (found.job, found.workflow, found.scene) == (SIMREADY, USD, "kitchen-2")
    assert '"error": "x"' in found.text


def test_a_line_of_something_else_is_of_what_logged_it() -> None:
    assert about(LogLine(NOW, "ERROR", "l", "build", "x"), {}).who == "build"
    assert about(LogLine(NOW, "ERROR", "l", "", "x"), {}).who == "something"


def test_a_very_long_line_is_looked_at_only_so_far() -> None:
    assert len(about(line("x" * 300_000), {}).text) == MOST_READ


@pytest.mark.parametrize(
    "said",
    ["api_key=abc123", "API-KEY: abc123", '"token": "abc123"', "password = abc123", "Authorization: Bearer abc123",
     "X-Goog-Signature=abc123", "GEMINI_API_KEY=abc123", "client_secret='abc123'"],
)  # fmt: skip
def test_what_looks_like_a_secret_is_left_out(said: str) -> None:
    assert "abc123" not in cut(f"failed with {said} in the request")


@pytest.mark.parametrize("said", ["No module named 'pxr'", "key not found: job_id", "the token bucket is empty"])
def test_what_is_none_stays(said: str) -> None:
    assert cut(said) == said


def test_a_text_is_one_line_and_not_too_long() -> None:
    assert cut("a\n  b\tc") == "a b c"
    assert len(cut("x" * 1000)) == MOST_TEXT + 1


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("Genie Sim gRPC server is not ready", True),
        ("geniesim endpoint UNAVAILABLE: failed to connect", True),
        ("genie-sim-export-job failed for scene a", False),
        ("the server is not ready", False),
        ("", False),
    ],
)
def test_only_words_about_the_simulator_blame_it(said: str, ours: bool) -> None:
    assert bool(service_tags(said)) is ours


def test_what_the_same_job_did_well_since_is_mended(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    scene(sandbox, "kitchen-1")
    sandbox.log.of_container(SIMREADY, "x-1", PXR)
    only(diagnosed(environment), "pxr-missing")
    time.sleep(0.01)  # the next execution ends later than the line was written
    run_job(sandbox, environment, SIMREADY, "kitchen-1")
    assert rows(diagnosed(environment, "office-1")) == []  # on whatever scene: it is the image's fault, not a scene's


def test_what_a_workflow_did_well_with_the_job_since_is_mended_too(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1", upto="regen3d")
    sandbox.log.of_container(SIMREADY, "x-1", PXR)
    start(sandbox, environment, USD, "kitchen-1")
    assert rows(diagnosed(environment)) == []


def test_a_scenes_own_trouble_is_not_mended_by_another_scene(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    scene(sandbox, "kitchen-1")
    scene(sandbox, "kitchen-2", upto="regen3d")
    payload = {"bp_metric": "job_retry_exhausted", "job": SIMREADY, "scene_id": "kitchen-2", "error": "x"}
    sandbox.log.of_invocation(USD, "an-execution", payload)
    run_job(sandbox, environment, SIMREADY, "kitchen-1")
    only(diagnosed(environment), "retry-exhausted")


def test_many_lines_of_one_kind_are_one_cause_with_the_newest_and_the_oldest(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    for number in range(30):
        sandbox.log.of_container(SIMREADY, f"x-{number}", PXR)
    cause = only(diagnosed(environment), "pxr-missing")
    assert "(30 lines)" in cause.sentence
    assert [one.split()[3].rstrip(":") for one in cause.evidence] == ["x-29", "x-0"]


def test_a_line_is_of_the_first_row_that_it_fits(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.log.of_container(SIMREADY, "x", f"404 Quota exceeded {PXR}")
    only(diagnosed(environment), "pxr-missing")


def test_errors_that_nobody_knows_are_no_cause(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.log.of_container(SIMREADY, "x", "Traceback (most recent call last): ...")
    sandbox.log.of_container(SIMREADY, "x", f"loaded {PXR} fallback", failed=False)  # no error
    assert diagnosed(environment).causes == []


def test_so_many_lines_are_looked_at_and_that_there_are_more_is_said(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_LINES", 10)
    old = datetime.now(UTC) - timedelta(hours=1)
    sandbox.log.write(
        {
            "logName": "projects/sandbox-project/logs/x",
            "severity": "ERROR",
            "textPayload": PXR,
            "timestamp": old.isoformat(),
        }
    )
    for number in range(12):
        sandbox.log.of_container("regen3d-adapter-job", f"x-{number}", "something else")
    sandbox.requests.reset()
    found = diagnosed(environment)
    assert found.causes == []
    assert any("lines of the log were looked at; there are more" in one for one in found.notes)
    assert sandbox.requests.count("logging", "ListLogEntries") == 2
