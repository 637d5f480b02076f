"""Whether manifest, layout and inventory tell of the same scene: ids, positions, sizes, scale and frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.validation.documents.json_values import (
    Vector,
    at,
    close,
    coordinates,
    distance,
    length,
    mapping,
    named_vector,
    number,
    text,
    vector,
)
from tasks.validation.documents.layout import Listing
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest

SAME_METERS = 0.01
"""Positions that differ by less agree."""
SIZE_WARNING, SIZE_ERROR = 1.1, 5.0
"""Factors by which a size in the layout may differ from the manifest's."""
OUTSIDE_ROOM = 10.0
"""An object further from the room's middle than this many times the room's diagonal is in no room."""


@dataclass
class Doubts:
    """What the layout contradicts the manifest in: later stages are not blamed for not agreeing with it."""

    places: set[str] = field(default_factory=set)
    """Objects that the two put in different places."""
    unknown: set[str] = field(default_factory=set)
    """Objects that the manifest has lost."""
    lost: set[str] = field(default_factory=set)
    """Objects that only the manifest has."""
    meters: bool = False
    frame: bool = False


def check_agreement(view: SceneUnderTest, manifest: Manifest, layout: Listing, inventory: Listing) -> Doubts:
    """Compare the three documents."""
    doubts = Doubts()
    if not manifest.usable:
        return doubts
    if layout.usable:
        _ids(view, manifest, layout, list(manifest.objects))
        doubts.places = {name for name in manifest.objects if _object(view, manifest, layout, name)}
        doubts.unknown = set(layout.objects) - set(manifest.objects)
        doubts.lost = set(manifest.objects) - set(layout.objects)
        _frame(view, manifest, layout, doubts)
    if inventory.usable:
        _ids(view, manifest, inventory, manifest.foreground())
        _inventory_places(view, manifest, inventory, layout.scale_factor)
    return doubts


def _ids(view: SceneUnderTest, manifest: Manifest, listing: Listing, expected: list[str]) -> None:
    for object_id, (index, _) in listing.objects.items():
        if object_id not in manifest.objects:
            message = f"{listing.path} has object {show(object_id)}, which {manifest.path} does not list."
            view.add("id-not-in-manifest", listing.path, message, at=("objects", index, "id"))
    for object_id in expected:
        if object_id not in listing.objects:
            message = f"{listing.path} lacks object {show(object_id)} of {manifest.path}."
            view.add("object-not-listed", listing.path, message, at=("objects",))


def _object(view: SceneUnderTest, manifest: Manifest, layout: Listing, object_id: str) -> bool:
    """Report where the layout contradicts the manifest on one object; True when it is the position."""
    if object_id not in layout.objects:
        return False
    entry, other = manifest.objects[object_id][1], layout.objects[object_id][1]
    position = named_vector(at(entry, "transform", "position"))
    center = vector(other.get("center3d")) or vector(at(other, "obb", "center"))
    extents = vector(at(other, "obb", "extents"))
    if position and center and extents:
        _sizes(view, manifest, layout, object_id, extents)
        reach = length(extents) if max(extents) <= OUTSIDE_ROOM * 100 else 0.0
        return _positions(view, manifest, layout, object_id, (position, center, reach))
    return False


def _positions(
    view: SceneUnderTest, manifest: Manifest, layout: Listing, object_id: str, where: tuple[Vector, Vector, float]
) -> bool:
    """A mesh's origin may lie anywhere in its box, and an unscaled manifest is scaled by the layout's factor."""
    position, center, reach = where
    scaled = tuple(part * layout.scale_factor for part in position)
    gap = min(distance(position, center), distance(scaled, center))
    place = ("objects", manifest.objects[object_id][0], "transform", "position")
    _in_room(view, manifest, layout, object_id, position)
    if gap <= SAME_METERS + 1e-3 * length(center):
        return False
    code = "position-mismatch" if gap > reach + 0.05 else "position-off-center"
    worst = max(range(3), key=lambda axis: min(abs(p[axis] - center[axis]) for p in (position, scaled)))
    message = (
        f"object {show(object_id)} is at {coordinates(position)} in {manifest.path} but at {coordinates(center)} "
        f"in {layout.path}, {gap:.3g} m apart."
    )
    view.add(code, manifest.path, message, at=(*place, "xyz"[worst]))
    return code == "position-mismatch"


