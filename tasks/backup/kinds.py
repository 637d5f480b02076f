"""What a night's plan is made of. Each action is about many objects and finds by itself what an earlier try has done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from tasks.backup import manifest
from tasks.backup.night import Night
from tasks.remediation.kind import Doing, Kind, Kinds, Params
from tasks.remediation.outcome import Refused


class CopyObjects(Params):
    """The copies of one class."""

    object_class: str
    objects: int
    engine: Literal["copy", "transfer"]


class WriteManifest(Params):
    """The objects that were seen."""

    objects: int
    bytes: int


class Capture(Params):
    """A list: how many it names, and how many of those are new."""

    found: int
    new: int


class WriteSummary(Params):
    """The last object."""

    signed: bool


def night_of(doing: Doing) -> Night:
    """The night of the run. Raises `Refused` when there is none, as in a run that is continued."""
    if not isinstance(doing.run.facts, Night):
        raise Refused("A night is never continued: what it had seen is gone. Run the backup again.")
    return doing.run.facts


def applied(do: Callable[[Night], str]) -> Callable[[Doing, Any], str]:
    """How an action does what is written for the whole night."""
    return lambda doing, _: do(night_of(doing))


copy_objects = Kind(
    name="copy_objects",
    params=CopyObjects,
    effect="write",
    apply=applied(lambda night: night.copies().once()),
    task="rsync_backups",
)
write_manifest = Kind(
    name="write_manifest",
    params=WriteManifest,
    effect="write",
    apply=applied(manifest.write_manifest),
    task="write_records",
)
capture_definitions = Kind(
    name="capture_definitions",
    params=Capture,
    effect="write",
    apply=applied(manifest.capture_definitions),
    task="write_records",
)
capture_terraform = Kind(
    name="capture_terraform",
    params=Capture,
    effect="write",
    apply=applied(manifest.capture_terraform),
    task="write_records",
)
write_summary = Kind(
    name="write_summary",
    params=WriteSummary,
    effect="write",
    apply=applied(manifest.write_summary),
    task="write_records",
)

NIGHT_KINDS: Kinds = (copy_objects, write_manifest, capture_definitions, capture_terraform, write_summary)
