"""`remediate intake pause`, `resume` and `status`: those flows, run in this process."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Pause everything that starts work by itself, and resume it.")

DigestOption = Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")]


@app.command()
def pause(
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    without_hold: Annotated[
        bool, typer.Option("--without-hold", help="Go on although something cannot be paused or held.")
    ] = False,
    plan_digest: DigestOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) a pause of intake."""
    use_running_stack()
    from flows.pause_intake import pause_intake

    options = {"without_hold": without_hold, "plan_digest": plan_digest, "environment": environment}
    raise typer.Exit(outcome(pause_intake, mode="apply" if apply else "plan", reason=reason, **options))


@app.command()
def resume(
    run: Annotated[str, typer.Argument(help="Which pause, by its run; the latest open one if none is named.")] = "",
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    plan_digest: DigestOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) the end of a pause: everything as it was before it."""
    use_running_stack()
    from flows.resume_intake import resume_intake

    options = {"plan_digest": plan_digest, "environment": environment}
    raise typer.Exit(outcome(resume_intake, mode="apply" if apply else "plan", run=run, reason=reason, **options))


@app.command()
def status(environment: EnvironmentOption = "default") -> None:
    """Say which pauses are open, what waits, and how long it may. Exit 1 when somebody must act. Changes nothing."""
    use_running_stack()
    from flows.intake_watch import intake_watch

    raise typer.Exit(outcome(intake_watch, environment=environment))
