"""LeRobot data sets as the library itself keeps them: `meta/` against the recordings and videos it speaks of.

Source: huggingface/lerobot, the formats v2.0 and v2.1 (one Parquet file an episode, `meta/episodes.jsonl`) and v3.0 (many
episodes a file, `meta/episodes/` in Parquet). Totals are `meta/info.json`'s.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tasks.validation.bundles.lerobot import read_lines
from tasks.validation.bundles.lerobot_format import check_format, check_numbers
from tasks.validation.bundles.recordings import parquet_rows
from tasks.validation.bundles.thrift import ThriftError
from tasks.validation.documents.json_values import mapping, number, text
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import Record, SceneUnderTest
from tasks.validation.source import Vanished

INFO = "meta/info.json"
DATA_PATH = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_PATH = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
CHUNK = 1000
"""Episodes of one folder where `chunks_size` does not say it."""
MAX_EPISODES = 100_000
MAX_FOOTERS = 2_000
"""Parquet files of one data set whose rows are counted; of a larger one the rows are not compared."""
MAX_TOLD = 20


@dataclass
class Dataset:
    """One data set: its folder and its description."""

    view: SceneUnderTest
    root: str
    info: Record

    @property
    def path(self) -> str:
        """Its description."""
        return f"{self.root}{INFO}"

    @property
    def is_v3(self) -> bool:
        """Whether it is of format 3, in which a file holds many episodes."""
        return (text(self.info.get("codebase_version")) or "").lstrip("v").startswith("3")

    @cached_property
    def files(self) -> dict[str, int]:
        """Paths below its folder, with their sizes."""
        found = self.view.files.items()
        return {path[len(self.root) :]: file.size for path, file in found if path.startswith(self.root)}

    @cached_property
    def videos(self) -> list[str]:
        """The names of the features that are videos."""
        features = mapping(self.info.get("features")).items()
        return [name for name, feature in features if mapping(feature).get("dtype") == "video"]

    def total(self, name: str) -> int | None:
        """A total that the description states."""
        stated = number(self.info.get(name))
        return int(stated) if stated is not None and stated >= 0 else None

    def wrong(self, code: str, message: str, *place: str) -> None:
        """Report something about the description, or a place in it."""
        self.view.add(code, self.path, f"{self.path}: {message}.", at=place or None)

    def rows(self, path: str) -> int | None:
        """Rows of one of its Parquet files, None when they cannot be counted (which is told of the file itself)."""
        try:
            return parquet_rows(self.view.pieces(self.root + path))
        except (ThriftError, Vanished):
            return None


def check_datasets(view: SceneUnderTest, current: Callable[[str], bool]) -> None:
    """Check every data set of the scene that `current` says is not a former run's."""
    for path in [path for path in view.files if path == INFO or path.endswith(f"/{INFO}")]:
        record = view.record(path) if view.has(path) and current(path) else None
        if record is None:
            continue
        dataset = Dataset(view, path.removesuffix(INFO), record)
        check_format(dataset)
        if dataset.is_v3:
            _check_v3(dataset)
        else:
            _check_v2(dataset)


def _check_v2(dataset: Dataset) -> None:
    index = f"{dataset.root}meta/episodes.jsonl"
    lines = read_lines(dataset.view, index) if dataset.view.has(index) else None
    total = dataset.total("total_episodes")
    if lines is None:
        if index not in dataset.view.files and total:
            dataset.wrong("path-dangling", f"it speaks of {total} episodes; {index} is not there", "total_episodes")
        return
    numbers = [_index(line) for line in lines]
    if total is not None and total != len(lines):
        message = f"it says {total} episodes; {index} lists {len(lines)}"
        dataset.wrong("count-mismatch", message, "total_episodes")
    if len(set(numbers)) != len(numbers) or None in numbers:
        dataset.view.add("episodes-differ", index, f"{index} lists an episode twice, or one without its number.")
        return
    lengths = [number(line.get("length")) for line in lines]
    frames, known = dataset.total("total_frames"), [int(length) for length in lengths if length is not None]
    if frames is not None and lines and len(known) == len(lines) and sum(known) != frames:
        message = f"it says {frames} frames; the episodes of {index} have {sum(known)}"
        dataset.wrong("count-mismatch", message, "total_frames")
    episodes = {one: length for one, length in zip(numbers, lengths, strict=True) if one is not None}
    check_numbers(dataset, episodes)
    _files_v2(dataset, episodes)


