"""`remediate health` and `simulator restart`: how Genie Sim and the services beside it are, and ending an outage."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="End an outage of Genie Sim, or of a service beside it.")


@app.callback()
def simulator() -> None:
    """End an outage of Genie Sim, or of a service beside it."""


@app.command()
def restart(
    service: Annotated[str, typer.Argument(help="A service of the catalogue.")] = "genie-sim",
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    smoke: Annotated[bool, typer.Option(help="Make one trial after the restart; its outputs are the proof.")] = True,
    trial: Annotated[str, typer.Option(help="A trial that was never simulated; empty: a new one is generated.")] = "",
    recover: Annotated[
        bool, typer.Option("--recover", help="Then recover what failed, 1, 2, 4 ... at a time.")
    ] = False,
    plan_digest: Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) the restart of a service that is out. Nothing that runs is ended."""
    use_running_stack()
    from flows.simulator_outage import simulator_outage

    asked = {
        "service": service,
        "reason": reason,
        "without_smoke": not smoke,
        "trial": trial,
        "recover_failed": recover,
    }
    options = {"plan_digest": plan_digest, "environment": environment, "mode": "apply" if apply else "plan"}
    raise typer.Exit(outcome(simulator_outage, **asked, **options))


def health(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with fields that stay.")] = False,
    wake: Annotated[
        bool, typer.Option(help="Also ask services that a look starts, because they are scaled to nothing.")
    ] = True,
    environment: EnvironmentOption = "default",
) -> None:
    """Say how each service that simulates is. Exit 0 well or being restarted, 1 one is out, 5 not everything is known.

    Changes nothing. Every word: docs/operations/simulator-outage.md.
    """
    use_running_stack()
    raise typer.Exit(run(environment, as_json, wake))


def run(environment: str, as_json: bool, wake: bool) -> int:
    """Look and print; the exit code of the outcome's word, or 2 when it could not begin."""
    from deployments.doctor import load
    from tasks.remediation.check import check
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT
    from tasks.simulator_outage.check import SimulatorCheck
    from tasks.simulator_outage.look import HealthQuestion
    from tasks.simulator_outage.report import as_data, text

    block = load(environment)
    if isinstance(block, str):
        return _failed(block, 2, as_json)
    one = check(SimulatorCheck(), Context(block, "remediate health"), HealthQuestion(wake=wake))
    if one.facts is None:
        return _failed(" ".join(one.reasons), EXIT[one.outcome], as_json)
    found, code = one.facts.facts, EXIT[one.outcome]
    if as_json:
        said = {"outcome": one.outcome, "exit_code": code, "environment": environment}
        print(json.dumps(said | as_data(found.states, found.switches, found.facts.unseen), indent=2))
    else:
        print(text(found.states, found.switches, found.facts.unseen))
    return code


def _failed(sentence: str, code: int, as_json: bool) -> int:
    print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
    return code
