"""`remediate diagnose`: what is wrong now, with the evidence and what to do. Read-only."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Annotated

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

WIDEST = 120
"""Characters of a line, however wide the terminal is."""


def diagnose(
    scenes: Annotated[
        list[str] | None, typer.Argument(help="Scenes to look at; none: those that something failed on lately.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with rows that stay.")] = False,
    hours: Annotated[float, typer.Option(help="How far back to look at executions, markers and the log.")] = 24.0,
    environment: EnvironmentOption = "default",
) -> None:
    """Say what is wrong now, why, and what to do. Exit 0 nothing, 1 something, 5 not everything could be asked.

    Changes nothing. Every row: docs/operations/diagnose.md.
    """
    use_running_stack()
    raise typer.Exit(run(tuple(dict.fromkeys(scenes or ())), hours, environment, as_json))


def run(scenes: tuple[str, ...], hours: float, environment: str, as_json: bool) -> int:
    """Look and print; the exit code of the outcome's word, or 2 when it could not begin."""
    from deployments.doctor import load
    from tasks.diagnosis.check import Question, word_of
    from tasks.diagnosis.check import diagnose as look
    from tasks.diagnosis.report import as_data, text
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT, outcome_of

    block = load(environment)
    if isinstance(block, str):
        return _failed(block, 2, as_json)
    try:
        found = look(Context(block, "remediate diagnose"), Question(scenes, hours))
    except Exception as error:  # a scene that is none, a catalogue that cannot be read: one sentence
        outcome, sentence = outcome_of(error)
        return _failed(sentence, EXIT[outcome], as_json)
    code = EXIT[word_of(found)]
    if as_json:
        said = {"outcome": word_of(found), "exit_code": code, "environment": environment}
        print(json.dumps(said | as_data(found.causes, found.unknown, found.notes), indent=2))
    else:
        width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
        print(text(found.causes, found.unknown, found.notes, width))
    return code


def _failed(sentence: str, code: int, as_json: bool) -> int:
    print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
    return code
