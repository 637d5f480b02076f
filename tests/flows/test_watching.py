"""The flows `retention-watch` and `monitoring-audit` and their commands: what Prefect and a terminal show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from flows.monitoring_audit import monitoring_audit
from flows.retention_watch import retention_watch
from tests.flows.world import Saved, artifacts, run
from tests.monitoring.world import SPIKE, gone
from tests.retention.world import cleaned, line

AUDIT, RETENTION = ["monitoring", "audit"], ["retention"]


def removed(sandbox: Sandbox) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    cleaned(sandbox, at, line("s-1", at=at), line("s-2", at=at))


def test_a_complete_installation_completes(saved: Saved, sandbox: Sandbox) -> None:
    state = run(monitoring_audit)
    assert state.is_completed(), state.message
    assert "0 findings on 3 dashboards" in (state.message or "")


def test_what_is_missing_fails_and_is_on_the_page(saved: Saved, sandbox: Sandbox) -> None:
    gone(sandbox, "alertPolicies", SPIKE)
    state = run(monitoring_audit)
    assert state.is_failed()
    page = str(artifacts(state)["check-monitoring-audit"].data)
    assert f"The alert {SPIKE} does not exist." in page
    assert "stops every production run" in page


def test_a_look_at_the_clean_up_completes_and_says_what_it_recorded(saved: Saved, sandbox: Sandbox) -> None:
    removed(sandbox)
    state = run(retention_watch)
    assert state.is_completed(), state.message
    assert "2 objects of 2 scenes recorded" in (state.message or "")
    assert "Removed since the last look" in str(artifacts(state)["check-retention-watch"].data)


def test_the_audit_as_data_has_keys_that_stay(saved: Saved, sandbox: Sandbox) -> None:
    gone(sandbox, "alertPolicies", SPIKE)
    said = CliRunner().invoke(app, [*AUDIT, "--json"])
    value = json.loads(said.stdout)
    assert (said.exit_code, value["exit_code"], value["outcome"]) == (1, 1, "failed")
    assert [one["code"] for one in value["findings"]] == ["gate-stops", "missing"]
    assert {key for one in value["findings"] for key in one} == {"code", "what", "said", "do"}
    assert value["gates"] == [
        {"workflow": "episode-generation-pipeline", "passes": False, "missing": [f"the alert {SPIKE}"]}
    ]


def test_the_record_as_data_has_keys_that_stay(saved: Saved, sandbox: Sandbox) -> None:
    removed(sandbox)
    said = CliRunner().invoke(app, [*RETENTION, "--json"])
    value = json.loads(said.stdout)
    assert (said.exit_code, value["outcome"], value["leaving"], value["unknown"]) == (0, "nothing_to_do", [], [])
    assert value["look"]["removed"] == {"s-1": 1, "s-2": 1}
    assert set(value["look"]) == {"since", "until", "runs", "failed", "unread", "elsewhere", "unsure", "removed"}


@pytest.mark.parametrize(("words", "service", "says"), [
    (AUDIT, "monitoring", "Unknown: The alerts: Could not list the alert policies of sandbox-project"),
    (RETENTION, "logging", "Unknown: What was removed: Could not read the log"),
])  # fmt: skip
def test_what_could_not_be_asked_has_exit_code_5(
    saved: Saved, sandbox: Sandbox, words: list[str], service: str, says: str
) -> None:
    sandbox.faults.add(FaultRule(service=service, kind="status", status=403))
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 5, said.output
    assert says in said.stdout


@pytest.mark.parametrize("words", [AUDIT, RETENTION])
@pytest.mark.parametrize("as_json", [False, True])
def test_an_environment_that_is_not_there_is_one_sentence(saved: Saved, words: list[str], as_json: bool) -> None:
    said = CliRunner().invoke(app, [*words, "--environment", "no-such-block", *["--json"] * as_json])
    assert said.exit_code == 2
    told = json.loads(said.stdout)["error"] if as_json else said.stderr
    assert "The environment block 'no-such-block' cannot be loaded" in told
