"""Reading what the nights have recorded: summary, then parts, then (elsewhere) the copies.

Nothing is believed unseen. A summary counts when its signature is right and the night after it names its
SHA-256, as each does of the one before. A part counts when its SHA-256 is the summary's, and none of it is used before that is known.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from gzip import GzipFile
from typing import IO, Any, cast

import orjson
from pydantic import ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from blocks.storage_bulk import BulkStorage
from tasks.snapshots.layout import SUMMARY, Layout, is_night, layout_of, night_time
from tasks.snapshots.summary import (
    DefinitionRecord,
    ManifestEntry,
    Part,
    StateRecord,
    Summary,
    body_of,
    parse_entry,
    signed_by,
)
from tasks.sync.copy_names import stem
from tasks.sync.key_ranges import KeyRange

__all__ = ["ManifestEntry", "NightDamaged", "Part", "Summary"]

CHUNK = 8 << 20
"""Bytes of a part that are asked for at a time."""
IN_MEMORY = 1 << 20
"""Bytes of a part that are held in memory while it is read; what is more goes to a temporary file."""
BUMPED = timedelta(hours=1)
"""A night's id may be a little later than its beginning, when two began within a second."""


class NightDamaged(PermanentError):
    """A night's record is forged, altered or incomplete. Nothing of that night is used."""


@dataclass(frozen=True, slots=True)
class Link:
    """One summary as it is in the bucket."""

    summary: Summary
    sha256: str


def nights(environment: PipelineEnvironment) -> list[str]:
    """The nights that have a summary, oldest first. Raises `NotFound` when there is no such bucket."""
    layout = layout_of(environment)
    root, end = layout.nights_root, f"/{SUMMARY}"
    names = (
        entry.name[len(root) : -len(end)]
        for page in BulkStorage(environment.storage).pages(layout.bucket, root)
        for entry in page
        if entry.name.endswith(end)
    )
    return sorted(name for name in names if is_night(name))


def read_summary(environment: PipelineEnvironment, night: str, known: list[str] | None = None) -> Summary:
    """A night's summary, its signature and its place in the chain checked.

    Args:
        environment: The pipeline.
        night: The night.
        known: All nights, if they have been listed already.

    Raises:
        NotFound: there is no such night.
        NightDamaged: it is forged or altered, or it is no link of the chain.
    """
    found = nights(environment) if known is None else known
    link = read_link(environment, night)
    after = next_link(environment, found[found.index(night) + 1 :] if night in found else [])
    if after is not None and (problem := disowned(link, after.summary)):
        raise NightDamaged(problem)
    return link.summary


def next_link(environment: PipelineEnvironment, later: list[str]) -> Link | None:
    """The first of these nights that can testify about the one before it; None when there is none.

    With a key, a night that is not signed by it says nothing: else whoever can add one object could spoil the night
    before it. Without one only the chain protects, and a damaged night raises `NightDamaged`.
    """
    for night in later:
        try:
            return read_link(environment, night)
        except NightDamaged:
            if not environment.backup.signing_key.get_secret_value():
                raise
    return None


def read_link(environment: PipelineEnvironment, night: str) -> Link:
    """A summary, its signature checked. Raises `NotFound`, `NightDamaged`."""
    layout, key = layout_of(environment), environment.backup.signing_key
    name = layout.summary_name(night)
    body = environment.storage.read(layout.bucket, name)
    try:
        summary = Summary.model_validate_json(body)
    except ValidationError as error:
        raise NightDamaged(f"Night {night}: gs://{layout.bucket}/{name} is no summary; look at it.") from error
    if summary.night != night or body_of(summary) != body:
        raise NightDamaged(f"Night {night}: its summary was written for another night, or by somebody else.")
    if key.get_secret_value() and not signed_by(summary, key):
        how = "has a wrong signature" if summary.signature else "is not signed"
        raise NightDamaged(
            f"Night {night}: its summary {how}. Do not restore from it; find out who wrote gs://{layout.bucket}/{name}."
        )
    return Link(summary, hashlib.sha256(body).hexdigest())


def disowned(link: Link, after: Summary) -> str:
    """Why a night is no link of the chain, by what the night after it says; empty when it is one.

    When that night names one between them, which has expired, nothing is said of this one.
    """
    night = link.summary.night
    if after.previous_night > night:
        return ""
    if after.previous_night < night:
        return f"Night {night} is not in the chain: the night after it, {after.night}, does not know it."
    return "" if after.previous == link.sha256 else f"Night {night}: its summary was altered after it was written."


