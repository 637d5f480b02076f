"""`remediate rollback`: that flow, run in this process."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack


def rollback(
    kind: Annotated[str, typer.Argument(help="job, workflow, deployment, gke-job or terraform.")],
    name: Annotated[str, typer.Argument(help="Which one, by its short name; of terraform the workspace.")],
    to: Annotated[str, typer.Option(help="A revision or an image's digest; what last worked if none is named.")] = "",
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    without_canary: Annotated[
        bool, typer.Option("--without-canary", help="Do not run a rolled back job on a test scene.")
    ] = False,
    plan_digest: Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")] = "",
    case: Annotated[str, typer.Option(help="The incident it belongs to.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) putting one thing back to what last worked."""
    from tasks.rollback.request import KINDS

    if kind not in KINDS:
        typer.echo(f"{kind!r} cannot be rolled back; it is one of {', '.join(KINDS)}.", err=True)
        raise typer.Exit(2)
    use_running_stack()
    from flows.rollback import rollback as flow

    options = {"without_canary": without_canary, "plan_digest": plan_digest, "case": case, "environment": environment}
    mode = "apply" if apply else "plan"
    raise typer.Exit(outcome(flow, kind=kind, name=name, to=to, mode=mode, reason=reason, **options))
