"""`remediate escalation tell`, `ack` and `audit`: those flows, run in this process."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Tell the people on call of open incidents, and take one.")


@app.command()
def tell(
    incident: Annotated[str, typer.Argument(help="Only this one; every open one if none is named.")] = "",
    apply: ApplyOption = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply send) the pages and updates that are due now."""
    import getpass

    use_running_stack()
    from flows.escalation import escalation

    mode = "apply" if apply else "plan"
    asked = {"environment": environment, "requested_by": getpass.getuser()}
    raise typer.Exit(outcome(escalation, mode=mode, incident=incident, **asked))


@app.command()
def ack(
    incident: Annotated[str, typer.Argument(help="Which one, as the page names it.")],
    by: Annotated[str, typer.Option("--by", help="Your name; the person who runs the command, if empty.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Say that you have an incident: nobody else is paged then."""
    import getpass

    use_running_stack()
    from flows.acknowledge_incident import acknowledge_incident

    name = by or getpass.getuser()
    raise typer.Exit(outcome(acknowledge_incident, incident=incident, by=name, how="command", environment=environment))


@app.command()
def audit(environment: EnvironmentOption = "default") -> None:
    """Say which page was due and not sent, and whom nobody could reach. Exit 1 when somebody must act. Changes nothing."""
    use_running_stack()
    from flows.escalation_audit import escalation_audit

    raise typer.Exit(outcome(escalation_audit, environment=environment))
