"""What remediations may do without asking, how much, and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from blocks.base import RemediationBlock

Risk = Literal["low", "medium", "high"]
Approver = Literal["automatic", "person"]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_APPROVAL: dict[Risk, Approver] = {"low": "automatic", "medium": "automatic", "high": "person"}


class RemediationPolicy(RemediationBlock):
    """The limits of every remediation. A plan over one of them is refused before its first action."""

    _block_type_name = "Remediation Policy"
    _block_type_slug = "remediation-policy"
    _description = "What remediations may do without asking, how much at a time, and when."

    max_scenes: int = Field(default=50, ge=0, description="The most scenes one run may change.")
    max_objects: int = Field(default=5000, ge=0, description="The most objects one run may change.")
    max_objects_percent: float = Field(
        default=90.0, ge=0, le=100, description="The most objects of a scene one run may delete, in percent."
    )
    max_bytes: int = Field(default=50 * 1024**3, ge=0, description="The most bytes one run may change.")
    systematic_scenes: int = Field(
        default=5,
        ge=1,
        description="The same fault on this many scenes is a fault of the pipeline: nothing is changed.",
    )
    systematic_percent: float = Field(
        default=30.0, ge=0, le=100, description="The same fault on this part of the scenes, in percent, likewise."
    )
    systematic_minutes: int = Field(default=60, ge=1, description="Minutes that are looked back for the same fault.")
    attempts_per_stage: int = Field(default=2, ge=1, description="Reruns of one stage of one scene before escalating.")
    attempts_hours: int = Field(default=24, ge=1, description="Hours in which those reruns are counted.")
    unattended_per_hour: int = Field(
        default=20,
        ge=0,
        description="Scenes that recoveries started by events may work on in an hour; beyond it a person decides.",
    )
    approval: dict[Risk, Approver] = Field(
        default_factory=lambda: dict(_APPROVAL), description="Who approves a plan of that risk: automatic or a person."
    )
    approval_minutes: int = Field(default=60, ge=1, description="Minutes a person has to approve; then it means no.")
    verified_approvers: bool = Field(
        default=False,
        description="Whether an approval counts only when the receiver, behind Identity-Aware Proxy, has seen who gives it.",
    )
    window_days: str = Field(default=",".join(_DAYS), description="Days on which changes may begin: mon,tue,...")
    window_start: str = Field(default="00:00", description="When the window opens, HH:MM.")
    window_end: str = Field(
        default="24:00", description="When it closes, HH:MM; before its start means on the next day."
    )
    window_timezone: str = Field(default="UTC", description="Time zone of the window, as in Europe/Vienna.")
    kill_switch: list[str] = Field(
        default_factory=list, description="Reasons why nothing may be changed now. Any entry stops every change."
    )
    lease_seconds: int = Field(
        default=60,
        ge=1,
        le=3600,
        description="Seconds after which a dead run's claim on a scene ends; an hour at most.",
    )
    poll_seconds: float = Field(default=1.0, gt=0, description="Seconds between looks at something that is running.")
    wait_seconds: float | None = Field(
        default=None, gt=0, description="Seconds to wait for a rerun to end; empty: the catalogue's timeout."
    )
    start_attempts: int = Field(
        default=3, ge=1, description="How often a start without an answer is made, each time after looking for it."
    )
    settle_seconds: float = Field(
        default=20.0, ge=0, description="Seconds to look for what a start without an answer may have started."
    )
    release_per_minute: float = Field(
        default=120.0,
        ge=1,
        description="Events that waited while delivery was held and that are released in a minute, of all triggers together.",
    )
    ramp_limit: int = Field(default=8, ge=1, description="The most scenes that are worked on at the same time.")
    error_threshold_percent: float = Field(
        default=25.0,
        ge=0,
        le=100,
        description="A run over many scenes stops when more than this part fails, in percent.",
    )
    trigger_grace_seconds: float = Field(
        default=10.0, ge=0, description="Seconds to wait for a trigger to start what a written marker should start."
    )

    gpu_nodes_most: int = Field(
        default=0, ge=0, description="The most nodes a GPU pool may be raised to; 0: none is raised."
    )
    gpu_node_prices: dict[str, float] = Field(
        default_factory=dict,
        description="What one node of a pool costs an hour, by pool; one without a price is not raised.",
    )
    gpu_hours: float = Field(default=8.0, gt=0, description="Hours for which raised GPU nodes are reckoned to be paid.")
    gpu_budget: float = Field(
        default=0.0, ge=0, description="The most that the GPU nodes of one run may cost in those hours."
    )
    gpu_interrupt: list[str] = Field(
        default_factory=list,
        description="Criticalities whose running GPU Jobs may be interrupted to make room, as in non_critical; empty: none.",
    )
    gpu_watch: bool = Field(
        default=True,
        description="Whether gpu-watch gives a relief back and reruns what failed once GPUs are there again; else it only tells.",
    )
    gpu_relief_hours: float = Field(
        default=12.0, gt=0, description="Hours for which work may wait for GPUs before gpu-watch escalates."
    )

    simulator_restart: bool = Field(
        default=False,
        description="Whether an outage of a simulator that an event or simulator-check finds is ended by itself; else planned.",
    )

    @field_validator("gpu_node_prices")
    @classmethod
    def _real_prices(cls, prices: dict[str, float]) -> dict[str, float]:
        wrong = [name for name, price in prices.items() if not 0 <= price < float("inf")]
        if wrong:
            raise ValueError(f"gpu_node_prices has {prices[wrong[0]]} for {wrong[0]!r}; use a price of 0 or more.")
        return prices

    @field_validator("gpu_interrupt")
    @classmethod
    def _only_what_can_wait(cls, names: list[str]) -> list[str]:
        wrong = [name for name in names if name != "non_critical"]
        if wrong:
            raise ValueError(f"gpu_interrupt has {wrong[0]!r}; only non_critical work may be interrupted.")
        return names

    @field_validator("approval")
    @classmethod
    def _every_risk(cls, approval: dict[Risk, Approver]) -> dict[Risk, Approver]:
        """A risk nobody named needs a person."""
        return {risk: approval.get(risk, "person") for risk in _APPROVAL}

    @field_validator("window_days")
    @classmethod
    def _known_days(cls, days: str) -> str:
        names = [day.strip().lower() for day in days.split(",")]
        unknown = [name for name in names if name not in _DAYS]
        if unknown:
            raise ValueError(f"window_days has {unknown[0]!r}; use some of {','.join(_DAYS)}, as in 'mon,tue,wed'.")
        return ",".join(day for day in _DAYS if day in names)

    @field_validator("window_start", "window_end")
    @classmethod
    def _hours_and_minutes(cls, text: str) -> str:
        hours, separator, minutes = text.strip().partition(":")
        if separator and hours.isdigit() and minutes.isdigit() and len(minutes) == 2:
            total = int(hours) * 60 + int(minutes)
            if int(minutes) < 60 and total <= 24 * 60:
                return f"{int(hours):02}:{minutes}"
        raise ValueError(f"{text!r} is not a time of day; use HH:MM from 00:00 to 24:00, as in '22:30'.")

    @field_validator("window_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"window_timezone {name!r} is not known; use a name like 'Europe/Vienna'.") from error
        return name

    @model_validator(mode="after")
    def _window_not_empty(self) -> RemediationPolicy:
        if self.window_start == self.window_end:
            raise ValueError("window_start and window_end are the same; use 00:00 and 24:00 for the whole day.")
        return self

    def open_at(self, when: datetime) -> bool:
        """Whether changes may begin at `when` (with a time zone). The start is inside the window, the end is not.

        A window that ends before it starts goes on after midnight and belongs to the day on which it started.
        """
        if when.tzinfo is None:
            raise ValueError("open_at needs a time with a time zone, as in datetime.now(UTC).")
        local = when.astimezone(ZoneInfo(self.window_timezone))
        minute = local.hour * 60 + local.minute
        first, last = _minutes(self.window_start), _minutes(self.window_end)
        if first < last:
            return first <= minute < last and self._on(local)
        if minute >= first:
            return self._on(local)
        return minute < last and self._on(local - timedelta(days=1))

    def _on(self, day: datetime) -> bool:
        return _DAYS[day.weekday()] in self.window_days.split(",")


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
