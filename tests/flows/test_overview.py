"""The flow `overview` and the command `remediate status`: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from deployments import cli_status
from deployments.cli import app
from deployments.cli_status import from_file
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from flows.overview import overview
from tasks.overview.check import PAGE
from tasks.overview.state import TITLES
from tests.flows.world import Saved, artifacts, everything, run
from tests.overview.world import swept, well

OPS, DATA = "sandbox-ops", "sandbox-scenes"


def broken(saved: Saved, sandbox: Sandbox) -> None:
    make_scene(sandbox.store, DATA, "cellar_001", "office", objects=1)
    damage(sandbox.store, DATA, "cellar_001", "usd_missing")
    swept(saved.environment)


def test_it_fails_when_a_person_must_act_and_shows_all_parts_with_the_map(saved: Saved, sandbox: Sandbox) -> None:
    broken(saved, sandbox)
    before = everything(sandbox)
    state = run(overview)
    assert state.result(raise_on_failure=False) == {"outcome": "failed"}
    page = str(artifacts(state)["check-overview"].data)
    for title in TITLES.values():
        assert f"## {title}" in page
    assert "`remediate recover cellar_001`" in page
    assert "## Where the broken scenes stand" in page
    assert "](data:image/svg+xml;base64," in page
    assert f"gs://{OPS}/{PAGE}" in page
    after = everything(sandbox)
    assert {name for name in after if after[name] != before.get(name)} == {f"{OPS}/{PAGE}"}, "its own page, no more"


@pytest.mark.usefixtures("saved")
def test_with_prefect_nothing_of_prefect_is_unknown_but_a_doctor_that_never_ran(sandbox: Sandbox) -> None:
    done = CliRunner().invoke(app, ["status", "--json"])
    said = json.loads(done.stdout)
    told = [one["what"] for part in said["parts"] for one in part["unknown"]]
    assert [one for one in told if "Prefect" in one or "pproval" in one] == []
    assert "No run of the doctor has ended yet." in told


def test_the_command_says_the_same_as_the_flow_and_changes_nothing(saved: Saved, sandbox: Sandbox) -> None:
    broken(saved, sandbox)
    sandbox.requests.reset()
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == 1, done.output
    assert "    Next: remediate recover cellar_001" in done.stdout
    assert sandbox.requests.mutating() == {"total": 0}


def file_of(saved: Saved, folder: Path) -> str:
    """The environment block as a file."""
    file = folder / "environment.json"
    file.write_text(saved.environment.model_dump_json(context={"include_secrets": True}))
    return str(file)


def test_without_prefect_a_file_names_the_environment_and_the_kill_switch_is_unknown(
    saved: Saved, sandbox: Sandbox, tmp_path: Path
) -> None:
    well(sandbox, saved.environment)
    with temporary_settings({PREFECT_API_URL: None}):
        done = CliRunner().invoke(app, ["status", "--json", "--environment-file", file_of(saved, tmp_path)])
    said = json.loads(done.stdout)
    assert (done.exit_code, said["outcome"], said["exit_code"]) == (5, "partial", 5)
    parts = {part["part"]: part for part in said["parts"]}
    assert parts["broken"]["items"] == []
    assert parts["broken"]["unknown"] == []
    (switch,) = parts["held"]["unknown"]
    assert "kill switch is kept in the environment block" in switch["what"]
    assert len(parts["proved"]["items"]) == 3


@pytest.mark.usefixtures("prefect_server")
def test_without_prefect_and_without_a_file_it_says_what_to_name() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == 2
    assert "name a file with the block's fields: remediate status --environment-file FILE" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("body", [None, "", "{", "[]", '{"ops_bucket": 3}'])
def test_what_is_no_environment_is_one_sentence(tmp_path: Path, body: str | None) -> None:
    file = tmp_path / "x.json"
    if body is not None:
        file.write_text(body)
    done = CliRunner().invoke(app, ["status", "--json", "--environment-file", str(file)])
    assert done.exit_code == 2
    assert "holds no environment" in json.loads(done.stdout)["error"]


def test_what_is_wrong_with_a_file_is_told_without_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for body in (
        '{"backup": {"signing_key": {"hunter2": 1}}, "policy": "hunter2"}',
        '{"policy": hunter2}',
        '["hunter2"]',
    ):
        file.write_text(body)
        said = from_file(file)
        assert isinstance(said, str) and "holds no environment" in said
        assert "hunter2" not in said


def test_watching_looks_again_until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(*_: object, **__: object) -> int:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return 1

    monkeypatch.setattr(cli_status, "run", look)
    monkeypatch.setattr(cli_status, "EVERY_SECONDS", 0.0)
    assert CliRunner().invoke(app, ["status", "--watch"]).exit_code == 0
    assert len(looks) == 3
