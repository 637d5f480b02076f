"""What an incident's record may hold: one model for each kind of entry, with the field's own words.

Entries of a kind or with a field that this version does not know are kept, shown as they are, and passed over.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.said import Said
from tasks.remediation.plan import Stored
from tasks.remediation.report import counted

Severity = Literal["sev1", "sev2", "sev3", "sev4"]
"""How bad it is: sev1 nothing is delivered, sev2 a part is not, sev3 it is slower or needs care, sev4 nobody else notices."""
Area = Literal["pipeline", "platform", "simulation", "data"]
"""Whose it is: platform owns Terraform, GKE and the network, simulation Isaac Sim and Genie Sim (handbook, on-call)."""
Phase = Literal["declare", "stabilise", "diagnose", "mitigate", "communicate", "resolve", "review"]
"""Where the response is; the handbook's order."""
PHASES: tuple[Phase, ...] = ("declare", "stabilise", "diagnose", "mitigate", "communicate", "resolve", "review")

SHOWN = 5
"""Names of a scope that are shown; the record has them all."""


class Scope(Stored):
    """What is impacted, as far as is known; empty: not known."""

    scenes: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def words(self) -> str:
        """In one phrase."""
        parts = []
        for what in ("scenes", "workflows", "jobs", "regions"):
            if names := getattr(self, what):
                more = " ..." if len(names) > SHOWN else ""
                parts.append(f"{counted(len(names), what[:-1])}: {', '.join(names[:SHOWN])}{more}")
        return "; ".join(parts) or "not known"


class Declared(Said):
    """The first entry: an incident is declared."""

    kind = "declared"
    title: str
    severity: Severity = "sev3"
    area: Area = "pipeline"
    commander: str = ""
    """Who leads; empty: nobody yet."""
    channel: str = ""
    """Link to where people talk about it."""
    scope: Scope = Field(default_factory=Scope)
    began_at: AwareDatetime | None = None
    """When the trouble began, if it is known: the time to detect counts from it."""
    flow_run: str = ""
    """The flow run that declared it: when it begins again it goes on with this one."""


class Noted(Said):
    """Something a person did, saw or decided."""

    kind = "note"
    text: str
    at: AwareDatetime | None = None
    """When it was, if not when it was written."""


class Changed(Said):
    """What was declared is known better now; empty fields stay as they were."""

    kind = "changed"
    severity: Severity | None = None
    area: Area | None = None
    commander: str = ""
    channel: str = ""
    scope: Scope | None = None
    began_at: AwareDatetime | None = None


class Entered(Said):
    """The response has come to a phase."""

    kind = "phase"
    phase: Phase


class Acted(Said):
    """A procedure or a check was carried out for it."""

    kind = "action"
    procedure: str
    subject: str = ""
    run: str = ""
    """Of its journal; empty: it changed nothing."""
    outcome: str
    sentence: str = ""
    seconds: float = 0.0
    gives_back: str = ""
    """The command that takes back what it leaves in force, as after a pause; empty: nothing is."""


class Decided(Said):
    """What a person has told the response to do; written before it is done, so that it is done whatever is killed."""

    kind = "decision"
    by: str
    phase: Phase
    choice: str
    scenes: tuple[str, ...] = ()
    """To be recovered."""
    restore_inputs: bool = False
    accept_systematic: bool = False
    thing: str = ""
    """To be rolled back, as in `job simready-job`."""
    text: str = ""


class Evidence(Said):
    """A file was put beside the record."""

    kind = "evidence"
    name: str
    """Its object in the ops bucket."""
    sha256: str
    bytes: int
    what: str


class Diagnosed(Said):
    """The causes that were found, the likeliest first; none: unknown."""

    kind = "diagnosis"
    causes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be asked."""


class Updated(Said):
    """A status update: the handbook asks for scope, impact, mitigation, ETA and when the next one comes."""

    kind = "update"
    impact: str
    mitigation: str
    eta: str = "unknown"
    next_update_at: AwareDatetime | None = None


class Paging(Said):
    """A message to people is about to be sent: written before, so that none is sent twice."""

    kind = "paging"
    key: str
    """What it is, as in `page:primary:1`: written once."""
    to: str
    sink: str
    text: str


class Paged(Said):
    """What became of it."""

    kind = "paged"
    key: str
    outcome: Literal["sent", "failed", "unknown"]
    sentence: str = ""


class Acknowledged(Said):
    """A person has taken it."""

    kind = "acknowledged"
    by: str
    how: Literal["command", "link", "ui"]
    identity: Literal["verified", "claimed"] = "claimed"
    """Whether somebody vouches for the name: Prefect's open-source server knows none."""


class FollowUp(Said):
    """Something to be done after it."""

    kind = "follow-up"
    text: str
    owner: str = ""
    due: AwareDatetime | None = None


class Resolved(Said):
    """The trouble is over."""

    kind = "resolved"
    how: str
    at: AwareDatetime | None = None
    """When it was over, if not when this was written."""


class Reopened(Said):
    """It was not over."""

    kind = "reopened"
    why: str


class Closed(Said):
    """The review is done; nothing more is expected."""

    kind = "closed"
    report: str = ""
    """Object of the post-incident report in the ops bucket."""


SAID: dict[str, type[Said]] = {
    one.kind: one
    for one in (
        Declared, Noted, Changed, Entered, Acted, Decided, Evidence, Diagnosed, Fault, Mended, Updated, Paging, Paged,
        Acknowledged, FollowUp, Resolved, Reopened, Closed,
    )
}  # fmt: skip
