"""The scene manifest: the pipeline's own schema, what its jobs ask of the values, and the adapter's known dialect.

Sources: tools/scene_manifest/manifest_schema.json and tools/validation/ of the pipeline.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tasks.validation.documents.documents import Path
from tasks.validation.documents.json_values import entries, length, mapping, named_vector, number, text, vector
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import SchemaError, check
from tasks.validation.scene_under_test import Record, SceneUnderTest

FAR_METERS = 1000.0
"""A position further out than this is odd in any room."""
SCALE_USUAL = (0.001, 1000.0)
"""The export job's `scale_sanity` gate flags scale components outside this."""
SMALLEST_METERS = 0.001
SCALED_METERS = (1e-6, 1000.0)
"""A side of an object once it is scaled; nothing in a room is smaller or larger."""
MASS_USUAL = (0.01, 500.0)
"""Gate qg-2-physics, in kg."""
FRICTION_USUAL = 2.0
QUATERNION_NORM = (0.9, 1.1)
BACKGROUND_ROLES = ("background", "scene_shell")


@dataclass
class Manifest:
    """What later checks need of a manifest. Empty when there is no usable one."""

    path: str
    record: Record = field(default_factory=dict)
    objects: dict[str, tuple[int, Record]] = field(default_factory=dict)
    """Objects by id, with their place in the list."""

    @property
    def usable(self) -> bool:
        """Whether there are objects to compare other documents with."""
        return bool(self.objects)

    def is_background(self, object_id: str) -> bool:
        """Whether an object is the room itself."""
        return self.objects[object_id][1].get("sim_role") in BACKGROUND_ROLES

    def shell(self) -> list[str]:
        """Ids of the room itself."""
        return [object_id for object_id in self.objects if self.is_background(object_id)]

    def foreground(self) -> list[str]:
        """Ids of everything but the room."""
        return [object_id for object_id in self.objects if not self.is_background(object_id)]


def check_manifest(view: SceneUnderTest, path: str) -> Manifest:
    """Check the manifest at `path` and index its objects."""
    manifest = Manifest(path)
    record = view.record(path)
    if record is None:
        return manifest
    manifest.record = record
    bounds_dialect = _room_bounds(view, path, record)

    def known(error: SchemaError) -> bool:
        if bounds_dialect and error.path[:3] == ("scene", "room", "bounds"):
            return True
        if error.value is None and error.path[-1:] in (("category",), ("description",)) and error.kind == "type":
            message = f"{path}: the {error.path[-1]} of an object is null, as the adapter writes it."
            view.add("dialect-null-text", path, message, at=error.path)
            return True
        return False

    told: set[Path] = set()

    def known_or_told(error: SchemaError) -> bool:
        skipped = error.path in told or known(error)
        told.add(error.path)
        return skipped

    check(view, path, "scene_manifest", record, skip=known_or_told)
    check(view, path, "scene_manifest_values", record, skip=known_or_told)
    version, known_versions = text(record.get("version")), view.catalogue.manifest_versions
    if version is not None and known_versions and version not in known_versions:
        message = f"{path} is of version {show(version)}; known are {', '.join(known_versions)}."
        view.add("manifest-version-unknown", path, message, at=("version",))
    _index(view, manifest)
    for object_id, (index, entry) in manifest.objects.items():
        _transform(view, path, object_id, index, entry)
        _physics(view, manifest, object_id, index, entry)
        _relations(view, manifest, object_id, index, entry)
    if manifest.objects and not manifest.foreground():
        message = f"{path} lists nothing but the room itself ({', '.join(manifest.objects)})."
        view.add("manifest-only-background", path, message, at=("objects",))
    return manifest


def _room_bounds(view: SceneUnderTest, path: str, record: Record) -> bool:
    """Whether the room's bounds are in the adapter's own form; its corners are checked here then."""
    bounds = mapping(mapping(mapping(record.get("scene")).get("room")).get("bounds"))
    low, high = vector(bounds.get("min")), vector(bounds.get("max"))
    if set(bounds) != {"min", "max"} or low is None or high is None:
        return False
    place = ("scene", "room", "bounds")
    view.add("dialect-room-bounds-minmax", path, f"{path}: the room's bounds are corners, not lengths.", at=place)
    for axis in range(3):
        if low[axis] >= high[axis]:
            message = f"{path}: the room's lower corner {low[axis]:g} is not below its upper one {high[axis]:g}."
            view.add("bounds-inverted", path, message, at=(*place, "min", axis))
    return True


def _index(view: SceneUnderTest, manifest: Manifest) -> None:
    counts: Counter[str] = Counter()
    for index, entry in entries(manifest.record, "objects"):
        object_id = text(entry.get("id"))
        if not object_id:
            continue
        counts[object_id] += 1
        if counts[object_id] > 1:
            message = f"{manifest.path}: the id {show(object_id)} stands more than once."
            view.add("id-duplicate", manifest.path, message, at=("objects", index, "id"))
        else:
            manifest.objects[object_id] = (index, entry)


