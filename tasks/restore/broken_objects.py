"""Whether validation calls a live object broken. Scenes are validated only when one of their objects differs."""

from __future__ import annotations

from blocks.catalogue_query import split_scene
from blocks.environment import PipelineEnvironment
from tasks.validation.scene import validate_scene
from tasks.validation.source import BucketSource


class Damaged:
    """Answers for one range of names. Names of a scene come together, so the last scene's verdict is remembered."""

    def __init__(self, environment: PipelineEnvironment) -> None:
        """`environment`: where the scenes are."""
        self._environment = environment
        self._scene_id = ""
        self._broken: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        """Whether the live object of that name has an error of its own. Objects outside every scene never do."""
        scene_id, path = split_scene(self._environment.catalogue, name)
        if scene_id is None:
            return False
        if scene_id != self._scene_id:
            self._scene_id, self._broken = scene_id, self._errors(scene_id)
        return path in self._broken

    def _errors(self, scene_id: str) -> frozenset[str]:
        environment = self._environment
        prefix = environment.catalogue.scene_prefix(scene_id)
        source = BucketSource(environment.storage, environment.data_bucket, scene_id, prefix)
        report = validate_scene(source, environment.catalogue, "full")
        return frozenset(one.object for one in report.findings if one.severity == "error")
