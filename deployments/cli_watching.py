"""`remediate retention` and `remediate monitoring audit`: looks that keep at most a record of their own."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

app = typer.Typer(no_args_is_help=True, help="What people rely on to be told: dashboards, alerts, metrics, channels.")
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, with keys that stay.")]


def retention(as_json: JsonOption = False, environment: EnvironmentOption = "default") -> None:
    """Record what the clean-up removed; say what it will remove too soon. Exit 0 well, 1 act, 5 not everything is known.

    Writes nothing but its own record in the ops bucket. What it says: docs/operations/retention.md.
    """
    use_running_stack()
    from tasks.retention.check import Retention, RetentionWatch
    from tasks.retention.report import as_data

    def data(found: Retention) -> dict[str, Any]:
        return as_data(found.look, found.leaving, found.unknown)

    raise typer.Exit(show(RetentionWatch(), None, environment, as_json, data))


@app.callback()
def monitoring() -> None:
    """Keep `audit` a command of its own name."""


@app.command()
def audit(as_json: JsonOption = False, environment: EnvironmentOption = "default") -> None:
    """Say whether anybody would be told. Exit 0 all is there and works, 1 something is not, 5 not everything is known.

    Changes nothing. Every code: docs/operations/monitoring-audit.md.
    """
    use_running_stack()
    from tasks.monitoring.check import Audit, MonitoringAudit
    from tasks.monitoring.report import as_data

    def data(found: Audit) -> dict[str, Any]:
        return as_data(found.findings, found.gates, found.unknown)

    raise typer.Exit(show(MonitoringAudit(), None, environment, as_json, data))


def show(one: Any, question: Any, environment: str, as_json: bool, data: Any) -> int:
    """Look and print; the exit code of the outcome's word, or 2 when it could not begin. `data`: the facts for --json."""
    from deployments.doctor import load
    from tasks.remediation.check import check
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT

    block = load(environment)
    if isinstance(block, str):
        return _failed(block, 2, as_json)
    run = check(one, Context(block, f"remediate {one.name}"), question)
    code = EXIT[run.outcome]
    if run.facts is None:
        return _failed(" ".join(run.reasons), code, as_json)
    if as_json:
        said = {"outcome": run.outcome, "exit_code": code, "environment": environment, "summary": run.summary}
        lists = {"reasons": run.reasons, "notes": run.notes}
        print(json.dumps(said | lists | data(run.facts.facts), indent=2))
    else:
        print("\n\n".join([run.summary, *run.reasons, *run.notes]))
    return code


def _failed(sentence: str, code: int, as_json: bool) -> int:
    print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
    return code
