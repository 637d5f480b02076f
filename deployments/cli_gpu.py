"""`remediate gpu status`, `relieve` and `watch`: why work waits for GPUs, making room for what is critical, giving it back."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Say why work waits for GPUs, and make room for what is critical.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with fields that stay.")] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Say whether GPUs are short and why. Exit 0 they are not, 1 something waits, 5 not everything could be asked.

    Changes nothing. Every class: docs/operations/gpu-capacity.md.
    """
    use_running_stack()
    raise typer.Exit(run(environment, as_json))


@app.command()
def relieve(
    apply: ApplyOption = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --apply, and recorded.")] = "",
    stays: Annotated[bool, typer.Option("--stays", help="Only a person gives it back: the watch leaves it.")] = False,
    plan_digest: Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) what makes room for critical work that waits for GPUs."""
    use_running_stack()
    from flows.gpu_capacity import gpu_capacity

    options = {"stays": stays, "plan_digest": plan_digest, "environment": environment}
    raise typer.Exit(outcome(gpu_capacity, mode="apply" if apply else "plan", reason=reason, **options))


@app.command()
def watch(apply: ApplyOption = False, environment: EnvironmentOption = "default") -> None:
    """Say what waits for GPUs by our doing; with --apply give it back once GPUs are seen, and recover what failed meanwhile.

    Exit 0 nobody must act, 1 GPUs are there again, 3 none came in the policy's time, 5 not everything could be asked.
    """
    use_running_stack()
    from flows.gpu_watch import gpu_watch

    raise typer.Exit(outcome(gpu_watch, mode="apply" if apply else "look", environment=environment))


def run(environment: str, as_json: bool) -> int:
    """Look and print; the exit code of the outcome's word, or 2 when it could not begin."""
    from deployments.doctor import load
    from tasks.gpu_capacity.check import GpuCheck
    from tasks.gpu_capacity.report import as_data, text
    from tasks.gpu_capacity.steps import steps_for_a_person
    from tasks.remediation.check import check
    from tasks.remediation.context import Context
    from tasks.remediation.outcome import EXIT

    block = load(environment)
    if isinstance(block, str):
        return _failed(block, 2, as_json)
    one = check(GpuCheck(), Context(block, "remediate gpu status"), None)
    if one.facts is None:
        return _failed(" ".join(one.reasons), EXIT[one.outcome], as_json)
    facts, found = one.facts.facts
    code = EXIT[one.outcome]
    steps = steps_for_a_person(facts, found)
    if as_json:
        said = {"outcome": one.outcome, "exit_code": code, "environment": environment}
        print(json.dumps(said | as_data(facts, found, steps), indent=2))
    else:
        print(text(facts, found, steps))
    return code


def _failed(sentence: str, code: int, as_json: bool) -> int:
    print(json.dumps({"exit_code": code, "error": sentence})) if as_json else print(sentence, file=sys.stderr)
    return code
