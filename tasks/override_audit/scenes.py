"""Every scene's gate reports, markers and approval records: one listing, streamed, and what matters read side by side.

Of ten thousand scenes only those are kept of which there is something to judge.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from blocks.catalogue import Catalogue
from blocks.catalogue_query import split_scene, stage_of_failure_marker
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.patterns import matches_any
from blocks.storage_bulk import BulkStorage, Entry
from tasks.override_audit.datasets import dataset_of, edited_report
from tasks.override_audit.facts import Facts, Scene, Written
from tasks.override_audit.records import moment
from tasks.override_audit.reports import report_of
from tasks.override_audit.stored import MOST_BYTES, Stored, read_record
from tasks.validation.documents.documents import parse_json
from tasks.validation.documents.times import payload_time

PARALLEL = 16
"""Scenes whose reports are read at the same time."""
AHEAD = 4 * PARALLEL
"""Scenes that are listed and wait for their turn: the listing never runs away from the reading."""


@dataclass(slots=True)
class Listed:
    """What the listing says of one scene."""

    id: str
    written: list[Written] = field(default_factory=list)
    reports: list[Entry] = field(default_factory=list)
    records: list[Entry] = field(default_factory=list)
    datasets: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Looked:
    """One scene, with its approval records and what of it could not be read."""

    scene: Scene
    stored: Stored
    unread: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    """Addresses of data sets that were read."""


class Places:
    """Which objects of a scene matter, answered quickly: most objects are told apart by their last name alone."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue, gates = catalogue, catalogue.gates
        self._done = {
            path: stage_name
            for stage_name, stage in catalogue.stages.items()
            for marker in stage.markers
            for path in catalogue.markers[marker].paths
        }
        failures = [path for stage in catalogue.stages.values() for path in stage.failure_markers]
        patterns = [*gates.reports, *gates.approvals, *gates.datasets, *self._done, *failures]
        self._lasts = {one.rpartition("/")[2] for one in patterns}
        self._wild = any("*" in one or "{" in one for one in self._lasts)
        self._folders = tuple({one.partition("*")[0] for one in patterns if "*" in one.rpartition("/")[2]})

    def put(self, listed: Listed, path: str, entry: Entry) -> None:
        """Take an object if it matters."""
        last = path.rpartition("/")[2]
        if last not in self._lasts and not (self._wild and path.startswith(self._folders)):
            return
        gates = self._catalogue.gates
        if matches_any(gates.reports, path):
            listed.reports.append(entry)
        elif matches_any(gates.approvals, path):
            listed.records.append(entry)
        elif matches_any(gates.datasets, path):
            listed.datasets.append(entry)
        elif path in self._done:
            listed.written.append(Written(path, (self._done[path],), _updated(entry)))
        elif stages := stage_of_failure_marker(self._catalogue, path):
            listed.written.append(Written(path, stages, _updated(entry), failure=True))


def look_at_scenes(environment: PipelineEnvironment, facts: Facts, stored: Stored) -> None:
    """Put what there is to judge into `facts`, and the approval records of the scenes into `stored`.

    `facts.decisions` must already have what is known from elsewhere: the scenes that it names are kept. What cannot be read
    is in `facts.unknown`.
    """
    decided = {one.scene for one in facts.decisions}
    try:
        for looked in _looked_at(environment, facts.since, decided):
            _take(looked, facts, stored, decided)
    except OutsideError as error:
        facts.records_known = False  # an approval may lie with a scene that was not seen
        facts.unknown.append(f"The scenes after the first {facts.seen:,}: {error}")


def _take(looked: Looked, facts: Facts, stored: Stored, decided: set[str]) -> None:
    scene = looked.scene
    facts.seen += 1
    facts.reports += len(scene.reports)
    if looked.unread:
        facts.unsure.add(scene.id)
        facts.unknown += looked.unread
    else:
        facts.looked |= {*(one.where for one in scene.reports), *looked.datasets}
    for name in {name for one in scene.reports for name in one.all_failed}:
        facts.failed_on[name] = facts.failed_on.get(name, 0) + 1
    for name in {name for one in scene.reports for name in (*one.all_failed, *one.passed)}:
        facts.judged_on[name] = facts.judged_on.get(name, 0) + 1
    if looked.stored or scene.id in decided or scene.datasets or any(one.failed for one in scene.reports):
        facts.scenes[scene.id] = scene
        stored.add(looked.stored)


