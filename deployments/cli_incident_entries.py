"""`remediate incident declare|note|ack|change|update|follow-up|resolve|reopen|close`: one entry of the record each."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from deployments.cli_backup import EnvironmentOption
from deployments.cli_journal import told

if TYPE_CHECKING:
    from tasks.incidents.incident import Incident
    from tasks.incidents.said import Said

Id = Annotated[str, typer.Argument(help="The incident, as `remediate incident list` shows it.")]
Severity = Literal["sev1", "sev2", "sev3", "sev4"]
Area = Literal["pipeline", "platform", "simulation", "data"]
Scenes = Annotated[list[str] | None, typer.Option("--scene", help="A scene it is about; may be given several times.")]
Workflows = Annotated[list[str] | None, typer.Option("--workflow", help="A workflow it is about; likewise.")]
Jobs = Annotated[list[str] | None, typer.Option("--job", help="A Cloud Run job it is about; likewise.")]
Moment = Annotated[str, typer.Option(help="When, in UTC unless it says otherwise, as in 2026-01-18T12:00.")]


def declare(
    title: Annotated[str, typer.Argument(help="What is wrong, in one line.")],
    severity: Annotated[Severity, typer.Option(help="How bad it is; sev1 is the worst.")] = "sev3",
    area: Annotated[Area, typer.Option(help="Whose it is.")] = "pipeline",
    scene: Scenes = None,
    workflow: Workflows = None,
    job: Jobs = None,
    commander: Annotated[str, typer.Option(help="Who leads.")] = "",
    channel: Annotated[str, typer.Option(help="Link to where people talk about it.")] = "",
    began: Moment = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Declare an incident. Prints its id."""
    from tasks.incidents.entries import Scope
    from tasks.incidents.incident import declare as begin
    from tasks.response.wanted import Wanted

    with told() as context_of:
        scope = Scope(scenes=tuple(scene or ()), workflows=tuple(workflow or ()), jobs=tuple(job or ()))
        wanted = Wanted(
            title=title, severity=severity, area=area, scope=scope, commander=commander, channel=channel
        )  # fmt: skip
        said = wanted.declaration().model_copy(update={"began_at": moment(began)})
        typer.echo(begin(context_of(environment), said).id)


def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What you did, saw or decided.")],
    at: Moment = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Record something."""
    from tasks.incidents.entries import Noted

    write(environment, incident, lambda _: Noted(text=needed(text, "Say what is to be noted."), at=moment(at)))


def ack(
    incident: Id,
    by: Annotated[str, typer.Option(help="Your name; by default that of the account.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Acknowledge an incident: you have taken it."""
    from tasks.incidents.acknowledge import acknowledge

    with told() as context_of:
        one, new = acknowledge(context_of(environment), incident, by or getpass.getuser(), "command")
        typer.echo(line(one) if new else f"{line(one)}  (you had it already)")


