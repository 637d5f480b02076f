"""What a restore is asked to do: how much, as of when, and how boldly. Pure; refuses what is not clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import JsonValue

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_query import split_scene
from blocks.environment import PipelineEnvironment
from blocks.patterns import matches, widen
from tasks.remediation.outcome import Refused
from tasks.remediation.procedure import Request

ScopeKind = Literal["bucket", "scene", "stage", "prefix", "object", "terraform-state", "workflow", "job"]
Overwrite = Literal["never", "damaged", "always"]
OBJECTS: tuple[ScopeKind, ...] = ("bucket", "scene", "stage", "prefix", "object")
"""The scopes that are about objects of the data bucket."""
SUBJECT = "@restore"
"""One restore at a time, because two would hold the same delivery."""
HOW = "say one of bucket, scene <id>, stage <id>/<stage>, prefix <folder/>, object <name>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest(Request):
    """What the operator asked for."""

    kind: ScopeKind
    name: str = ""
    at: datetime | None = None
    """The state as of this time (UTC, also where none is named); None: as the newest good night recorded it."""
    overwrite: Overwrite = "damaged"
    """Objects that differ from the wanted version: leave all, replace those that validation calls broken, or all."""
    remove_extra: bool = False
    """Delete what was not there at that time."""
    markers: bool = False
    """Restore completion markers and trigger objects too, last; they start workflows."""
    without_hold: bool = False
    """Go on although the delivery of events cannot be held."""
    older_serial: bool = False
    """Let Terraform's state go back to a smaller serial."""

    def __post_init__(self) -> None:
        """The name without what was pasted with it, and the time in UTC."""
        object.__setattr__(self, "name", bare_name(self.kind, self.name))
        if self.at is not None:
            at = self.at.replace(tzinfo=UTC) if self.at.tzinfo is None else self.at.astimezone(UTC)
            object.__setattr__(self, "at", at)

    def asked(self) -> dict[str, JsonValue]:
        """What decides what is restored."""
        return {
            "kind": self.kind,
            "name": self.name,
            "at": self.at.isoformat() if self.at else "",
            "overwrite": self.overwrite,
            "remove_extra": self.remove_extra,
            "markers": self.markers,
            "without_hold": self.without_hold,
            "older_serial": self.older_serial,
        }

    @classmethod
    def of(cls, asked: Mapping[str, JsonValue], reason: str) -> RestoreRequest:
        """The request that was asked so. Raises ValueError, TypeError for what no version has asked."""
        at = str(asked.get("at") or "")
        known = {name: value for name, value in asked.items() if name != "at"}
        when = datetime.fromisoformat(at) if at else None
        return cls(mode="apply", reason=reason, at=when, **known)  # type: ignore[arg-type]


def bare_name(kind: ScopeKind, name: str) -> str:
    """Without the spaces around it; those at the ends of an object's or a folder's name are its own."""
    bare = name.strip()
    return name.strip("\r\n") if bare and kind in ("object", "prefix") else bare


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of the data bucket a restore is about."""

    kind: ScopeKind
    text: str
    """For people, as in `scene kitchen_001`."""
    prefix: str
    """What every such name begins with; never empty."""
    scene_id: str | None = None
    """The one scene it lies in; None when it is about several."""
    wants: Callable[[str], bool] = field(default=lambda _: True, compare=False)
    """Whether a name with the prefix belongs to it."""

    def holds(self, name: str) -> bool:
        """Whether an object belongs to it."""
        return name.startswith(self.prefix) and self.wants(name)


def scope_of(environment: PipelineEnvironment, request: RestoreRequest) -> Scope:
    """The scope in words turned into names. Raises `Refused`."""
    kind, name = request.kind, request.name
    root = environment.backup.prefix
    if kind == "bucket":
        if name:
            raise Refused(f"The scope bucket takes no name, but {name!r} was given; {HOW}.")
        return Scope("bucket", f"everything under {root}", root)
    if not name:
        raise Refused(f"The scope {kind} needs a name, and none never means everything; {HOW}.")
    if kind != "object" and ("*" in name or "?" in name):  # an object's name may have them; it is never a pattern
        raise Refused(f"{name!r} has a wildcard; name exactly what to restore: {HOW}.")
    if kind == "scene":
        return scene_scope(environment.catalogue, name)
    if kind == "stage":
        return stage_scope(environment.catalogue, name)
    return path_scope(environment, kind, name)


def scene_scope(catalogue: Catalogue, scene_id: str) -> Scope:
    """All of one scene."""
    if not SCENE_ID.fullmatch(scene_id):
        raise Refused(f"{scene_id!r} is not a scene id: use letters, digits, '_' or '-', as in 'kitchen_001'.")
    return Scope("scene", f"scene {scene_id}", catalogue.scene_prefix(scene_id), scene_id)


def stage_scope(catalogue: Catalogue, name: str) -> Scope:
    """What one stage of one scene makes, with its markers."""
    scene_id, _, stage = name.partition("/")
    if stage not in catalogue.stages:
        raise Refused(f"{name!r} names no stage; write <scene id>/<stage> with one of {', '.join(catalogue.stages)}.")
    scene, known = scene_scope(catalogue, scene_id), catalogue.stages[stage]
    paths = [path for output in known.outputs for path in (output.path, *output.or_paths)]
    paths += [path for marker in known.markers for path in catalogue.markers[marker].paths]
    patterns = tuple(widen(path) for path in (*paths, *known.clear.outputs))
    kept = tuple(map(widen, known.clear.keep))

    def wants(object_name: str) -> bool:
        path = object_name.removeprefix(scene.prefix)
        return any(matches(one, path) for one in patterns) and not any(matches(one, path) for one in kept)

    return Scope("stage", f"stage {stage} of scene {scene_id}", scene.prefix, scene_id, wants)


def path_scope(environment: PipelineEnvironment, kind: ScopeKind, name: str) -> Scope:
    """One folder or one object."""
    root = environment.backup.prefix
    if not name.startswith(root) or name == root:
        raise Refused(f"{name!r} is not below {root}, which is what is backed up; {HOW}.")
    folder = name.endswith("/")
    if folder != (kind == "prefix"):
        hint = "end it with '/', so that it is one folder" if kind == "prefix" else "use the scope prefix for a folder"
        raise Refused(f"{name!r} is not a name for the scope {kind}; {hint}.")
    scene_id, _ = split_scene(environment.catalogue, name + "x" if folder else name)
    if kind == "prefix":
        return Scope(kind, f"folder {name}", name, scene_id)
    return Scope(kind, f"object {name}", name, scene_id, lambda found: found == name)


def check(environment: PipelineEnvironment, request: RestoreRequest) -> None:
    """Refuse what is not clear or not allowed, in one sentence that says what to write instead. Raises `Refused`."""
    if request.kind not in get_args(ScopeKind):
        raise Refused(f"{request.kind!r} is no scope; {HOW}.")
    if request.at is not None and request.at > datetime.now(UTC):
        raise Refused(f"{request.at:%Y-%m-%d %H:%M:%S} UTC is in the future; give a time in the past, or none.")
    if request.mode == "apply" and not request.reason.strip():
        raise Refused("Say why with `reason`: a restore that changes something is recorded with its reason.")
    if request.markers and request.kind not in OBJECTS:
        raise Refused(f"The scope {request.kind} has no markers; leave `markers` out.")
    if request.kind in OBJECTS:
        scope_of(environment, request)
    elif not request.name and request.kind != "terraform-state":
        raise Refused(f"The scope {request.kind} needs the name of one {request.kind}.")
