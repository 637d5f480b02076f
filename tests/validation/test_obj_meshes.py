"""OBJ meshes: odd ones that readers take are no error, those that name vertices that are not there are."""

from __future__ import annotations

import pytest

from tasks.validation.files.obj_mesh import obj_problems
from tasks.validation.finding_codes import CODES


class Folder:
    """Files beside a mesh."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def beside(self, uri: str) -> tuple[int | None, str]:
        """The size of one."""
        return (1, "") if uri in self._names else (None, f"there is no {uri}")


OBJ = b"mtllib mug.mtl\r\nv 0 0 0\nv 1 0 0 0.5 0.5 0.5\nv 0 1 0\nvt 0 0\nvn 0 0 1\nusemtl a\nf 1/1/1 2//1 -1\n"


@pytest.mark.parametrize("data", [
    OBJ, OBJ.replace(b"\n", b"\r\n"), b"# caf\xe9\n" + OBJ, OBJ.replace(b"f 1/1/1", b"f \\\n1/1/1"),
    b"f 1 2 3\n" + OBJ, OBJ.replace(b"-1", b"-3 # last"), OBJ + b"l 1 2\np 1\ncurv 0 1 1 2\n", OBJ.replace(b"f ", b"fo "),
])  # fmt: skip
def test_an_odd_obj_is_no_error(data: bytes) -> None:
    assert {CODES[one.code].severity for one in obj_problems(data, Folder("mug.mtl"))} <= {"warning"}


@pytest.mark.parametrize("data", [
    OBJ + b"f 1 2 9\n", OBJ + b"f 1 2 -9\n", OBJ + b"f 0 1 2\n", OBJ + b"f a b c\n", OBJ + b"f 1/9 2 3\n",
    b"v nan 0 0\n" + OBJ, b"v 1,0 2,0 3,0\n" + OBJ, b"v 1 2\n" + OBJ, b"v inf 0 0\n" + OBJ, b"g only\n", b"v 0 0 0\0\n",
])  # fmt: skip
def test_an_obj_that_names_no_real_vertices_is_an_error(data: bytes) -> None:
    assert "mesh-damaged" in {one.code for one in obj_problems(data, Folder("mug.mtl"))}


def test_an_obj_without_faces_or_materials_is_a_warning() -> None:
    assert [one.code for one in obj_problems(b"v 0 0 0\nv 1 1 1\n", Folder())] == ["mesh-empty"]
    assert [one.code for one in obj_problems(OBJ, Folder())] == ["texture-missing"]