def _looked_at(environment: PipelineEnvironment, since: datetime, decided: set[str]) -> Iterator[Looked]:
    """Every scene in order of its name."""
    waiting: deque[Future[Looked]] = deque()
    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            for listed in listing(environment):
                waiting.append(pool.submit(_look, environment, listed, since, listed.id in decided))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def listing(environment: PipelineEnvironment) -> Iterator[Listed]:
    """Every scene of the data bucket with the objects that matter. Raises the block's errors."""
    catalogue = environment.catalogue
    places = Places(catalogue)
    root = catalogue.scene_root.partition("{scene_id}")[0]
    entries = (
        (*split_scene(catalogue, entry.name), entry)
        for page in BulkStorage(environment.storage).pages(environment.data_bucket, root)
        for entry in page
    )
    for scene_id, objects in groupby(entries, key=lambda one: one[0]):
        if scene_id is not None:
            listed = Listed(scene_id)
            for _, path, entry in objects:
                places.put(listed, path, entry)
            yield listed


def _look(environment: PipelineEnvironment, listed: Listed, since: datetime, decided: bool) -> Looked:
    looked = Looked(Scene(listed.id, written=listed.written), Stored())
    newest = max((one.updated for one in listed.written), default=None)
    for entry in listed.reports:
        if decided or listed.records or _updated(entry) >= since or (newest is not None and newest >= since):
            _read_report(environment, looked, entry)
    if decided or listed.records or any(one.blocks for one in looked.scene.reports):
        _read_markers(environment, looked, listed)
    for entry in listed.records:
        body = _body(environment, looked, entry)
        if body is not None:
            read_record(looked.stored, listed.id, f"gs://{environment.data_bucket}/{entry.name}", body)
    for entry in listed.datasets:
        if _updated(entry) >= since:
            _read_dataset(environment, looked, entry)
    return looked


def _read_report(environment: PipelineEnvironment, looked: Looked, entry: Entry) -> None:
    body = _body(environment, looked, entry)
    if body is None:
        return
    path = split_scene(environment.catalogue, entry.name)[1]
    where = f"gs://{environment.data_bucket}/{entry.name}"
    value = parse_json(body).value
    if isinstance(value, dict):
        report = report_of(value, where, path, _updated(entry), environment.catalogue)
        looked.scene.reports.append(replace(report, sha256=hashlib.sha256(body).hexdigest()))
    else:
        looked.unread.append(f"{where} is no gate report that can be read: `remediate validate` says what is wrong.")


def _read_dataset(environment: PipelineEnvironment, looked: Looked, entry: Entry) -> None:
    """Keep what it says of gates, if there is anything to judge; one that cannot be read is validation's to tell."""
    body = _body(environment, looked, entry)
    where = f"gs://{environment.data_bucket}/{entry.name}"
    if body is None:
        return
    looked.datasets.append(where)
    one = dataset_of(parse_json(body).value, where, _updated(entry))
    if one.bypassed or edited_report(one, looked.scene.reports) is not None:
        looked.scene.datasets.append(one)


def _read_markers(environment: PipelineEnvironment, looked: Looked, listed: Listed) -> None:
    """When markers say that they were written: an object that was restored is newer than what it tells."""
    prefix = environment.catalogue.scene_prefix(listed.id)
    for one in listed.written:
        try:
            body = environment.storage.read(environment.data_bucket, prefix + one.path, end=MOST_BYTES)
        except NotFound:
            continue  # it went meanwhile
        except OutsideError as error:
            looked.unread.append(str(error))
            continue
        value = parse_json(body).value
        when = payload_time(value if value is not None else body.decode(errors="replace"))
        if when is not None:
            looked.scene.payload_times[one.path] = when


def _body(environment: PipelineEnvironment, looked: Looked, entry: Entry) -> bytes | None:
    where = f"gs://{environment.data_bucket}/{entry.name}"
    if entry.size > MOST_BYTES:
        looked.unread.append(f"{where} was not read: {entry.size:,} bytes are no report or record.")
        return None
    try:
        return environment.storage.read(environment.data_bucket, entry.name, generation=entry.generation)
    except NotFound:
        return None  # it was replaced meanwhile: the next audit sees the new one
    except OutsideError as error:
        looked.unread.append(str(error))
        return None


def _updated(entry: Entry) -> datetime:
    found = moment(entry.updated)
    assert found is not None, "Cloud Storage gives every object a time"
    return found
