"""`remediate pipeline enable`, `disable`, `status` and `trigger`: the words of the pipeline's own script (enable_pipeline.sh).

Each is what `intake`, `recover --make` and `doctor` do; there is no second way to do it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from deployments import cli_intake
from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Let the pipeline start work by itself, or not; start one scene.")
WIDEST = 120
"""Characters of a line, however wide the terminal is."""
ReasonOption = Annotated[str, typer.Option(help="Why; recorded.")]


@app.command()
def disable(
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    plan_digest: cli_intake.DigestOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) a pause of everything that starts work: `remediate intake pause`."""
    cli_intake.pause(apply, reason, without_hold=False, plan_digest=plan_digest, environment=environment)


@app.command()
def enable(
    apply: ApplyOption = False,
    reason: ReasonOption = "",
    plan_digest: cli_intake.DigestOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) the end of a pause, `remediate intake resume`, and name triggers that are missing."""
    try:
        cli_intake.resume("", apply, reason, plan_digest, environment)
    finally:
        for sentence in triggers_to_mend(environment):
            print(sentence, file=sys.stderr)


@app.command()
def status(environment: EnvironmentOption = "default") -> None:
    """Say whether intake is paused, and what of all that starts work is not as it should be. Changes nothing.

    Exit 0 well, 1 somebody must act, 5 not everything could be asked: `remediate intake status` and `remediate doctor`.
    """
    use_running_stack()
    raise typer.Exit(show(environment))


@app.command()
def trigger(
    scene_id: Annotated[str, typer.Argument(help="The scene.")],
    stage: Annotated[str, typer.Option(help="Which stage to make, after all that it needs.")] = "episodes",
    apply: ApplyOption = False,
    plan_digest: cli_intake.DigestOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) making a stage of one scene: `remediate recover SCENE --make STAGE`."""
    use_running_stack()
    from flows.export_recovery import export_recovery

    options = {"plan_digest": plan_digest, "environment": environment, "mode": "apply" if apply else "plan"}
    raise typer.Exit(outcome(export_recovery, scene_ids=[scene_id], make=stage, **options))


def show(environment: str) -> int:
    """Look and print; the exit code of the worse word, or 2 when it could not begin."""
    from deployments.doctor import load
    from tasks.doctor.check import SECONDS, word_of
    from tasks.doctor.parts import STARTS_WORK, looks_of
    from tasks.doctor.report import text
    from tasks.intake.watch import IntakeWatch
    from tasks.remediation.check import check
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT, worst

    block = load(environment)
    if isinstance(block, str):
        print(block, file=sys.stderr)
        return 2
    watch = check(IntakeWatch(), Context(block, "remediate pipeline status"), None)
    looks = looks_of(block, None, SECONDS, STARTS_WORK)
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    print(f"{watch.sentence()}\n\n{text(looks, width)}")
    return EXIT[worst([watch.outcome, word_of(looks)])]


def triggers_to_mend(environment: str) -> Iterator[str]:
    """Triggers that are missing, and those that must not be, one sentence each with what to do."""
    from deployments.doctor import load
    from tasks.doctor.check import SECONDS, findings
    from tasks.doctor.parts import looks_of
    from tasks.doctor.triggers import FORBIDDEN, MISSING

    block = load(environment)
    looks = looks_of(block, None, SECONDS, ("triggers",)) if not isinstance(block, str) else []
    return (f"{one.what} {one.code.todo}" for one in findings(looks) if one.code in (MISSING, FORBIDDEN))
