"""`remediate runtime report`: how long everything took, against its timeouts and what is promised. Changes nothing."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

app = typer.Typer(no_args_is_help=True, help="How long everything takes, against its timeouts and what is promised.")


@app.callback()
def runtime() -> None:
    """Keep `report` a command of its own name."""


@app.command()
def report(
    since: Annotated[
        datetime | None, typer.Option(help="Where the window begins (UTC); a week before its end.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Where the window ends (UTC); now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with keys that stay.")] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Percentiles, timeouts, retries and service levels. Exit 0 well, 1 a person must act, 5 not everything is known.

    Changes nothing but for its files in the ops bucket. What it says: docs/operations/runtime-report.md.
    """
    use_running_stack()
    raise typer.Exit(run(since, until, environment, as_json))


def run(since: datetime | None, until: datetime | None, environment: str, as_json: bool) -> int:
    """Look and print; the exit code of the outcome's word, or 2 when it could not begin."""
    from deployments.doctor import load
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT, outcome_of
    from tasks.runtime_report.check import reported, word_of
    from tasks.runtime_report.files import as_data
    from tasks.runtime_report.text import text
    from tasks.runtime_report.window import Question

    block = load(environment)
    if isinstance(block, str):
        return _failed(block, 2, as_json)
    try:
        made, kept = reported(Context(block, "remediate runtime report"), Question(since, until))
    except Exception as error:  # a window that makes no sense, a catalogue that cannot be read: one sentence
        outcome, sentence = outcome_of(error)
        return _failed(sentence, EXIT[outcome], as_json)
    word = word_of(made)
    if as_json:
        said = {"outcome": word, "exit_code": EXIT[word], "environment": environment, "kept": kept}
        print(json.dumps(said | as_data(made), indent=2, default=str))
    else:
        print(text(made, kept))
    return EXIT[word]


def _failed(sentence: str, code: int, as_json: bool) -> int:
    print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
    return code
