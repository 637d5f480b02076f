"""Where asset paths of USD layers lead: plain ones, tiles of a texture, files in packages, and what only a renderer finds.

Source: OpenUSD, ArDefaultResolver (a path without ./ is looked for beside the layer, then on the search path), Sdf (format
arguments after `:SDF_FORMAT_ARGS:`, `package.usdz[file]`, expressions in backquotes), UsdShade (`<UDIM>`).
"""

from __future__ import annotations

import re

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.paths import Target, resolve
from tasks.validation.documents.quoting import show
from tasks.validation.files.archives import open_zip
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.source import Vanished

_ARGUMENTS = ":SDF_FORMAT_ARGS:"
_TILES = "<UDIM>"
_PACKAGED = re.compile(r"(.+\.usdz)\[(.+)\]", re.IGNORECASE)


def unresolvable(raw: str) -> bool:
    """Whether only a renderer can tell where a path leads: expressions, and materials on its own search path."""
    plain = raw.partition(_ARGUMENTS)[0]
    return plain.startswith("`") or (plain.lower().endswith(".mdl") and not plain.startswith(("./", "../", "/")))


def resolve_asset(view: SceneUnderTest, raw: str, folder: str) -> Target:
    """The object that an asset path in a layer of `folder` leads to."""
    plain = raw.partition(_ARGUMENTS)[0]
    packaged = _PACKAGED.fullmatch(plain)
    if packaged:
        return _in_package(view, raw, packaged.group(1), packaged.group(2), folder)
    if _TILES in plain:
        return _tile(view, raw, plain, folder)
    return resolve(view, plain, folder)


def _tile(view: SceneUnderTest, raw: str, plain: str, folder: str) -> Target:
    """The first tile of a texture that is cut into tiles numbered from 1001."""
    first = resolve(view, plain.replace(_TILES, "1001"), folder)
    if first.code != "path-dangling":
        return first
    before, _, after = first.path.rpartition("1001")
    for number in range(1002, 1101):
        if (path := f"{before}{number}{after}") in view.files:
            return Target(path)
    return Target(
        first.path, "path-dangling", f"{show(raw)} leads to nothing: no tile such as {first.path} is in the scene"
    )


def _in_package(view: SceneUnderTest, raw: str, package: str, inside: str, folder: str) -> Target:
    target = resolve(view, package, folder)
    if target.code or not view.has(target.path):
        return target
    names = names_in(view, target.path)
    if names is None or inside.partition("[")[0] in names:
        return target
    return Target(target.path, "path-dangling", f"{show(raw)} leads to nothing: the package does not hold that file")


def names_in(view: SceneUnderTest, path: str) -> frozenset[str] | None:
    """The files in a package, None when that cannot be known."""
    if path not in view.packed:
        try:
            opened = open_zip(view.pieces(path))
        except Vanished:
            opened = Problem("object-unreadable", "")
        if isinstance(opened, Problem):
            view.packed[path] = None
        else:
            with opened as package:
                view.packed[path] = frozenset(package.namelist())
    return view.packed[path]
