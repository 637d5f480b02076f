"""`remediate status`: the state of everything on one screen. Read-only, and works without Prefect's server."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

if TYPE_CHECKING:
    from blocks.environment import PipelineEnvironment
    from tasks.overview.state import State
    from tasks.remediation.context import Context

WIDEST = 120
"""Characters of a line, however wide the terminal is."""
EVERY_SECONDS = 15.0
"""Between two looks with `--watch`."""
CLEAR = "\x1b[2J\x1b[H"
"""What makes a terminal's screen empty."""


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with keys that stay.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 15 seconds, until Ctrl-C.")] = False,
    environment: EnvironmentOption = "default",
    environment_file: Annotated[
        Path | None,
        typer.Option(help="JSON with the environment block's fields, for when Prefect's server is away."),
    ] = None,
) -> None:
    """Say what is broken, being mended, held, overdue, and when it was last proved. Exit 0 well, 1 somebody must act, 5 not
    everything could be asked.

    Changes nothing. What it says: docs/operations/status.md.
    """
    use_running_stack()
    try:
        while True:
            code = run(environment, environment_file, as_json, clear=watch and not as_json and sys.stdout.isatty())
            if not watch or code == 2:
                raise typer.Exit(code)
            time.sleep(EVERY_SECONDS)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def run(environment: str, file: Path | None, as_json: bool, clear: bool = False) -> int:
    """Look once and print; the exit code of the outcome's word, or 2 when it could not begin."""
    from tasks.overview.ask import look_at_all
    from tasks.overview.check import word_of
    from tasks.overview.report import as_data, text
    from tasks.remediation.outcome import EXIT

    began = time.monotonic()
    block = load(environment) if file is None else from_file(file)
    if isinstance(block, str):
        print(json.dumps({"exit_code": 2, "error": block})) if as_json else print(block, file=sys.stderr)
        return 2
    state = look_at_all(context_of(block, environment, file))
    if file is not None:
        without_block(state)
    word = word_of(state)
    if as_json:
        said = {"outcome": word, "exit_code": EXIT[word], "environment": environment}
        print(json.dumps(said | {"seconds": round(time.monotonic() - began, 1)} | as_data(state), indent=2), flush=True)
    else:
        width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
        print(f"{CLEAR if clear else ''}{text(state, width)}", flush=True)
    return EXIT[word]


def load(environment: str) -> PipelineEnvironment | str:
    """The environment block, or why there is none and what to do without."""
    from deployments.doctor import load as loaded
    from deployments.doctor import unreachable

    if said := unreachable():
        return f"{said} Without it, name a file with the block's fields: remediate status --environment-file FILE"
    return loaded(environment)


def from_file(file: Path) -> PipelineEnvironment | str:
    """The environment of a file, or why there is none."""
    from pydantic import ValidationError

    from blocks.environment import PipelineEnvironment
    from blocks.error_details import one_line

    try:
        return PipelineEnvironment.model_validate_json(file.read_bytes())
    except ValidationError as error:  # its own words repeat the file's, which has secrets
        wrong = error.errors(include_input=False, include_url=False)
        said = one_line("; ".join(f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in wrong))
        return f"{file} holds no environment: {said}. Write it as docs/operations/status.md says."
    except (OSError, ValueError) as error:
        return f"{file} holds no environment: {one_line(error)}. Write it as docs/operations/status.md says."


def context_of(block: PipelineEnvironment, environment: str, file: Path | None) -> Context:
    """Who asks; the policy is read anew where it is kept."""
    from blocks.environment import PipelineEnvironment
    from tasks.remediation.context import Context

    if file is not None:
        return Context(block, "remediate status")
    return Context(block, "remediate status", policy=lambda: PipelineEnvironment.named(environment).policy)


def without_block(state: State) -> None:
    """The kill switch is kept in the block on Prefect's server: of a file's nothing can be said."""
    from tasks.overview.state import Unknown

    held = state.parts["held"]
    held.items = [item for item in held.items if "kill-switch" not in item.next]
    sentence = "The kill switch is kept in the environment block on Prefect's server, which was not asked."
    held.unknown.append(Unknown(sentence, "remediate kill-switch show"))
