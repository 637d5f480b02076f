"""`remediate backup`, `verify-backup`, `restore` and `restore-drill`: those flows, run in this process."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from deployments.cli_flows import outcome, use_running_stack

EnvironmentOption = Annotated[str, typer.Option("--environment", help="Name of the Remediation Environment block.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is changed.")]


def backup(
    apply: ApplyOption = False,
    what: Annotated[str, typer.Option(help="'backup and expiry', 'backup' or 'expiry'.")] = "backup and expiry",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) tonight's backup and the expiry of old nights."""
    use_running_stack()
    from flows.nightly_backup import nightly_backup

    raise typer.Exit(outcome(nightly_backup, mode="apply" if apply else "plan", what=what, environment=environment))


def verify_backup(
    night: Annotated[str, typer.Argument(help="As in 20261123T020000Z; the newest if none is named.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Compare a night's record with what is in the backup, and show the scorecard. Changes nothing."""
    use_running_stack()
    from flows.verify_backup import verify_backup as flow

    raise typer.Exit(outcome(flow, night=night, environment=environment))


def restore(
    scope: Annotated[
        str, typer.Argument(help="bucket, scene, stage, prefix, object, terraform-state, workflow or job.")
    ],
    name: Annotated[str, typer.Argument(help="Which one, e.g. kitchen_001; nothing for the whole bucket.")] = "",
    apply: ApplyOption = False,
    at: Annotated[datetime | None, typer.Option(help="The state as of this time (UTC).")] = None,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    overwrite: Annotated[str, typer.Option(help="Newer objects: never, damaged or always.")] = "damaged",
    remove_extra: Annotated[bool, typer.Option(help="Delete what was not there at that time.")] = False,
    markers: Annotated[bool, typer.Option(help="Restore markers and trigger objects too, last.")] = False,
    without_hold: Annotated[bool, typer.Option(help="Go on although delivery cannot be held.")] = False,
    older_serial: Annotated[bool, typer.Option(help="Let Terraform's state go back to a smaller serial.")] = False,
    plan_digest: Annotated[str, typer.Option(help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) bringing back what was lost or spoilt."""
    use_running_stack()
    from flows.restore import restore_flow

    options = {
        "overwrite": overwrite,
        "remove_extra": remove_extra,
        "markers": markers,
        "without_hold": without_hold,
        "older_serial": older_serial,
        "plan_digest": plan_digest,
        "environment": environment,
    }
    mode = "apply" if apply else "plan"
    raise typer.Exit(outcome(restore_flow, scope=scope, name=name, at=at, mode=mode, reason=reason, **options))


def restore_drill(environment: EnvironmentOption = "default") -> None:
    """Restore a sample beside the pipeline, validate it, measure how long it took, and clean up."""
    use_running_stack()
    from flows.restore_drill import restore_drill as flow

    raise typer.Exit(outcome(flow, environment=environment))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("backup", backup),
        ("verify-backup", verify_backup),
        ("restore", restore),
        ("restore-drill", restore_drill),
    ):
        app.command(name)(command)
