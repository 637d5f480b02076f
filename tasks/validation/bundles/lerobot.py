"""The LeRobot data set of an import: its description, its index of episodes, and the recordings both speak of."""

from __future__ import annotations

import posixpath

from tasks.validation.bundles.bundle import Bundle
from tasks.validation.documents.documents import parse_json
from tasks.validation.documents.json_values import entries, number, text
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.scene_under_test import Record, SceneUnderTest

MAX_LINES = 100_000


def check_dataset(bundle: Bundle) -> None:
    """Compare description, index and recordings of one import."""
    view = bundle.view
    description, index = f"{bundle.folder}/lerobot/dataset_info.json", f"{bundle.folder}/lerobot/episodes.jsonl"
    record = view.record(description) if view.has(description) else None
    if record is not None:
        check(view, description, "dataset_info", record)
        _totals(view, description, record)
        for place, episode in entries(record, "episodes"):
            _recording(bundle, description, ("episodes", place, "file"), episode)
    if not view.has(index) or not view.deep:
        return
    lines = read_lines(view, index)
    if lines is None or record is None or not isinstance(record.get("episodes"), list):
        return
    described = [text(episode.get("episode_id")) for _, episode in entries(record, "episodes")]
    indexed = [text(line.get("episode_id")) for line in lines]
    if described != indexed:
        message = f"{index} lists {len(indexed)} episodes that are not the {len(described)} of {description}."
        view.add("episodes-differ", index, message)


def read_lines(view: SceneUnderTest, path: str) -> list[Record] | None:
    """The objects of a JSON Lines file; None when a line is none (which is reported) or when not all were looked at."""
    data = view.data(path)
    view.lines_read.add(path)
    if data is None:
        return None
    found = []
    for number_, line in enumerate(data.splitlines(), start=1):
        if number_ > MAX_LINES:
            view.add("not-all-read", path, f"{path} has more than {MAX_LINES:,} lines; the rest was not looked at.")
            return None
        if not line.strip():
            continue
        document = parse_json(line)
        for problem in document.problems:
            view.add(problem.code, path, f"{path}, line {number_}: {problem.message}.", at=problem.path)
        if document.usable and not isinstance(document.value, dict):
            view.add("document-wrong-type", path, f"{path}, line {number_} is no object.", at=())
        if not document.usable or not isinstance(document.value, dict):
            return None
        found.append(document.value)
    return found


def _totals(view: SceneUnderTest, path: str, record: Record) -> None:
    episodes = [episode for _, episode in entries(record, "episodes")]
    frames = [number(episode.get("num_frames")) for episode in episodes]
    total = number(record.get("total_frames"))
    known = [count for count in frames if count is not None]
    if total is not None and len(known) == len(episodes) and episodes and sum(known) != total:
        message = f"{path} says {total:g} frames; its episodes have {sum(known):g}."
        view.add("count-mismatch", path, message, at=("total_frames",))
    stated = number(record.get("total_episodes"))
    if stated is not None and isinstance(record.get("episodes"), list) and stated != len(episodes):
        message = f"{path} says {stated:g} episodes and lists {len(episodes)}."
        view.add("count-mismatch", path, message, at=("total_episodes",))


def _recording(bundle: Bundle, path: str, place: tuple[str | int, ...], episode: Record) -> None:
    name = text(episode.get("file"))
    if not name:
        return
    names = [f"{bundle.folder}/recordings/{name}", f"{bundle.folder}/lerobot/{name}", f"{bundle.folder}/{name}"]
    base = posixpath.basename(name)
    if not any(posixpath.normpath(known) in bundle.view.files for known in names) and not any(
        known.startswith(f"{bundle.folder}/recordings/") and known.endswith(f"/{base}") for known in bundle.view.files
    ):
        message = f"{path}: the recording {show(name)} of an episode is not there."
        bundle.view.add("path-dangling", path, message, at=place)
