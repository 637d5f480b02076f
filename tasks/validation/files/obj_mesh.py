"""Wavefront OBJ meshes: vertices that are numbers, faces that name vertices there are, and material files beside them.

Source: Wavefront, Advanced Visualizer, appendix B1: indices count from 1, negative ones back from the last vertex so
far; a line that ends with `\\` goes on in the next one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.quoting import show
from tasks.validation.files.gltf import GltfFile

_KINDS = {b"v": 0, b"vt": 1, b"vn": 2}
_LEAST = (3, 1, 3)
_DRAWN = (b"f", b"l", b"p", b"curv", b"surf")


def obj_problems(data: bytes, file: GltfFile) -> Iterator[Problem]:
    """What is wrong with an OBJ mesh. `file` answers for what lies beside it."""
    if b"\0" in data[:65536]:
        yield Problem("mesh-damaged", "it is no text")
        return
    mesh = _Mesh()
    for number, line in enumerate(data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").splitlines(), start=1):
        problem = mesh.take(line.split())
        if problem:
            yield Problem("mesh-damaged", f"line {number:,}: {problem}")
            return
    yield from mesh.problems()
    for name in mesh.libraries:
        size, why = file.beside(name)
        if size is None:
            yield Problem("texture-missing", f"its materials are not there: {why}")


class _Mesh:
    """What has been read so far."""

    def __init__(self) -> None:
        self.counts, self.highest, self.drawn = [0, 0, 0], [0, 0, 0], False
        self.libraries: dict[str, None] = {}

    def take(self, words: list[bytes]) -> str:
        """Read one line; gives what is wrong with it."""
        if not words:
            return ""
        key = words[0]
        if key in _KINDS:
            self.counts[_KINDS[key]] += 1
            return _coordinates(words[1:], _LEAST[_KINDS[key]])
        if key in _DRAWN:
            self.drawn = True
            return self._indices(words[1:]) if key in (b"f", b"l", b"p") else ""
        if key == b"mtllib" and len(words) > 1:
            self.libraries[b" ".join(words[1:]).decode("utf-8", "replace")] = None
        return ""

    def _indices(self, words: list[bytes]) -> str:
        for word in words:
            if word.startswith(b"#"):
                break
            for kind, part in enumerate(word.split(b"/")[:3]):
                if not part:
                    continue
                try:
                    index = int(part)
                except ValueError:
                    return f"{show(word.decode('latin-1'))} is no vertex"
                if index == 0 or -index > self.counts[kind]:
                    return f"it names vertex {index}; there are {self.counts[kind]:,} before it"
                self.highest[kind] = max(self.highest[kind], index)
        return ""

    def problems(self) -> Iterator[Problem]:
        """What only the whole mesh shows: a face may name a vertex that comes after it."""
        for name, count, highest in zip(("vertex", "texture vertex", "normal"), self.counts, self.highest, strict=True):
            if highest > count:
                yield Problem("mesh-damaged", f"a face names {name} {highest:,}; there are {count:,}")
        if not self.counts[0]:
            yield Problem("mesh-damaged", "it holds no vertex")
        elif not self.drawn:
            yield Problem("mesh-empty", "it holds vertices and no face")


def _coordinates(words: list[bytes], least: int) -> str:
    try:
        numbers = [float(word) for word in words[:4] if not word.startswith(b"#")]
    except ValueError:
        return f"{show(b' '.join(words).decode('latin-1'))} are no coordinates"
    if len(numbers) < least:
        return f"it has {len(numbers)} coordinates of {least}"
    return "" if all(map(math.isfinite, numbers)) else "a coordinate is not a finite number"