def last_good(environment: PipelineEnvironment, before: datetime | None = None) -> Summary | None:
    """The newest night (begun before that time) that captured everything; None when there is none.

    Raises `NightDamaged` when a night that would have to be looked at is.
    """
    return last_of(environment, lambda summary: summary.good and (before is None or summary.begun_at < before))


def last_of(environment: PipelineEnvironment, enough: Callable[[Summary], bool]) -> Summary | None:
    """The newest night that is good enough. Raises as `last_good`."""
    known = nights(environment)
    found = (read_summary(environment, night, known) for night in reversed(known))
    return next(filter(enough, found), None)


def night_at(environment: PipelineEnvironment, when: datetime) -> Summary | None:
    """The newest night that began at or before `when`, complete or not; None when there is none.

    Its beginning decides, not its name: after a night whose clock was ahead, names are ahead too. Raises `NightDamaged`
    when that night is; one whose name is later does not matter.
    """
    known = nights(environment)
    for night in reversed(known):
        try:
            summary = read_summary(environment, night, known)
        except NightDamaged:
            if night_time(night) <= when + BUMPED:
                raise
            continue
        if summary.begun_at <= when:
            return summary
    return None


def read_entries(
    environment: PipelineEnvironment, summary: Summary, prefix: str = "", key_range: KeyRange | None = None
) -> Iterator[ManifestEntry]:
    """The objects of a night in the order of their copies, streamed.

    Args:
        environment: The pipeline.
        summary: The night.
        prefix: Only names that begin so; other parts are not read.
        key_range: Only names in this range.

    Raises:
        NightDamaged: a part is missing, or is not what the summary says.
    """
    low, high = key_range or KeyRange()
    for part in summary.parts:
        if not part.objects or not may_hold(part, prefix) or part.last < low or (high and part.first >= high):
            continue
        with opened(environment, summary.night, part) as lines:
            for line in lines:
                entry = parse_entry(line)
                if entry.name.startswith(prefix) and entry.name >= low and not (high and entry.name >= high):
                    yield entry


def may_hold(part: Part, prefix: str) -> bool:
    """Whether names that begin with `prefix` can be in a part, whose first and last name are known in copy order."""
    first, last, wanted = map(stem, (part.first, part.last, prefix))
    return (first <= wanted or first.startswith(wanted)) and (last >= wanted or wanted.startswith(last))


def read_definitions(environment: PipelineEnvironment, summary: Summary) -> list[DefinitionRecord]:
    """What was deployed that night. Raises `NightDamaged`."""
    return [DefinitionRecord.model_validate(line) for line in read_list(environment, summary, summary.definitions)]


def read_states(environment: PipelineEnvironment, summary: Summary) -> list[StateRecord]:
    """Terraform's state generations that night. Raises `NightDamaged`."""
    return [StateRecord.model_validate(line) for line in read_list(environment, summary, summary.terraform)]


def read_list(environment: PipelineEnvironment, summary: Summary, part: Part | None) -> list[Any]:
    """The lines of one of the small lists."""
    if part is None:
        return []
    with opened(environment, summary.night, part) as lines:
        return [orjson.loads(line) for line in lines]


@contextmanager
def opened(environment: PipelineEnvironment, night: str, part: Part) -> Iterator[GzipFile]:
    """A part's lines, once all of it has been fetched and its SHA-256 found right."""
    layout = layout_of(environment)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        if fetch(environment, layout, night, part, cast(IO[bytes], spool)) != part.sha256:
            raise NightDamaged(
                f"Night {night}: gs://{layout.bucket}/{part.object} is not what the summary says; use another night."
            )
        spool.seek(0)
        with GzipFile(fileobj=cast(IO[bytes], spool), mode="rb") as lines:
            yield lines


def fetch(environment: PipelineEnvironment, layout: Layout, night: str, part: Part, spool: IO[bytes]) -> str:
    """Write a part's bytes to `spool`; their SHA-256."""
    digest, start = hashlib.sha256(), 0
    try:
        while start < part.bytes:
            data = environment.storage.read(layout.bucket, part.object, start=start, end=min(start + CHUNK, part.bytes))
            if not data:
                break
            digest.update(data)
            spool.write(data)
            start += len(data)
    except NotFound as error:
        raise NightDamaged(
            f"Night {night}: gs://{layout.bucket}/{part.object} is missing; use another night."
        ) from error
    return digest.hexdigest()
