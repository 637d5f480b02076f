"""What the pipeline's own clean-up has removed by age: expired, which is not lost.

The clean-up deletes by the time of the last write and leaves no trace in the bucket. So an object counts as expired
when it was made longer ago than its class is kept, and of that class nothing is left that is as old; or when the
clean-up's own log, of which a record is kept (`tasks.retention`), names it and nobody has made it again since. What is
younger, or is gone while others of its class and age are still there, is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from blocks.catalogue import Catalogue, Stage
from blocks.catalogue_rules import Retention, kept_as
from blocks.patterns import matches, widen
from tasks.validation.documents.times import payload_time
from tasks.validation.kept_source import SMALL_BYTES, KeptSource
from tasks.validation.source import SceneFile, Vanished
from tasks.validation.stages.attribution import Attribution


class Expiry:
    """Answers for one scene. Everything is worked out when somebody first misses something."""

    def __init__(self, source: KeptSource, catalogue: Catalogue, now: datetime | None = None) -> None:
        """`now`: what ages are counted from; by default the time of day."""
        self._source, self._catalogue = source, catalogue
        self._attribution = Attribution.of(catalogue)
        self._now = now or datetime.now(UTC)
        self._ages: dict[str, timedelta | None] = {}
        self._gone: dict[int, bool] = {}

    def __call__(self, path: str, stage: str = "") -> bool:
        """Whether retention explains that `path` (or a pattern) is not there. `stage`: who made it, if not by rule."""
        kept = kept_as(self._catalogue.retention, path)
        maker = stage or self._attribution.stage_of(path)
        if kept is None or not maker:
            return False
        _, rule = kept
        age = self.age(maker)
        if age is None:
            return False
        if age >= timedelta(days=rule.days) and self._class_gone(rule):
            return True
        return path not in self._source.files() and self.removed_at(path, age) is not None

    def removed_at(self, path: str, age: timedelta = timedelta.max) -> datetime | None:
        """When `path` (or something of a pattern) was removed, as the clean-up's own log says; None when it does not.

        `age`: of what made it. What was removed before that was made again since, and says nothing.
        """
        made = None if age == timedelta.max else self._now - age
        found = (when for name, when in self._removed.items() if matches(path, name) and (made is None or when >= made))
        return max(found, default=None)

    def age(self, stage: str) -> timedelta | None:
        """How long ago a stage made what it made, at least; None when nothing tells."""
        if stage not in self._ages:
            made = self._made(stage)
            self._ages[stage] = None if made is None else self._now - made
        return self._ages[stage]

    @cached_property
    def _removed(self) -> Mapping[str, datetime]:
        return self._source.removed()

    @cached_property
    def _outputs(self) -> dict[str, list[SceneFile]]:
        found: dict[str, list[SceneFile]] = {}
        for path, file in self._source.files().items():
            if maker := self._attribution.maker_of(path):
                found.setdefault(maker, []).append(file)
        return found

    def _made(self, stage: str) -> datetime | None:
        """By its own markers; else by its outputs that are left; else before the first stage that needed it."""
        own = self._told(self._catalogue.stages[stage]) or self._left(stage)
        if own is not None:
            return own
        later = [self._told(spec) or self._left(name) for name, spec in self._later(stage)]
        return min((when for when in later if when is not None), default=None)

    def _later(self, stage: str) -> list[tuple[str, Stage]]:
        needing = {stage}
        for name, spec in self._catalogue.stages.items():  # in the order of the line
            if needing & set(spec.needs):
                needing.add(name)
        return [(name, self._catalogue.stages[name]) for name in needing - {stage}]

    def _told(self, stage: Stage) -> datetime | None:
        paths = [path for name in stage.markers for path in self._catalogue.markers[name].paths]
        return newest(self._written(path) for path in paths if path in self._source.files())

    def _left(self, stage: str) -> datetime | None:
        return newest(file.updated for file in self._outputs.get(stage, ()))

    def _written(self, path: str) -> datetime | None:
        """The later of what the marker says and when it was written: a copy made since would be kept as long again."""
        file = self._source.files()[path]
        if not 0 < file.size <= SMALL_BYTES or file.oddity:
            return file.updated
        try:
            text = self._source.read(path).decode("utf-8", "replace")
        except Vanished:
            return file.updated
        try:
            payload = json.loads(text)
        except (ValueError, RecursionError):
            payload = text
        return newest([payload_time(payload), file.updated])

    def _class_gone(self, rule: Retention) -> bool:
        """Whether nothing of the class is left that is as old as what the clean-up removes."""
        key = id(rule)
        if key not in self._gone:
            border = self._now - timedelta(days=rule.days)
            self._gone[key] = not any(
                file.updated is None or file.updated <= border
                for path, file in self._source.files().items()
                if any(matches(pattern, path) for pattern in rule.patterns)
            )
        return self._gone[key]


def newest(times: Iterable[datetime | None]) -> datetime | None:
    """The latest of the times that are known."""
    return max((when for when in times if when is not None), default=None)


def all_expired(expired: Expiry, catalogue: Catalogue, stage: str) -> bool:
    """Whether retention explains that a stage has left nothing at all."""
    spec = catalogue.stages[stage]
    wanted = [output.path for output in spec.outputs if output.required]
    wanted += [catalogue.markers[name].paths[0] for name in spec.markers if catalogue.markers[name].required]
    return bool(wanted) and all(expired(widen(path), stage) for path in wanted)
