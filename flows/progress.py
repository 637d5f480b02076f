"""Progress of a long copy as an artifact: objects, bytes, rate and time left."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.sync.meter import Progress


def show_bytes(key: str) -> Callable[[Progress], None]:
    """A progress artifact that follows what is told."""
    artifact = create_progress_artifact(progress=0.0, key=f"{key}-progress", description="Not begun")

    def show(progress: Progress) -> None:
        if isinstance(artifact, UUID):
            update_progress_artifact(artifact, progress=progress.percent, description=progress.sentence())

    return show
