"""`remediate journal`: look at, verify and mend the records of runs, without Prefect's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_flows import use_running_stack

if TYPE_CHECKING:
    from tasks.remediation.context import Context

app = typer.Typer(no_args_is_help=True, help="The records of runs in the ops bucket.")


@app.callback()
def before() -> None:
    """The records of runs in the ops bucket."""
    use_running_stack()  # before anything loads Prefect, which reads its settings then


Subject = Annotated[str, typer.Argument(help="A scene, e.g. kitchen_001, or a name like @restore.")]
RunId = Annotated[str, typer.Argument(help="The run's id, as its report gives it.")]


@app.command("list")
def list_runs(
    subject: Subject,
    hours: Annotated[float, typer.Option(help="How far to look back.")] = 24.0 * 7,
    environment: EnvironmentOption = "default",
) -> None:
    """The runs on a subject, oldest first: id, procedure, begin and outcome."""
    from tasks.remediation.runs import past_runs

    with told() as context_of:
        known = context_of(environment).environment
        for past in past_runs(known.storage, known.ops_bucket, subject, hours):
            typer.echo(f"{past.run}  {past.procedure}  {past.begun_at:%Y-%m-%d %H:%M:%S} UTC  {past.outcome}")


@app.command()
def verify(
    subject: Annotated[
        str, typer.Argument(help="A scene, a name like @restore, or a record's own prefix: remediation/.../")
    ],
    run: Annotated[str, typer.Argument(help="The run's id, as its report gives it; none with a prefix.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Whether a run's record, or the one at a prefix, is whole: exit 0 when it is, 1 with a sentence for each entry that is not."""
    from tasks.remediation.journal import Journal
    from tasks.remediation.ledger import Ledger, LedgerDamaged
    from tasks.remediation.outcome import Refused

    by_prefix = subject.startswith("remediation/") and subject.endswith("/")
    with told() as context_of:
        if by_prefix == bool(run):
            raise Refused("Name a subject and its run, or a record's prefix alone, as in remediation/overrides/ovr-1/.")
        known = context_of(environment).environment
        if by_prefix:
            ledger = Ledger(known.storage, known.ops_bucket, subject, subject, "verify")
            with suppress(LedgerDamaged):
                ledger.read()  # NotFound: a prefix at which there is nothing is not whole
        else:
            ledger = Journal(known.storage, known.ops_bucket, subject, run, "verify")
        name = f"record at {subject}" if by_prefix else f"journal of run {run} of {subject}"
        problems = ledger.verify()
        for problem in problems or [f"The {name} is one unbroken chain."]:
            typer.echo(problem)
        raise typer.Exit(1 if problems else 0)


@app.command()
def repair(subject: Subject, run: RunId, environment: EnvironmentOption = "default") -> None:
    """Mend a record in which two processes wrote side by side: the longest chain is kept, the rest moved aside."""
    from tasks.remediation.repair import repair as mend

    with told() as context_of:
        for sentence in mend(context_of(environment), subject, run).sentences():
            typer.echo(sentence)


@contextmanager
def told() -> Iterator[Callable[[str], Context]]:
    """How to get a context; whatever goes wrong is one sentence and the exit code of its word."""
    import getpass

    from tasks.remediation.outcome import EXIT, outcome_of

    def context_of(name: str) -> Context:
        from blocks.environment import PipelineEnvironment
        from tasks.remediation.context import Context

        return Context(PipelineEnvironment.named(name), getpass.getuser())

    try:
        yield context_of
    except typer.Exit:
        raise
    except Exception as error:
        word, sentence = outcome_of(error)
        typer.echo(sentence, err=True)
        raise typer.Exit(EXIT[word]) from error
