"""What every stage writer works with: one scene's folder in the bucket, and the ways a stage can fail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from blocks.trial_mesh import json_bytes, timestamp
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.store_errors import NoSuchThing

CONTENT_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".png": "image/png",
    ".glb": "model/gltf-binary",
    ".usda": "text/plain",
    ".usdz": "model/vnd.usdz+zip",
    ".py": "text/x-python",
    ".yaml": "application/yaml",
    ".gz": "application/gzip",
}
MANIFEST = "assets/scene_manifest.json"
LAYOUT = "layout/scene_layout_scaled.json"
BACKGROUND = "scene_background"
"""Id that the adapter gives the room's shell in manifest and layout."""

OBJECT_ID = re.compile(r"[A-Za-z0-9_-]+")

Alter = Callable[[str, bytes], "bytes | None"]


class StageFailed(Exception):
    """A stage's job ended with an error. The message is what its log would say; `code` overrides the usual code."""

    def __init__(self, message: str, code: str | None = None) -> None:
        """`code` is the error code of the failure marker, if it is not the stage's usual one."""
        super().__init__(message)
        self.code = code


@dataclass
class SceneFolder:
    """The objects of one scene, by their path relative to `scenes/<scene_id>/`.

    `at` backdates what is written (and is then what the payloads say); `quiet` starts no trigger; `options` is the
    job's environment; `alter` may change the bytes of a path before they are written, or drop them (None). Names of
    markers come from `catalogue`.
    """

    store: ObjectStore
    bucket: str
    scene_id: str
    at: datetime | None = None
    quiet: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    alter: Alter | None = None
    catalogue: Catalogue = field(default_factory=load_catalogue)

    def __post_init__(self) -> None:
        """Raises ValueError for anything that is not a plain scene id."""
        self.prefix = self.catalogue.scene_prefix(self.scene_id)
        self._unaltered: dict[str, bytes] = {}

    def assets_of(self, object_id: str) -> str:
        """The folder of an object's assets, with a slash at its end."""
        return self.catalogue.asset_folder.replace("{object_id}", object_id) + "/"

    def marker(self, name: str) -> str:
        """The path at which a completion marker of that name is written."""
        return self.catalogue.markers[name].paths[0]

    def has_marker(self, name: str) -> bool:
        """Whether a completion marker is there, under any of its names."""
        return any(self.exists(path) for path in self.catalogue.markers[name].paths)

    @property
    def now(self) -> str:
        """The time that payloads are stamped with."""
        return timestamp(self.clock)

    @property
    def clock(self) -> datetime:
        """`at`, or now."""
        return self.at or datetime.now(UTC)

    def find(self, path: str) -> bytes | None:
        """The bytes of an object, None when it is not there. What `alter` spoilt is still whole for this run."""
        if path in self._unaltered:
            return self._unaltered[path]
        found = self.store.get(self.bucket, self.prefix + path)
        return None if found is None else found.data

    def read(self, path: str) -> bytes:
        """The bytes of an object. Raises StageFailed when it is missing or empty."""
        data = self.find(path)
        if data is None:
            raise StageFailed(f"404 No such object: {self.bucket}/{self.prefix}{path}")
        if not data:
            raise StageFailed(f"{self.prefix}{path} is empty")
        return data

    def read_json(self, path: str) -> Any:
        """The JSON of an object; NaN and Infinity pass, as they do in the pipeline. Raises StageFailed."""
        try:
            return json.loads(self.read(path))
        except ValueError as error:
            raise StageFailed(f"{self.prefix}{path} is not valid JSON: {error}") from error

    def read_object(self, path: str) -> dict[str, Any]:
        """As `read_json`, for a file that must hold a JSON object."""
        value = self.read_json(path)
        if not isinstance(value, dict):
            raise StageFailed(f"{self.prefix}{path} must hold a JSON object, it holds a {type(value).__name__}")
        return value

    def exists(self, path: str) -> bool:
        """Whether an object is there."""
        return path in self._unaltered or self.store.get(self.bucket, self.prefix + path) is not None

    def paths(self, below: str = "") -> list[str]:
        """Every path that starts with `below`, sorted."""
        cut = len(self.prefix)
        return [found.name[cut:] for found in self.store.list(self.bucket, self.prefix + below)]

    def write(self, path: str, data: bytes | str) -> None:
        """Write an object, as bytes or UTF-8 text."""
        whole = data.encode() if isinstance(data, str) else data
        content = whole if self.alter is None else self.alter(path, whole)
        if content != whole:
            self._unaltered[path] = whole
        if content is not None:
            kind = CONTENT_TYPES.get(path[path.rfind(".") :], "application/octet-stream")
            name = self.prefix + path
            self.store.put(self.bucket, name, content, content_type=kind, at=self.at, quiet=self.quiet)

    def write_json(self, path: str, value: object) -> None:
        """Write `value` as JSON."""
        self.write(path, json_bytes(value))

    def delete(self, path: str) -> bool:
        """Delete an object; False when there was none."""
        try:
            self.store.delete(self.bucket, self.prefix + path)
        except NoSuchThing:
            return False
        return True

    def unique(self, kind: str) -> str:
        """An id that depends on the scene and the time only, in the form of a UUID."""
        return str(uuid5(NAMESPACE_URL, f"{kind}/{self.scene_id}/{self.now}"))


