"""The JSON of a glTF 2.0 mesh against its buffers: what its readers would stumble over.

Source: Khronos glTF 2.0, sections 3.6 (buffers, accessors), 3.7 (meshes), 3.12 (extensions), and its schema. Indices
that lead nowhere, buffers that are too short and positions that are no numbers are errors: no reader gets a mesh out
of them. What readers differ in, such as extensions they need, is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.json_values import entries, mapping, sequence, text
from tasks.validation.documents.quoting import show
from tasks.validation.files.gltf_data import COMPONENT_BYTES, ELEMENTS, Data, element_bytes
from tasks.validation.files.gltf_links import ODD, link_problems
from tasks.validation.files.pieces import Pieces

MAX_PROBLEMS = 20
"""Problems of one mesh that are told."""
PLAIN_EXTENSIONS = (
    "KHR_materials_",
    "KHR_texture_transform",
    "KHR_lights_punctual",
    "KHR_xmp",
    "KHR_mesh_quantization",
)
"""Extensions that change no geometry, or that readers cope with, though a file says that it needs them."""
_LISTS = (
    "buffers",
    "bufferViews",
    "accessors",
    "meshes",
    "nodes",
    "materials",
    "textures",
    "images",
    "samplers",
    "skins",
    "animations",
    "cameras",
    "scenes",
)


class GltfFile(Protocol):
    """What lies beside a mesh."""

    def beside(self, uri: str) -> tuple[int | None, str]:
        """(size of the file that a relative address names, ""), or (None, why it is not there)."""
        ...


@dataclass
class Gltf:
    """One mesh: its JSON, and where its BIN chunk is (start, length), if it has one."""

    value: dict[str, object]
    binary: tuple[int, int] | None
    pieces: Pieces = field(default_factory=lambda: Pieces.of(b""))
    odd: str = ""
    """What is odd about the file and does no harm; empty: nothing is."""

    def problems(self, file: GltfFile) -> Iterator[Problem]:
        """What is wrong with it, at most `MAX_PROBLEMS`."""
        yield from islice(self._problems(file), MAX_PROBLEMS)

    def _problems(self, file: GltfFile) -> Iterator[Problem]:
        if self.odd:
            yield Problem(ODD, self.odd)
        yield from self._asset()
        yield from self._extensions()
        for name in _LISTS:
            if name in self.value and not isinstance(self.value[name], list):
                yield _error(f"its {name} are no list")
                return
        lengths: list[int | None] = []
        for index, _ in enumerate(sequence(self.value.get("buffers"))):
            yield from self._buffer(index, file, lengths)
        views = list(self._checked_views(lengths))
        yield from (found for found in views if isinstance(found, Problem))
        if any(isinstance(found, Problem) for found in views):
            return
        yield from self._accessors()
        yield from self._references()
        yield from self._images(file)
        yield from link_problems(self.value)

    def _asset(self) -> Iterator[Problem]:
        asset = self.value.get("asset")
        version = text(mapping(asset).get("version"))
        if not isinstance(asset, dict) or version is None:
            yield _error("it lacks asset.version, which says what glTF it is")
        elif not version.startswith("2.") or text(asset.get("minVersion")) not in (None, "2.0"):
            yield Problem("glb-version-odd", f"its JSON is of glTF version {show(version)}; the pipeline writes 2.0")

    def _extensions(self) -> Iterator[Problem]:
        needed = [text(name) or "" for name in sequence(self.value.get("extensionsRequired"))]
        special = [name for name in needed if not name.startswith(PLAIN_EXTENSIONS)]
        if special:
            message = f"it can only be read with {', '.join(show(name, 40) for name in special[:5])}"
            yield Problem("glb-needs-extension", message)

    def _buffer(self, index: int, file: GltfFile, lengths: list[int | None]) -> Iterator[Problem]:
        """Whether a buffer has its bytes; notes the length that may be relied on, None for one without bytes."""
        buffer = mapping(sequence(self.value.get("buffers"))[index])
        length, uri = _whole(buffer.get("byteLength")), text(buffer.get("uri"))
        lengths.append(length)
        if length is None:
            yield _error(f"its buffer {index} has no length")
            return
        have: int | None
        if uri is None and _is_fallback(buffer):
            return  # only there for readers that do not know the compression
        if uri is None:
            have, why = (self.binary[1], "") if index == 0 and self.binary else (None, "it has no BIN chunk")
        elif uri.startswith("data:"):
            encoded = uri.partition(",")[2]
            have, why = len(encoded.rstrip("=")) * 3 // 4 if ";base64," in uri[:200] else None, ""
            if have is None:
                return
        else:
            have, why = file.beside(uri)
        if have is None:
            code = "path-dangling" if uri else "glb-damaged"
            yield Problem(code, f"its buffer {index} has no bytes: {why}")
        elif have < length:
            yield _error(f"its buffer {index} says it has {length:,} bytes; there are {have:,}")

    def _checked_views(self, lengths: Sequence[int | None]) -> Iterator[Problem | None]:
        for index, view in _objects(self.value.get("bufferViews")):
            buffer, length = _whole(view.get("buffer")), _whole(view.get("byteLength"))
            start = _whole(view.get("byteOffset", 0))
            if buffer is None or length is None or start is None or buffer >= len(lengths):
                yield _error(f"its buffer view {index} names no buffer or has no length")
            elif (room := lengths[buffer]) is not None and start + length > room:
                yield _error(f"its buffer view {index} ends at byte {start + length:,} of a buffer of {room:,}")
            else:
                yield None

    def _accessors(self) -> Iterator[Problem]:
        wrong = [found for index, one in _objects(self.value.get("accessors")) for found in self._accessor(index, one)]
        yield from wrong or self._numbers()

    def _numbers(self) -> Iterator[Problem]:
        """What the numbers themselves are, where they are plainly in the BIN chunk."""
        data, told = Data(self.value, self.binary, self.pieces), set[int]()
        for part in self._primitives():
            positions, indices = _whole(mapping(part.get("attributes")).get("POSITION")), _whole(part.get("indices"))
            if positions is None:
                continue
            if positions not in told and data.not_finite(positions):
                yield _error(f"its positions (accessor {positions}) hold NaN or infinity")
            told.add(positions)
            if indices is not None and (far := data.beyond(indices, positions)) is not None:
                yield _error(f"its indices (accessor {indices}) name vertex {far:,}, which it does not have")

    def _accessor(self, index: int, accessor: dict[str, object]) -> Iterator[Problem]:
        count, kind = _whole(accessor.get("count")), text(accessor.get("type"))
        component = _whole(accessor.get("componentType"))
        if count is None or kind not in ELEMENTS or component not in COMPONENT_BYTES:
            yield _error(f"its accessor {index} has no count, or a type that glTF does not know")
            return
        for name in ("min", "max"):
            bounds = accessor.get(name)
            if bounds is not None and any(
                isinstance(b, bool) or not isinstance(b, int | float) for b in sequence(bounds)
            ):
                yield _error(f"the {name} of its accessor {index} holds something that is no number")
        size = element_bytes(kind, component)
        parts = [(accessor, count, size)]
        sparse = mapping(accessor.get("sparse"))
        if sparse:
            few = _whole(sparse.get("count")) or 0
            wide = COMPONENT_BYTES.get(_whole(mapping(sparse.get("indices")).get("componentType")) or 0, 1)
            parts += [(mapping(sparse.get("indices")), few, wide), (mapping(sparse.get("values")), few, size)]
        for part, number, each in parts:
            yield from self._extent(index, part, number, each)

    def _extent(self, index: int, part: dict[str, object], count: int, size: int) -> Iterator[Problem]:
        """Whether a run of elements lies within its buffer view."""
        if "bufferView" not in part:
            return  # all zeros, or unpacked from a compressed form
        views = sequence(self.value.get("bufferViews"))
        number, start = _whole(part.get("bufferView")), _whole(part.get("byteOffset", 0))
        if number is None or number >= len(views) or start is None:
            yield _error(f"its accessor {index} names a buffer view that is not there")
            return
        view = mapping(views[number])
        stride = _whole(view.get("byteStride")) or size
        room = _whole(view.get("byteLength")) or 0
        if count and start + stride * (count - 1) + size > room:
            yield _error(f"its accessor {index} needs more than the {room:,} bytes of its buffer view")

    def _primitives(self) -> Iterator[dict[str, object]]:
        for _, mesh in _objects(self.value.get("meshes")):
            yield from (part for _, part in entries(mesh, "primitives"))

    def _references(self) -> Iterator[Problem]:
        sizes = {name: len(sequence(self.value.get(name))) for name in _LISTS}
        for index, mesh in _objects(self.value.get("meshes")):
            if not sequence(mesh.get("primitives")):
                yield Problem("mesh-empty", f"its mesh {index} has no part")
        for part in self._primitives():
            wanted = [("accessors", number) for number in mapping(part.get("attributes")).values()]
            wanted += [
                (name, part[key]) for key, name in (("indices", "accessors"), ("material", "materials")) if key in part
            ]
            yield from (_lost(name, number) for name, number in wanted if not _within(number, sizes[name]))
            yield from self._counted(part)
        for _, node in _objects(self.value.get("nodes")):
            wanted = [("meshes", node["mesh"])] if "mesh" in node else []
            wanted += [("nodes", child) for child in sequence(node.get("children"))]
            yield from (_lost(name, number) for name, number in wanted if not _within(number, sizes[name]))
        for _, scene in _objects(self.value.get("scenes")):
            wanted = [("nodes", node) for node in sequence(scene.get("nodes"))]
            yield from (_lost(name, number) for name, number in wanted if not _within(number, sizes[name]))

    def _counted(self, part: dict[str, object]) -> Iterator[Problem]:
        place = _whole(mapping(part.get("attributes")).get("POSITION"))
        accessors = sequence(self.value.get("accessors"))
        if place is None:
            yield Problem("mesh-empty", "a part of its mesh has no positions")
        elif place < len(accessors) and mapping(accessors[place]).get("count") == 0:
            yield Problem("mesh-empty", "a part of its mesh has no vertex")

    def _images(self, file: GltfFile) -> Iterator[Problem]:
        views = len(sequence(self.value.get("bufferViews")))
        for index, image in _objects(self.value.get("images")):
            uri = text(image.get("uri"))
            if uri is None and "bufferView" in image and not _within(image["bufferView"], views):
                yield _lost("bufferViews", image["bufferView"])
            if uri and not uri.startswith("data:"):
                size, why = file.beside(uri)
                if size is None:
                    yield Problem("texture-missing", f"its picture {index} is not there: {why}")


def _error(message: str) -> Problem:
    return Problem("glb-damaged", message)


def _lost(name: str, number: object) -> Problem:
    return _error(f"it refers to entry {show(number, 20)} of its {name}, which is not there")


def _objects(value: object) -> Iterator[tuple[int, dict[str, object]]]:
    yield from ((index, mapping(item)) for index, item in enumerate(sequence(value)))


def _whole(value: object) -> int | None:
    """A whole number from 0; those that some writers put as 3.0 count too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _within(number: object, size: int) -> bool:
    whole = _whole(number)
    return whole is not None and whole < size


def _is_fallback(buffer: dict[str, object]) -> bool:
    extensions = mapping(buffer.get("extensions"))
    return any(mapping(extensions.get(name)).get("fallback") is True
               for name in ("EXT_meshopt_compression", "KHR_meshopt_compression"))  # fmt: skip
