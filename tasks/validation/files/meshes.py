"""All meshes of a scene: glTF binary and text files, and OBJ."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from tasks.validation.documents.documents import MAX_DOCUMENT_BYTES, Problem
from tasks.validation.documents.paths import resolve
from tasks.validation.files.glb import gltf_problems, read_glb, read_gltf
from tasks.validation.files.obj_mesh import obj_problems
from tasks.validation.files.pieces import Pieces
from tasks.validation.files.strangers import HEAD_BYTES, stranger
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.source import Vanished

MESH_ENDINGS = (".glb", ".gltf", ".obj")


def check_meshes(view: SceneUnderTest) -> None:
    """Look at every mesh of the scene that has something in it."""
    for path in [path for path in view.files if path.lower().endswith(MESH_ENDINGS) and view.has(path)]:
        try:
            for problem in _problems(view, path):
                view.add(problem.code, path, f"{path}: {problem.message}.")
        except Vanished as gone:
            view.add("object-unreadable", path, f"{gone}.")


class Beside:
    """The files that a mesh may name, relative to its folder."""

    def __init__(self, view: SceneUnderTest, path: str) -> None:
        """`path`: the mesh."""
        self._view, self._folder = view, path.rpartition("/")[0]

    def beside(self, uri: str) -> tuple[int | None, str]:
        """(size of the file that a relative address names, ""), or (None, why it is not there)."""
        target = resolve(self._view, unquote(uri), self._folder)
        if target.code:
            return None, target.message
        return self._view.files[target.path].size, ""


def _problems(view: SceneUnderTest, path: str) -> Iterator[Problem]:
    pieces = view.pieces(path)
    if path.lower().endswith(".glb"):
        yield from gltf_problems(Beside(view, path), read_glb(pieces))
        return
    other = stranger(pieces.at(0, HEAD_BYTES))
    if other:
        yield Problem("file-not-what-it-says", f"it is {other}")
        return
    data = _all(pieces)
    if data is None:
        yield Problem("not-all-read", f"it has {pieces.size:,} bytes, more than are looked into of a mesh in text form")
    elif path.lower().endswith(".gltf"):
        yield from gltf_problems(Beside(view, path), read_gltf(data))
    else:
        yield from obj_problems(data, Beside(view, path))


def _all(pieces: Pieces) -> bytes | None:
    return pieces.at(0, pieces.size) if pieces.size <= MAX_DOCUMENT_BYTES else None
