"""Which stage an object belongs to, from the catalogue alone.

Only what the catalogue says a stage writes (or reads, for inputs) is that stage's: whatever else lies in its folder is
nobody's, and can make no stage corrupt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from blocks.catalogue import Catalogue, Output
from blocks.catalogue_query import class_of, presence_only
from blocks.patterns import matches, widen

Rules = dict[str, list[tuple[str, str]]]
CACHED_PATHS = 50_000
"""Answers that are remembered; scenes have many paths in common."""


class Attribution:
    """Answers for one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Collects the patterns, the most telling first."""
        self._rules = by_head(dict.fromkeys(_rules(catalogue)))
        self._made = by_head(dict.fromkeys(_made(catalogue)))
        self._parts = catalogue.parts
        self._of_jobs = tuple(dict.fromkeys(_job_folders(catalogue)))
        self.stage_of = lru_cache(maxsize=CACHED_PATHS)(self._stage_of)
        self.maker_of = lru_cache(maxsize=CACHED_PATHS)(self._maker_of)
        self.class_of = lru_cache(maxsize=CACHED_PATHS)(partial(class_of, catalogue))

    @classmethod
    def of(cls, catalogue: Catalogue) -> Attribution:
        """The answers for a catalogue, worked out once."""
        known = next((answers for other, answers in _KNOWN if other is catalogue), None)
        if known is None:
            known = cls(catalogue)
            _KNOWN.append((catalogue, known))
        return known

    def _stage_of(self, path: str) -> str:
        """The stage that writes (or, for an input, reads) this object; empty for what the pipeline does not know."""
        return _first(self._rules, path)

    def _maker_of(self, path: str) -> str:
        """The stage that alone makes this object: its being there shows that the stage ran. Else empty."""
        return _first(self._made, path)

    def is_part(self, path: str) -> bool:
        """Whether an object belongs to the scene's USD although no stage is known to write it."""
        return any(matches(pattern, path) for pattern in self._parts)

    def job_of(self, path: str) -> str:
        """The id of the simulation's job in whose folder this object lies; empty outside such folders."""
        for before in self._of_jobs:
            if path.startswith(before):
                return path[len(before) :].partition("/")[0]
        return ""


_KNOWN: deque[tuple[Catalogue, Attribution]] = deque(maxlen=8)


def by_head(rules: Iterable[tuple[str, str]]) -> Rules:
    """The rules by the first part of their pattern; under the empty name those that a wildcard begins.

    Each list keeps the order of the rules, so the first that fits is the same as without the index.
    """
    listed = list(rules)
    heads = {pattern.partition("/")[0] for pattern, _ in listed}
    plain = {head for head in heads if "*" not in head} | {""}
    found: Rules = {}
    for head in plain:
        found[head] = [rule for rule in listed if rule[0].partition("/")[0] == head or "*" in rule[0].partition("/")[0]]
    return found


def _first(rules: Rules, path: str) -> str:
    head = path.partition("/")[0]
    return next((stage for pattern, stage in rules.get(head, rules[""]) if matches(pattern, path)), "")


def located(catalogue: Catalogue, check: str) -> str:
    """Where the catalogue puts the one document of a kind (`manifest`, `layout`, `inventory`).

    A required output counts before an optional one, since two stages may write the same object.
    """
    found = [output for stage in catalogue.stages.values() for output in stage.outputs if output.check == check]
    return min(found, key=lambda output: not output.required).path


def _rules(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    stages = catalogue.stages.items()
    for name, stage in stages:
        yield from ((path, name) for path in _paths(stage.outputs, required=True))
    for name, stage in stages:
        yield from ((path, name) for marker in stage.markers for path in catalogue.markers[marker].paths)
    for name, stage in stages:
        yield from ((widen(path), name) for path in stage.failure_markers)
    for name, stage in stages:
        yield from ((path, name) for path in _paths(stage.inputs, required=True))
        yield from ((path, name) for path in _paths(stage.inputs, required=False))
    for name, stage in stages:
        yield from ((path, name) for path in _paths(stage.outputs, required=False))
    yield from ((lock.path, lock.stage) for lock in catalogue.locks if lock.stage)


def _job_folders(catalogue: Catalogue) -> Iterator[str]:
    """What comes before the id in the folders that are named after a job, e.g. `episodes/geniesim_`."""
    for stage in catalogue.stages.values():
        for output in stage.outputs:
            before, found, _ = output.path.partition("{job_id}")
            if found and before:
                yield before


def _made(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    read = {path for stage in catalogue.stages.values() for path in _paths(stage.inputs) if "*" not in path}
    for name, stage in catalogue.stages.items():
        for output in stage.outputs:
            shared = any(
                output.path == other.path
                for other_name, other_stage in catalogue.stages.items()
                for other in other_stage.outputs
                if other_name != name and not output.required
            )
            if output.path not in read and not shared and output.check != "gate_report":
                yield from ((widen(path), name) for path in (output.path, *output.or_paths))


def _paths(outputs: tuple[Output, ...], required: bool | None = None) -> Iterator[str]:
    for output in outputs:
        if required in (None, output.required):
            paths = (output.path, *output.or_paths)
            yield from (widen(path) for path in paths if not presence_only(path))
