"""glTF meshes: what readers cope with is good, what leaves them without geometry is an error, whatever the file's size."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.validation.files import glb as glb_reader
from tasks.validation.files.glb import gltf_problems, read_glb, read_gltf
from tasks.validation.files.pieces import Pieces
from tasks.validation.finding_codes import CODES
from tests.validation.file_makers import INDICES, POINTS, glb, triangle
from tests.validation.scene_builder import errors_of, healthy, report_of
from tests.validation.scene_changes import both, remove, write

MESH = "assets/obj_mug_0/asset.glb"


class Folder:
    """Files beside a mesh."""

    def __init__(self, **sizes: int) -> None:
        self._sizes = {name.replace("_", "."): size for name, size in sizes.items()}

    def beside(self, uri: str) -> tuple[int | None, str]:
        """The size of one."""
        return (self._sizes[uri], "") if uri in self._sizes else (None, f"there is no {uri}")


def problems(data: bytes, folder: Folder | None = None) -> list[str]:
    """The codes of what is wrong with a glTF binary file."""
    return [found.code for found in gltf_problems(folder or Folder(), read_glb(Pieces.of(data)))]


def changed(change: Callable[[Any], object], binary: bytes | None = POINTS + INDICES) -> bytes:
    """The triangle with its JSON changed."""
    value = triangle()
    change(value)
    return glb(value, binary)


def set_(*keys: str | int, to: object) -> Callable[[Any], None]:
    """A change of one value."""

    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return change


VALID = {
    "triangle": lambda v: None,
    "padding of three bytes": set_("buffers", 0, "byteLength", to=42),
    "zeros instead of a buffer view": lambda v: v["accessors"][0].pop("bufferView"),
    "an empty list of extensions": set_("extensionsRequired", to=[]),
    "materials by an extension": set_("extensionsRequired", to=["KHR_materials_unlit"]),
    "version 2.0 needed": set_("asset", "minVersion", to="2.0"),
    "counts written as 3.0": set_("accessors", 0, "count", to=3.0),
    "sparse": set_("accessors", 0, "sparse", to={"count": 1, "indices": {"bufferView": 1, "componentType": 5123},
                                                "values": {"bufferView": 0}}),
    "a buffer that only a compressed form fills": lambda v: v["buffers"].append(
        {"byteLength": 9999, "extensions": {"EXT_meshopt_compression": {"fallback": True}}}),
    "a buffer within the JSON": lambda v: v["buffers"].append(
        {"byteLength": 3, "uri": "data:application/octet-stream;base64,AAAA"}),
    "a picture within the JSON": set_("images", to=[{"uri": "data:image/png;base64,AAAA"}]),
    "extras of a tool": set_("extras", to={"bounds": [None]}),
    "a node without a mesh": lambda v: v["nodes"].append({"name": "empty"}),
    "no scene": lambda v: (v.pop("scenes"), v.pop("scene")),
    "interleaved": set_("bufferViews", 0, "byteStride", to=12),
}  # fmt: skip
DAMAGED = {
    "no asset": lambda v: v.pop("asset"),
    "asset without a version": set_("asset", to={}),
    "buffer longer than its bytes": set_("buffers", 0, "byteLength", to=3600),
    "buffer without a length": lambda v: v["buffers"][0].pop("byteLength"),
    "view beyond its buffer": set_("bufferViews", 1, "byteLength", to=60),
    "view a byte beyond its buffer": set_("bufferViews", 1, "byteLength", to=7),
    "view of no buffer": set_("bufferViews", 0, "buffer", to=3),
    "accessor beyond its view": set_("accessors", 0, "count", to=4),
    "accessor beyond its view by an offset": set_("accessors", 0, "byteOffset", to=4),
    "accessor of no view": set_("accessors", 0, "bufferView", to=9),
    "accessor of no type": set_("accessors", 0, "type", to="VEC9"),
    "accessor of a list": set_("accessors", 0, "componentType", to=[5126]),
    "accessor of a negative count": set_("accessors", 0, "count", to=-1),
    "bounds of null": set_("accessors", 0, "min", to=[None, None, None]),
    "bounds of text": set_("accessors", 0, "max", to=["1", 1, 1]),
    "sparse beyond": set_("accessors", 0, "sparse", to={"count": 9, "indices": {"bufferView": 1, "componentType": 5123},
                                                       "values": {"bufferView": 0}}),
    "mesh of no accessor": set_("meshes", 0, "primitives", 0, "attributes", "POSITION", to=7),
    "node of no mesh": set_("nodes", 0, "mesh", to=1),
    "scene of no node": set_("scenes", 0, "nodes", to=[5]),
    "child that is not there": set_("nodes", 0, "children", to=[4]),
    "material that is not there": set_("meshes", 0, "primitives", 0, "material", to=0),
    "picture of no view": set_("images", to=[{"bufferView": 12}]),
    "meshes that are no list": set_("meshes", to={"a": 1}),
    "an index that is true": set_("nodes", 0, "mesh", to=True),
}  # fmt: skip


@pytest.mark.parametrize("change", VALID.values(), ids=VALID)
def test_what_readers_cope_with_is_no_finding(change: Callable[[Any], object]) -> None:
    assert problems(changed(change)) == []


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_a_mesh_without_its_geometry_is_an_error(change: Callable[[Any], object]) -> None:
    assert set(problems(changed(change))) == {"glb-damaged"}


def test_the_last_of_interleaved_elements_needs_no_more_than_itself() -> None:
    points = POINTS[:12] + bytes(4) + POINTS[12:24] + bytes(4) + POINTS[24:]
    value = triangle()
    value["bufferViews"] = [
        {"buffer": 0, "byteLength": 44, "byteStride": 16},
        {"buffer": 0, "byteOffset": 44, "byteLength": 6},
    ]
    value["buffers"][0]["byteLength"] = 50
    assert problems(glb(value, points + INDICES)) == []
    value["bufferViews"][0]["byteLength"] = 43
    assert problems(glb(value, points + INDICES)) == ["glb-damaged"]


def test_numbers_that_are_none_are_found_in_the_bytes_themselves() -> None:
    for bad in (float("nan"), float("inf")):
        assert problems(glb(triangle(), POINTS[:32] + struct.pack("<f", bad) + INDICES)) == ["glb-damaged"]
    assert problems(glb(triangle(), POINTS + struct.pack("<3H", 0, 1, 3))) == ["glb-damaged"]


def test_a_number_that_is_none_in_the_json_is_an_error() -> None:
    data = json.dumps(triangle()).replace('"max": [1, 1, 0]', '"max": [1e999, 1, 0]').encode()
    assert problems(glb(data)) == ["glb-damaged"]


@pytest.mark.parametrize(
    "name", ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu", "X_own"]
)
def test_an_extension_that_is_needed_is_a_warning(name: str) -> None:
    found = problems(changed(set_("extensionsRequired", to=[name])))
    assert found == ["glb-needs-extension"]
    assert CODES[found[0]].severity == "warning"


@pytest.mark.parametrize("version", ["1.0", "3.0", ""])
def test_another_version_in_the_json_is_a_warning(version: str) -> None:
    assert problems(changed(set_("asset", "version", to=version))) == ["glb-version-odd"]


@pytest.mark.parametrize(
    "change",
    [set_("meshes", 0, "primitives", to=[]), set_("meshes", 0, "primitives", 0, "attributes", to={}),
     lambda v: (v["accessors"][0].update(count=0), v["meshes"][0]["primitives"][0].pop("indices"))],
)  # fmt: skip
def test_a_mesh_without_a_surface_is_a_warning(change: Callable[[Any], object]) -> None:
    assert problems(changed(change)) == ["mesh-empty"]


def test_a_mesh_without_a_bin_chunk_is_good_as_long_as_it_needs_none() -> None:
    assert problems(glb({"asset": {"version": "2.0"}}, None)) == []
    assert problems(changed(lambda v: None, None)) == ["glb-damaged"]


def test_files_beside_a_mesh_must_be_there_and_long_enough() -> None:
    outside = changed(set_("buffers", 0, "uri", to="mesh.bin"), None)
    assert problems(outside, Folder(mesh_bin=42)) == []
    assert problems(outside, Folder(mesh_bin=41)) == ["glb-damaged"]
    assert problems(outside) == ["path-dangling"]
    assert problems(changed(set_("images", to=[{"uri": "a.png"}]))) == ["texture-missing"]


def test_addresses_beside_a_mesh_are_read_as_addresses() -> None:
    scene = healthy("regen3d")
    scene[MESH] = changed(set_("images", to=[{"uri": "my%20textures/a.png"}]))
    assert "texture-missing" in {f.code for f in report_of(scene).findings}
    scene["assets/obj_mug_0/my textures/a.png"] = b""
    assert "texture-missing" not in {f.code for f in report_of(scene).findings}


@pytest.mark.parametrize("size", [0, 11, 12, 19, 20, 25, -1, -30])
def test_a_mesh_that_is_cut_anywhere_is_an_error(size: int) -> None:
    whole = glb(triangle())
    assert problems(whole[:size]) == ["glb-damaged"]


def test_a_mesh_of_any_size_is_looked_into_at_the_cost_of_its_json() -> None:
    """64 MiB of geometry after the triangle: its JSON is read, and of the rest no more than the positions."""
    value = triangle()
    value["buffers"][0]["byteLength"] = 64 * 1024**2
    text = json.dumps(value).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", 64 * 1024**2, b"BIN\0")
    head += POINTS + INDICES
    size = 12 + 8 + len(text) + 8 + 64 * 1024**2
    head = struct.pack("<4sII", b"glTF", 2, size) + head
    read = []

    def piece(start: int, end: int) -> bytes:
        read.append(end - start)
        return head[start:end].ljust(end - start, b"\0")

    assert list(gltf_problems(Folder(), read_glb(Pieces(piece, size)))) == []
    assert sum(read) < 1024**2
    value["buffers"][0]["byteLength"] = size
    broken = json.dumps(value).encode().ljust(len(text))
    head = head.replace(text, broken)
    assert [one.code for one in gltf_problems(Folder(), read_glb(Pieces(piece, size)))] == ["glb-damaged"]


def test_a_mesh_whose_json_is_too_long_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glb_reader, "MAX_JSON_BYTES", 10)
    assert [CODES[code].severity for code in problems(glb(triangle()))] == ["unread"]


def test_a_text_file_of_gltf_is_read_alike() -> None:
    value = triangle() | {"buffers": [{"byteLength": 42, "uri": "mesh.bin"}]}
    read = read_gltf(json.dumps(value).encode())
    assert [found.code for found in gltf_problems(Folder(mesh_bin=42), read)] == []
    assert [found.code for found in gltf_problems(Folder(), read)] == ["path-dangling"]
    assert [found.code for found in gltf_problems(Folder(), read_gltf(b"<html>"))] == ["glb-damaged"]


@given(st.data())
def test_no_damage_of_a_mesh_makes_the_reader_raise(data: st.DataObject) -> None:
    whole = bytearray(glb(triangle()))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))
    for code in problems(bytes(whole[:end])):
        assert code in CODES


@pytest.mark.parametrize("tail", [b"\0\0\0\0", b"x", b"glTF" * 100])
def test_bytes_after_the_length_that_the_header_gives_are_odd_and_no_error(tail: bytes) -> None:
    assert problems(glb(triangle()) + tail) == ["glb-odd"]
    assert CODES["glb-odd"].severity == "warning"


def test_a_length_that_leaves_the_buffer_out_leaves_no_mesh() -> None:
    whole = glb(triangle())
    text = 20 + struct.unpack("<I", whole[12:16])[0]
    assert "glb-damaged" in problems(whole[:8] + struct.pack("<I", text) + whole[12:])
    assert "glb-damaged" in problems(whole[:8] + struct.pack("<I", 12) + whole[12:])
    assert problems(whole[:8] + struct.pack("<I", len(whole) + 1) + whole[12:]) == ["glb-damaged"]


@pytest.mark.parametrize("data", [
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", b"<!DOCTYPE html><html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", b'{"error": {"code": 404}}',
])  # fmt: skip
@pytest.mark.parametrize("name", ["mesh.glb", "mesh.obj"])
def test_a_page_or_a_pointer_in_the_place_of_a_mesh_is_an_error(name: str, data: bytes) -> None:
    scene = healthy("regen3d")
    path = f"regen3d/objects/mug_0/{name}"
    both(remove("regen3d/objects/mug_0/mesh.glb"), write(path, data))(scene)
    assert [(f.object, f.stage) for f in errors_of(scene)] == [(path, "regen3d")]
