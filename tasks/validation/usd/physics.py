"""What a simulator makes of an object's physics wrapper, as OpenUSD composes it. All of it are warnings: it opens.

Source: UsdPhysics (rigid bodies may not be nested unless the inner one resets its transform), PhysX (one articulation
root in a tree; what is inside an instance cannot be changed at run time).
"""

from __future__ import annotations

from tasks.validation.documents.json_values import at, mapping, number
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest

MOVABLE_ROLES = ("manipulable_object",)


def check_wrapper(view: SceneUnderTest, path: str, found: dict[str, object], manifest: Manifest) -> None:
    """Report what the probe found in one wrapper."""
    roots = number(found.get("roots")) or 0
    told = {
        "usd-bodies-nested": (found.get("nested"), "is a rigid body within another one"),
        "usd-physics-instanced": (found.get("instanced"), "has its physics inside an instance"),
        "usd-mass-unused": (found.get("loose"), "has a mass, but neither it nor anything above it is a rigid body"),
    }
    for code, (prim, what) in told.items():
        if prim is not None:
            view.add(code, path, f"{path}: the prim {show(prim)} {what}.")
    if roots > 1:
        view.add("usd-articulation-roots", path, f"{path} has {roots:g} articulation roots; a simulator takes one.")
    _movable(view, path, found, manifest)


def _movable(view: SceneUnderTest, path: str, found: dict[str, object], manifest: Manifest) -> None:
    owner = next((name for name in manifest.objects if f"/obj_{name}/" in path or f"/{name}/" in path), "")
    entry = manifest.objects[owner][1] if owner else {}
    dynamic = at(entry, "physics", "dynamic")
    if dynamic is not True and not (dynamic is None and mapping(entry).get("sim_role") in MOVABLE_ROLES):
        return
    for kind, name in (("bodies", "rigid body"), ("colliders", "collider")):
        if not found.get(kind):
            message = f"{path}: object {show(owner)} is movable, but a simulator finds no {name} in its wrapper."
            view.add("usd-no-physics", path, message)
            return
