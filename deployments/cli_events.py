"""`remediate receiver` and `remediate events`: take what Google Cloud says, and look at what was taken."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.state import STATE, running

if TYPE_CHECKING:
    from deployments.receiver.spool import Row

events = typer.Typer(no_args_is_help=True, help="What the receiver has taken, read from its spool.")
SpoolOption = Annotated[
    Path | None, typer.Option("--spool", help="The receiver's spool; by default that of `remediate up`, else .state/.")
]
Number = Annotated[int, typer.Argument(help="The event's number, as `remediate events list` gives it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(receiver)
    app.add_typer(events, name="events")


def receiver(
    environment: EnvironmentOption = "default",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    audience: Annotated[str, typer.Option(help="Audience of Google's tokens (Pub/Sub push, Eventarc).")] = "",
    account: Annotated[list[str] | None, typer.Option(help="Service account of those tokens; may be repeated.")] = None,
    iap_audience: Annotated[
        str, typer.Option(help="Audience of Identity-Aware Proxy, which then says who acknowledges and approves.")
    ] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the secret of signed webhooks; or set REMEDIATION_WEBHOOK_SECRET.")
    ] = None,
    spool: Annotated[Path | None, typer.Option(help="Where accepted events are kept; by default in .state/.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rules of your own, asked before the shipped ones.")] = None,
    keep_days: Annotated[float, typer.Option(min=0.0, help="How long an ended event is remembered.")] = 14.0,
) -> None:
    """Turn what Google Cloud says (docs/events.md) into flow runs and events of Prefect."""
    from blocks.errors import OutsideError
    from deployments.receiver.serve import SPOOL, Settings, serve

    settings = Settings(
        environment=environment,
        host=host,
        port=port,
        audience=audience,
        accounts=tuple(filter(None, account or ())),
        iap_audience=iap_audience,
        secret_file=secret_file,
        spool=spool or SPOOL,
        rules=rules,
        keep_days=keep_days,
    )
    try:
        serve(settings)
    except (OutsideError, ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@events.command("list")
def list_events(
    state: Annotated[str, typer.Option(help="Only these: new, done, ignored or dead.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    spool: SpoolOption = None,
) -> None:
    """The newest events, and how many there are in each state."""
    from deployments.receiver.spool import counts, rows

    with reading(spool) as connection:
        where = ("state = ?", [state]) if state else ("1", [])
        for row in reversed(rows(connection, f"{where[0]} ORDER BY number DESC LIMIT ?", *where[1], limit)):
            typer.echo(line(row))
        found = counts(connection)
        typer.echo(", ".join(f"{found[one]:,} {one}" for one in sorted(found)) or "The spool is empty.")


@events.command()
def dead(spool: SpoolOption = None) -> None:
    """Every dead letter, the newest last. Exit 1 when there are any."""
    from deployments.receiver.spool import rows

    with reading(spool) as connection:
        found = rows(connection, "state = 'dead' ORDER BY number")
        for row in found:
            typer.echo(line(row))
        raise typer.Exit(1 if found else 0)


@events.command()
def show(number: Number, spool: SpoolOption = None) -> None:
    """Everything that is known of one event, as JSON."""
    from deployments.receiver.spool import rows

    with reading(spool) as connection:
        found = rows(connection, "number = ?", number)
        if not found:
            stop(f"There is no event {number}.")
        typer.echo(json.dumps(found[0].__dict__, indent=2))


@events.command()
def retry(number: Number, spool: SpoolOption = None) -> None:
    """Have a dead or ignored event handled once more, by the receiver that runs."""
    from deployments.receiver.writes import Again

    with reading(spool) as connection:
        if not Again(number)(connection):
            stop(f"There is no event {number} that is ignored or dead and can be read.")
    typer.echo(f"Event {number} is handled again within a second, if the receiver runs.")


@events.command()
def drop(number: Number, spool: SpoolOption = None) -> None:
    """Put a dead event away that you have looked at: it is kept in the list as ignored, with your name."""
    from getpass import getuser

    from deployments.receiver.writes import Drop

    with reading(spool) as connection:
        if not Drop(number, getuser())(connection):
            stop(f"There is no event {number} that is dead.")
    typer.echo(f"Event {number} is dropped.")


@contextlib.contextmanager
def reading(path: Path | None) -> Iterator[sqlite3.Connection]:
    """A connection to the spool; exit 2 with a sentence when there is none."""
    from deployments.receiver.spool import opened

    where = path or default_spool()
    if not where.exists():
        stop(f"There is no spool at {where}: name the receiver's with --spool.")
    try:
        with opened(where) as connection:
            yield connection
    except sqlite3.Error as error:
        stop(f"The spool {where} cannot be read: {error}.")


def default_spool() -> Path:
    """That of the stack that runs, else that of a receiver started here."""
    stack = STATE / "up" / "receiver.db"
    return stack if running("up") is not None and stack.exists() else STATE / "receiver.db"


def line(row: Row) -> str:
    """One event in one line."""
    came = datetime.fromtimestamp(row.received, UTC)
    about = (
        row.content.get("scene_id") or row.content.get("name") or row.content.get("path") or row.content.get("workflow")
    )
    again = f" (came {row.duplicates + 1} times)" if row.duplicates else ""
    why = f": {row.reason}" if row.reason else f": flow run {row.run}" if row.run else ""
    return f"{row.number}  {came:%Y-%m-%d %H:%M:%S} UTC  {row.state}  {row.rule}  {about or ''}{again}{why}"


def stop(sentence: str) -> NoReturn:
    """One sentence on stderr, exit code 2."""
    typer.echo(sentence, err=True)
    raise typer.Exit(2)
