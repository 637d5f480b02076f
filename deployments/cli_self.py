"""`remediate kill-switch on`, `off`, `show`, and `remediate unfinished`: those flows, run in this process."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Stop every change of every remediation at once, and lift the stop.")

ReasonOption = Annotated[str, typer.Option(help="Why; recorded, and shown to everybody whose run is stopped.")]
ByOption = Annotated[str, typer.Option("--by", help="Who asks; the person who runs the command, if empty.")]


def flip(turn: str, reason: str, which: str, environment: str, by: str) -> int:
    """Run the flow; its exit code."""
    import getpass

    use_running_stack()
    from flows.kill_switch import kill_switch

    return outcome(
        kill_switch,
        turn=turn,
        reason=reason,
        which=which,
        environment=environment,
        requested_by=by or getpass.getuser(),
    )


@app.command()
def on(reason: ReasonOption = "", by: ByOption = "", environment: EnvironmentOption = "default") -> None:
    """Stop every change within a second. Looking, planning and backups go on."""
    raise typer.Exit(flip("on", reason, "", environment, by))


@app.command()
def off(
    which: Annotated[str, typer.Argument(help="Number of the stop, or 'all'; needed when there are several.")] = "",
    reason: ReasonOption = "",
    by: ByOption = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Lift a stop."""
    raise typer.Exit(flip("off", reason, which, environment, by))


@app.command()
def show(environment: EnvironmentOption = "default") -> None:
    """Say whether changes are stopped, since when, by whom and why."""
    raise typer.Exit(flip("show", "", "", environment, ""))


def unfinished(
    carry_on: Annotated[bool, typer.Option("--continue", help="Carry on those that nobody works on.")] = False,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Those too that a person cancelled or began.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds to wait for leases that nobody renews any more.")] = 0.0,
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --continue carry on) remediations that began and have not ended."""
    import getpass

    use_running_stack()
    from flows.continue_runs import continue_runs

    options = {"by_hand": by_hand, "patience_seconds": patience, "environment": environment}
    mode = "continue" if carry_on else "look"
    raise typer.Exit(outcome(continue_runs, mode=mode, requested_by=getpass.getuser(), **options))
