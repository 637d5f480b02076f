"""Opens USD files with OpenUSD, in a process of its own: a damaged or hostile file may take the process down with it.

Run as `python -m tasks.validation.usd.probe FOLDER`, with JSON on standard input. Answers are lines of JSON on standard
output, each before the next file is touched, so that whoever reads them knows at which file it ended. Nothing in here
is called by the other modules.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tasks.validation.usd.probe_geometry import geometry

MAX_MEMORY_BYTES = 4 * 1024**3
MAX_ANSWERS = 200
MAX_ASSETS = 10_000
"""Asset paths of one binary layer that are given back."""


def main() -> None:
    """Open what standard input lists (`layers`, `stages`, `wrappers`), within `cpu_seconds` of processor time."""
    root = Path(sys.argv[1]).resolve()
    wanted = json.loads(sys.stdin.read())
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (wanted["cpu_seconds"], wanted["cpu_seconds"] + 1))
    outside = False
    for path in wanted["layers"]:
        _say(at=path)
        answer = _layer(root, path)
        outside = outside or bool(answer.pop("outside"))
        _say(layer=path, **answer)
    for kind, look in (("stages", _stage), ("wrappers", _physics)):
        for path in [] if outside else wanted[kind]:
            _say(at=path)
            _say(**look(root, path))
    _say(done=True)


def _say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201


def _layer(root: Path, path: str) -> dict[str, Any]:
    """Why a layer cannot be opened; of a binary one also its asset paths, its units and its axis up."""
    from pxr import Sdf, Tf

    try:
        layer = Sdf.Layer.FindOrOpen(str(root / path))
    except Tf.ErrorException as error:
        return {"problem": _short(error, root), "outside": False}
    if layer is None:
        return {"problem": "OpenUSD cannot open it", "outside": False}
    arcs = list(layer.GetCompositionAssetDependencies())
    answer: dict[str, Any] = {"problem": None, "outside": any(_leaves(root, path, arc) for arc in arcs)}
    binary = _is_binary(root, path)
    answer |= geometry(layer, binary=binary or path.lower().endswith(".usdz"))
    if binary:
        head = layer.pseudoRoot
        answer |= {
            "assets": [[arc, True] for arc in arcs[:MAX_ASSETS]] + [[one, False] for one in _assets(layer)],
            "up": head.GetInfo("upAxis") if head.HasInfo("upAxis") else "",
            "meters": head.GetInfo("metersPerUnit") if head.HasInfo("metersPerUnit") else None,
        }
    return answer


def _is_binary(root: Path, path: str) -> bool:
    """Whether a layer is binary; of layers in packages only those are asked for that are."""
    if "[" in path:
        return True
    with (root / path).open("rb") as file:
        return file.read(8) == b"PXR-USDC"


def _leaves(root: Path, path: str, reference: str) -> bool:
    if "[" in path or "[" in reference:
        return reference.startswith("/")
    target = os.path.normpath(root / Path(path).parent / reference)
    return not Path(target).is_relative_to(root)


def _assets(layer: Any) -> list[str]:
    """The asset paths that a layer's attributes hold, textures above all."""
    from pxr import Sdf

    found: dict[str, None] = {}

    def note(value: object) -> None:
        for one in value if isinstance(value, Sdf.AssetPathArray) else [value]:
            if isinstance(one, Sdf.AssetPath) and one.path and len(found) < MAX_ASSETS:
                found[one.path] = None

    def look(place: Any) -> None:
        spec = layer.GetAttributeAtPath(place) if place.IsPropertyPath() else None
        if spec and str(spec.typeName).startswith("asset"):
            note(spec.default)
            for time in layer.ListTimeSamplesForPath(place)[:MAX_ASSETS]:
                note(layer.QueryTimeSample(place, time))

    layer.Traverse(Sdf.Path.absoluteRootPath, look)
    return list(found)


def _stage(root: Path, path: str) -> dict[str, Any]:
    """What OpenUSD cannot put together in a stage."""
    from pxr import Tf, Usd

    try:
        stage = Usd.Stage.Open(str(root / path))
        problems = sorted({_short(error, root) for error in stage.GetCompositionErrors()})[:MAX_ANSWERS]
    except Tf.ErrorException as error:
        problems = [_short(error, root)]
    return {"stage": path, "problems": problems}


def _physics(root: Path, path: str) -> dict[str, Any]:
    """What a simulator would make of a physics wrapper that a stage refers to (UsdPhysics)."""
    from pxr import Sdf, Tf, Usd, UsdPhysics

    found: dict[str, Any] = {"physics": path, "bodies": 0, "colliders": 0, "roots": 0}
    try:
        layer = Sdf.Layer.FindOrOpen(str(root / path))
        name = layer.defaultPrim or next((prim.name for prim in layer.rootPrims), "")
        if not name:
            return found
        stage = Usd.Stage.CreateInMemory()
        top = stage.DefinePrim("/Wrapper")
        top.GetReferences().AddReference(str(root / path), Sdf.Path(f"/{name}"))
        moving: list[Any] = []
        for prim in Usd.PrimRange(top, Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)):
            while moving and not prim.GetPath().HasPrefix(moving[-1]):
                moving.pop()
            _look_at(prim, top, moving, found)
            if prim.HasAPI(UsdPhysics.RigidBodyAPI):
                moving.append(prim.GetPath())
    except Tf.ErrorException:
        pass  # told when it was opened
    return found


def _look_at(prim: Any, top: Any, moving: list[Any], found: dict[str, Any]) -> None:
    from pxr import UsdGeom, UsdPhysics

    place = str(prim.GetPath()).replace(str(top.GetPath()), "", 1) or "/"
    body = prim.HasAPI(UsdPhysics.RigidBodyAPI)
    enabled = body and UsdPhysics.RigidBodyAPI(prim).GetRigidBodyEnabledAttr().Get() is not False
    root, collides = prim.HasAPI(UsdPhysics.ArticulationRootAPI), prim.HasAPI(UsdPhysics.CollisionAPI)
    found["bodies"] += bool(enabled)
    found["roots"] += bool(root)
    found["colliders"] += bool(collides)
    if enabled and moving and not UsdGeom.Xformable(prim).GetResetXformStack():
        found.setdefault("nested", place)
    if (body or root) and prim.IsInstanceProxy():
        found.setdefault("instanced", place)
    mass = prim.GetAttribute("physics:mass")
    if mass and mass.HasAuthoredValue() and prim != top and not (body or collides or moving):
        found.setdefault("loose", place)


def _short(error: object, root: Path) -> str:
    lines = [line.strip() for line in str(error).splitlines() if any(map(str.isalnum, line))]
    return (lines[-1] if lines else "unknown").replace(f"{root}/", "")[-300:]


if __name__ == "__main__":
    main()