def _transform(view: SceneUnderTest, path: str, object_id: str, index: int, entry: Record) -> None:
    transform = mapping(entry.get("transform"))
    place = ("objects", index, "transform")
    position = named_vector(transform.get("position"))
    if position and FAR_METERS < max(map(abs, position)) < 1e10:
        axis = "xyz"[max(range(3), key=lambda i: abs(position[i]))]
        message = f"object {show(object_id)} is {max(map(abs, position)):,.0f} m from the origin along {axis}."
        view.add("position-far", path, message, at=(*place, "position", axis))
    for axis, part in zip("xyz", named_vector(transform.get("scale")) or (), strict=False):
        if part > 0 and not SCALE_USUAL[0] <= part <= SCALE_USUAL[1]:
            message = f"object {show(object_id)} is scaled by {part:g} along {axis}."
            view.add("scale-unusual", path, message, at=(*place, "scale", axis))
    quaternion = named_vector(transform.get("rotation_quaternion"), "wxyz")
    check_quaternion(view, path, show(object_id), (*place, "rotation_quaternion"), quaternion)
    for side in ("width", "depth", "height"):
        size = number(mapping(entry.get("dimensions_est")).get(side))
        if size is not None and 0 < size < SMALLEST_METERS:
            message = f"object {show(object_id)} has a {side} of {size:g} m."
            view.add("dimension-tiny", path, message, at=("objects", index, "dimensions_est", side))
        for axis, part in zip("xyz", named_vector(transform.get("scale")) or (), strict=False):
            if size and size > 0 and part > 0 and not SCALED_METERS[0] < size * part < SCALED_METERS[1]:
                message = f"object {show(object_id)} is {size:g} m scaled by {part:g}, which makes {size * part:g} m."
                view.add("dimension-out-of-range", path, message, at=(*place, "scale", axis))
                return


def check_quaternion(
    view: SceneUnderTest, path: str, name: str, place: tuple[str | int, ...], quaternion: tuple[float, ...] | None
) -> None:
    """A rotation must have a norm near 1."""
    if quaternion is None:
        return
    norm = length(quaternion)
    if not QUATERNION_NORM[0] < norm < QUATERNION_NORM[1]:
        message = f"{path}: the rotation of {name} has norm {norm:.4g}, which is not a rotation."
        view.add("quaternion-not-unit", path, message, at=place)


def _physics(view: SceneUnderTest, manifest: Manifest, object_id: str, index: int, entry: Record) -> None:
    physics = mapping(entry.get("physics"))
    mass = number(physics.get("mass_kg"))
    if mass and mass > 0 and not MASS_USUAL[0] <= mass <= MASS_USUAL[1] and not manifest.is_background(object_id):
        message = f"object {show(object_id)} weighs {mass:g} kg, outside {MASS_USUAL[0]} to {MASS_USUAL[1]:g} kg."
        view.add("physics-unusual", manifest.path, message, at=("objects", index, "physics", "mass_kg"))
    for name in ("friction_static", "friction_dynamic"):
        friction = number(physics.get(name))
        if friction is not None and FRICTION_USUAL < friction <= 10:
            message = f"object {show(object_id)} has {name} {friction:g}, above {FRICTION_USUAL:g}."
            view.add("physics-unusual", manifest.path, message, at=("objects", index, "physics", name))
    for name, value in physics.items():
        pair = vector(value, 2) if name.endswith("_range") else None
        if pair and pair[0] > pair[1]:
            message = f"object {show(object_id)}: {name} runs from {pair[0]:g} down to {pair[1]:g}."
            view.add("physics-out-of-range", manifest.path, message, at=("objects", index, "physics", name))


def _relations(view: SceneUnderTest, manifest: Manifest, object_id: str, index: int, entry: Record) -> None:
    for number_, relation in entries(entry, "relationships"):
        for side in ("subject_id", "object_id"):
            other = text(relation.get(side))
            if other is not None and other not in manifest.objects:
                message = f"object {show(object_id)} is related to {show(other)}, which the manifest does not list."
                where = ("objects", index, "relationships", number_, side)
                view.add("reference-unknown-object", manifest.path, message, at=where)
    limits = mapping(mapping(entry.get("articulation")).get("limits"))
    lower, upper = number(limits.get("lower")), number(limits.get("upper"))
    if lower is not None and upper is not None and lower > upper:
        message = f"object {show(object_id)}: the joint's lower limit {lower:g} is above its upper one {upper:g}."
        place = ("objects", index, "articulation", "limits")
        view.add("articulation-limits-inverted", manifest.path, message, at=place)
