"""The flow `diagnose` and its command: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from flows.diagnose import diagnose
from tests.diagnosis.world import delete_trigger, manifest_damaged, scene
from tests.flows.world import Saved, artifacts, run


def test_the_flow_fails_with_the_causes_and_keeps_them(saved: Saved, sandbox: Sandbox) -> None:
    delete_trigger(sandbox)
    scene(sandbox, "kitchen-1")
    manifest_damaged(sandbox, "kitchen-1")
    before = sandbox.requests.mutating()["total"]
    state = run(diagnose, scene_ids=["kitchen-1", "kitchen-1"])
    assert state.is_failed()
    assert "2 causes found" in (state.message or "")
    page = str(artifacts(state)["check-diagnose"].data)
    assert re.findall(r"row: `(.*?)`", page) == ["trigger-missing", "manifest-damaged"]
    assert "remediate recover kitchen-1" in page
    assert "assets/scene_manifest.json#" in page
    assert sandbox.requests.mutating()["total"] == before + 1, "its page"


def test_a_pipeline_that_is_well_completes(saved: Saved, sandbox: Sandbox) -> None:
    state = run(diagnose)
    assert state.is_completed(), state.message
    assert "nothing wrong was found" in (state.message or "")


def test_a_scene_id_that_is_none_is_refused_in_a_sentence(saved: Saved) -> None:
    state = run(diagnose, scene_ids=["a/b"])
    assert state.is_failed()
    assert state.result(raise_on_failure=False) == {"outcome": "refused"}
    assert "'a/b' is not a scene id" in (state.message or "")


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_the_same_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    delete_trigger(sandbox)
    said = CliRunner().invoke(app, ["diagnose", *["--json"] * as_json])
    assert said.exit_code == 1, said.output
    if as_json:
        value = json.loads(said.stdout)
        assert (value["exit_code"], value["outcome"], value["environment"]) == (1, "failed", "default")
        assert [one["row"] for one in value["causes"]] == ["trigger-missing"]
    else:
        assert "Do:    gcloud eventarc triggers create usd-assembly-trigger" in said.stdout
        assert said.stdout.splitlines()[-1] == "1 cause found."


def test_what_could_not_be_asked_has_exit_code_5(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="logging", kind="status", status=403))
    said = CliRunner().invoke(app, ["diagnose"])
    assert said.exit_code == 5
    assert "UNKNOWN  log lines: Could not read the log" in said.stdout
    assert said.stdout.splitlines()[-1] == "Nothing wrong was found, 1 thing unknown."


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["a/b"], 3, "'a/b' is not a scene id"),
        (["--hours", "0"], 3, "hours is 0"),
        (["--environment", "no-such-block"], 2, "The environment block 'no-such-block' cannot be loaded"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_answered_is_one_sentence(
    saved: Saved, words: list[str], code: int, told: str, as_json: bool
) -> None:
    said = CliRunner().invoke(app, ["diagnose", *words, *["--json"] * as_json])
    assert said.exit_code == code
    assert told in (json.loads(said.stdout)["error"] if as_json else said.stderr)
    assert "Traceback" not in said.output


def test_a_catalogue_that_cannot_be_read_names_its_line(saved: Saved) -> None:
    saved.environment.catalogue_overlay = "stages:\n  dwm:\n    timeout: 60\n"
    saved.keep()
    said = CliRunner().invoke(app, ["diagnose"])
    assert said.exit_code == 1
    assert "line 3" in said.stderr
