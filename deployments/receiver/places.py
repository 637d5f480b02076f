"""The places of a scene where a stop may stand, asked one by one: as quick for 200,000 objects as for two hundred.

A guard whose place is a pattern (`**/...`) is left to the recovery, which lists the whole scene anyway.
"""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from tasks.pipeline.stops import settings_of
from tasks.validation.source import BucketSource, Listed, SceneFile
from tasks.validation.stages.guards import named_paths


class Places(BucketSource):
    """A scene of which nothing is seen but its settings and its stops."""

    def __init__(self, environment: PipelineEnvironment, scene_id: str) -> None:
        """Raises ValueError for anything that is not a plain scene id."""
        prefix = environment.catalogue.scene_prefix(scene_id)
        super().__init__(environment.storage, environment.data_bucket, scene_id, prefix)
        self._catalogue = environment.catalogue

    def listed(self) -> Listed:
        """The settings, and the stops that stand at their usual place or where the settings put them."""
        if self._files is None:
            self._files = Listed()
            self._look(self._catalogue.settings)
            named = named_paths(self._catalogue, self.scene_id, settings_of(self, self._catalogue.settings))
            guards = (guard for guard in self._catalogue.guards if not guard.bucket_wide)
            usual = [path for guard in guards for path in guard.paths if "*" not in path]
            for path in {*usual, *(path for path in named if not path.startswith("/"))}:
                self._look(path)
        return self._files

    def _look(self, path: str) -> None:
        found = self._storage.stat(self._bucket, self._prefix + path)
        if found is not None and self._files is not None:
            self._files.add(SceneFile(path, found.size, found.updated, found.generation, found.crc32c))
