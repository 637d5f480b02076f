"""`remediate doctor`: what is deployed, compared with what should be, and what will not work and why. Read-only."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.doctor.examine import Look
from tasks.doctor.prefect_blocks import NO_ENVIRONMENT
from tasks.doctor.prefect_server import look_at_server

if TYPE_CHECKING:
    from blocks.environment import PipelineEnvironment

HOME = Path(__file__).resolve().parent.parent
WIDEST = 120
"""Characters of a line, however wide the terminal is."""


def doctor(environment: str = "default", as_json: bool = False) -> int:
    """Print what is found. Exit code: 0 nothing is wrong, 1 something is, 2 something could not be asked."""
    if said := unreachable():
        print(json.dumps({"exit_code": 2, "error": said})) if as_json else print(said, file=sys.stderr)
        return 2
    looks = examine(environment)
    code = exit_code(looks)
    if as_json:
        print(json.dumps(as_data(looks) | {"environment": environment, "exit_code": code}, indent=2))
    else:
        from tasks.doctor.report import text

        print(text(looks, min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)))
    return code


def unreachable() -> str:
    """Why the Prefect server cannot be asked, one sentence; empty when it answers as Prefect's API does."""
    import httpx
    from prefect.settings import PREFECT_API_URL

    from tasks.doctor.prefect_server import ask

    where = PREFECT_API_URL.value()
    if not where:
        return "No Prefect server is named: set PREFECT_API_URL, as in http://127.0.0.1:4200/api."
    try:
        ask("GET", "/admin/settings")["server"]
    except (httpx.HTTPError, KeyError, ValueError, TypeError) as error:
        return f"The Prefect server at {where} could not be asked ({error}): check PREFECT_API_URL and that it runs."
    return ""


def examine(environment: str) -> list[Look]:
    """Everything, or what can be looked at without an environment block."""
    from tasks.doctor.check import SECONDS
    from tasks.doctor.parts import looks_of

    block = load(environment)
    if not isinstance(block, str):
        return looks_of(block, HOME, SECONDS)
    missing = Look("environment")
    missing.say(NO_ENVIRONMENT, environment, block)
    return [missing, *looks_of(None, HOME, SECONDS)]


def load(environment: str) -> PipelineEnvironment | str:
    """The environment block, or why there is none."""
    from blocks.environment import PipelineEnvironment
    from blocks.error_details import one_line

    try:
        return PipelineEnvironment.named(environment)
    except (
        Exception
    ) as error:  # missing, of another version, a secret that cannot be decrypted: nothing can begin with it
        return f"The environment block {environment!r} cannot be loaded: {one_line(error)}."


def exit_code(looks: Sequence[Look]) -> int:
    """0 nothing is wrong, 1 something is, 2 not everything could be asked, and nothing else is wrong."""
    from tasks.doctor.check import word_of

    return {"failed": 1, "partial": 2}.get(word_of(looks), 0)


def as_data(looks: Sequence[Look]) -> dict[str, Any]:
    """The examination as plain data with stable keys, findings worst first."""
    from tasks.doctor.check import findings, word_of
    from tasks.doctor.report import counts

    parts = [{"part": one.part, "in_order": one.good, "seconds": round(one.seconds, 2)} for one in looks]
    found = [one.as_dict() for one in findings(looks)]
    return {"outcome": word_of(looks), "summary": counts(looks), "parts": parts, "findings": found}


def server_problems() -> list[str]:
    """What is wrong with the Prefect server in use, one sentence each. Raises httpx.HTTPError."""
    look = Look("prefect server")
    look_at_server(HOME, look)
    return [f"{one.what} {one.code.why} {one.code.todo}" for one in look.findings]
