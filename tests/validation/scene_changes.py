"""Ways to damage a scene in memory: each is a function that changes it in place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.validation.scene_builder import Change, Scene, dump

Case = tuple[str, Change, str, str, str]
"""Name, change, and the code, object and place of the error that it must be."""


def edit(path: str, change: Callable[[Any], Any]) -> Change:
    """A change of one JSON document; `change` alters it in place or gives its replacement."""

    def apply(scene: Scene) -> None:
        document = json.loads(scene[path])
        replaced = change(document)
        scene[path] = dump(document if replaced is None else replaced)

    return apply


def put(path: str, keys: tuple[str | int, ...], value: object) -> Change:
    """Put a value at a place of one JSON document."""

    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return edit(path, change)


def drop(path: str, keys: tuple[str | int, ...]) -> Change:
    """Take a field out of one JSON document."""

    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return edit(path, change)


def write(path: str, data: bytes) -> Change:
    """Replace an object's bytes."""
    return lambda scene: scene.update({path: data})


def cut(path: str, data: Callable[[bytes], bytes]) -> Change:
    """Alter an object's bytes."""
    return lambda scene: scene.update({path: data(scene[path])})


def remove(*paths: str) -> Change:
    """Delete objects."""
    return lambda scene: [scene.pop(path) for path in paths] and None


def replace(path: str, old: str, new: str) -> Change:
    """Replace a text in an object."""
    return cut(path, lambda data: data.replace(old.encode(), new.encode()))


def both(*changes: Change) -> Change:
    """Several changes."""

    def apply(scene: Scene) -> None:
        for change in changes:
            change(scene)

    return apply


def drop_all(ending: str) -> Change:
    """Delete every object whose path ends so."""

    def apply(scene: Scene) -> None:
        for path in [path for path in scene if path.endswith(ending)]:
            del scene[path]

    return apply
