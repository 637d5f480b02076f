"""The command `remediate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from deployments import (
    cli_backup,
    cli_diagnose,
    cli_escalation,
    cli_events,
    cli_gpu,
    cli_health,
    cli_incident,
    cli_install,
    cli_intake,
    cli_job,
    cli_journal,
    cli_override,
    cli_pipeline,
    cli_rollback,
    cli_runtime,
    cli_scene,
    cli_self,
    cli_status,
    cli_watching,
)
from deployments.cli_backup import EnvironmentOption

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
sandbox_app = typer.Typer(invoke_without_command=True, help="The pipeline's outside world on loopback.")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(cli_journal.app, name="journal")
app.add_typer(cli_incident.app, name="incident")
app.add_typer(cli_gpu.app, name="gpu")
app.add_typer(cli_health.app, name="simulator")
app.add_typer(cli_intake.app, name="intake")
app.add_typer(cli_pipeline.app, name="pipeline")
app.add_typer(cli_job.app, name="job")
app.add_typer(cli_escalation.app, name="escalation")
app.add_typer(cli_runtime.app, name="runtime")
app.add_typer(cli_scene.app, name="scene")
app.add_typer(cli_override.app, name="override")
app.add_typer(cli_watching.app, name="monitoring")
app.add_typer(cli_self.app, name="kill-switch")
app.command()(cli_self.unfinished)
app.command()(cli_install.install)
app.command()(cli_diagnose.diagnose)
app.command()(cli_scene.e2e)
app.command()(cli_health.health)
app.command()(cli_status.status)
app.command()(cli_watching.retention)

TRACEBACK = "REMEDIATION_TRACEBACK"
"""Variable that, when set, lets an unforeseen error end the command with its traceback."""


@app.command()
def validate(
    targets: Annotated[
        list[str], typer.Argument(help="A scene folder, or gs://BUCKET/scenes/ID; several may be named.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a scene and line.")] = False,
    environment: Annotated[str, typer.Option(help="Environment block with its catalogue and storage.")] = "",
    overlay: Annotated[
        str, typer.Option(help="File to lay over the shipped catalogue, or a shipped overlay's name, such as 2026-06.")
    ] = "",
) -> None:
    """Look whether scenes are whole. Exit 0 healthy, 1 with errors, 2 could not look. Changes nothing."""
    from deployments.cli_validate import loaded
    from deployments.cli_validate import validate as validate_targets

    if environment and overlay:
        fail("Name either --environment or --overlay: an environment has an overlay of its own.")
    try:
        block = loaded(environment)
    except ValueError as error:
        fail(str(error))
    raise typer.Exit(validate_targets(targets, as_json, block, Path(overlay) if overlay else None))


@app.command()
def demo() -> None:
    """Break a scene in the sandbox, let the event recover it, and show what happened."""
    from deployments.demo import demo as run_demo

    raise typer.Exit(run_demo())


@app.command()
def up(
    ui_port: Annotated[
        int, typer.Option(help="Port of Prefect's API and UI; another one if it is busy, or with 0.")
    ] = 4210,
    sandbox_port: Annotated[int, typer.Option(help="Port of the sandbox's HTTP services, likewise.")] = 4310,
) -> None:
    """Run the sandbox, Prefect with its UI, and all deployments until Ctrl-C."""
    from deployments.up import up as run_up

    raise typer.Exit(run_up(ui_port, sandbox_port))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with codes that stay.")] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Say what will not work of what is deployed, and why. Exit 0 nothing is wrong, 1 something is, 2 could not ask.

    Changes nothing. Every code: docs/operations/doctor.md.
    """
    from deployments.cli_flows import use_running_stack

    use_running_stack()
    from deployments.doctor import doctor as examine

    raise typer.Exit(examine(environment, as_json))


