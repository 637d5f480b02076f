"""The nights of the last weeks as a calendar: was there one, and how was it proved?"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.storage_bulk import BulkStorage
from tasks.backup.findings import ROOT, Verification
from tasks.remediation.grid_picture import Row, State, grid
from tasks.remediation.report import Section
from tasks.snapshots.layout import is_night, night_time
from tasks.snapshots.nights import NightDamaged, nights, read_link

WEEKS = 5
"""Weeks that are shown: one more than nights are looked at by people."""
AT_A_TIME = 8
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Proof = Literal["proved", "captured", "partial", "findings", "damaged", "unread", "none"]
STATES = {
    "proved": State("✓", "good", "verified, nothing found"),
    "captured": State("–", "calm", "captured, not verified"),
    "partial": State("½", "warn", "not everything captured"),
    "findings": State("✗", "bad", "verified, with findings"),
    "damaged": State("!", "bad", "its record is damaged"),
    "unread": State("?", "none", "could not be read"),
    "none": State("·", "none", "no night"),
}
WORST: tuple[Proof, ...] = ("proved", "captured", "partial", "unread", "findings", "damaged")
"""Of several nights of a day the best one is shown: it is the one to restore from."""


@dataclass(frozen=True, slots=True)
class ProvedNight:
    """One night and how it was proved."""

    night: str
    begun_at: datetime
    proof: Proof


def proved_nights(environment: PipelineEnvironment, now: datetime, weeks: int = WEEKS) -> list[ProvedNight]:
    """The nights of the last weeks, oldest first, each with the latest verification of it.

    Raises OutsideError where the nights or the verifications cannot be listed.
    """
    first = now - timedelta(weeks=weeks)
    known = [night for night in nights(environment) if night_time(night) >= first]
    last = latest_verifications(environment, set(known))
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda night: proved_night(environment, night, last.get(night, "")), known))


def latest_verifications(environment: PipelineEnvironment, wanted: set[str]) -> dict[str, str]:
    """The object of the latest verification of each night."""
    found: dict[str, tuple[str, int, str]] = {}
    for page in BulkStorage(environment.storage).pages(environment.ops_bucket, ROOT):
        for entry in page:
            night = entry.name.removeprefix(ROOT).partition("/")[0]
            if is_night(night) and night in wanted:
                one = (entry.updated, entry.generation, entry.name)
                found[night] = max(found.get(night, one), one)
    return {night: name for night, (_, _, name) in found.items()}


def proved_night(environment: PipelineEnvironment, night: str, verification: str) -> ProvedNight:
    """One night: its summary with its signature, and what the verification says."""
    try:
        summary = read_link(environment, night).summary
    except NightDamaged:
        return ProvedNight(night, night_time(night), "damaged")
    except OutsideError:
        return ProvedNight(night, night_time(night), "unread")
    proof: Proof = "captured" if summary.good else "partial"
    if verification:
        try:
            said = Verification.model_validate_json(environment.storage.read(environment.ops_bucket, verification))
        except (ValidationError, NotFound):
            return ProvedNight(night, summary.begun_at, proof)  # as if nobody had looked
        except OutsideError:
            return ProvedNight(night, summary.begun_at, "unread")
        if said.outcome != "clean":
            proof = "findings"
        elif summary.good:
            proof = "proved"
    return ProvedNight(night, summary.begun_at, proof)


def calendar_now(environment: PipelineEnvironment, now: datetime) -> Section:
    """The calendar as it is now, or why it cannot be shown."""
    try:
        return calendar(proved_nights(environment, now), now)
    except OutsideError as error:
        return Section("Backup nights", f"Unknown: {error}")


def calendar(found: Iterable[ProvedNight], now: datetime, weeks: int = WEEKS) -> Section:
    """The picture: a row a week, a cell a day (UTC); days that are still to come have none."""
    days: dict[date, Proof] = {}
    for one in found:
        day = one.begun_at.date()
        days[day] = min(days.get(day, one.proof), one.proof, key=WORST.index)
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    rows = [week(monday - timedelta(weeks=back), today, days) for back in reversed(range(weeks))]
    return Section("Backup nights", picture=grid("Backup nights and how they were proved (UTC)", DAYS, rows, STATES))


def week(monday: date, today: date, days: dict[date, Proof]) -> Row:
    """One row."""
    dates = [monday + timedelta(days=number) for number in range(7)]
    return Row(
        f"week of {monday:%d %B %Y}",
        tuple("" if day > today else days.get(day, "none") for day in dates),
        tuple(f"{day:%d}" for day in dates),
    )
