"""The flow `runtime-report` and its command: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from flows.runtime_report import runtime_report
from tasks.runtime_report.files import ROOT
from tests.flows.world import Saved, artifacts, run
from tests.runtime_report.world import JOB, NOW, ran, spread, write

ASKED = ["--since", "2026-02-01T12:00:00", "--until", "2026-02-08T12:00:00"]
HOUR = timedelta(hours=1)


def near_its_timeout(sandbox: Sandbox) -> None:
    write(sandbox, spread([1790.0] * 30, job="replicator-job", limit=1800, step=HOUR))


def test_a_window_in_which_all_went_well_completes(saved: Saved, sandbox: Sandbox) -> None:
    write(sandbox, spread([300.0] * 30, step=HOUR))
    state = run(runtime_report, since=NOW - timedelta(days=7), until=NOW)
    assert state.is_completed(), state.message
    assert "30 runs of 1 step, 1 of 1 promise kept, 0 timeouts to change" in (state.message or "")


def test_it_fails_when_a_person_must_act_and_shows_the_picture(saved: Saved, sandbox: Sandbox) -> None:
    near_its_timeout(sandbox)
    state = run(runtime_report, since=NOW - timedelta(days=7), until=NOW)
    assert state.is_failed()
    assert state.result(raise_on_failure=False) == {"outcome": "failed"}
    page = str(artifacts(state)["check-runtime-report"].data)
    assert "Raise the timeout of replicator-job" in page
    assert "](data:image/svg+xml;base64," in page
    assert f"All files: gs://{OPS_BUCKET}/{ROOT}" in page


def test_without_a_window_it_is_the_last_week(saved: Saved, sandbox: Sandbox) -> None:
    write(sandbox, ran(datetime.now(UTC) - HOUR, 300))
    write(sandbox, ran(datetime.now(UTC) - timedelta(days=8), 300))
    state = run(runtime_report)
    assert "1 runs of 1 step" in (state.message or "")


def test_a_window_that_makes_no_sense_is_refused_in_a_sentence(saved: Saved) -> None:
    state = run(runtime_report, since=NOW, until=NOW)
    assert state.result(raise_on_failure=False) == {"outcome": "refused"}
    assert "name an earlier since" in (state.message or "")


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_the_same_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    near_its_timeout(sandbox)
    said = CliRunner().invoke(app, ["runtime", "report", *ASKED, *["--json"] * as_json])
    assert said.exit_code == 1, said.output
    if as_json:
        value = json.loads(said.stdout)
        assert (value["exit_code"], value["outcome"], value["environment"]) == (1, "failed", "default")
        assert [one["job"] for one in value["steps"]] == ["replicator-job"]
        assert value["proposals"][0]["to"] == 2400
        assert value["since"] == "2026-02-01T12:00:00Z"
    else:
        assert (
            "Propose  Raise the timeout of replicator-job in usd-assembly-pipeline from 1800 s to 2,400 s"
            in said.stdout
        )


def test_what_could_not_be_asked_has_exit_code_5(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    said = CliRunner().invoke(app, ["runtime", "report", *ASKED])
    assert said.exit_code == 5
    assert "UNKNOWN  The log of the pipeline: Could not read the log" in said.stdout


def test_all_well_has_exit_code_0(saved: Saved, sandbox: Sandbox) -> None:
    write(sandbox, spread([300.0] * 30, step=HOUR))
    said = CliRunner().invoke(app, ["runtime", "report", *ASKED])
    assert said.exit_code == 0, said.output
    assert f"{JOB} (usd-assembly-pipeline)" in said.stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--since", "2026-02-02", "--until", "2026-02-01"], 3, "is not before until"),
        (["--until", "2999-01-01"], 3, "still to come"),
        (["--environment", "no-such-block"], 2, "The environment block 'no-such-block' cannot be loaded"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_answered_is_one_sentence(
    saved: Saved, words: list[str], code: int, told: str, as_json: bool
) -> None:
    said = CliRunner().invoke(app, ["runtime", "report", *words, *["--json"] * as_json])
    assert said.exit_code == code
    assert told in (json.loads(said.stdout)["error"] if as_json else said.stderr)
    assert "Traceback" not in said.output
