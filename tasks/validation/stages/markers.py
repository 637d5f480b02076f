"""Completion markers: whether they can be read, whether they say success, whose they are and when they were written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.catalogue import Catalogue, Marker
from tasks.validation.documents.json_values import text
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.documents.times import parse_time, payload_time, time_field
from tasks.validation.scene_under_test import Record, SceneUnderTest

GOOD = ("complete", "completed", "success", "succeeded", "ready", "processing", "ok", "done", "submitted")
BAD = ("failed", "failure", "error", "cancelled")
PARTIAL = ("partial", "partial_success")
FUTURE = timedelta(days=1)
SHAPED = ("regen3d_complete", "simready_complete", "geniesim_export_complete", "isaac_lab_complete")
"""Markers with a schema of their own, by their names in the catalogue."""
SIGNED = (
    "scale_complete", "assets_ready", "objects_complete", "interactive_complete", "usd_assembly_complete",
    "replicator_complete", "geniesim_submitted", "geniesim_import_complete", "geniesim_complete", "episodes_complete",
    "upsell_complete", "dwm_complete", "dream2flow_complete",
)  # fmt: skip
"""Markers whose writers all put the scene's id and the time in them."""
_PLAIN_WORDS = ("ok", "complete", "done", "success", "ready")


@dataclass(frozen=True)
class Read:
    """What a marker says. `payload` is None when it cannot be read."""

    payload: Record | str | None = None
    when: datetime | None = None


class Markers:
    """The completion markers of one scene, read when somebody asks."""

    def __init__(self, view: SceneUnderTest) -> None:
        """Finds which markers are there; an empty one is reported at once."""
        self._view = view
        self._read: dict[str, Read] = {}
        self.paths = {name: _present(view, marker) for name, marker in view.catalogue.markers.items()}
        for path in (path for paths in self.paths.values() for path in paths):
            if view.files[path].size == 0:
                view.add("marker-empty", path, f"{path} has 0 bytes; its writer puts a status and a time in it.")

    def of(self, stage: str) -> list[str]:
        """The markers of a stage that are there, in the catalogue's order."""
        return [path for name in self._view.catalogue.stages[stage].markers for path in self.paths[name]]

    def telling(self, stage: str) -> list[str]:
        """Those that say when the stage itself was completed, not when the workflow around it was."""
        catalogue = self._view.catalogue
        names = [name for name in catalogue.stages[stage].markers if not catalogue.markers[name].follows]
        return [path for name in names for path in self.paths[name]]

    def has(self, name: str) -> bool:
        """Whether a marker is there under any of its names."""
        return bool(self.paths[name])

    def filled(self, name: str) -> list[str]:
        """Where a marker is there with something in it; empty for one that this catalogue does not know."""
        return [path for path in self.paths.get(name, []) if self._view.has(path)]

    def read_all(self) -> None:
        """Read and check every marker."""
        for paths in self.paths.values():
            for path in paths:
                self.read(path)

    def read(self, path: str) -> Read:
        """What the marker at `path` says; what is wrong with it is reported the first time."""
        if path not in self._read:
            payload = _payload(self._view, path) if self._view.has(path) else None
            if isinstance(payload, dict):
                _check(self._view, path, payload)
                _shape(self._view, path, payload)
            self._read[path] = Read(payload, payload_time(payload) or self._view.files[path].updated)
        return self._read[path]

    def completed(self, stage: str) -> datetime | None:
        """When the stage was completed: the time its first readable marker holds, else when that was written."""
        return next((when for path in self.telling(stage) if (when := self.read(path).when) is not None), None)

    def written(self, stage: str) -> datetime | None:
        """When the stage's first marker was written, by the listing alone."""
        return next((when for path in self.telling(stage) if (when := self._view.files[path].updated)), None)

    def is_plain(self, stage: str) -> bool:
        """Whether the stage's marker is a line of text, as the local runner writes some."""
        return any(isinstance(self.read(path).payload, str) for path in self.of(stage))


def name_of(catalogue: Catalogue, path: str) -> str:
    """The catalogue's name of the marker that has this path."""
    return next(name for name, marker in catalogue.markers.items() if path in marker.paths)


def _present(view: SceneUnderTest, marker: Marker) -> list[str]:
    return [path for path in marker.paths if path in view.files and not view.files[path].oddity]


def _payload(view: SceneUnderTest, path: str) -> Record | str | None:
    data = view.data(path)
    if data is None:
        return None
    if not data.strip():
        view.add("marker-empty", path, f"{path} holds nothing but blanks.")
        return None
    try:
        plain = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        plain = ""
    kind = view.catalogue.markers[name_of(view.catalogue, path)].payload
    if plain and plain[0] not in "{[<" and (kind == "text" or _is_sentence(plain)):
        if kind != "text":
            view.add("dialect-plain-text-marker", path, f"{path} is a line of text: {show(plain)}.")
        if " at " in plain and parse_time(plain) is None:
            view.add("time-malformed", path, f"{path} holds no time but {show(plain)}.")
        return plain
    return view.record(path)


def _shape(view: SceneUnderTest, path: str, payload: Record) -> None:
    """What the writers of this marker always put in it."""
    name = name_of(view.catalogue, path)
    if name in SHAPED:
        check(view, path, f"marker_{name}", payload)
    elif payload and name in SIGNED and "scene_id" not in payload:
        view.add("field-missing", path, f"{path}: $.scene_id is missing.", at=("scene_id",))
    if payload and name in (*SIGNED, "isaac_lab_complete") and time_field(payload) is None:
        view.add("field-missing", path, f"{path} does not say when it was written.", at=("timestamp",))


def _is_sentence(plain: str) -> bool:
    return plain.lower().startswith(_PLAIN_WORDS) and "\n\n" not in plain and len(plain) < 1000


def _check(view: SceneUnderTest, path: str, payload: Record) -> None:
    if not payload:
        view.add("marker-says-nothing", path, f"{path} is an empty object.", at=())
        return
    status = payload.get("status")
    word = (text(status) or "").lower()
    if word in BAD or payload.get("success") is False:
        place = ("success",) if payload.get("success") is False else ("status",)
        view.add("marker-says-failed", path, f"{path} marks a stage as complete that failed.", at=place)
    elif word in PARTIAL:
        view.add("marker-says-partial", path, f"{path} says the stage was only partly successful.", at=("status",))
    elif "status" in payload and not isinstance(status, str):
        view.add("field-wrong-type", path, f"{path}: $.status is {show(status)}, not a text.", at=("status",))
    elif "status" in payload and word not in GOOD:
        view.add("marker-status-unknown", path, f"{path}: the status is {show(status)}.", at=("status",))
    elif "status" not in payload and "success" not in payload and "stats" not in payload and "bundles" not in payload:
        view.add("marker-says-nothing", path, f"{path} says neither a status nor whether it was a success.", at=())
    name = time_field(payload)
    when = parse_time(payload.get(name)) if name else None
    if name and when is None:
        view.add("time-malformed", path, f"{path}: {name} is {show(payload[name])}, not a time.", at=(name,))
    elif name and when and when > datetime.now(UTC) + FUTURE:
        view.add("marker-time-in-future", path, f"{path}: {name} is {show(payload[name])}.", at=(name,))
    problems = payload.get("errors") or payload.get("validation_errors")
    if isinstance(problems, list) and problems:
        message = f"{path} records {len(problems)} problems, the first being {show(problems[0], 120)}."
        key = "errors" if payload.get("errors") else "validation_errors"
        view.add("marker-records-problems", path, message, at=(key,))
