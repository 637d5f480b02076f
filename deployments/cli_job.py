"""`remediate job deploy`: the GPU Job of one scene, by that flow, run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="GPU Jobs of the cluster.")


@app.callback()
def job() -> None:
    """Keep `deploy` a command of its own name."""


@app.command()
def deploy(
    scene_id: Annotated[str, typer.Argument(help="The scene that is simulated.")],
    manifest: Annotated[
        Path | None, typer.Option(help="YAML file with one Job; the catalogue's if none is named.")
    ] = None,
    image: Annotated[str, typer.Option(help="What its one container runs, best by its digest.")] = "",
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    plan_digest: Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Try (or with --apply create) the Job of one scene. Quota, service account and ConfigMap stay as they are.

    Without --apply the API server judges the Job and keeps nothing. What it says: docs/operations/entry-points.md.
    """
    try:
        text = manifest.read_text(encoding="utf-8") if manifest is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(f"{manifest} cannot be read ({error}); name the YAML file of one Job.", err=True)
        raise typer.Exit(2) from error
    use_running_stack()
    from flows.deploy_job import deploy_job

    options = {"plan_digest": plan_digest, "environment": environment, "mode": "apply" if apply else "plan"}
    raise typer.Exit(outcome(deploy_job, scene_id=scene_id, manifest=text, image=image, reason=reason, **options))
