"""Does a command with its options exist? It is parsed, not run."""

from __future__ import annotations

import shlex

import typer
from cyclopts.exceptions import CycloptsError
from prefect.cli._app import _app as prefect

from deployments.cli import app as remediate


def refusal(arguments: list[str]) -> str | None:
    """Why a command line of `prefect` or `remediate` is not understood, or one of a shell of them; None: it is."""
    program, *rest = arguments
    if program == "sh":
        _, script = rest
        return next(filter(None, (refusal(shlex.split(one)) for one in script.split("||"))), None)
    if program == "remediate":
        return _of_remediate(rest)
    assert program == "prefect", program
    try:
        prefect.parse_args(rest, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return str(error)
    return None


def _of_remediate(arguments: list[str]) -> str | None:
    command = typer.main.get_command(remediate)
    try:
        name, *options = arguments
        command.commands[name].make_context(name, options)  # type: ignore[attr-defined]
    except Exception as error:  # whatever typer's own copy of click raises
        return str(error) or type(error).__name__
    return None
