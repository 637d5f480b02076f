"""The flows and the command that pause and resume intake: what Prefect shows of them."""

from __future__ import annotations

import pytest
from prefect.flow_runs import resume_flow_run
from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.intake_watch import intake_watch
from flows.pause_intake import pause_intake
from flows.resume_intake import resume_intake
from tests.flows.world import Saved, Started, actions, artifacts, everything, run
from tests.intake.world import LAYOUT, only, pushes, schedulers
from tests.restore.world import DATA, quick


@pytest.fixture
def quickly(saved: Saved, sandbox: Sandbox) -> Saved:
    """One trigger, and short waits."""
    made = quick(sandbox)
    saved.environment.backup, saved.environment.policy = made.backup, made.policy
    saved.keep()
    only(sandbox, LAYOUT)
    return saved


def test_a_pause_is_shown_first_then_made_told_of_and_ended(quickly: Saved, sandbox: Sandbox) -> None:
    pushed, states, before = pushes(sandbox), schedulers(quickly.environment), everything(sandbox)
    shown = run(pause_intake)
    assert shown.is_completed()
    assert (pushes(sandbox), schedulers(quickly.environment), everything(sandbox)) == (pushed, states, before)
    assert [row["effect"] for row in actions(artifacts(shown)["plan-intake"])] == ["configure"] * 3

    paused = run(pause_intake, mode="apply", reason="export is broken", requested_by="ann")
    assert paused.is_completed(), paused.message
    assert set(pushes(sandbox).values()) == {""}
    assert "Resume by" in str(artifacts(paused)["pause-intake"].data)

    sandbox.store.put(DATA, "scenes/a/layout/scene_layout.json", b"{}")
    seen = run(intake_watch)
    assert seen.is_completed()
    report = str(artifacts(seen)["check-intake-watch"].data)
    assert "export is broken" in report
    assert ": 1, oldest " in report

    assert run(resume_intake).is_completed()
    resumed = run(resume_intake, mode="apply", requested_by="bo")
    assert resumed.is_completed(), resumed.message
    assert (pushes(sandbox), schedulers(quickly.environment)) == (pushed, states)
    assert "1 others delivered" in str(artifacts(resumed)["resume-intake"].data)
    assert "check-intake-watch" not in artifacts(run(intake_watch))


def test_a_resume_without_a_pause_fails_with_one_sentence(quickly: Saved) -> None:
    state = run(resume_intake, mode="apply")
    assert state.is_failed()
    assert state.message is not None
    assert "No pause of intake is open." in state.message


def test_where_the_policy_wants_a_person_the_pause_waits_for_one(quickly: Saved, sandbox: Sandbox) -> None:
    quickly.keep(approval={"low": "person", "medium": "person", "high": "person"})
    started = Started(pause_intake, mode="apply", reason="a test", requested_by="ann")
    waiting = started.paused()
    assert "" not in pushes(sandbox).values()
    digest = str(artifacts(run(pause_intake))["plan-intake"].description).split()[1]
    resume_flow_run(waiting.id, run_input={"decision": "approve", "approver": "bo", "plan_digest": digest})
    assert started.ended().is_completed()
    assert set(pushes(sandbox).values()) == {""}


def test_the_command_pauses_tells_and_resumes_and_its_exit_codes_say_how(quickly: Saved, sandbox: Sandbox) -> None:
    pushed, command = pushes(sandbox), CliRunner()

    def code(*arguments: str) -> int:
        return command.invoke(app, ["intake", *arguments]).exit_code

    assert code("pause") == 0
    assert pushes(sandbox) == pushed
    assert code("pause", "--apply") == 3  # no reason was given
    assert code("pause", "--apply", "--reason", "export is broken") == 0
    assert code("status") == 0
    assert code("resume", "20260101t000000z-00000000", "--apply") == 3
    assert code("resume", "--apply") == 0
    assert pushes(sandbox) == pushed
