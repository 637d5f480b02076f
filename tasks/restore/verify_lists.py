"""Proof: what the bucket holds now under the names of a list, and whether that is what was to be restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from tasks.actions.object_lists import ListName, holds, live_now, parts, planned_parts, read_done
from tasks.remediation.kind import Doing
from tasks.restore.list_parts import ObjectList
from tasks.validation.scene import validate_scene
from tasks.validation.source import BucketSource, Listed, SceneFile

NAMED = 5
"""Objects that an error names; it counts all."""


def apply_verify(doing: Doing, params: ObjectList) -> str:
    """Size and checksum of every restored object, then the scene's validation if it is about a whole one.

    Raises:
        PermanentError: an object is missing or has other bytes, or one that was restored is itself broken.
    """
    environment, run, which = doing.context.environment, doing.journal.run, params.list
    wrong: list[str] = []
    good = changed = 0
    for number, items in planned_parts(environment, run, which, params.sha256):
        done = {one.name: one for one in read_done(environment, run, which, number) or ()}
        for item, entry in live_now(environment, items):
            ours = done.get(item.name)
            if holds(item, entry):
                good += 1
            elif ours is not None and entry is not None and entry.generation > ours.generation:
                changed += 1  # somebody has written it since, or wrote it before us
            else:
                wrong.append(item.name)
    if wrong:
        raise PermanentError(f"{len(wrong):,} restored objects are not as they should be: {', '.join(wrong[:NAMED])}.")
    if params.whole_scene:
        refuse_broken(doing, params)
    rest = f", {changed:,} were written by somebody else meanwhile" if changed else ""
    return f"{good:,} objects have the wanted size and checksum{rest}"


def refuse_broken(doing: Doing, params: ObjectList) -> None:
    """Raise when validation says that an object this run restored is broken: that time was not a good one."""
    restored = restored_times(doing, params.scene, ("data",) if params.list == "data" else ("data", "markers"))
    errors = scene_errors(doing.context.environment, params.scene, restored)
    own = {path: message for path, message in errors.items() if path in restored}
    if own:
        path, message = next(iter(own.items()))
        raise PermanentError(
            f"{len(own)} restored objects are as they were at that time, but broken: {path}: {message.rstrip('.')}. "
            "Restore an earlier time."
        )


def restored_times(doing: Doing, scene_id: str, lists: tuple[ListName, ...]) -> dict[str, str]:
    """When the wanted version of each object of these lists was written, by path. Bounded by a scene's size."""
    environment, run = doing.context.environment, doing.journal.run
    prefix = environment.catalogue.scene_prefix(scene_id)
    found: dict[str, str] = {}
    for which in lists:
        for _, items in parts(environment, run, which):
            found |= {item.name.removeprefix(prefix): item.updated for item in items}
    return found


class DatedSource(BucketSource):
    """A scene whose restored objects have the times they were first written at, as they had before the restore."""

    times: Mapping[str, str]
    """By path: RFC 3339."""

    def files(self) -> Listed:
        """All files, each with the time that says something of it."""

        def dated(file: SceneFile) -> SceneFile:
            when = self.times.get(file.path)
            return file if when is None else replace(file, updated=datetime.fromisoformat(when))

        return super().files().only(dated)


def scene_errors(
    environment: PipelineEnvironment, scene_id: str, times: Mapping[str, str], bucket: str = "", root: str = ""
) -> dict[str, str]:
    """The first error of each object of a scene, by its path.

    Args:
        environment: The pipeline.
        scene_id: The scene.
        times: When its restored objects were first written, by path.
        bucket: Where it is, if not in the data bucket.
        root: What comes before its usual place there.
    """
    place = root + environment.catalogue.scene_prefix(scene_id)
    source = DatedSource(environment.storage, bucket or environment.data_bucket, scene_id, place)
    source.times = times
    report = validate_scene(source, environment.catalogue, "full")
    errors: dict[str, str] = {}
    for finding in report.findings:
        if finding.severity == "error":
            errors.setdefault(finding.object, finding.message)
    return errors