def _files_v2(dataset: Dataset, episodes: dict[int, float | None]) -> None:
    """Every episode has its recording, and its videos where there are such features."""
    data_path = text(dataset.info.get("data_path")) or DATA_PATH
    video_path = text(dataset.info.get("video_path")) or VIDEO_PATH
    by_name = {posixpath.basename(path): path for path in dataset.files if path.startswith("data/")}
    seen = {tuple(path.split("/")[-2:]) for path in dataset.files if path.startswith("videos/")}
    told = 0
    for episode, length in sorted(episodes.items()):
        chunk = episode // (dataset.total("chunks_size") or CHUNK)
        path = _formatted(data_path, chunk, episode) or _formatted(DATA_PATH, chunk, episode)
        found = path if path in dataset.files else by_name.get(posixpath.basename(path))
        lost = [] if found else [path]
        for key in dataset.videos:
            video = _formatted(video_path, chunk, episode, key) or _formatted(VIDEO_PATH, chunk, episode, key)
            if video not in dataset.files and (key, posixpath.basename(video)) not in seen:
                lost.append(video)
        for name in lost:
            told += 1
            if told <= MAX_TOLD:
                dataset.wrong("path-dangling", f"of episode {episode} there is no {name}")
        if found and length is not None and len(episodes) <= MAX_FOOTERS:
            rows = dataset.rows(found)
            if rows is not None and rows != length:
                message = f"{dataset.root}{found} has {rows} frames; its episode has {length:g}."
                dataset.view.add("count-mismatch", f"{dataset.root}{found}", message)


def _check_v3(dataset: Dataset) -> None:
    episodes, frames = dataset.total("total_episodes"), dataset.total("total_frames")
    for folder, stated, what, field in (
        ("data/", frames, "frames", "total_frames"),
        ("meta/episodes/", episodes, "episodes", "total_episodes"),
    ):
        files = sorted(path for path in dataset.files if path.startswith(folder) and path.endswith(".parquet"))
        if stated and not files:
            dataset.wrong("path-dangling", f"it speaks of {stated} {what}; there is no Parquet file in {folder}", field)
        elif files:
            _rows_v3(dataset, files, stated, what, field)
    for key in dataset.videos if episodes else []:
        if not any(path.startswith(f"videos/{key}/") and path.endswith(".mp4") for path in dataset.files):
            dataset.wrong("path-dangling", f"there is no video of its feature {show(key)}", "features", key)


def _rows_v3(dataset: Dataset, files: list[str], stated: int | None, what: str, field: str) -> None:
    """The rows of all files together are the total; where they cannot be counted, no number may be left out."""
    counted = [dataset.rows(path) for path in files] if len(files) <= MAX_FOOTERS else [None]
    if None not in counted:
        have = sum(count for count in counted if count is not None)
        if stated is not None and have != stated:
            dataset.wrong("count-mismatch", f"it says {stated} {what}; its {len(files)} files hold {have}", field)
        return
    for path in _left_out(files):
        dataset.wrong("path-dangling", f"there is no {path}, though there are later files")


def _left_out(files: list[str]) -> Iterator[str]:
    """Files that are not there before the last one of their folder, by their numbers."""
    folders: dict[str, list[tuple[int, str]]] = {}
    for path in files:
        found = re.fullmatch(r"(.*/[a-z]+-)(\d{1,9})(\.parquet)", path)
        if found:
            folders.setdefault(found.group(1), []).append((int(found.group(2)), found.group(2)))
    for before, numbers in folders.items():
        have, width = {value for value, _ in numbers}, len(numbers[0][1])
        lacking = (value for value in range(min(max(have), MAX_EPISODES)) if value not in have)
        first = next(lacking, None)
        if first is not None:
            yield f"{before}{first:0{width}d}.parquet"


def _index(line: Record) -> int | None:
    stated = number(line.get("episode_index"))
    return int(stated) if stated is not None and 0 <= stated < 10**9 else None


def _formatted(template: str, chunk: int, episode: int, key: str = "") -> str:
    """A path template of the description with its numbers filled in; empty when it asks for anything else."""
    values = {"episode_chunk": f"{chunk:03d}", "episode_index": f"{episode:06d}", "video_key": key}

    def fill(found: re.Match[str]) -> str:
        name, width = found.group(1), found.group(2)
        value = values.get(name, "\0")
        return f"{int(value):0{int(width)}d}" if width and value.isdigit() and int(width) < 20 else value

    path = re.sub(r"\{(\w+)(?::0?(\d{1,3})d)?\}", fill, template)
    return "" if "\0" in path or "{" in path else path
