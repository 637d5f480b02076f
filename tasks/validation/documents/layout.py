"""The metric layout and the semantic inventory: their own shape and values.

The layout has two writers with two forms: the adapter (`scale_factor`) and the scale job (`scale.factor`). The
schema's `x-fields` are what the adapter's form always has, and `x-scale` whether one of the two scales must be there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tasks.validation.documents.json_values import (
    Vector,
    at,
    close,
    distance,
    entries,
    identifier,
    length,
    mapping,
    number,
    sequence,
    vector,
)
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check, schema_of
from tasks.validation.scene_under_test import Record, SceneUnderTest

ROTATION_TOLERANCE = 1e-3
FAR_METERS = 1000.0
Place = tuple[str | int, ...]


@dataclass
class Listing:
    """A document that lists objects (layout, inventory), indexed by id. Empty when there is no usable one."""

    path: str
    record: Record = field(default_factory=dict)
    objects: dict[str, tuple[int, Record]] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether there are objects to compare."""
        return bool(self.objects)

    @property
    def scale_factor(self) -> float:
        """What the reconstruction was multiplied by to be metric; 1 when the document does not say."""
        factor = number(self.record.get("scale_factor")) or number(at(self.record, "scale", "factor"))
        return factor if factor and factor > 0 else 1.0


def check_layout(view: SceneUnderTest, path: str) -> Listing:
    """Check the metric layout at `path`."""
    layout = Listing(path)
    record = view.record(path)
    if record is None:
        return layout
    layout.record = record
    if writer := _writer(view, path, record):
        view.writers[path] = writer
    check(view, path, "layout", record)
    form = schema_of(view, "layout")
    if form.get("x-scale") and "scale_factor" not in record and "scale" not in record:
        view.add("field-missing", path, f"{path}: neither scale_factor nor scale is there.", at=("scale_factor",))
    for name in sequence(form.get("x-fields")) if "scale" not in record else ():
        if name not in record:
            view.add("field-missing", path, f"{path}: $.{name} is missing.", at=(str(name),))
    index_objects(view, layout)
    check_box(view, path, "the room", ("room_box",), record.get("room_box"))
    _planes(view, path, record)
    boxed = any("obb" in entry for _, entry in layout.objects.values())
    for object_id, (index, entry) in layout.objects.items():
        _place_given(view, path, object_id, index, entry, boxed)
        _oriented_box(view, path, object_id, ("objects", index), entry)
        check_box(view, path, f"object {show(object_id)}", ("objects", index, "bounds"), entry.get("bounds"))
    return layout


def _writer(view: SceneUnderTest, path: str, record: Record) -> str:
    """The stage that wrote this layout, by its form: the scale job's has a `scale`, the adapter's a `scale_factor`."""
    if "scale" not in record or "scale_factor" in record:
        return ""
    stages = view.catalogue.stages.items()
    return next((n for n, s in stages if any(o.path == path and not o.required for o in s.outputs)), "")


def _place_given(view: SceneUnderTest, path: str, object_id: str, index: int, entry: Record, boxed: bool) -> None:
    """The builder does without a box, and even without a centre: it then puts the object where the manifest says.

    `boxed`: other objects of this layout have boxes, so this one has lost it.
    """
    lacks = "neither a centre nor a box" if not {"center3d", "obb", "position"} & entry.keys() else ""
    lacks = lacks or ("no box, as others have" if boxed and "obb" not in entry else "")
    if lacks:
        message = f"{path}: object {show(object_id)} has {lacks}."
        view.add("layout-place-missing", path, message, at=("objects", index))


def check_inventory(view: SceneUnderTest, path: str) -> Listing:
    """Check the semantic inventory at `path`."""
    inventory = Listing(path)
    record = view.record(path)
    if record is None:
        return inventory
    inventory.record = record
    check(view, path, "inventory", record)
    index_objects(view, inventory)
    listed, total = len(sequence(record.get("objects"))), number(record.get("total_objects"))
    if total is not None and total != listed:
        message = f"{path} says it has {total:g} objects and lists {listed}."
        view.add("count-mismatch", path, message, at=("total_objects",))
    for object_id, (index, entry) in inventory.objects.items():
        check_box(view, path, f"object {show(object_id)}", ("objects", index, "bounds"), entry.get("bounds"))
    return inventory


def index_objects(view: SceneUnderTest, listing: Listing) -> None:
    """Fill in the objects by id and report ids that stand twice."""
    counts: Counter[str] = Counter()
    for index, entry in entries(listing.record, "objects"):
        object_id = identifier(entry.get("id"))
        if not object_id:
            continue
        if not isinstance(entry.get("id"), str):
            message = f"{listing.path}: the id {object_id} is a number; manifests have texts."
            view.add("dialect-number-id", listing.path, message, at=("objects", index, "id"))
        counts[object_id] += 1
        if counts[object_id] > 1:
            message = f"{listing.path}: the id {show(object_id)} stands more than once."
            view.add("id-duplicate", listing.path, message, at=("objects", index, "id"))
        else:
            listing.objects[object_id] = (index, entry)


