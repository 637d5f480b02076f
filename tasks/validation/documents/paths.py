"""Where paths inside documents lead. Good are those relative to the scene, and `scenes/<id>/…` as in the bucket."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True)
class Target:
    """Where a path leads: to an object of the scene, or why not."""

    path: str
    code: str = ""
    """Empty when `path` is an object that is there."""
    message: str = ""


def is_outside(raw: str) -> str:
    """The code of a path that holds for no scene at all, empty for any other."""
    if _URI.match(raw):
        return "path-is-uri"
    return "path-is-absolute" if raw.startswith("/") or _DRIVE.match(raw) else ""


def resolve(view: SceneUnderTest, raw: str, folder: str = "") -> Target:
    """The object that `raw` names, relative to `folder` of the scene, to the scene or to the bucket."""
    outside = is_outside(raw)
    if outside == "path-is-uri":
        return Target(raw, outside, f"{show(raw)} is an address, not a path within the scene")
    if outside:
        return Target(raw, outside, f"{show(raw)} is an absolute path of some machine")
    root = view.catalogue.scene_root.format(scene_id=view.scene_id)
    inside = _inside(raw, root, folder)
    if inside is None:
        return Target(raw, "path-of-other-scene", f"{show(raw)} belongs to another scene than {view.scene_id}")
    path = posixpath.normpath(inside)
    if path.startswith("../") or path in ("..", "."):
        return Target(raw, "path-leaves-scene", f"{show(raw)} leads out of the scene")
    return _there(view, raw, path, inside, folder)


def report_target(
    view: SceneUnderTest, target: Target, object_path: str, name: str, at: tuple[str | int, ...] | None = None
) -> bool:
    """Report a path that leads nowhere. True when it leads to an object with something in it."""
    if target.code:
        view.add(target.code, object_path, f"{name}: {target.message}.", at=at)
    elif view.files[target.path].size == 0:
        view.add("object-empty", target.path, f"{target.path} has 0 bytes, and {object_path} refers to it.")
        return False
    return target.code in ("", "path-not-normal")


def scene_in(path: str) -> str | None:
    """The scene id that an absolute path or an address names (`…/scenes/<id>/…`), None without one."""
    found = re.search(r"(?:^|/)scenes/([^/]+)(?:/|$)", path)
    return found.group(1) if found else None


def _inside(raw: str, root: str, folder: str) -> str | None:
    """`raw` relative to the scene; None when it names another scene."""
    if raw.startswith(root):
        return raw[len(root) :]
    before = root.partition("/")[0] + "/"
    if not folder and raw.startswith(before):
        return None
    return f"{folder}/{raw}" if folder else raw


def _there(view: SceneUnderTest, raw: str, path: str, inside: str, folder: str) -> Target:
    if path in view.files:
        if path != inside and not folder:
            return Target(path, "path-not-normal", f"{show(raw)} only leads to {path} once it is tidied up")
        return Target(path)
    other = view.in_any_case(path)
    if other is not None:
        return Target(path, "path-wrong-case", f"{show(raw)} differs from {other} in capital letters only")
    if view.source.unlisted(path):
        return Target(path, "path-unlisted", f"{show(raw)} leads to where the listing was cut short")
    if view.expired(path):
        return Target(path, "path-expired", f"{show(raw)} leads to {path}, which retention has removed")
    message = f"{show(raw)} leads to nothing: there is no {path} in the scene"
    forward = posixpath.normpath(path.replace("\\", "/"))
    if forward in view.files:
        message = f"{show(raw)} has backslashes, which are part of a name here; {forward} is there"
    elif (same := view.in_any_form(path)) is not None:
        message = f"{show(raw)} and {same} look alike, but their letters are composed differently (NFC, NFD)"
    return Target(path, "path-dangling", message)
