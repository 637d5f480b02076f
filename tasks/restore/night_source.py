"""A scene as a night holds it, read from its copies: to look at it without restoring it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.restore.versions import Recorded
from tasks.snapshots.layout import layout_of
from tasks.validation.scene import validate_scene
from tasks.validation.source import SceneFile, Vanished


class NightSource:
    """What a night recorded of one scene. A copy that is gone is an object that is not there."""

    def __init__(self, environment: PipelineEnvironment, scene_id: str, records: Sequence[Recorded]) -> None:
        """`records`: everything the night has of that scene."""
        self._storage, self._bucket = environment.storage, layout_of(environment).bucket
        self._id, self._prefix = scene_id, environment.catalogue.scene_prefix(scene_id)
        self._copies = {
            one.entry.name[len(self._prefix) :]: (one.entry, one.copy) for one in records if one.copy is not None
        }

    @property
    def scene_id(self) -> str:
        """The scene."""
        return self._id

    @property
    def where(self) -> str:
        """The bucket of the copies."""
        return f"gs://{self._bucket}/"

    def files(self) -> dict[str, SceneFile]:
        """Every object, with the size and time it had at its source."""
        return {
            path: SceneFile(path, entry.size, datetime.fromisoformat(entry.updated), entry.generation, entry.crc32c)
            for path, (entry, _) in self._copies.items()
            if path and not path.endswith("/")
        }

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes [start, end) of the copy of one object. Raises `Vanished`."""
        _, copy = self._copies[path]
        try:
            return self._storage.read(self._bucket, copy.name, generation=copy.generation, start=start, end=end)
        except NotFound as error:
            raise Vanished(f"the copy of {path} was deleted while it was read") from error


def was_whole(environment: PipelineEnvironment, scene_id: str, records: Sequence[Recorded]) -> bool:
    """Whether a scene as a night holds it is healthy: all that it is judged by was read, and nothing is wrong."""
    return validate_scene(NightSource(environment, scene_id, records), environment.catalogue, "full").healthy is True
