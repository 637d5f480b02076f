"""The GPU watch as a flow and as a command: what Prefect and a terminal show, and what the policy's switch does."""

from __future__ import annotations

from typer.testing import CliRunner

from deployments.cli import app
from deployments.sandbox.server import Sandbox
from flows.gpu_capacity import gpu_capacity
from flows.gpu_watch import gpu_watch
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.remediation.context import Context
from tasks.remediation.runner import run as carry_out
from tests.flows.world import Saved, artifacts, everything, rows, run
from tests.gpu_capacity.shortage import export, gpus_return, scenes, settings, stock_out


def relieved(saved: Saved, sandbox: Sandbox, count: int) -> list[str]:
    """Scenes that failed for want of GPUs, and a relief, as its flow makes it."""
    stock_out(sandbox)
    names = scenes(sandbox, count)
    export(saved.environment, names)
    done = run(gpu_capacity, mode="apply", reason="exports wait", requested_by="ann")
    assert done.is_completed(), done.message
    return names


def test_it_tells_that_work_waits_then_gives_it_back_and_recovers_what_failed(saved: Saved, sandbox: Sandbox) -> None:
    names = relieved(saved, sandbox, 2)
    waits = run(gpu_watch, mode="apply")
    assert waits.is_completed(), waits.message
    assert "no GPUs were seen yet" in str(artifacts(waits)["check-gpu-watch"].data)

    gpus_return(sandbox)
    over = run(gpu_watch, mode="apply")
    assert over.is_completed(), over.message
    assert "2 scenes whole again, 0 still owed" in (over.message or "")
    assert sorted((row[""], row["outcome"]) for row in rows(artifacts(over)["recovery-batch"])) == [
        (name, "done") for name in names
    ]
    assert set(settings(saved.environment).values()) == {0}
    nothing = run(gpu_watch, mode="apply")
    assert nothing.message == "gpu-watch: nothing_to_do - no work waits for GPUs by our doing"
    assert "check-gpu-watch" not in artifacts(nothing)


def test_with_the_switch_of_the_policy_off_or_mode_look_it_only_tells(saved: Saved, sandbox: Sandbox) -> None:
    relieved(saved, sandbox, 1)
    gpus_return(sandbox)
    saved.keep(gpu_watch=False)
    before = everything(sandbox)
    told = run(gpu_watch, mode="apply")
    assert told.is_failed()
    assert "GPUs are there again" in (told.message or "")
    said = CliRunner().invoke(app, ["gpu", "watch", "--apply"])
    assert said.exit_code == 1
    saved.keep(gpu_watch=True)
    said = CliRunner().invoke(app, ["gpu", "watch"])
    assert said.exit_code == 1
    assert "remediate undo @gpu" in said.output
    assert everything(sandbox) == before
    assert sum(settings(saved.environment).values()) == 2


def test_while_intake_is_paused_nothing_is_given_back_and_the_resume_is_named(saved: Saved, sandbox: Sandbox) -> None:
    relieved(saved, sandbox, 1)
    context = Context(saved.environment, "ann")
    pause = carry_out(PauseIntake(), context, PauseRequest(mode="apply", reason="export is broken"))
    assert pause.outcome == "done", pause.sentence()
    gpus_return(sandbox)
    before = settings(saved.environment)
    waits = run(gpu_watch, mode="apply")
    assert waits.is_failed()
    assert "Reliefs are given back after the resume, because intake is paused by run" in (waits.message or "")
    assert f"remediate intake resume {pause.id} --apply" in (waits.message or "")
    assert settings(saved.environment) == before


def test_a_relief_that_takes_too_long_is_escalated_with_exit_code_3(saved: Saved, sandbox: Sandbox) -> None:
    relieved(saved, sandbox, 0)
    saved.keep(gpu_relief_hours=0.000001)
    said = CliRunner().invoke(app, ["gpu", "watch", "--apply"])
    assert said.exit_code == 3
    assert "no GPUs were seen" in said.output
