"""What the parts of a glTF mesh say of each other beside its geometry: nodes, skins, animations, materials, pictures.

Source: Khronos glTF 2.0, sections 3.5 (scenes), 3.7 (meshes), 3.9 (materials), 3.11 (animations). A circle of nodes and a
place that is no list of numbers stop every reader; what else is wrong here some readers pass over, so it is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.validation.documents.documents import Problem, walk
from tasks.validation.documents.json_values import entries, length, mapping, number, sequence, text, vector
from tasks.validation.documents.quoting import show

ODD = "glb-odd"
TRIANGLES, LAST_MODE = 4, 6
_PLACES = {"matrix": 16, "translation": 3, "scale": 3, "rotation": 4}
_NORM = (0.9, 1.1)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}\s*")
Value = dict[str, object]
Reference = tuple[str, object]
"""The list that is meant, and the number of an entry in it."""


def link_problems(value: Value) -> Iterator[Problem]:
    """What is wrong with the links; `value` is the JSON of a mesh whose lists are lists."""
    nodes = [node for _, node in entries(value, "nodes")]
    yield from _placed(nodes)
    yield from _tree(nodes)
    sizes = {name: len(sequence(item)) for name, item in value.items()}
    for name, index in _references(value):
        if not _within(index, sizes.get(name, 0)):
            yield Problem(ODD, f"it refers to entry {show(index, 20)} of its {name}, which is not there")
    for _, mesh in entries(value, "meshes"):
        for _, part in entries(mesh, "primitives"):
            yield from _part(value, part)
    for _, animation in entries(value, "animations"):
        samplers = len(sequence(animation.get("samplers")))
        for _, channel in entries(animation, "channels"):
            if not _within(channel.get("sampler"), samplers):
                yield Problem(ODD, "a channel of its animations names no sampler")
    yield from _pictures(value)


def _placed(nodes: list[Value]) -> Iterator[Problem]:
    for place, node in enumerate(nodes):
        for name, size in _PLACES.items():
            if name in node and vector(node[name], size) is None:
                yield Problem("glb-damaged", f"the {name} of its node {place} is not {size} numbers")
        turn = vector(node.get("rotation"), 4)
        if turn is not None and not _NORM[0] < length(turn) < _NORM[1]:
            yield Problem(ODD, f"the rotation of its node {place} has norm {length(turn):.4g}")


def _tree(nodes: list[Value]) -> Iterator[Problem]:
    """Nodes are trees: none has two parents, and none is within itself."""
    parents: dict[int, int] = {}
    for place, node in enumerate(nodes):
        for child in sequence(node.get("children")):
            if isinstance(child, int) and parents.setdefault(child, place) != place:
                yield Problem(ODD, f"its node {child} has two parents")
                return
    done = set[int]()
    for start in parents:
        way, at = set[int](), start
        while at in parents and at not in done and at not in way:
            way.add(at)
            at = parents[at]
        if at in way:
            yield Problem("glb-damaged", f"its node {at} is within itself")
            return
        done |= way


def _references(value: Value) -> Iterator[Reference]:
    if "scene" in value:
        yield "scenes", value["scene"]
    for _, texture in entries(value, "textures"):
        yield from _named(texture, source="images", sampler="samplers")
    for _, material in entries(value, "materials"):
        for path, item in walk(material):
            if path and str(path[-1]).endswith("Texture") and isinstance(item, dict) and "index" in item:
                yield "textures", item["index"]
    for _, skin in entries(value, "skins"):
        yield from (("nodes", joint) for joint in sequence(skin.get("joints")))
        yield from _named(skin, skeleton="nodes", inverseBindMatrices="accessors")
    for _, node in entries(value, "nodes"):
        yield from _named(node, skin="skins", camera="cameras")
    for _, animation in entries(value, "animations"):
        for _, channel in entries(animation, "channels"):
            yield from _named(mapping(channel.get("target")), node="nodes")
        for _, sampler in entries(animation, "samplers"):
            yield from _named(sampler, input="accessors", output="accessors")
    for _, mesh in entries(value, "meshes"):
        for _, part in entries(mesh, "primitives"):
            for _, target in entries(part, "targets"):
                yield from (("accessors", index) for index in target.values())


def _named(item: Value, **lists: str) -> Iterator[Reference]:
    yield from ((name, item[key]) for key, name in lists.items() if key in item)


def _part(value: Value, part: Value) -> Iterator[Problem]:
    """One part of a mesh: how it is drawn, and as many of everything as it has vertices."""
    mode, attributes = part.get("mode", TRIANGLES), mapping(part.get("attributes"))
    if not _within(mode, LAST_MODE + 1):
        yield Problem(ODD, f"a part of its mesh is drawn in the mode {show(mode, 20)}, which glTF does not know")
    counts = {name: _count(value, index) for name, index in attributes.items()}
    vertices = counts.get("POSITION")
    for name, count in counts.items():
        if count is not None and vertices is not None and count != vertices:
            yield Problem(ODD, f"a part of its mesh has {vertices:g} vertices and {count:g} of {show(name, 40)}")
    drawn = _count(value, part["indices"]) if "indices" in part else vertices
    if mode == TRIANGLES and drawn is not None and drawn % 3:
        yield Problem(ODD, f"a part of its mesh has {drawn:g} corners, which are no whole triangles")


def _count(value: Value, index: object) -> float | None:
    accessors = sequence(value.get("accessors"))
    if not isinstance(index, int) or not _within(index, len(accessors)):
        return None  # which is told elsewhere
    return number(mapping(accessors[index]).get("count"))


def _pictures(value: Value) -> Iterator[Problem]:
    for place, image in entries(value, "images"):
        uri = text(image.get("uri")) or ""
        if _within(image.get("bufferView"), len(sequence(value.get("bufferViews")))) and "mimeType" not in image:
            yield Problem(ODD, f"its picture {place} lies in a buffer and does not say of what kind it is")
        head, packed, data = uri.partition(";base64,")
        if head.startswith("data:") and packed and not _BASE64.fullmatch(data):
            yield Problem("texture-missing", f"its picture {place} is in the JSON itself and cannot be unpacked")


def _within(index: object, size: int) -> bool:
    whole = number(index)
    return whole is not None and whole.is_integer() and 0 <= whole < size
