"""YAML that remembers where every value stands, so that an error can name the file and the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

KeyPath = tuple[str | int, ...]
"""Where a value is in the document, e.g. `("stages", "usd", "needs", 0)`."""


class CatalogueError(ValueError):
    """The catalogue or its overlay is wrong. One sentence for each problem, each with its file, line and key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Place:
    """A line of a file; `line` is None for an overlay that came as a Python mapping."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file} line {self.line}"


@dataclass(frozen=True)
class Node:
    """A value and its place. A mapping's value is `dict[key, Node]`, a list's `list[Node]`, else a plain scalar."""

    value: Any
    place: Place
    removed: Mapping[Any, Place] = field(default_factory=dict)
    """Keys that an overlay took out of this mapping, and where it says so."""

    def plain(self) -> Any:
        """The value without places, for the model to read."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def find(self, path: KeyPath) -> tuple[Place, bool]:
        """The place of the value at `path` and True, or of the nearest thing around it and False."""
        node = self
        for key in path:
            if key in node.removed:
                return node.removed[key], True
            items = dict(enumerate(node.value)) if isinstance(node.value, list) else node.value
            if not isinstance(items, dict) or key not in items:
                return node.place, False
            node = items[key]
        return node.place, True


def read(text: str, file: str) -> Node:
    """Parse one YAML document whose top is a mapping. Raises CatalogueError."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        node = Node({}, Place(file, 1)) if root is None else _convert(loader, root, Place(file, 1))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogueError([f"{Place(file, line)}: this is not YAML: {error.problem}."]) from error
    finally:
        loader.dispose()
    if not isinstance(node.value, dict):
        raise CatalogueError([f"{node.place}: the top must be a mapping such as 'markers:' or 'workflows:'."])
    return node


def wrap(value: Any, place: Place) -> Node:
    """The nodes of a Python value, all of them at one place."""
    if isinstance(value, Mapping):
        return Node({key: wrap(item, place) for key, item in value.items()}, place)
    if isinstance(value, list | tuple):
        return Node([wrap(item, place) for item in value], place)
    return Node(value, place)


def merge(base: Node, over: Node) -> Node:
    """Lay `over` over `base`: mappings are merged key by key, everything else replaces, null removes a key.

    A key that `base` does not have goes before the next key of `base` that `over` names after it, else to the end.
    """
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged, removed = dict(base.value), dict(base.removed)
    for key, item in over.value.items():
        if item.value is None and key in base.value:
            del merged[key]
            removed[key] = item.place
        else:
            merged[key] = merge(merged[key], item) if key in merged else item
    return Node({key: merged[key] for key in _order(base.value, over.value) if key in merged}, over.place, removed)


def _order(base: Mapping[Any, Node], over: Mapping[Any, Node]) -> Iterator[Any]:
    before: dict[Any, list[Any]] = {}
    waiting: list[Any] = []
    for key in over:
        if key in base:
            before[key], waiting = waiting, []
        else:
            waiting.append(key)
    for key in base:
        yield from before.get(key, ())
        yield key
    yield from waiting


def _convert(loader: Any, node: yaml.Node, place: Place) -> Node:
    if isinstance(node, yaml.SequenceNode):
        return Node([_convert(loader, item, _at(place.file, item)) for item in node.value], place)
    if not isinstance(node, yaml.MappingNode):
        return Node(loader.construct_object(node, deep=True), place)
    items: dict[Any, Node] = {}
    for key_node, value_node in node.value:
        key, at = loader.construct_object(key_node, deep=True), _at(place.file, key_node)
        if key in items:
            raise CatalogueError([f"{at}: the key '{key}' stands here for the second time; keep one of the two."])
        items[key] = _convert(loader, value_node, at)
    return Node(items, place)


def _at(file: str, node: yaml.Node) -> Place:
    return Place(file, node.start_mark.line + 1)
