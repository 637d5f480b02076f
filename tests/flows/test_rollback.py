"""The flow and the command that roll back: what Prefect shows of them, and that a person is waited for."""

from __future__ import annotations

import pytest
from prefect.flow_runs import resume_flow_run
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.rollback import rollback
from flows.undo import undo
from tasks.remediation.journal import read_journal
from tests.flows.world import Saved, Started, actions, artifacts, everything, run
from tests.restore.world import quick
from tests.rollback.world import JOB, broken_job, live_digest

SUBJECT = f"@rollback.job.{JOB}"


@pytest.fixture
def quickly(saved: Saved, sandbox: Sandbox) -> Saved:
    """Short waits, and nobody to ask."""
    made = quick(sandbox)
    saved.environment.backup, saved.environment.policy = made.backup, made.policy
    saved.keep()
    return saved


def test_a_rollback_is_shown_first_then_made_told_of_and_undone(quickly: Saved, sandbox: Sandbox) -> None:
    former, bad = broken_job(sandbox, quickly.environment)
    before = everything(sandbox)
    shown = run(rollback, kind="job", name=JOB)
    assert shown.is_completed(), shown.message
    assert everything(sandbox) == before
    key = f"plan-rollback-job-{JOB}"
    assert [row["effect"] for row in actions(artifacts(shown)[key])] == ["configure", "read", "start"]

    done = run(
        rollback, kind="job", name=JOB, mode="apply", reason="it fails since noon", requested_by="ann", case="i-1"
    )
    assert done.is_completed(), done.message
    assert live_digest(quickly.environment) == former
    report = str(artifacts(done)[f"rollback-rollback-job-{JOB}"].data)
    assert "Certain:" in report
    assert f"remediate undo {SUBJECT}" in report

    (run_of,) = {
        found.name.split("/")[3] for found in sandbox.store.list("sandbox-ops", f"remediation/journal/{SUBJECT}/")
    }
    begin = read_journal(quickly.environment.storage, "sandbox-ops", SUBJECT, run_of, "a test").begin.data
    assert (begin["case"], begin["reason"]) == ("i-1", "it fails since noon")

    back = run(undo, subject=SUBJECT, run=run_of, mode="apply", requested_by="bo")
    assert back.is_completed(), back.message
    assert live_digest(quickly.environment) == bad


def test_where_the_policy_wants_a_person_the_rollback_waits_for_one(quickly: Saved, sandbox: Sandbox) -> None:
    former, bad = broken_job(sandbox, quickly.environment)
    quickly.keep(approval={"low": "automatic", "medium": "automatic", "high": "person"})
    started = Started(rollback, kind="job", name=JOB, mode="apply", reason="a test", requested_by="ann")
    waiting = started.paused()
    assert live_digest(quickly.environment) == bad
    digest = str(artifacts(run(rollback, kind="job", name=JOB))[f"plan-rollback-job-{JOB}"].description).split()[1]
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo", "plan_digest": digest})
    ended = started.ended()
    assert ended.is_completed(), ended.message
    assert live_digest(quickly.environment) == former


def test_the_commands_exit_codes_say_how(quickly: Saved, sandbox: Sandbox) -> None:
    former, _ = broken_job(sandbox, quickly.environment)
    command = CliRunner()

    def code(*arguments: str) -> int:
        return command.invoke(app, ["rollback", *arguments]).exit_code

    assert code("planet", "x") == 2
    assert code("job", "no-such-job") == 3
    assert code("terraform", "prod") == 3
    assert code("job", JOB) == 0
    assert code("job", JOB, "--apply") == 3  # no reason was given
    assert code("job", JOB, "--apply", "--reason", "it fails", "--plan-digest", "0" * 16) == 3
    assert code("job", JOB, "--apply", "--reason", "it fails", "--without-canary") == 0
    assert live_digest(quickly.environment) == former
