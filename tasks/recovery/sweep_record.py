"""What the last sweep has seen, for whoever asks later without looking at ten thousand scenes again.

    remediation/sweep.jsonl      replaced by each sweep; the bucket keeps its former versions

The first line says when and how many; each line after it is a scene that is broken, could not be read, or is stopped by a
person or by the pipeline itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError, PreconditionFailed

if TYPE_CHECKING:
    from tasks.recovery.sweep import Verdict

NAME = "remediation/sweep.jsonl"
KIND = "application/x-ndjson"
Kind = Literal["broken", "unseen", "stopped"]


class Line(BaseModel):
    """Read-only; what a newer version has written beside the fields is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Seen(Line):
    """The first line."""

    at: AwareDatetime
    """When the sweep began."""
    scenes: int
    """How many it has looked at."""
    broken: int
    unseen: int


class Bad(Line):
    """One thing that somebody should know of a scene."""

    scene_id: str
    kind: Kind
    fault: str = ""
    what: str = ""
    """The first error, why it could not be read, or what stops it."""
    since: AwareDatetime
    """The first of the sweeps that have seen it so without a break."""
    stages: dict[str, str] = Field(default_factory=dict)


class SweepRecord(Line):
    """All of it."""

    seen: Seen
    bad: tuple[Bad, ...] = ()


def write_sweep(environment: PipelineEnvironment, at: datetime, scenes: int, bad: Iterable[Verdict]) -> None:
    """Keep what a sweep has seen. One that began earlier and ends later than another does not replace what that has written.

    Raises OutsideError.
    """
    storage, bucket = environment.storage, environment.ops_bucket
    there = storage.stat(bucket, NAME)
    before = parsed(storage.read(bucket, NAME, generation=there.generation)) if there is not None else None
    if before is not None and before.seen.at > at:
        return
    body = lines(at, scenes, bad, before)
    with suppress(PreconditionFailed):  # another sweep has written its own just now
        if there is None:
            storage.create(bucket, NAME, body, content_type=KIND)
        else:
            storage.replace(bucket, NAME, body, generation=there.generation, content_type=KIND)


def lines(at: datetime, scenes: int, bad: Iterable[Verdict], before: SweepRecord | None) -> bytes:
    """The record. A scene that was bad before is so since then."""
    since = {(one.scene_id, one.kind): one.since for one in (before.bad if before is not None else ())}
    found = [one.model_copy(update={"since": since.get((one.scene_id, one.kind), at)}) for one in told(bad, at)]
    count = Counter(one.kind for one in found)
    seen = Seen(at=at, scenes=scenes, broken=count["broken"], unseen=count["unseen"])
    return b"".join(one.model_dump_json().encode() + b"\n" for one in (seen, *found))


def told(verdicts: Iterable[Verdict], at: datetime) -> Iterator[Bad]:
    """What the verdicts say."""
    for one in verdicts:
        if one.unseen:
            yield Bad(scene_id=one.scene_id, kind="unseen", what=one.unseen, since=at)
        elif not one.healthy:
            yield Bad(
                scene_id=one.scene_id, kind="broken", fault=one.fault, what=one.first, since=at, stages=one.stages
            )
        if one.stopped:
            yield Bad(scene_id=one.scene_id, kind="stopped", what=one.stopped, since=at)


def read_sweep(environment: PipelineEnvironment) -> SweepRecord | None:
    """What the last sweep has seen; None when there was none.

    Raises:
        PermanentError: the object is no such record.
        OutsideError: it could not be asked.
    """
    try:
        found = parsed(environment.storage.read(environment.ops_bucket, NAME))
    except NotFound:
        return None
    if found is None:
        raise PermanentError(
            f"gs://{environment.ops_bucket}/{NAME} is no record of a sweep; the next sweep writes it anew."
        )
    return found


def parsed(body: bytes) -> SweepRecord | None:
    """The record in an object; None when it is none."""
    first, *rest = body.splitlines() or [b""]
    try:
        seen = Seen.model_validate_json(first)
        return SweepRecord(seen=seen, bad=tuple(Bad.model_validate_json(line) for line in rest))
    except ValidationError:
        return None


def now() -> datetime:
    """The moment, to the second, as it is recorded."""
    return datetime.now(UTC).replace(microsecond=0)
