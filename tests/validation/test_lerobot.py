"""LeRobot data sets of all formats: what `meta/` says against what is there."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.validation.bundles import lerobot
from tests.validation.file_makers import mp4, parquet
from tests.validation.scene_builder import IMPORT, Scene, dump, errors_of, healthy, report_of

ROOT = f"{IMPORT}/lerobot"
INFO = f"{ROOT}/meta/info.json"
EPISODES = f"{ROOT}/meta/episodes.jsonl"


def lines(*rows: dict[str, Any]) -> bytes:
    """JSON Lines."""
    return b"".join(dump(row).replace(b"\n", b"") + b"\n" for row in rows)


def second(version: str = "v2.1", **more: object) -> Scene:
    """A scene whose import holds a data set of format 2: two episodes of 3 and 4 frames with one camera."""
    scene = healthy()
    info = {"codebase_version": version, "total_episodes": 2, "total_frames": 7, "fps": 30, "chunks_size": 1000,
            "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
            "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
            "features": {"observation.images.front": {"dtype": "video"}, "action": {"dtype": "float32"}}}  # fmt: skip
    scene[INFO] = dump(info | more)
    scene[EPISODES] = lines({"episode_index": 0, "length": 3}, {"episode_index": 1, "length": 4})
    for index, rows in enumerate((3, 4)):
        scene[f"{ROOT}/data/chunk-000/episode_{index:06d}.parquet"] = parquet(rows)
        scene[f"{ROOT}/videos/chunk-000/observation.images.front/episode_{index:06d}.mp4"] = mp4()
    return scene


def third(digits: int = 3, **more: object) -> Scene:
    """The same in format 3, where a file holds many episodes."""
    scene = healthy()
    info = {"codebase_version": "v3.0", "total_episodes": 2, "total_frames": 7, "fps": 30, "chunks_size": 1000,
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "features": {"observation.images.front": {"dtype": "video"}}}  # fmt: skip
    scene[INFO] = dump(info | more)
    name = f"file-{0:0{digits}d}"
    scene[f"{ROOT}/data/chunk-000/{name}.parquet"] = parquet(7)
    scene[f"{ROOT}/meta/episodes/chunk-000/{name}.parquet"] = parquet(2)
    scene[f"{ROOT}/meta/tasks.parquet"] = parquet(1)
    scene[f"{ROOT}/videos/observation.images.front/chunk-000/{name}.mp4"] = mp4()
    return scene


def found(scene: Scene) -> set[tuple[str, str]]:
    """Code and object of every error."""
    return {(finding.code, finding.object.removeprefix(f"{ROOT}/")) for finding in errors_of(scene)}


@pytest.mark.parametrize(
    "scene",
    [second(), second("v2.0"), second(data_path="data/{episode_chunk}/odd_{nothing}.parquet"), second(chunks_size=0),
     second(video_path=None), third(), third(4), third(total_tasks=5)],
)  # fmt: skip
def test_a_whole_data_set_has_no_error(scene: Scene) -> None:
    assert found(scene) == set()


@pytest.mark.parametrize("lost", [
    "data/chunk-000/episode_000001.parquet", "videos/chunk-000/observation.images.front/episode_000000.mp4",
    "meta/episodes.jsonl",
])  # fmt: skip
def test_a_file_of_format_2_that_is_not_there_is_an_error(lost: str) -> None:
    scene = second()
    del scene[f"{ROOT}/{lost}"]
    assert found(scene) == {("path-dangling", "meta/info.json")}


@pytest.mark.parametrize("lost", ["data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet",
                                  "videos/observation.images.front/chunk-000/file-000.mp4"])  # fmt: skip
def test_a_file_of_format_3_that_is_not_there_is_an_error(lost: str) -> None:
    scene = third()
    del scene[f"{ROOT}/{lost}"]
    assert found(scene) == {("path-dangling", "meta/info.json")}


@pytest.mark.parametrize("total", ["total_episodes", "total_frames"])
@pytest.mark.parametrize("make", [second, third])
def test_a_total_that_does_not_agree_is_an_error(make: Any, total: str) -> None:
    scene = make(**{total: 5})
    assert ("count-mismatch", "meta/info.json") in found(scene)


def test_a_recording_with_other_frames_than_its_episode_is_an_error() -> None:
    scene = second()
    scene[f"{ROOT}/data/chunk-000/episode_000001.parquet"] = parquet(5)
    assert found(scene) == {("count-mismatch", "data/chunk-000/episode_000001.parquet")}


def test_an_episode_that_is_listed_twice_is_an_error() -> None:
    scene = second()
    scene[EPISODES] = lines({"episode_index": 0, "length": 3}, {"episode_index": 0, "length": 4})
    assert found(scene) == {("episodes-differ", "meta/episodes.jsonl")}


def test_a_file_left_out_of_format_3_is_found_where_rows_cannot_be_counted() -> None:
    scene = third()
    encrypted = b"PARE" + bytes(8) + b"\x08\0\0\0PARE"
    for number in (0, 2):
        scene[f"{ROOT}/data/chunk-000/file-00{number}.parquet"] = encrypted
    assert found(scene) == {("path-dangling", "meta/info.json")}


def test_a_description_of_format_3_gives_the_number_of_its_episodes() -> None:
    scene = healthy()
    scene[f"{ROOT}/dataset_info.json"] = dump({"episodes": 2, "total_episodes": 2, "total_frames": 7})
    del scene[f"{ROOT}/episodes.jsonl"]
    codes = {code for code, _ in found(scene)}
    assert not codes & {"field-wrong-type", "count-mismatch", "episodes-differ", "episodes-empty"}


def test_more_lines_than_are_read_are_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lerobot, "MAX_LINES", 1)
    report = report_of(second())
    assert report.healthy
    assert {f.object for f in report.findings if f.severity == "unread"} == {EPISODES, f"{ROOT}/episodes.jsonl"}


def test_an_infinite_number_in_a_recording_is_an_error() -> None:
    scene = healthy()
    scene[f"{IMPORT}/recordings/extra.json"] = b'{"episode_id": "extra", "q": [0.5, NaN]}'
    assert ("document-not-finite", f"{IMPORT}/recordings/extra.json") in found(scene)


@pytest.mark.parametrize("info", [[], 5, {"codebase_version": 3}, {"features": 1, "total_episodes": "2"},
                                  {"codebase_version": "v2.1", "data_path": "{a" * 1000, "total_episodes": 1}])  # fmt: skip
def test_no_description_makes_the_check_raise(info: object) -> None:
    scene = second()
    scene[INFO] = dump(info)
    assert report_of(scene).findings
