"""Who is told of an incident, in which order and when, and by which link a person says "I have it".

The handbook, "On-call escalation": the primary on-call triages; the secondary is the platform's (Terraform, GKE, network),
then the owners of the simulation (Isaac Sim, Genie Sim) as vendor. The times 0, 15 and 30 minutes are those of the
pipeline's own alerting guide.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from blocks.base import RemediationBlock

LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
SHORTEST_SECRET = 16
"""Characters of the secret that links are signed with."""


class Quiet(BaseModel):
    """Hours in which nobody is woken for what can wait. They postpone a message, and never drop it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: time = Field(description="When it begins, local time, as in 22:00.")
    end: time = Field(description="When it ends, as in 07:00; before the start: on the next day.")
    timezone: str = Field(default="UTC", description="Name of the time zone, as in Europe/Berlin.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Quiet:
        if self.start == self.end:
            raise ValueError(f"Quiet hours from {self.start:%H:%M} to {self.end:%H:%M} have no length; name two times.")
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("Quiet hours are local times: leave the offset out and name the timezone.")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"There is no time zone {self.timezone!r}; it looks like Europe/Berlin.") from None
        return self

    def over(self, at: datetime) -> datetime:
        """The first moment from `at` on that is not quiet; `at` itself when it is none."""
        zone = ZoneInfo(self.timezone)
        local = at.astimezone(zone)
        clock = local.time().replace(fold=0)
        by_night = self.start > self.end
        begun, not_over = clock >= self.start, clock < self.end
        if not (begun or not_over if by_night else begun and not_over):
            return at
        day = local.date() + timedelta(days=1 if by_night and begun else 0)
        # When clocks are set back the end comes twice, and the first time may lie behind us.
        ends = [datetime.combine(day, self.end, zone).replace(fold=fold) for fold in (0, 1)]
        return next((end for end in ends if end > at), ends[-1]).astimezone(at.tzinfo)


class Tier(BaseModel):
    """People who are told together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = Field(description="Who they are, as in primary; small letters, digits and dashes.")
    sinks: tuple[str, ...] = Field(default=(), description="Sinks of the notifier that reach them; all are told.")
    after_minutes: float = Field(default=0.0, ge=0, le=1440, description="Minutes after the declaration.")
    repeat: int = Field(default=2, ge=0, le=20, description="How often they are told again while nobody has it.")
    every_minutes: float = Field(default=15.0, ge=1, le=1440, description="Minutes between two messages.")
    quiet: Quiet | None = Field(
        default=None, description="Hours in which sev3 and sev4 wait; none: they are always told."
    )

    @field_validator("label")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        if not LABEL.fullmatch(value):
            raise ValueError(f"The label {value!r} is not plain: use small letters, digits and dashes, as in primary.")
        return value

    @field_validator("sinks")
    @classmethod
    def _are_named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value or len(set(value)) < len(value):
            raise ValueError(f"The sinks {list(value)} name one twice or not at all; name each once.")
        return value

    def times(self) -> tuple[timedelta, ...]:
        """After which times since the declaration they are told."""
        first, step = timedelta(minutes=self.after_minutes), timedelta(minutes=self.every_minutes)
        return tuple(first + step * number for number in range(self.repeat + 1))


PRIMARY = Tier(label="primary", sinks=("primary",))
SECONDARY = Tier(label="secondary", sinks=("platform",), after_minutes=15)
VENDOR = Tier(label="vendor", sinks=("simulation",), after_minutes=30)
STANDARD = (PRIMARY, SECONDARY, VENDOR)


class Chains(BaseModel):
    """Who is told for each area, one after the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: tuple[Tier, ...] = Field(default=STANDARD, description="For the pipeline's own code, jobs and workflows.")
    data: tuple[Tier, ...] = Field(default=STANDARD, description="For scenes and what is in the buckets.")
    platform: tuple[Tier, ...] = Field(default=(PRIMARY, SECONDARY), description="For Terraform, GKE and the network.")
    simulation: tuple[Tier, ...] = Field(
        default=(PRIMARY, VENDOR.model_copy(update={"after_minutes": 15.0})),
        description="For Isaac Sim and Genie Sim.",
    )

    @field_validator("pipeline", "data", "platform", "simulation")
    @classmethod
    def _in_order(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        labels = [one.label for one in value]
        if len(set(labels)) < len(labels):
            raise ValueError(f"Two tiers of one chain have the same label ({', '.join(labels)}); give each its own.")
        if [one.after_minutes for one in value] != sorted(one.after_minutes for one in value):
            raise ValueError(f"The tiers {', '.join(labels)} are not in the order of their after_minutes; sort them.")
        if len(value) > 10:
            raise ValueError(f"A chain has {len(value)} tiers; ten are the most.")
        return value

    def of(self, area: str) -> tuple[Tier, ...]:
        """The chain for an area; that of the pipeline for one that this version does not know."""
        found = getattr(self, area, None) if area in type(self).model_fields else None
        return self.pipeline if found is None else tuple(found)


class OnCall(RemediationBlock):
    """The on-call policy."""

    _block_type_name = "Remediation On-Call"
    _block_type_slug = "remediation-on-call"
    _description = "Who is told of an incident, in which order and when, until somebody acknowledges it."

    chains: Chains = Field(default_factory=Chains, description="Who is told for each area, one after the other.")
    updates_to: tuple[str, ...] = Field(default=(), description="Sinks that get every status update of an incident.")
    overrides_to: tuple[str, ...] = Field(
        default=(),
        description="Sinks that are told of overrides that somebody must explain, once when found and once when overdue.",
    )
    overrides_overdue_to: tuple[str, ...] = Field(
        default=(), description="Sinks that are told as well when one is overdue, as those of a lead."
    )
    link_url: str = Field(
        default="", description="Public address of the receiver for links in pages; empty: pages carry no link."
    )
    link_secret: SecretStr = Field(
        default=SecretStr(""), description="What those links are signed with, 16 characters or more; empty: no links."
    )
    link_hours: float = Field(default=24.0, gt=0, le=720, description="Hours after which a link has expired.")

    @model_validator(mode="after")
    def _links_are_safe(self) -> OnCall:
        secret = self.link_secret.get_secret_value()
        if secret and len(secret) < SHORTEST_SECRET:
            raise ValueError(f"link_secret is shorter than {SHORTEST_SECRET} characters; make a longer one.")
        if bool(secret) != bool(self.link_url):
            raise ValueError("link_url and link_secret belong together: give both, or neither.")
        if self.link_url and not self.link_url.startswith(("https://", "http://")):
            raise ValueError(
                f"link_url {self.link_url!r} is no web address; it looks like https://receiver.example.org."
            )
        return self

    def unreachable(self, area: str, known: tuple[str, ...]) -> list[str]:
        """What is wrong with the chain of an area, one sentence each: tiers that nobody hears.

        Args:
            area: Of an incident.
            known: Sinks that the notifier has.
        """
        chain = self.chains.of(area)
        if not chain:
            return [f"Nobody is on call for {area}: its chain is empty; add a tier to the on-call block."]
        wrong = [
            f"Tier {one.label} of {area} has no sinks; name some in the on-call block."
            for one in chain
            if not one.sinks
        ]
        for one in chain:
            if missing := [sink for sink in one.sinks if sink not in known]:
                names = ", ".join(missing)
                wrong.append(
                    f"Tier {one.label} of {area} names {names}, which the notifier does not have; add its address."
                )
        return wrong
