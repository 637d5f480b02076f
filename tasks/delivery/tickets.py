"""Tickets: what delivery was before it was held, so that anybody can give it back.

    remediation/holds/<run>.json            written before anything is held
    remediation/holds/<run>.draining.json   somebody has begun to give it back
    remediation/holds/<run>.redeemed.json   it pushes as before

Each is created once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed
from tasks.remediation.plan import canonical

ROOT = "remediation/holds/"
DRAINING, REDEEMED = ".draining", ".redeemed"
RETENTION_SHARE = 0.5
"""A hold is over after this part of the time after which Pub/Sub forgets what waits, at the latest."""


class Held(BaseModel):
    """One subscription that is held, and what it was."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    trigger: str
    workflow: str
    subscription: str
    pattern: str | None = None
    """The trigger's filter on names; None: every object written fires it."""
    push_config: dict[str, JsonValue]


class Ticket(BaseModel):
    """Who holds what since when, until when, and how to give it back. What a newer version adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    procedure: str = "restore"
    """Which procedure holds it; earlier versions held delivery for nothing but restores."""
    lease: str = "@restore"
    """The subject that the run leases, under which its journal is."""
    subject: str
    """What it is about, for people."""
    stays: bool = False
    """It outlives its run: only its deadline ends it."""
    owner: str
    flow_run_id: str = ""
    reason: str = ""
    made_at: AwareDatetime
    deadline: AwareDatetime
    held: tuple[Held, ...]
    schedulers: dict[str, str] = Field(default_factory=dict)
    """The state that each scheduler had, by name; whoever holds delivery may have paused schedulers too."""

    @property
    def triggers(self) -> str:
        """Whose delivery is held, as in `a-trigger, another-trigger`."""
        return ", ".join(one.trigger for one in self.held)

    def sentence(self) -> str:
        """Who holds what."""
        return (
            f"the delivery of {self.triggers} is held by run {self.run} ({self.owner}, {self.procedure} of {self.subject}) since "
            f"{self.made_at:%Y-%m-%d %H:%M} UTC, until {self.deadline:%H:%M} UTC"
        )


def ticket_name(run: str, what: str = "") -> str:
    """The object of a run's ticket, of its `.draining` or of its `.redeemed`."""
    return f"{ROOT}{run}{what}.json"


def deadline_of(hold_hours: float, retentions: list[int], now: datetime) -> datetime:
    """Until when a hold must be over: the policy's hours, and half of what Pub/Sub keeps messages for."""
    longest = min([hold_hours * 3600, *(seconds * RETENTION_SHARE for seconds in retentions)])
    return now + timedelta(seconds=longest)


def write_ticket(environment: PipelineEnvironment, ticket: Ticket) -> None:
    """Write it, once. Raises `PreconditionFailed` when the run has one."""
    body = canonical(ticket.model_dump(mode="json"))
    environment.storage.create(environment.ops_bucket, ticket_name(ticket.run), body)


def read_ticket(environment: PipelineEnvironment, run: str) -> Ticket | None:
    """A run's ticket; None when it holds nothing. Raises PermanentError for one that cannot be read."""
    name = ticket_name(run)
    try:
        return Ticket.model_validate_json(environment.storage.read(environment.ops_bucket, name))
    except NotFound:
        return None
    except ValidationError as error:
        raise PermanentError(
            f"gs://{environment.ops_bucket}/{name} is no ticket; look at it, and give the delivery back by hand."
        ) from error


def stamp(environment: PipelineEnvironment, run: str, what: str, said: dict[str, JsonValue]) -> bool:
    """Write the `.draining` or the `.redeemed` of a ticket; False when it is there already."""
    body = canonical(said | {"at": datetime.now(UTC).isoformat()})
    try:
        environment.storage.create(environment.ops_bucket, ticket_name(run, what), body)
    except PreconditionFailed:
        return False
    return True


def is_stamped(environment: PipelineEnvironment, run: str, what: str) -> bool:
    """Whether the ticket of a run has its `.draining` or its `.redeemed`."""
    return environment.storage.stat(environment.ops_bucket, ticket_name(run, what)) is not None


def open_ticket(environment: PipelineEnvironment, run: str) -> Ticket | None:
    """A run's ticket, if it was not redeemed: what the run holds now."""
    ticket = read_ticket(environment, run)
    return None if ticket is None or is_stamped(environment, run, REDEEMED) else ticket


def open_tickets(environment: PipelineEnvironment) -> tuple[list[Ticket], list[str]]:
    """The tickets that were not redeemed, oldest first, and a sentence for each that cannot be read."""
    names = {found.name for found in environment.storage.list(environment.ops_bucket, ROOT)}
    runs = [name.removeprefix(ROOT).removesuffix(".json") for name in names]
    found: list[Ticket] = []
    damaged: list[str] = []
    for run in sorted(run for run in runs if "." not in run and ticket_name(run, REDEEMED) not in names):
        try:
            ticket = read_ticket(environment, run)
        except PermanentError as error:
            damaged.append(str(error))
            continue
        found += [ticket] if ticket is not None else []
    return found, damaged
