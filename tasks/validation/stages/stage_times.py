"""When each stage was completed, and which of them are older than what they were made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.job import JobFacts
from tasks.validation.documents.times import payload_time, shown
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.stages.markers import Markers

TOLERANCE = timedelta(seconds=2)
"""Stages that are made in one go, and clocks, may differ by this much."""


class StageTimes:
    """Completion times of one scene's stages."""

    def __init__(self, view: SceneUnderTest, places: Places, markers: Markers, job: JobFacts) -> None:
        """`job`: the Genie Sim run has no marker of its own; its record says when it ended."""
        self._view, self._markers, self._job = view, markers, job
        self._places = places
        self._run = view.attribution.stage_of(places.job) if places.job else ""

    def is_done(self, stage: str) -> bool:
        """Whether something says that the stage was completed."""
        if stage == self._run:
            return self._job.done
        return any(self._view.has(path) for path in self._markers.of(stage))

    def completed(self, stage: str) -> datetime | None:
        """When the stage was completed, by what its marker holds."""
        if stage == self._run:
            return self._job.ended if self._job.done else None
        return self._markers.completed(stage)

    def written(self, stage: str) -> datetime | None:
        """When the stage's marker was written, by the listing alone."""
        return self._listed(stage) if stage else None

    def made(self, stage: str) -> datetime | None:
        """When the oldest of a stage's own products was written, where nobody in the cloud marks its completion (usd); None
        for every other stage, and when a product or its time is missing."""
        spec, markers = self._view.catalogue.stages[stage], self._view.catalogue.markers
        if stage == self._run or any(markers[name].required for name in spec.markers):
            return None
        products = [one.path for one in spec.outputs if one.required and not set(one.path) & set("{*")]
        found = [self._view.files[path].updated for path in products if path in self._view.files]
        times = [when for when in found if when is not None]
        return min(times) if times and len(times) == len(products) else None

    def check_stale(self) -> None:
        """Report every stage that was completed before one it was made from.

        Without the full depth the listing's times come first; markers are read only where those look wrong.
        """
        for stage, need in self._pairs():
            if not self._view.deep and not self._suspicious(stage, need):
                continue
            mine, theirs = self.completed(stage), self.completed(need)
            if mine and theirs and theirs - mine > TOLERANCE:
                path = next(iter(self._markers.of(stage)), self._places.job)
                message = f"{stage} was completed at {shown(mine)}, before {need} at {shown(theirs)}."
                self._view.add("stage-stale", path, message, stage=stage)
        self._inputs_newer()

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for need, description in self._view.catalogue.stages.items():
            for stage in description.downstream:
                if self.is_done(stage) and self.is_done(need):
                    yield stage, need

    def _suspicious(self, stage: str, need: str) -> bool:
        mine, theirs = self._listed(stage), self._listed(need)
        return mine is None or theirs is None or theirs - mine > TOLERANCE

    def _listed(self, stage: str) -> datetime | None:
        if stage == self._run:
            job = self._view.files.get(self._places.job)
            return job.updated if job else None
        return self._markers.written(stage)

    def _inputs_newer(self) -> None:
        """A reconstruction that was made anew after the adapter ran on it."""
        path = self._places.scene_info
        if not self._view.deep or not path or not self._view.has(path):
            return
        stage = self._view.stage_of(path)
        made, completed = payload_time(self._view.document(path).value), self.completed(stage)
        if made and completed and made - completed > TOLERANCE:
            message = f"{stage} was completed at {shown(completed)}, before its input {path} at {shown(made)}."
            self._view.add("stage-stale", path, message, at=("generated_at",), stage=stage)
