"""The flow `override-audit` and the commands: what Prefect and a terminal show, and with which exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.names import OPS_BUCKET
from deployments.sandbox.server import Sandbox
from flows.override_audit import override_audit
from tests.flows.world import Saved, artifacts, everything, run
from tests.override_audit.planted import ago
from tests.override_audit.world import GATE, WHY, put_scene, report

REQUEST = ["--scene", "kitchen_001", "--gate", GATE, "--requester", "ann", "--category", "known_issue", "--ticket", "OPS-12",
           "--justification", WHY]  # fmt: skip


def typed(*words: str) -> Any:
    """Type a command."""
    return CliRunner().invoke(app, ["override", *words])


def passed_silently(sandbox: Sandbox, *, went_on: bool = True) -> None:
    put_scene(sandbox, "kitchen_001", ago(10), report(ago(10), GATE), went_on=went_on)


def test_a_pipeline_without_overrides_completes(saved: Saved) -> None:
    state = run(override_audit)
    assert state.is_completed(), state.message
    assert "0 findings" in (state.message or "")


def test_a_silent_override_fails_it_and_the_page_says_what_to_do(saved: Saved, sandbox: Sandbox) -> None:
    passed_silently(sandbox)
    before = everything(sandbox)
    state = run(override_audit)
    assert state.is_failed()
    assert state.result(raise_on_failure=False) == {"outcome": "failed"}
    page = str(artifacts(state)["check-override-audit"].data)
    assert f"{GATE} of kitchen_001 failed, and replicator/.replicator_complete was written" in page
    assert "## Gates: codify, tighten, or stop" in page
    after = everything(sandbox)
    assert {name: after[name] for name in before} == before
    new = {name.split("/")[2] for name in set(after) - set(before)}
    assert new == {"override-findings", "override-evidence"}, "its record and what it keeps as evidence"


def test_a_finding_that_was_answered_for_completes_it(saved: Saved, sandbox: Sandbox) -> None:
    passed_silently(sandbox)
    unknown = typed("answer", "f-000000000000", "--by", "bo", "--reason", WHY)
    assert (unknown.exit_code, "No finding" in unknown.stderr) == (3, True)
    run(override_audit)
    (one,) = json.loads(typed("audit", "--json").stdout)["findings"]
    said = typed("answer", one["id"], "--by", "bo", "--reason", WHY)
    assert (said.exit_code, said.stdout.startswith("Answered: ")) == (0, True), said.output
    state = run(override_audit)
    assert state.is_completed(), state.message
    assert "What somebody has answered for" in str(artifacts(state)["check-override-audit"].data)


def test_days_that_make_no_sense_are_refused(saved: Saved) -> None:
    assert run(override_audit, days=0).result(raise_on_failure=False) == {"outcome": "refused"}


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_the_same_with_exit_code_1(saved: Saved, sandbox: Sandbox, as_json: bool) -> None:
    passed_silently(sandbox)
    said = typed("audit", *["--json"] * as_json)
    assert said.exit_code == 1, said.output
    if as_json:
        value = json.loads(said.stdout)
        assert (value["exit_code"], value["by_code"]) == (1, {"gate-passed-silently": 1})
        assert value["reviews"][0]["verdict"] == "stop"
        assert value["findings"][0]["scene"] == "kitchen_001"
    else:
        assert "gate-passed-silently" in said.stdout
        assert f"STOP             {GATE}: 0 overrides, 1 without a record" in said.stdout


def test_what_could_not_be_asked_has_exit_code_5(saved: Saved, sandbox: Sandbox) -> None:
    sandbox.faults.add(FaultRule(service="scheduler", kind="status", status=403))
    said = typed("audit")
    assert said.exit_code == 5, said.output
    assert "UNKNOWN  The schedulers:" in said.stdout


def test_an_override_goes_from_request_to_approval_to_revocation(saved: Saved, sandbox: Sandbox) -> None:
    passed_silently(sandbox, went_on=False)
    asked = typed("request", *REQUEST, "--evidence", "gs://b/one.png", "--evidence", "gs://b/two.log")
    assert asked.exit_code == 0, asked.output
    id_ = asked.stdout.split()[0]
    mine = typed("approve", id_, "--approver", "ann")
    assert (mine.exit_code, mine.stderr.strip()) == (
        3,
        f"ann asked for {id_} and cannot approve it too; ask somebody else.",
    )
    assert typed("approve", id_, "--approver", "lead").exit_code == 0
    (row,) = json.loads(typed("list", "--json").stdout)
    assert (row["state"], row["identity"], row["failing"], row["requester"]) == (
        "approved",
        "claimed",
        f"{GATE}: 1 of 9",
        "ann",
    )
    assert row["evidence"] == ["gs://b/one.png", "gs://b/two.log"]
    assert typed("revoke", id_, "--by", "lead", "--reason", "mended").exit_code == 0
    assert f"{id_}  revoked    {GATE} of kitchen_001, asked by ann, approved by lead (claimed)" in typed("list").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["request"], 3, "'' is no scene id: give --scene, as in kitchen_001."),
        (["request", *REQUEST], 3, "No gate report of kitchen_001 says"),
        (["approve", "x", "--approver", "lead"], 3, "'x' is no override"),
        (["revoke", "x"], 3, "--by NAME --reason TEXT"),
        (["audit", "--days", "0"], 3, "0 days make no sense"),
        (["audit", "--environment", "no-such-block"], 2, "The environment block 'no-such-block' cannot be loaded"),
        (["list", "--environment", "no-such-block"], 2, "The environment block 'no-such-block' cannot be loaded"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    saved: Saved, sandbox: Sandbox, words: list[str], code: int, told: str
) -> None:
    before = everything(sandbox)
    said = typed(*words)
    assert said.exit_code == code, said.output
    assert told in said.stderr
    assert "Traceback" not in said.output
    assert everything(sandbox) == before


def test_a_list_of_nothing_says_so_and_one_that_cannot_be_had_is_no_list_of_nothing(
    saved: Saved, sandbox: Sandbox
) -> None:
    said = typed("list")
    assert (said.exit_code, said.stdout.strip()) == (0, "No override is on record.")
    sandbox.store.delete_bucket(OPS_BUCKET)
    missing = typed("list")
    assert missing.exit_code == 1
    assert OPS_BUCKET in missing.stderr
