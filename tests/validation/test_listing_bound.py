"""A listing that was cut short says nothing of what it left out: not listed is not missing."""

from __future__ import annotations

import pytest

from tasks.validation import source
from tasks.validation.kept_source import KeptSource
from tasks.validation.source import Listed, SceneFile
from tests.validation.scene_builder import IMPORT, MemorySource, healthy, report_of


def listed(paths: list[str]) -> Listed:
    found = Listed()
    for path in paths:
        if not found.add(SceneFile(path, 1)):
            break
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test can reach."""
    monkeypatch.setattr(source, "MAX_OBJECTS", 20)
    monkeypatch.setattr(source, "FEW_OBJECTS", 5)
    monkeypatch.setattr(source, "MOST_OBJECTS", 60)


@pytest.mark.usefixtures("small")
def test_a_crowd_in_one_folder_hides_no_other_folder() -> None:
    found = listed([*(f"a/{n:03d}" for n in range(500)), "usd/scene.usda", "z/last"])
    assert "usd/scene.usda" in found
    assert found.cut == {"a"}


@pytest.mark.usefixtures("small")
def test_where_the_listing_stops_altogether_nothing_is_certain() -> None:
    found = listed([f"{n}/x" for n in range(500)])
    assert len(found) == 60
    assert "" in found.cut


class Crowded(MemorySource):
    """A scene whose folder of recordings holds more than is kept."""

    def files(self) -> Listed:
        """As a bucket lists: in order, with the bounds of the source."""
        found = Listed()
        crowd = [SceneFile(f"{IMPORT}/recordings/x{n:06d}.json", 2) for n in range(1000)]
        for file in sorted([*super().files().values(), *crowd], key=lambda file: file.path):
            if not found.add(file):
                break
        return found

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The crowd is empty objects."""
        return self.data.get(path, b"{}")[start:end]


def test_an_object_of_a_crowded_folder_is_never_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_OBJECTS", 10)
    monkeypatch.setattr(source, "FEW_OBJECTS", 40)
    kept = KeptSource(Crowded(healthy()))
    assert kept.unlisted(f"{IMPORT}/recordings/zzz.json")
    assert kept.unlisted(f"{IMPORT}/recordings/*.json")
    assert not kept.unlisted("usd/scene.usda")


def test_a_scene_that_was_listed_whole_is_certain_of_what_is_missing() -> None:
    scene = healthy()
    del scene["usd/scene.usda"]
    assert report_of(scene).stages["usd"] == "missing"
    assert not KeptSource(MemorySource(scene)).unlisted("usd/scene.usda")
