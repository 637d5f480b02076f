"""What a restore is asked to do: how much, as of when, and how boldly. Pure; refuses what is not clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_query import split_scene
from blocks.environment import PipelineEnvironment
from blocks.patterns import matches, widen

ScopeKind = Literal["bucket", "scene", "stage", "prefix", "object", "terraform-state", "workflow", "job"]
Overwrite = Literal["never", "damaged", "always"]
OBJECTS: tuple[ScopeKind, ...] = ("bucket", "scene", "stage", "prefix", "object")
"""The scopes that are about objects of the data bucket."""
HOW = "say one of bucket, scene <id>, stage <id>/<stage>, prefix <folder/>, object <name>"


class BadRequest(ValueError):
    """What was asked for is not clear or not allowed. One sentence that says what to write instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for."""

    kind: ScopeKind
    name: str = ""
    at: datetime | None = None
    """The state as of this time; None: as the newest good night recorded it."""
    mode: Literal["plan", "apply"] = "plan"
    reason: str = ""
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
    plan_digest: str = ""
    approved_digest: str = ""
    approved_by: str = ""


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


def scope_of(environment: PipelineEnvironment, wanted: Wanted) -> Scope:
    """The scope in words turned into names. Raises `BadRequest`."""
    kind, name = wanted.kind, name_in(wanted)
    root = environment.backup.prefix
    if kind == "bucket":
        if name:
            raise BadRequest(f"The scope bucket takes no name, but {name!r} was given; {HOW}.")
        return Scope("bucket", f"everything under {root}", root)
    if not name:
        raise BadRequest(f"The scope {kind} needs a name, and none never means everything; {HOW}.")
    if kind != "object" and ("*" in name or "?" in name):  # an object's name may have them; it is never a pattern
        raise BadRequest(f"{name!r} has a wildcard; name exactly what to restore: {HOW}.")
    if kind == "scene":
        return scene_scope(environment.catalogue, name)
    if kind == "stage":
        return stage_scope(environment.catalogue, name)
    return path_scope(environment, kind, name)


def name_in(wanted: Wanted) -> str:
    """The name without what was pasted with it. Spaces at the ends of an object's or a folder's name are its own."""
    bare = wanted.name.strip()
    return wanted.name.strip("\r\n") if bare and wanted.kind in ("object", "prefix") else bare


def scene_scope(catalogue: Catalogue, scene_id: str) -> Scope:
    """All of one scene."""
    if not SCENE_ID.fullmatch(scene_id):
        raise BadRequest(f"{scene_id!r} is not a scene id: use letters, digits, '_' or '-', as in 'kitchen_001'.")
    return Scope("scene", f"scene {scene_id}", catalogue.scene_prefix(scene_id), scene_id)


def stage_scope(catalogue: Catalogue, name: str) -> Scope:
    """What one stage of one scene makes, with its markers."""
    scene_id, _, stage = name.partition("/")
    if stage not in catalogue.stages:
        raise BadRequest(
            f"{name!r} names no stage; write <scene id>/<stage> with one of {', '.join(catalogue.stages)}."
        )
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
        raise BadRequest(f"{name!r} is not below {root}, which is what is backed up; {HOW}.")
    folder = name.endswith("/")
    if folder != (kind == "prefix"):
        hint = "end it with '/', so that it is one folder" if kind == "prefix" else "use the scope prefix for a folder"
        raise BadRequest(f"{name!r} is not a name for the scope {kind}; {hint}.")
    scene_id, _ = split_scene(environment.catalogue, name + "x" if folder else name)
    if kind == "prefix":
        return Scope(kind, f"folder {name}", name, scene_id)
    return Scope(kind, f"object {name}", name, scene_id, lambda found: found == name)


def check(environment: PipelineEnvironment, wanted: Wanted) -> Wanted:
    """What was asked for with its time in UTC. Raises `BadRequest`."""
    if wanted.kind not in get_args(ScopeKind):
        raise BadRequest(f"{wanted.kind!r} is no scope; {HOW}.")
    at = wanted.at
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if at > datetime.now(UTC):
            raise BadRequest(f"{at:%Y-%m-%d %H:%M:%S} UTC is in the future; give a time in the past, or none.")
    if wanted.mode == "apply" and not wanted.reason.strip():
        raise BadRequest("Say why with `reason`: a restore that changes something is recorded with its reason.")
    if wanted.markers and wanted.kind not in OBJECTS:
        raise BadRequest(f"The scope {wanted.kind} has no markers; leave `markers` out.")
    if wanted.kind in OBJECTS:
        scope_of(environment, wanted)
    elif not wanted.name.strip() and wanted.kind != "terraform-state":
        raise BadRequest(f"The scope {wanted.kind} needs the name of one {wanted.kind}.")
    fields = {name: getattr(wanted, name) for name in wanted.__slots__}
    return Wanted(**fields | {"at": at, "name": name_in(wanted)})
