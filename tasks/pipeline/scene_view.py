"""One scene as the data bucket holds it. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from blocks.catalogue import SCENE_ID
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from tasks.pipeline.retention_record import removed_of
from tasks.validation.source import BucketSource, Listed


class SceneView(BucketSource):
    """A scene as the bucket holds it, but without the locks that are known to be stale."""

    hidden: frozenset[str] = frozenset()
    """Paths that are left out."""
    environment: PipelineEnvironment | None = None
    """Whose records tell what retention has removed; None: nobody asks them."""

    def removed(self) -> Mapping[str, datetime]:
        """What the pipeline's own retention is recorded to have removed, and when. Asked when something is missed."""
        return removed_of(self.environment, self.scene_id) if self.environment is not None else {}

    def files(self) -> Listed:
        """All files but the hidden ones."""
        return super().files().only(lambda file: None if file.path in self.hidden else file)


def scene_view(environment: PipelineEnvironment, scene_id: str) -> SceneView:
    """The scene in the data bucket. Raises PermanentError for anything that is not a plain scene id."""
    if not SCENE_ID.fullmatch(scene_id):
        raise PermanentError(
            f"{scene_id!r} is not a scene id: name one scene with letters, digits, '_' or '-', as in 'kitchen_001'."
        )
    prefix = environment.catalogue.scene_prefix(scene_id)
    view = SceneView(environment.storage, environment.data_bucket, scene_id, prefix)
    view.environment = environment
    return view
