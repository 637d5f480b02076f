"""A scene of the sandbox's store, read without any server."""

from __future__ import annotations

from deployments.sandbox.pipeline.stage_writers_base import SceneFolder
from tasks.validation.source import Listed, SceneFile


class StoredScene:
    """What a generator has written, as a source of a validation."""

    def __init__(self, folder: SceneFolder, *, dated: bool = True) -> None:
        """`dated`: with the bucket's own times; without them it is as good as a copy in a folder."""
        self.scene_id, self.where = folder.scene_id, "a store"
        cut = len(folder.prefix)
        self._found = {one.name[cut:]: one for one in folder.store.list(folder.bucket, folder.prefix)}
        self._dated = dated

    def files(self) -> Listed:
        """Every object."""
        listed = Listed()
        for path, found in self._found.items():
            listed.add(SceneFile(path, len(found.data), found.updated if self._dated else None, found.generation))
        return listed

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of one object."""
        return self._found[path].data[start:end]
