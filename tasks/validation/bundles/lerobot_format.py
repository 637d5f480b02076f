"""What LeRobot's own loader asks of a data set beside its totals. Warnings: the pipeline itself reads none of it.

Source: huggingface/lerobot, `LeRobotDatasetMetadata`: it refuses versions it does not know, divides by `fps`, loads the
tasks, and takes episodes as numbered from 0 without gaps.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.validation.bundles.lerobot import read_lines
from tasks.validation.documents.json_values import mapping, number, text
from tasks.validation.documents.quoting import show

if TYPE_CHECKING:
    from tasks.validation.bundles.lerobot_meta import Dataset

ODD = "dataset-odd"
_VERSION = re.compile(r"v?(?:2\.[01]|3\.\d+)(?:\.\d+)?")
_SPLIT = re.compile(r"(\d{1,9}):(\d{1,9})")
_RECORDING = re.compile(r"episode_(\d{1,9})\.parquet")
TASKS = ("meta/tasks.parquet", "meta/tasks.jsonl")


def check_format(dataset: Dataset) -> None:
    """Check the description by itself, and the list of tasks it speaks of."""
    info = dataset.info
    version, fps = info.get("codebase_version"), info.get("fps")
    if version is not None and not _VERSION.fullmatch(text(version) or ""):
        dataset.wrong(ODD, f"it is of format {show(version)}; known are v2.0, v2.1 and v3", "codebase_version")
    if fps is not None and not (number(fps) or 0) > 0:
        dataset.wrong(ODD, f"its frames a second are {show(fps)}", "fps")
    for name, feature in mapping(info.get("features")).items():
        shape = mapping(feature).get("shape")
        if shape is not None and (not isinstance(shape, list) or any(number(side) is None for side in shape)):
            dataset.wrong(ODD, f"the shape of its feature {show(name)} is {show(shape)}", "features", name, "shape")
    _splits(dataset)
    _tasks(dataset)


def check_numbers(dataset: Dataset, episodes: Mapping[int, float | None]) -> None:
    """Check how the episodes of format 2 are numbered, and that each recording is one of them."""
    index = f"{dataset.root}meta/episodes.jsonl"
    missing = next((place for place in range(len(episodes)) if place not in episodes), None)
    if missing is not None:
        dataset.view.add(ODD, index, f"{index} has no episode {missing}, though it has later ones.")
    for episode, length in episodes.items():
        if length is not None and length <= 0:
            dataset.view.add(ODD, index, f"{index}: episode {episode} has {length:g} frames.")
    for path in dataset.files:
        found = _RECORDING.fullmatch(posixpath.basename(path)) if path.startswith("data/") else None
        if found and int(found.group(1)) not in episodes:
            dataset.view.add(ODD, f"{dataset.root}{path}", f"{dataset.root}{path} is of no episode in {index}.")


def _splits(dataset: Dataset) -> None:
    total = dataset.total("total_episodes")
    for name, part in mapping(dataset.info.get("splits")).items():
        found = _SPLIT.fullmatch(text(part) or "")
        if found and total is not None and not int(found.group(1)) <= int(found.group(2)) <= total:
            message = f"its split {show(name)} is {show(part)} of {total} episodes"
            dataset.wrong(ODD, message, "splits", name)


def _tasks(dataset: Dataset) -> None:
    total, lines = dataset.total("total_tasks"), f"{dataset.root}{TASKS[1]}"
    if total and not any(name in dataset.files or dataset.view.source.unlisted(dataset.root + name) for name in TASKS):
        dataset.wrong(ODD, f"it speaks of {total} tasks, and there is no list of them", "total_tasks")
    listed = read_lines(dataset.view, lines) if dataset.view.has(lines) else None
    if total is not None and listed is not None and len(listed) != total:
        dataset.wrong(ODD, f"it says {total} tasks; {lines} lists {len(listed)}", "total_tasks")
