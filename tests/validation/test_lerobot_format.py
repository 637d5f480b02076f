"""What LeRobot's own loader asks beside the totals: each is a warning, since the pipeline reads none of it."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.validation.bundles.lerobot_meta import check_datasets
from tests.validation.file_makers import parquet
from tests.validation.quick import told, view_of
from tests.validation.scene_builder import Scene, dump

ROOT = "episodes/geniesim_a/lerobot/"
INFO = {"codebase_version": "v2.1", "total_episodes": 2, "total_frames": 6, "total_tasks": 1, "fps": 30,
        "features": {"action": {"dtype": "float32", "shape": [7]}}, "splits": {"train": "0:2"}}  # fmt: skip
TASKS = b'{"task_index": 0, "task": "pick"}\n'


def lines(*lengths: float, first: int = 0) -> bytes:
    """An index of episodes of so many frames."""
    rows = (f'{{"episode_index": {first + n}, "length": {length}}}\n' for n, length in enumerate(lengths))
    return "".join(rows).encode()


def dataset(index: bytes = lines(3, 3), tasks: bytes | None = TASKS, **info: Any) -> Scene:
    """A data set of format 2.1: two episodes of three frames."""
    scene = {f"{ROOT}meta/info.json": dump(INFO | info), f"{ROOT}meta/episodes.jsonl": index}
    scene |= {f"{ROOT}data/chunk-000/episode_{n:06d}.parquet": parquet(3) for n in range(2)}
    return scene if tasks is None else scene | {f"{ROOT}meta/tasks.jsonl": tasks}


def found(scene: Scene) -> list[tuple[str, str]]:
    """Code and place of what is told of the data set."""
    view = view_of(scene)
    check_datasets(view, lambda path: True)
    return told(view)


RIGHT: list[dict[str, Any]] = [
    {}, {"codebase_version": "v2.0"}, {"codebase_version": "2.1"}, {"fps": 1}, {"fps": 29.97}, {"splits": {"train": "0:1", "val": "1:2"}},
    {"splits": {"train": "all"}}, {"splits": None}, {"features": None}, {"features": {"task": {"dtype": "string"}}},
    {"features": {"a": {"shape": []}}}, {"robot_type": None}, {"total_tasks": None}, {"chunks_size": 1000},
]  # fmt: skip
ODD: list[tuple[dict[str, Any], str]] = [
    ({"codebase_version": "v9.0"}, "$.codebase_version"), ({"codebase_version": "v1.6"}, "$.codebase_version"),
    ({"codebase_version": 2.1}, "$.codebase_version"), ({"codebase_version": "v2.2"}, "$.codebase_version"),
    ({"fps": 0}, "$.fps"), ({"fps": -30}, "$.fps"), ({"fps": "30"}, "$.fps"), ({"fps": True}, "$.fps"),
    ({"splits": {"train": "0:3"}}, "$.splits.train"), ({"splits": {"train": "2:1"}}, "$.splits.train"),
    ({"features": {"action": {"shape": 7}}}, "$.features.action.shape"),
    ({"features": {"action": {"shape": ["7"]}}}, "$.features.action.shape"),
    ({"total_tasks": 2}, "$.total_tasks"),
]  # fmt: skip


@pytest.mark.parametrize("info", RIGHT, ids=str)
def test_what_lerobot_loads_is_no_finding(info: dict[str, Any]) -> None:
    assert found(dataset(**info)) == []


@pytest.mark.parametrize(("info", "place"), ODD, ids=str)
def test_what_lerobot_refuses_is_a_warning_with_its_place(info: dict[str, Any], place: str) -> None:
    assert found(dataset(**info)) == [("dataset-odd", place)]


def test_tasks_that_are_spoken_of_are_listed() -> None:
    assert found(dataset(tasks=None)) == [("dataset-odd", "$.total_tasks")]
    assert found(dataset(tasks=None, total_tasks=0)) == []
    assert found(dataset(tasks=None) | {f"{ROOT}meta/tasks.parquet": parquet(1)}) == []


@pytest.mark.parametrize(("index", "frames", "messages"), [
    (lines(3, 3), 6, 0), (lines(3, 3, first=1), 6, 3), (lines(3, 0), 3, 2),
    (b'{"episode_index": 0, "length": 3}\n\n{"episode_index": 1, "length": 3}', 6, 0), (lines(3, 3).replace(b"\n", b"\r\n"), 6, 0),
])  # fmt: skip
def test_episodes_are_numbered_from_0_without_gaps_and_have_frames(index: bytes, frames: int, messages: int) -> None:
    assert len(found(dataset(index, total_frames=frames))) == messages


def test_a_recording_of_no_episode_is_told() -> None:
    stray = f"{ROOT}data/chunk-000/episode_000007.parquet"
    view = view_of(dataset() | {stray: parquet(3)})
    check_datasets(view, lambda path: True)
    assert [(f.code, f.object) for f in view.findings.kept] == [("dataset-odd", stray)]
    assert found(dataset() | {f"{ROOT}data/chunk-000/notes.parquet": parquet(3)}) == []


THIRD = INFO | {"codebase_version": "v3.0"}


def third(version: str, rows: int = 6, episodes: int = 2) -> Scene:
    """The same in format 3."""
    return {f"{ROOT}meta/info.json": dump(THIRD | {"codebase_version": version}), f"{ROOT}data/chunk-000/file-000.parquet": parquet(rows),
            f"{ROOT}meta/episodes/chunk-000/file-000.parquet": parquet(episodes), f"{ROOT}meta/tasks.parquet": parquet(1)}  # fmt: skip


@pytest.mark.parametrize("version", ["v3.0", "3.0", "v3.1", "v3.0.1"])
def test_format_3_is_known_under_each_of_its_numbers(version: str) -> None:
    assert found(third(version)) == []


@pytest.mark.parametrize(("rows", "episodes", "place"), [
    (5, 2, "$.total_frames"), (7, 2, "$.total_frames"), (6, 1, "$.total_episodes"), (6, 3, "$.total_episodes"),
])  # fmt: skip
def test_the_rows_of_format_3_are_its_totals(rows: int, episodes: int, place: str) -> None:
    assert found(third("v3.0", rows, episodes)) == [("count-mismatch", place)]


@pytest.mark.parametrize(
    "info", [{"splits": [1]}, {"features": {"a": 7}}, {"codebase_version": None, "fps": None}, {"total_tasks": -1}]
)
def test_no_description_makes_the_check_raise(info: dict[str, Any]) -> None:
    found(dataset(**info))