def read_manifest(folder: SceneFolder) -> dict[str, Any]:
    """The manifest, checked as the jobs' entry points do. Raises StageFailed: missing, not JSON, not finite, empty."""

    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not a finite number")

    try:
        manifest: dict[str, Any] = json.loads(folder.read(MANIFEST), parse_constant=refuse)
    except ValueError as error:
        raise StageFailed(f"{folder.prefix}{MANIFEST} failed validation: {error}") from error
    objects = manifest.get("objects") if isinstance(manifest, dict) else None
    if not isinstance(objects, list) or not objects:
        raise StageFailed(f"{folder.prefix}{MANIFEST} failed validation: it lists no objects")
    for entry in objects:
        try:
            position = [float(entry["transform"]["position"][axis]) for axis in "xyz"]
            sound = OBJECT_ID.fullmatch(entry["id"]) and entry["asset"]["path"] and max(map(abs, position)) < 1e10
        except (KeyError, TypeError, ValueError) as error:
            raise StageFailed(f"{folder.prefix}{MANIFEST} failed validation: malformed object: {error!r}") from error
        if not sound:
            raise StageFailed(f"{folder.prefix}{MANIFEST} failed validation: object {entry['id']!r} is out of range")
    return manifest


def asset_path(folder: SceneFolder, entry: Mapping[str, Any]) -> str:
    """Where an object's mesh lies in the scene. The pipeline writes it relative to the scene or to the bucket."""
    path = str(entry["asset"]["path"]).removeprefix(f"gs://{folder.bucket}/")
    return path.removeprefix(folder.prefix)


def gate_report(folder: SceneFolder, job: str, gate: str, checkpoint: str, message: str) -> None:
    """Write `<job>/quality_gate_report.json` with one gate that passed."""
    now = folder.now
    result = {
        "gate_id": gate,
        "checkpoint": checkpoint,
        "passed": True,
        "severity": "error",
        "message": message,
        "details": {},
        "recommendations": [],
        "requires_human_approval": False,
        "timestamp": now,
    }
    summary = {"total_gates": 1, "passed": 1, "failed": 0, "blocking_failures": 0, "can_proceed": True}
    report = {"scene_id": folder.scene_id, "timestamp": now, "summary": summary, "results": [result]}
    folder.write_json(f"{job}/quality_gate_report.json", report)


def workflow_marker(folder: SceneFolder, name: str, status: str = "completed", **more: object) -> None:
    """Write the completion marker of that name in the shape the workflows (and the local runner) give it."""
    folder.write_json(
        folder.marker(name), {"scene_id": folder.scene_id, "status": status, "timestamp": folder.now, **more}
    )
