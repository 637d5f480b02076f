"""The flow `doctor` and its command: what Prefect and a terminal show of an installation."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.doctor import doctor
from tests.doctor.world import OPS, bucket
from tests.flows.world import Saved, artifacts, run


def test_the_flow_fails_for_what_will_not_work_and_keeps_the_findings(saved: Saved, sandbox: Sandbox) -> None:
    bucket(OPS, retention_seconds=3600)(sandbox, saved.environment)
    before = sandbox.requests.mutating()["total"]
    state = run(doctor)
    assert state.is_failed()
    shown = str(artifacts(state)["check-doctor"].data)
    assert "## buckets: 1 error" in shown
    (ops,) = [one for one in shown.split("\n- **") if one.startswith("error** · code: ops-retention")]
    assert f"  - what: The ops bucket {OPS} has a retention policy" in ops
    assert "  - why: " in ops and "  - next: " in ops
    assert sandbox.requests.mutating()["total"] == before + 1, "its page"


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_the_same_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    bucket(OPS, retention_seconds=3600)(sandbox, saved.environment)
    said = CliRunner().invoke(app, ["doctor", *["--json"] * as_json])
    assert said.exit_code == 1, said.output
    if as_json:
        value = json.loads(said.stdout)
        assert (value["exit_code"], value["outcome"], value["environment"]) == (1, "failed", "default")
        assert "ops-retention" in [one["code"] for one in value["findings"]]
        assert {"code", "level", "part", "subject", "what", "why", "next"} == set(value["findings"][0])
        assert {"part", "in_order", "seconds"} == set(value["parts"][0])
    else:
        assert f"The ops bucket {OPS} has a retention policy of 3,600 s." in said.stdout
        assert said.stdout.splitlines()[-1].startswith("Something will not work: ")


def test_without_an_environment_block_prefect_is_looked_at_all_the_same(saved: Saved) -> None:
    said = CliRunner().invoke(app, ["doctor", "--json", "--environment", "no-such-block"])
    value = json.loads(said.stdout)
    assert said.exit_code == 1
    assert "no-environment-block" in [one["code"] for one in value["findings"]]
    assert "prefect deployments" in [one["part"] for one in value["parts"]]
