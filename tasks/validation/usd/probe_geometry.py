"""Geometry as OpenUSD holds it, looked at by the probe: meshes whose faces name points that are not there, and numbers
in binary layers that are none. Only values that stand in the layer itself; animated ones are left alone.
"""

from __future__ import annotations

from typing import Any

PLACED = ("points", "normals", "extent", "radius", "size", "height")
"""Attributes that no infinite number fits; transforms beside them."""


def geometry(layer: Any, *, binary: bool) -> dict[str, Any]:
    """The first mesh that does not fit together, the first transform that leaves nothing, and (`binary`) the first value
    that is not finite."""
    from pxr import Sdf

    found: dict[str, Any] = {}

    def look(place: Any) -> None:
        if place.IsPrimPath() and "mesh" not in found:
            reason = _topology(layer, place)
            if reason:
                found["mesh"] = f"{place}: {reason}"
        spec = layer.GetAttributeAtPath(place) if place.IsPropertyPath() else None
        if not spec or not (spec.name in PLACED or spec.name.startswith("xformOp:")):
            return
        if binary and not _finite(spec.default):
            found.setdefault("not_finite", str(place))
        if _flat(spec.name, spec.default):
            found.setdefault("flat", str(place))

    layer.Traverse(Sdf.Path.absoluteRootPath, look)
    return found


def _topology(layer: Any, place: Any) -> str:
    """Why a mesh's faces do not fit its points; empty for whatever is no whole mesh."""
    from pxr import UsdGeom

    spec = layer.GetPrimAtPath(place)
    if not spec or spec.typeName != "Mesh" or not _is_loaded(layer, place):
        return ""
    held = {name: spec.attributes.get(name) for name in ("faceVertexIndices", "faceVertexCounts", "points")}
    if any(one is None or one.default is None or layer.GetNumTimeSamplesForPath(one.path) for one in held.values()):
        return ""
    indices, counts, points = (one.default for one in held.values() if one is not None)
    good, reason = UsdGeom.Mesh.ValidateTopology(indices, counts, len(points))
    return "" if good else str(reason)


def _is_loaded(layer: Any, place: Any) -> bool:
    """Whether readers make something of a prim by itself: it is defined, and neither it nor what holds it is switched off
    or a class, which only stands for others."""
    from pxr import Sdf

    specs = [spec for path in place.GetPrefixes() if (spec := layer.GetPrimAtPath(path))]
    apart = any(not spec.active or spec.specifier == Sdf.SpecifierClass for spec in specs)
    return bool(specs[-1].specifier == Sdf.SpecifierDef) and not apart


def _flat(name: str, value: Any) -> bool:
    """Whether a transform leaves nothing of what it moves: a scale of 0, or a turn of no length."""
    if name.startswith("xformOp:orient"):
        return value is not None and value.GetLength() == 0
    return name.startswith("xformOp:scale") and value is not None and 0 in tuple(value)


def _finite(value: Any) -> bool:
    import numpy as np

    try:
        return bool(np.isfinite(np.asarray(value, dtype=float)).all())
    except (TypeError, ValueError):
        return True  # nothing that is made of numbers
