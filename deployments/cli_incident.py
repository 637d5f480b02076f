"""`remediate incident`: look at incidents, verify and report them, without Prefect's server; `respond` is a flow run."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deployments import cli_incident_entries
from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack
from deployments.cli_incident_entries import Id, line
from deployments.cli_journal import told

if TYPE_CHECKING:
    from tasks.incidents.incident import Incident

app = typer.Typer(no_args_is_help=True)
cli_incident_entries.register(app)
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]


@app.callback()
def before() -> None:
    """Incidents: declare, record, resolve, and report."""
    use_running_stack()  # before anything loads Prefect, which reads its settings then


@app.command("list")
def list_incidents(
    as_json: JsonOption = False,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Incidents that are not closed, newest first. Exit 1 when a promised update is late or a record is damaged."""
    from tasks.incidents.incident import incident_ids
    from tasks.incidents.open_marks import open_marks
    from tasks.incidents.overdue import overdue
    from tasks.response.watch import read_all

    with told() as context_of:
        context = context_of(environment)
        ids = incident_ids(context) if every else [one for one, _ in open_marks(context.environment)]
        found, damaged, older = read_all(context, ids)
        shown, now = [one for one in found if every or one.closed is None], datetime.now(UTC)
        late = {one.id: overdue(one, now) for one in shown}
        if as_json:
            typer.echo(json.dumps([{**as_data(one), "overdue": late[one.id]} for one in shown], ensure_ascii=False))
        else:
            for one in shown:
                typer.echo(line(one) + (f"  LATE: {late[one.id]}" if late[one.id] else ""))
        for sentence in [*damaged, *([f"{older} older ones are not shown."] if older else [])]:
            typer.echo(sentence, err=True)
        raise typer.Exit(1 if damaged or any(late.values()) else 0)


@app.command()
def show(incident: Id, as_json: JsonOption = False, environment: EnvironmentOption = "default") -> None:
    """One incident: how it stands, and everything that was recorded."""
    from tasks.incidents.incident import read_incident
    from tasks.remediation.times import clock
    from tasks.response.timeline import events
    from tasks.response.times import measures

    with told() as context_of:
        one = read_incident(context_of(environment), incident)
        happened = events(one)
        if as_json:
            rows = [{"at": each.at.isoformat(), "number": each.number, "actor": each.actor, "kind": each.kind, "what": each.what} for each in happened]  # fmt: skip
            times = {each.name: each.seconds for each in measures(one)}
            typer.echo(json.dumps({**as_data(one), "seconds": times, "events": rows}, ensure_ascii=False))
            return
        typer.echo(line(one))
        typer.echo(f"scope: {one.first.scope.words()}; led by {one.first.commander or 'nobody'}")
        for measure in measures(one):
            typer.echo(f"{measure.name}: {measure.words} ({measure.how})")
        for each in happened:
            typer.echo(f"{each.number:>4}  {clock(each.at)}  {each.actor}  {each.what}")


@app.command()
def verify(incident: Id, environment: EnvironmentOption = "default") -> None:
    """Whether record and evidence are as they were written: exit 0 when they are, 1 with a sentence for each that is not."""
    from tasks.incidents.verify import keeps_history, verify_incident

    with told() as context_of:
        context = context_of(environment)
        problems = verify_incident(context, incident)
        for problem in problems or [
            f"The record of {incident} is one unbroken chain, and its evidence is what it was."
        ]:
            typer.echo(problem)
        if not keeps_history(context):
            typer.echo("The ops bucket keeps no history: entries removed from the end of the record would not show.")
        raise typer.Exit(1 if problems else 0)


@app.command()
def report(
    incident: Id,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print it; nothing is written.")] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Write the report of what is recorded by now into the ops bucket, and print where; or print it."""
    from tasks.incidents.incident import read_incident
    from tasks.response.review import PICTURE, report_of, write_review

    with told() as context_of:
        context = context_of(environment)
        one = read_incident(context, incident)
        if as_markdown:
            typer.echo(report_of(context, one, datetime.now(UTC))[0].replace(f"\n{PICTURE}\n", "", 1))
            return
        name = write_review(context, one).removesuffix(".md")
        for ending in ("md", "html", "svg"):
            typer.echo(f"gs://{context.environment.ops_bucket}/{name}.{ending}")


@app.command()
def respond(
    incident: Annotated[str, typer.Argument(help="Which incident.")],
    apply: ApplyOption = False,
    pause: Annotated[
        Literal["by severity", "yes", "no"], typer.Option(help="Pause intake while stabilising.")
    ] = "by severity",
    ask: Annotated[
        bool, typer.Option("--ask", help="Wait here for forms in the Prefect UI, instead of ending.")
    ] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) what can be done for an incident up to the first question, as a flow run here."""
    from flows.incident_response import incident_response

    options = {"pause": pause, "unattended": not ask, "environment": environment, "requested_by": getpass.getuser()}
    mode = "apply" if apply else "plan"
    raise typer.Exit(outcome(incident_response, incident=incident, mode=mode, **options))


@app.command()
def watch(environment: EnvironmentOption = "default") -> None:
    """Say which incidents somebody must look after. Exit 1 when there is one. Changes nothing."""
    from flows.incident_watch import incident_watch

    raise typer.Exit(outcome(incident_watch, environment=environment))


def as_data(one: Incident) -> dict[str, Any]:
    """An incident as JSON has it; the names stay."""

    def when(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment is not None else None

    return {
        "id": one.id,
        "status": one.status,
        "phase": one.phase,
        **one.first.model_dump(mode="json", include={"title", "severity", "area", "commander", "channel", "scope"}),
        "began_at": when(one.first.began_at),
        "declared_at": when(one.declared_at),
        "acknowledged_at": when(one.acknowledged_at),
        "resolved_at": when(one.resolved_at),
        "next_update_at": when(one.next_update_at),
    }