def _in_room(view: SceneUnderTest, manifest: Manifest, layout: Listing, object_id: str, position: Vector) -> None:
    low, high = vector(at(layout.record, "room_box", "min")), vector(at(layout.record, "room_box", "max"))
    if low is None or high is None or any(a >= b for a, b in zip(low, high, strict=True)):
        return
    middle = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    place = ("objects", manifest.objects[object_id][0], "transform", "position")
    diagonal = distance(low, high)
    if distance(position, middle) > OUTSIDE_ROOM * diagonal:
        message = f"object {show(object_id)} is {distance(position, middle):,.0f} m from the middle of its room."
        view.add("position-outside-room", manifest.path, message, at=place)
    elif any(not a - 0.1 * diagonal <= c <= b + 0.1 * diagonal for a, c, b in zip(low, position, high, strict=True)):
        message = f"object {show(object_id)} at {coordinates(position)} is outside the room."
        view.add("position-beside-room", manifest.path, message, at=place)


def _sizes(view: SceneUnderTest, manifest: Manifest, layout: Listing, object_id: str, extents: Vector) -> None:
    sides = named_vector(manifest.objects[object_id][1].get("dimensions_est"), ("width", "height", "depth"))
    if sides is None or min(sides) <= 0 or min(extents) <= 0:
        return
    sides = tuple(sorted(sides))
    boxes = tuple(sorted(2 * half for half in extents))
    factor = min(_apart(boxes, sides, layout.scale_factor), _apart(boxes, sides, 1.0))
    if factor > SIZE_WARNING:
        code = "size-mismatch" if factor > SIZE_ERROR else "size-differs"
        message = (
            f"object {show(object_id)} measures {coordinates(sides)} m in {manifest.path} but {coordinates(boxes)} m "
            f"in {layout.path}."
        )
        view.add(code, layout.path, message, at=("objects", layout.objects[object_id][0], "obb", "extents"))


def _apart(boxes: Vector, sides: Vector, factor: float) -> float:
    ratios = [box / (side * factor) for box, side in zip(boxes, sides, strict=True)]
    return max(max(ratio, 1 / ratio) for ratio in ratios if ratio > 0)


def _frame(view: SceneUnderTest, manifest: Manifest, layout: Listing, doubts: Doubts) -> None:
    place = ("scene", "meters_per_unit")
    doubts.meters = _same(view, manifest, layout, place, "meters_per_unit", "meters-per-unit-mismatch")
    _same(view, manifest, layout, ("metadata", "scale_factor"), "scale_factor", "scale-factor-mismatch")
    _room(view, manifest, layout)
    one, other = text(at(manifest.record, "scene", "coordinate_frame")), text(layout.record.get("coordinate_frame"))
    if one and other and one != other:
        doubts.frame = True
        message = f"{manifest.path} says {show(one)}, {layout.path} says {show(other)}."
        view.add("coordinate-frame-mismatch", manifest.path, message, at=("scene", "coordinate_frame"))


def _room(view: SceneUnderTest, manifest: Manifest, layout: Listing) -> None:
    bounds = at(manifest.record, "scene", "room", "bounds")
    lengths = named_vector(bounds, ("width", "depth", "height"))
    low, high = vector(at(layout.record, "room_box", "min")), vector(at(layout.record, "room_box", "max"))
    if lengths is None or low is None or high is None:
        return
    sides = sorted(b - a for a, b in zip(low, high, strict=True))
    if min(sides) <= 0 or min(lengths) <= 0:
        return
    factor = _apart(tuple(sides), tuple(sorted(lengths)), 1.0)
    if factor > SIZE_WARNING:
        message = f"the room measures {coordinates(tuple(sorted(lengths)))} m in {manifest.path} but "
        message += f"{coordinates(tuple(sides))} m in {layout.path}."
        code = "room-mismatch" if factor > 2 else "size-differs"
        view.add(code, manifest.path, message, at=("scene", "room", "bounds"))


def _same(
    view: SceneUnderTest, manifest: Manifest, layout: Listing, place: tuple[str, str], name: str, code: str
) -> bool:
    """Report a number that differs; whether it does."""
    one, other = number(at(manifest.record, *place)), number(layout.record.get(name))
    if one is None or other is None or close(one, other):
        return False
    message = f"{name} is {one:g} in {manifest.path} and {other:g} in {layout.path}."
    view.add(code, manifest.path, message, at=place)
    return True


def _inventory_places(view: SceneUnderTest, manifest: Manifest, inventory: Listing, factor: float) -> None:
    """The inventory keeps the reconstruction's own units, so its boxes are compared after scaling too."""
    for object_id, (index, entry) in inventory.objects.items():
        center = vector(at(entry, "bounds", "center"))
        known = manifest.objects.get(object_id)
        position = named_vector(at(known[1], "transform", "position")) if known else None
        if center is None or position is None:
            continue
        scaled = tuple(part * factor for part in center)
        reach = length(vector(mapping(entry.get("bounds")).get("size")) or (0.0,))
        if min(distance(position, center), distance(position, scaled)) > reach + 0.05:
            message = f"object {show(object_id)} is elsewhere in {inventory.path} than in {manifest.path}."
            view.add("inventory-place-differs", inventory.path, message, at=("objects", index, "bounds", "center"))
