"""Guards: objects by which a person, or the pipeline itself, stops work. They are no data and no fault of the scene."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.catalogue import Catalogue
from blocks.catalogue_rules import Guard
from blocks.patterns import matches
from tasks.validation.documents.json_values import text
from tasks.validation.documents.quoting import show
from tasks.validation.documents.times import parse_time, shown
from tasks.validation.scene_under_test import SceneUnderTest

OPENED = ("opened_at", "last_failure_at", "last_failure_time", "updated_at")
"""Where a circuit breaker says since when it is open; the first one that holds a time counts."""
WRONG_CLOCK = timedelta(days=1)
"""A breaker that was opened so far in the time to come says nothing of when it ends."""
PAUSED_BY = "remediation_run"
"""Key under which an object of the pipeline's own pause names the pause of intake that wrote it."""


@dataclass(frozen=True)
class Stop:
    """What one guard says now."""

    path: str
    sentence: str
    stages: tuple[str, ...]
    """What it stops; empty means every stage."""
    active: bool
    """False: it is there, but does not stop anything now."""

    def stops(self, stages: set[str]) -> bool:
        """Whether it stands in the way of any of these stages."""
        return self.active and (not self.stages or bool(stages & set(self.stages)))


def check_guards(view: SceneUnderTest) -> None:
    """Report what stops work on this scene."""
    setting = view.document(view.catalogue.settings).value if view.has(view.catalogue.settings) else None
    named = named_paths(view.catalogue, view.scene_id, setting)
    for path in view.files:
        known = view.attribution.class_of(path) == "guard"
        guard = named.get(path) or (guard_of(view.catalogue, path) if known else None)
        if guard is None:
            continue
        data = view.data(path) if view.files[path].size else b""
        stop = judge(guard, path, data)
        if stop is not None:
            view.add("work-stopped" if stop.active else "work-on-probation", path, stop.sentence)


def guard_of(catalogue: Catalogue, path: str) -> Guard | None:
    """The guard that an object of a scene is, None for everything else."""
    guards = (guard for guard in catalogue.guards if not guard.bucket_wide)
    return next((guard for guard in guards if any(matches(pattern, path) for pattern in guard.paths)), None)


def named_paths(catalogue: Catalogue, scene_id: str, options: object) -> dict[str, Guard]:
    """Guards that the scene's settings, or an execution's argument, put elsewhere: by their path within the scene.

    A place outside the scene is given by its full name in the bucket, with a leading `/`.
    """
    found = {}
    root = catalogue.scene_root.format(scene_id=scene_id)
    for guard in catalogue.guards:
        raw = text(options.get(guard.argument_key)) if guard.argument_key and isinstance(options, Mapping) else None
        if raw:
            name = re.sub(r"^gs://[^/]+/", "", raw).lstrip("/")
            inside = name.startswith(root) or not name.startswith(root.partition("/")[0] + "/")
            found[name.removeprefix(root) if inside else f"/{name}"] = guard
    return found


def judge(guard: Guard, path: str, data: bytes | None, now: datetime | None = None) -> Stop | None:
    """What a guard that is there says; None when it says that nothing is stopped.

    One that cannot be read stops: whoever put it there meant something.
    """
    where = show(path)[1:-1]
    stopped = Stop(path, f"{where} {guard.meaning}.", guard.stages, True)
    record = _record(data)
    if guard.kind == "pause" and record is not None and (run := text(record.get(PAUSED_BY))):
        message = (
            f"{where} was set by the pause of intake {run}: until that is resumed nothing begins by itself. It stops no"
        )
        return Stop(path, f"{message} recovery.", guard.stages, False)
    if guard.kind == "stop" or path.endswith("/.paused"):
        return stopped
    if record is None:
        return Stop(path, f"{where} cannot be read, so it counts as a stop. It {guard.meaning}.", guard.stages, True)
    if guard.kind == "pause":
        return stopped if record.get("paused") is True else None
    return _breaker(guard, path, record, now or datetime.now(UTC))


def _breaker(guard: Guard, path: str, record: Mapping[str, object], now: datetime) -> Stop | None:
    where = show(path)[1:-1]
    word = (text(record.get("status")) or text(record.get("state")) or "").lower()
    if word == "closed":
        return None
    opened = next((when for name in OPENED if (when := parse_time(record.get(name))) is not None), None)
    until = None
    if opened is not None and opened - now < WRONG_CLOCK:
        until = opened + timedelta(seconds=guard.recovery_seconds)
    reason = text(record.get("last_failure_reason"))
    cause = f" The last failure was {show(reason)}." if reason else ""
    if word in ("half_open", "half-open") or (word == "open" and until is not None and now >= until):
        message = f"{where} is half-open{f' since {shown(until)}' if until else ''}: the next run is a probe; if it "
        message += f"succeeds the circuit breaker closes, if it fails it opens again.{cause}"
        return Stop(path, message, guard.stages, False)
    since = f" It opened at {shown(opened)} and lets a probe through at {shown(until)}." if opened and until else ""
    return Stop(path, f"{where} {guard.meaning}.{since}{cause}", guard.stages, True)


def _record(data: bytes | None) -> Mapping[str, object] | None:
    try:
        value = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def bucket_guards(catalogue: Catalogue) -> Iterator[tuple[str, Guard]]:
    """Names of guards that stand outside every scene."""
    for guard in catalogue.guards:
        if guard.bucket_wide:
            yield from ((path, guard) for path in guard.paths)
