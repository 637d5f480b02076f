"""What the pipeline's own retention has removed, as its log said: a chain of small entries for each scene.

    remediation/retention/scenes/<scene>/000001.json

Each entry names some of the scene's objects that one run of the clean-up removed. The clean-up leaves no trace in the data
bucket, and its log is kept for thirty days only (Google: `_Default` bucket of Cloud Logging); this is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from pydantic import JsonValue

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PermanentError
from tasks.remediation.ledger import Entry, Ledger, LedgerDamaged

ROOT = "remediation/retention/"
EACH = 500
"""Objects that one entry names at most, so that entries stay below 100 kB."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One object that the clean-up removed."""

    scene: str
    path: str
    """Relative to the scene."""
    kept_as: str
    """The class it was removed as, as in `intermediate`."""
    days: int
    """How long that class is kept; 0: the log did not say."""
    removed_at: datetime
    last_modified: str = ""
    """As the log gives it."""


def ledger_of(environment: PipelineEnvironment, scene_id: str, actor: str) -> Ledger:
    """The record of a scene, with nothing of it read."""
    return Ledger(environment.storage, environment.ops_bucket, f"{ROOT}scenes/{scene_id}/", scene_id, actor)


def removed_of(environment: PipelineEnvironment, scene_id: str) -> Mapping[str, datetime]:
    """When each object of a scene was last removed. Empty when nothing is recorded, or the record cannot be trusted or
    may not be read: then a scene is judged by the ages of what is left, as ever.

    Raises `TemporaryError` when the ops bucket does not answer now: what expired would be told lost, and made again.
    """
    if not environment.ops_bucket:
        return {}
    chain = ledger_of(environment, scene_id, "")
    with suppress(PermanentError, LedgerDamaged):
        chain.read()
        return latest(chain.entries)
    return {}


def record(environment: PipelineEnvironment, actor: str, scene_id: str, removals: Iterable[Removal]) -> int:
    """Add what is not in the scene's record yet; how much that is.

    Raises `LedgerTaken` when somebody else records it at the same time, `LedgerDamaged` when its chain is broken.
    """
    chain = ledger_of(environment, scene_id, actor)
    with suppress(NotFound):
        chain.read()
    known = {(path, when) for entry in chain.entries for path, when in removed_in(entry)}
    new = {(one.path, one.removed_at): one for one in removals if (one.path, one.removed_at) not in known}
    ordered = sorted(new.values(), key=lambda one: (one.removed_at, one.path))
    for when, of_one_run in groupby(ordered, key=lambda one: one.removed_at):
        listed = list(of_one_run)
        for start in range(0, len(listed), EACH):
            chain.append("removed", said(when, listed[start : start + EACH]))
    return len(new)


def said(when: datetime, removals: Sequence[Removal]) -> dict[str, JsonValue]:
    """What an entry says."""
    objects: dict[str, JsonValue] = {
        one.path: {"class": one.kept_as, "days": one.days, "last_modified": one.last_modified} for one in removals
    }
    return {"removed_at": when.isoformat(), "objects": objects}


def removed_in(entry: Entry) -> Iterator[tuple[str, datetime]]:
    """Every object that an entry names, and when it was removed. What another version wrote otherwise names none."""
    objects, when = entry.data.get("objects"), entry.data.get("removed_at")
    if entry.kind == "removed" and isinstance(objects, dict) and isinstance(when, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(when)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            yield from ((path, moment) for path in objects)


def latest(entries: Iterable[Entry]) -> dict[str, datetime]:
    """By path, the last removal."""
    found: dict[str, datetime] = {}
    for entry in entries:
        for path, when in removed_in(entry):
            found[path] = max(when, found.get(path, when))
    return found