def change(
    incident: Id,
    severity: Annotated[Severity | None, typer.Option(help="How bad it is.")] = None,
    area: Annotated[Area | None, typer.Option(help="Whose it is.")] = None,
    scene: Scenes = None,
    workflow: Workflows = None,
    job: Jobs = None,
    commander: Annotated[str, typer.Option(help="Who leads.")] = "",
    channel: Annotated[str, typer.Option(help="Link to where people talk about it.")] = "",
    began: Moment = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Correct what was declared. A scene, workflow or job that is named replaces those that were named before."""
    from tasks.incidents.entries import Changed
    from tasks.remediation.outcome import Refused
    from tasks.response.wanted import check_scenes

    def said(one: Incident) -> Said:
        named = {"scenes": scene, "workflows": workflow, "jobs": job}
        changed = {name: tuple(value) for name, value in named.items() if value is not None}
        check_scenes(changed.get("scenes", ()))
        scope = one.first.scope.model_copy(update=changed) if changed else None
        found = Changed(
            severity=severity, area=area, commander=commander, channel=channel, scope=scope, began_at=moment(began)
        )  # fmt: skip
        if found == Changed():
            raise Refused("Say what is to be changed: `remediate incident change --help` names it all.")
        return found

    write(environment, incident, said)


def update(
    incident: Id,
    impact: Annotated[str, typer.Option(help="What does not work for whom.")],
    mitigation: Annotated[str, typer.Option(help="What is done about it.")] = "",
    eta: Annotated[str, typer.Option(help="When it will be over, as far as is known.")] = "unknown",
    next_in: Annotated[
        int, typer.Option("--next", min=0, help="Minutes until the next update; 0: none is promised.")
    ] = 0,
    environment: EnvironmentOption = "default",
) -> None:
    """Record a status update, and promise the next one."""
    from tasks.incidents.entries import Updated

    promised = datetime.now(UTC) + timedelta(minutes=next_in) if next_in else None

    def said(_: Incident) -> Said:
        what = needed(impact, "Say what the impact is.")
        return Updated(impact=what, mitigation=mitigation, eta=eta, next_update_at=promised)

    write(environment, incident, said)


def follow_up(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be done after it.")],
    owner: Annotated[str, typer.Option(help="Who does it.")] = "",
    due: Moment = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Record something to be done after it."""
    from tasks.incidents.entries import FollowUp

    write(
        environment,
        incident,
        lambda _: FollowUp(text=needed(text, "Say what is to be done."), owner=owner, due=moment(due)),
    )


def resolve(
    incident: Id,
    how: Annotated[str, typer.Option(help="What ended it; recorded.")],
    at: Moment = "",
    although_paused: Annotated[
        bool, typer.Option("--although-paused", help="Although this incident's pause of intake is in force.")
    ] = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Say that it is over. Refused while a pause of this incident is in force."""
    from tasks.incidents.entries import Noted, Resolved
    from tasks.incidents.incident import read_incident
    from tasks.remediation.outcome import Refused
    from tasks.response.in_force import in_force

    with told() as context_of:
        context = context_of(environment)
        one = read_incident(context, incident)
        if one.status != "open":
            raise Refused(f"{incident} is {one.status} already.")
        said = Resolved(how=needed(how, "Say how it ended."), at=moment(at))
        left = in_force(context, one)
        if left and not although_paused:
            raise Refused(f"{'; '.join(left)}. Resume first, or add --although-paused.")
        if left:
            one.say(Noted(text=f"Resolved although {'; '.join(left)}"))
        one.say(said)
        typer.echo(line(one))


def reopen(
    incident: Id,
    why: Annotated[str, typer.Option(help="Why it is not over; recorded.")],
    environment: EnvironmentOption = "default",
) -> None:
    """Open an incident again that was resolved or closed."""
    from tasks.incidents.entries import Reopened
    from tasks.remediation.outcome import Refused

    def said(one: Incident) -> Said:
        if one.status == "open":
            raise Refused(f"{incident} is open.")
        return Reopened(why=needed(why, "Say why it is opened again."))

    write(environment, incident, said)


def close(incident: Id, environment: EnvironmentOption = "default") -> None:
    """Write the report and close an incident that is resolved: nothing more is expected."""
    from tasks.incidents.entries import Closed
    from tasks.incidents.incident import read_incident
    from tasks.remediation.outcome import Refused
    from tasks.response.review import write_review

    with told() as context_of:
        context = context_of(environment)
        one = read_incident(context, incident)
        if one.status != "resolved":
            raise Refused(f"{incident} is {one.status}; only one that is resolved can be closed.")
        one.say(Closed(report=write_review(context, one)))
        typer.echo(line(one))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for one in (declare, note, ack, change, update, resolve, reopen, close):
        app.command()(one)
    app.command("follow-up")(follow_up)


def write(environment: str, incident: str, said: Callable[[Incident], Said]) -> None:
    """Add one entry and print how the incident stands. `said` makes it from the incident."""
    from tasks.incidents.incident import read_incident

    with told() as context_of:
        one = read_incident(context_of(environment), incident)
        one.say(said(one))
        typer.echo(line(one))


def needed(text: str, sentence: str) -> str:
    """A text that may not be empty."""
    from tasks.remediation.outcome import Refused

    if not text.strip():
        raise Refused(sentence)
    return text.strip()


def moment(text: str) -> datetime | None:
    """A time as a person types it, in UTC unless it says otherwise; None for nothing. Raises `Refused`."""
    from tasks.remediation.outcome import Refused

    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            f"{text!r} is no time; write it as in 2026-01-18T12:00 (UTC), or with a zone: ...T12:00+01:00."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def line(one: Incident) -> str:
    """An incident on one line."""
    first = one.first
    return f"{one.id}  {one.status}  {first.severity}  {one.phase}  {first.commander or 'nobody'}  {first.title}"