def check_box(view: SceneUnderTest, path: str, name: str, place: Place, box: object) -> None:
    """A box's lower corner must be below its upper one, and its centre and size must agree with them."""
    low, high = vector(mapping(box).get("min")), vector(mapping(box).get("max"))
    if low is None or high is None:
        return
    for axis in range(3):
        if low[axis] >= high[axis]:
            message = f"{path}: the bounds of {name} run from {low[axis]:g} to {high[axis]:g} along {'xyz'[axis]}."
            view.add("bounds-inverted", path, message, at=(*place, "min", axis))
            return
    size = tuple(h - l for l, h in zip(low, high, strict=True))  # noqa: E741
    middle = tuple((h + l) / 2 for l, h in zip(low, high, strict=True))  # noqa: E741
    for key, expected in (("size", size), ("center", middle)):
        stated = vector(mapping(box).get(key))
        if stated and not all(close(a, b, 1e-3) for a, b in zip(stated, expected, strict=True)):
            inside = key == "center" and all(a <= c <= b for a, c, b in zip(low, stated, high, strict=True))
            message = f"{path}: the {key} of {name} does not agree with the corners of its bounds."
            view.add("bounds-disagree" if inside else "bounds-mismatch", path, message, at=(*place, key))


def _planes(view: SceneUnderTest, path: str, record: Record) -> None:
    planes = mapping(record.get("room_planes"))
    found: list[tuple[Place, object]] = [((name,), planes.get(name)) for name in ("floor", "ceiling")]
    found += [(("walls", index), wall) for index, wall in entries(planes, "walls")]
    for place, plane in found:
        normal = vector(mapping(plane).get("normal"))
        if normal and not close(length(normal), 1.0, 0.01):
            message = f"{path}: a plane's normal has length {length(normal):.3g}."
            view.add("room-plane-malformed", path, message, at=("room_planes", *place, "normal"))


def _oriented_box(view: SceneUnderTest, path: str, object_id: str, place: Place, entry: Record) -> None:
    name = f"object {show(object_id)}"
    obb = mapping(entry.get("obb"))
    center, middle = vector(obb.get("center")), vector(entry.get("center3d"))
    extents = vector(obb.get("extents"))
    if center and max(map(abs, center)) > FAR_METERS:
        axis = max(range(3), key=lambda i: abs(center[i]))
        message = f"{path}: the centre of {name} is {abs(center[axis]):,.0f} m from the origin."
        view.add("position-far", path, message, at=(*place, "obb", "center", axis))
    if center and middle and distance(center, middle) > max(0.01, 0.01 * length(extents or (0.0,))):
        message = f"{path}: center3d of {name} is {distance(center, middle):.3g} m from its obb.center."
        view.add("layout-center-disagrees", path, message, at=(*place, "center3d"))
    turned = _rotation(view, path, name, (*place, "obb", "R"), [vector(row) for row in sequence(obb.get("R"))])
    if turned and center and extents:
        _bounds_hold(view, path, name, place, entry)


def _bounds_hold(view: SceneUnderTest, path: str, name: str, place: Place, entry: Record) -> None:
    """The bounds must be those of the oriented box, give or take what a tight fit to the mesh makes."""
    low, high = vector(at(entry, "bounds", "min")), vector(at(entry, "bounds", "max"))
    center, extents = vector(at(entry, "obb", "center")), vector(at(entry, "obb", "extents"))
    rows = [vector(row) for row in sequence(at(entry, "obb", "R"))]
    if low is None or high is None or center is None or extents is None or len(rows) != 3 or max(extents) > FAR_METERS:
        return
    for axis, row in enumerate(rows):
        if row is None:
            return
        half = sum(abs(part) * extent for part, extent in zip(row, extents, strict=True))
        for corner, side, expected in ((low, "min", center[axis] - half), (high, "max", center[axis] + half)):
            off = abs(corner[axis] - expected)
            if off > 0.01 + 0.05 * half:
                message = f"{path}: the bounds of {name} are {off:.3g} m off its oriented box along {'xyz'[axis]}."
                code = "bounds-mismatch" if off > 1 + 2 * half else "bounds-disagree"
                view.add(code, path, message, at=(*place, "bounds", side, axis))


def _rotation(view: SceneUnderTest, path: str, name: str, place: Place, rows: list[Vector | None]) -> bool:
    """Report a matrix that is no rotation; whether it is one, or there is none."""
    matrix = [row for row in rows if row is not None]
    if len(matrix) != 3 or len(rows) != 3:
        return True
    worst = max(
        abs(sum(a * b for a, b in zip(matrix[i], matrix[j], strict=True)) - (1.0 if i == j else 0.0))
        for i in range(3)
        for j in range(3)
    )
    (a, b, c), (d, e, f), (g, h, i_) = matrix
    determinant = a * (e * i_ - f * h) - b * (d * i_ - f * g) + c * (d * h - e * g)
    if worst > ROTATION_TOLERANCE or abs(determinant - 1) > ROTATION_TOLERANCE:
        message = f"{path}: obb.R of {name} is no rotation (determinant {determinant:.4g}, off by {worst:.2g})."
        view.add("rotation-not-orthonormal", path, message, at=place)
        return False
    return True
