"""Progress of a long copy as an artifact: objects, bytes, rate and time left."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from tasks.sync.progress import Progress


def show_bytes(key: str) -> Callable[[Progress], None]:
    """A progress artifact that follows what is told, from whatever thread. It never fails what it shows."""
    artifact = create_progress_artifact(progress=0.0, key=f"{key}-progress", description="Not begun")
    here, logger = contextvars.copy_context(), get_run_logger()

    def update(progress: Progress) -> None:
        if isinstance(artifact, UUID):
            update_progress_artifact(artifact, progress=progress.percent, description=progress.sentence())

    def show(progress: Progress) -> None:
        try:
            here.copy().run(update, progress)
        except Exception as error:
            logger.warning("The progress could not be shown: %s", error)

    return show
