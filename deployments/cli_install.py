"""`remediate install`: what a Prefect server must have of this version, put there by one command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

HOME = Path(__file__).resolve().parent.parent


def install() -> None:
    """Put block types, automations and deployments of this version on the Prefect server. Twice changes nothing more.

    For the first time and after every upgrade, in the checkout; the work pool is there before (docs/deploy.md). Exit 0
    when all of it is there, 2 when not.
    """
    from deployments.cli_flows import use_running_stack

    use_running_stack()
    from deployments.doctor import unreachable

    said = (
        "" if (HOME / "prefect.yaml").exists() else "An installed package has no prefect.yaml: run it in the checkout."
    )
    if said := said or unreachable():
        typer.echo(said, err=True)
        raise typer.Exit(2)
    raise typer.Exit(put_there())


def put_there() -> int:
    """All three, and a line of each; the exit code. What `prefect deploy` says is shown only when it fails."""
    from deployments.bootstrap import AUTOMATIONS, DEPLOY, make_automations, register_blocks

    typer.echo(f"Blocks: {register_blocks()} types are registered.")
    done = make_automations(AUTOMATIONS)
    counts = ", ".join(f"{number} {word}" for word, number in done.items())
    typer.echo(f"Automations: {done.total()} are there ({counts}).")
    ended = subprocess.run(DEPLOY, cwd=HOME, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode:
        print(ended.stdout + ended.stderr, file=sys.stderr)
        typer.echo("Deployments: not all could be made; what Prefect says of it is above.", err=True)
        return 2
    typer.echo(f"Deployments: {deployments()} are there as prefect.yaml says.")
    return 0


def deployments() -> int:
    """How many prefect.yaml has."""
    import yaml

    return len(yaml.safe_load((HOME / "prefect.yaml").read_text())["deployments"])