@app.command()
def recover(
    scene_ids: Annotated[list[str], typer.Argument(help="The scenes.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is changed.")] = False,
    environment: EnvironmentOption = "default",
    plan_digest: Annotated[str, typer.Option(help="Apply only the plan with this digest.")] = "",
    make: Annotated[str, typer.Option(help="Make this stage too though it never ran, after all that it needs.")] = "",
    restore_inputs: Annotated[bool, typer.Option(help="Put good copies of bad inputs back first.")] = False,
    accept_systematic: Annotated[bool, typer.Option(help="Go on although many scenes show the same fault.")] = False,
) -> None:
    """Show (or with --apply carry out) the recovery of scenes, as a flow run in this process."""
    from deployments.cli_flows import outcome, use_running_stack

    use_running_stack()
    from flows.export_recovery import export_recovery

    options = {"restore_inputs": restore_inputs, "accept_systematic": accept_systematic, "environment": environment}
    options |= {"mode": "apply" if apply else "plan", "plan_digest": plan_digest, "make": make}
    raise typer.Exit(outcome(export_recovery, scene_ids=scene_ids, **options))


@app.command()
def undo(
    subject: Annotated[str, typer.Argument(help="What the run was about: a scene, or a name like @intake.")],
    run: Annotated[str, typer.Argument(help="The run's id, as its report gives it.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is changed.")] = False,
    markers: Annotated[
        bool, typer.Option(help="Restore markers too; each starts the workflows listening to it.")
    ] = False,
    plan_digest: Annotated[str, typer.Option(help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Take back what one run has done."""
    from deployments.cli_flows import outcome, use_running_stack

    use_running_stack()
    from flows.undo import undo as flow

    options = {"markers": markers, "plan_digest": plan_digest, "environment": environment}
    raise typer.Exit(outcome(flow, subject=subject, run=run, mode="apply" if apply else "plan", **options))


cli_backup.register(app)
cli_events.register(app)
app.command()(cli_rollback.rollback)


@sandbox_app.callback()
def sandbox(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(help="Port of the HTTP services; gRPC takes the next two. 0 picks free ones.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the JSON line.")] = False,
) -> None:
    """Run the sandbox in the foreground; the first line printed is JSON and names every endpoint."""
    if context.invoked_subcommand is not None:
        return
    from deployments.sandbox.server import serve
    from deployments.state import announce, withdraw

    try:
        code = serve(port, as_json, ready=lambda endpoints: announce("sandbox", endpoints.model_dump()))
    finally:
        withdraw("sandbox")
    raise typer.Exit(code)


@sandbox_app.command("load")
def sandbox_load(
    folder: Annotated[Path, typer.Argument(help="A folder in bucket layout: scenes/<scene_id>/...")],
    control: Annotated[
        str,
        typer.Option(
            envvar="REMEDIATION_SANDBOX",
            help="The sandbox's control endpoint; by default the last one started from this checkout.",
        ),
    ] = "",
) -> None:
    """Put a folder into a running sandbox, without firing any trigger."""
    from deployments.sandbox.load import LoadError, load_folder
    from deployments.state import running

    started = [found for name in ("sandbox", "up") if (found := running(name)) and "control" in found]
    if not control and not started:
        fail("No sandbox runs from this checkout: start one with `remediate sandbox`, or name one with --control.")
    try:
        loaded = load_folder(control or max(started, key=lambda one: one["since"])["control"], folder)
    except LoadError as error:
        fail(str(error))
    typer.echo(f"{loaded.scenes} scenes loaded: {loaded.objects} objects, {loaded.bytes:,} bytes.")


def fail(sentence: str) -> NoReturn:
    """One sentence on stderr, exit code 2."""
    typer.echo(sentence, err=True)
    raise typer.Exit(2)


def main() -> None:
    """Entry point of the console script. Whatever nobody foresaw is one sentence, not a traceback."""
    try:
        app()
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        from blocks.error_details import one_line

        typer.echo(
            f"remediate stopped on something nobody foresaw ({type(error).__name__}: {one_line(error)}); nothing more was done. "
            f"Set {TRACEBACK}=1 to see where.",
            err=True,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
