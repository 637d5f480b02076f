"""What last worked, by what ran with it: successes and failures of each version, and how sure that makes us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Sureness = Literal["certain", "likely", "unknown"]
CERTAIN_SUCCESSES = 3
"""Successes from which on a former version is `certain`, if the present one has only failed: fewer may be luck."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One execution that has ended, as far as it says something of its version."""

    version: str
    good: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of what is deployed, with what ran of it."""

    id: str
    """What `--to` takes: a workflow's revision, an image's digest, a Deployment's revision."""
    shown: str
    """As a person would know it."""
    succeeded: int = 0
    failed: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None
    serves: bool = False
    """Of a Deployment: as many of its Pods as are wanted, or the last that are left of it, serve now."""
    by_calls: bool = False
    """What ran in its time may have been started by others too: no count of it makes certain."""
    registry: str = ""
    """What the registry says of its images, in a phrase; empty: it was not asked."""
    why_not: str = ""
    """Why it is no target, as a sentence; empty: it may be one."""

    @property
    def works(self) -> bool:
        """Whether the last that ended of it has succeeded."""
        good, bad = self.last_success, self.last_failure
        return good is not None and (bad is None or bad < good)


def with_record(version: Version, ran: Iterable[Ran], ids: Mapping[str, str]) -> Version:
    """The version with what ran of it; `ids` says of which version an execution's own one is."""
    mine = [one for one in ran if ids.get(one.version, one.version) == version.id]
    good, bad = [one.at for one in mine if one.good], [one.at for one in mine if not one.good]
    return replace(
        version,
        succeeded=len(good),
        failed=len(bad),
        last_success=max(good, default=None),
        last_failure=max(bad, default=None),
    )


def last_good(present: Version, former: Iterable[Version]) -> Version | None:
    """What last worked: the present version while it works, else the newest former one that ever succeeded and may be a
    target. None when there is none: nobody guesses."""
    if present.works:
        return present
    if serving := next((one for one in former if one.serves and not present.serves and not one.why_not), None):
        return serving
    return next((one for one in former if one.succeeded and not one.why_not), None)


def sureness(target: Version, present: Version) -> Sureness:
    """How sure it is that the target works."""
    if target.serves and not present.serves:
        return "certain"
    if not target.succeeded:
        return "unknown"
    if target.by_calls:
        return "likely"
    only_failed = present.failed > 0 and present.succeeded == 0
    return "certain" if target.succeeded >= CERTAIN_SUCCESSES and only_failed else "likely"


def sure_words(target: Version, present: Version) -> str:
    """The same in a sentence."""
    sure = sureness(target, present)
    if sure == "unknown":
        return f"Unknown: nothing is known to have succeeded with {target.shown}; you have chosen it."
    if target.serves and not present.serves:
        return f"Certain: Pods of {target.shown} serve now, and those of the present revision never came to it."
    times = "once" if target.succeeded == 1 else f"{target.succeeded} times"
    worked = f"{target.shown} succeeded {times}"
    worked += f", last at {target.last_success:%Y-%m-%d %H:%M} UTC" if target.last_success else ""
    if sure == "certain":
        return f"Certain: {worked}, and the present one has only failed ({present.failed} of {present.failed})."
    now = f"of the present one {present.succeeded} succeeded and {present.failed} failed"
    return f"Likely: {worked}; {now}."
