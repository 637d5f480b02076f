"""Geometry in USD layers as OpenUSD holds it: faces that name points that are there, transforms that leave something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.validation.usd.probe_geometry import geometry
from tests.validation.scene_builder import healthy, report_of
from tests.validation.scene_changes import cut

pytest.importorskip("pxr")
WRAPPER = "assets/obj_mug_0/simready.usda"
MESH = 'def Mesh "m" {{\n int[] faceVertexCounts = [{}]\n int[] faceVertexIndices = [{}]\n point3f[] points = [{}]\n}}'
POINTS = "(0,0,0),(1,0,0),(0,1,0),(1,1,0)"


def found(body: str, *, binary: bool = False) -> dict[str, Any]:
    """What is told of a layer with this in it."""
    from pxr import Sdf

    layer = Sdf.Layer.CreateAnonymous(".usda")
    assert layer.ImportFromString(f"#usda 1.0\n{body}\n")
    return geometry(layer, binary=binary)


@pytest.mark.parametrize("body", [
    "", MESH.format("3", "0,1,2", POINTS), MESH.format("4", "0,1,3,2", POINTS), MESH.format("3,3", "0,1,2,1,3,2", POINTS),
    MESH.format("", "", ""), MESH.format("3", "0,1,2", POINTS).replace("def Mesh", "over"),
    'def Mesh "m" {\n int[] faceVertexCounts = [3]\n}', 'def Mesh "m" {\n point3f[] points = [(0,0,0)]\n}',
    'def Mesh "m" {\n int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0,1,2]\n'
    " point3f[] points = []\n point3f[] points.timeSamples = {0: [(0,0,0),(1,0,0),(0,1,0)]}\n}",
    'def Cube "c" {\n float3 xformOp:scale = (1, 0.001, 1)\n quatd xformOp:orient = (1, 0, 0, 0)\n}',
    'def Xform "c" {\n quatf xformOp:orient:pivot = (0.7, 0.7, 0, 0)\n}', 'def Xform "c" {\n float3 xformOp:scale\n}',
    'def Xform "c" {\n double3 xformOp:translate = (0, 0, 0)\n float3 xformOp:rotateXYZ = (0, 0, 0)\n}',
])  # fmt: skip
def test_what_holds_together_is_no_finding(body: str) -> None:
    assert found(body) == {}


@pytest.mark.parametrize("body", [
    MESH.format("3", "0,1,4", POINTS), MESH.format("3", "0,1,-1", POINTS), MESH.format("4", "0,1,2", POINTS),
    MESH.format("3", "0,1,2,3", POINTS), MESH.format("3", "0,1,2", ""),
])  # fmt: skip
def test_faces_that_do_not_fit_their_points_are_told_of_one_mesh(body: str) -> None:
    assert found(body)["mesh"].startswith("/m: ")
    both = found(body.replace('"m"', '"n"') + "\n" + body)
    assert both["mesh"].startswith(("/m: ", "/n: "))


BROKEN = MESH.format("3", "0,1,9", POINTS)


@pytest.mark.parametrize("body", [
    BROKEN.replace('"m" {', '"m" (active = false) {'), BROKEN.replace("def Mesh", "class Mesh"),
    BROKEN.replace("def Mesh", "over Mesh"), f'def "a" (active = false) {{\n{BROKEN}\n}}', f'class "a" {{\n{BROKEN}\n}}',
])  # fmt: skip
def test_a_mesh_that_no_reader_loads_by_itself_is_no_finding(body: str) -> None:
    assert found(body) == {}


@pytest.mark.parametrize("body", [f'def "a" {{\n{BROKEN}\n}}', f'over "a" {{\n{BROKEN}\n}}'])
def test_a_broken_mesh_within_another_prim_is_told(body: str) -> None:
    assert found(body)["mesh"].startswith("/a/m: ")


@pytest.mark.parametrize("body", [
    'def "c" {\n float3 xformOp:scale = (1, 0, 1)\n}', 'def "c" {\n double3 xformOp:scale:own = (0, 0, 0)\n}',
    'def "c" {\n quatd xformOp:orient = (0, 0, 0, 0)\n}', 'def "c" {\n quath xformOp:orient = (0, 0, 0, 0)\n}',
])  # fmt: skip
def test_a_transform_that_leaves_nothing_is_told(body: str) -> None:
    assert found(body)["flat"].startswith("/c.xformOp:")


@pytest.mark.parametrize(("body", "told"), [
    ('def Mesh "m" {\n point3f[] points = [(0, nan, 0)]\n}', True), ('def Mesh "m" {\n normal3f[] normals = [(0, inf, 0)]\n}', True),
    ('def "c" {\n double3 xformOp:translate = (inf, 0, 0)\n}', True), ('def "c" {\n matrix4d xformOp:transform = ((1,0,0,0),(0,1,0,0),(0,0,1,0),(nan,0,0,1))\n}', True),
    ('def Sphere "c" {\n double radius = nan\n}', True), ('def "c" {\n float own = nan\n}', False),
    ('def "c" {\n float physics:lowerLimit = -inf\n}', False), ('def "c" {\n quatd xformOp:orient = (1, 0, 0, 0)\n}', False),
])  # fmt: skip
def test_numbers_of_binary_layers_are_looked_at_and_those_of_text_elsewhere(body: str, told: bool) -> None:
    assert ("not_finite" in found(body, binary=True)) is told
    assert "not_finite" not in found(body)


def test_a_broken_mesh_in_a_scene_is_an_error_that_names_its_prim() -> None:
    scene = healthy("usd")
    cut(WRAPPER, lambda data: data + MESH.format("3", "0,1,9", POINTS).replace('"m"', '"broken"').encode())(scene)
    report = report_of(scene)
    (error,) = [f for f in report.findings if f.severity == "error"]
    assert (error.code, error.object) == ("mesh-damaged", WRAPPER)
    assert "/broken" in error.message


def test_a_binary_layer_with_points_that_are_none_is_an_error(tmp_path: Path) -> None:
    from pxr import Sdf

    layer = Sdf.Layer.CreateAnonymous(".usda")
    layer.ImportFromString(
        '#usda 1.0\n(\n metersPerUnit = 1\n)\ndef Mesh "m" {\n point3f[] points = [(0, nan, 0)]\n}\n'
    )
    assert layer.Export(str(tmp_path / "look.usdc"))
    scene = healthy("usd") | {"assets/obj_mug_0/look.usdc": (tmp_path / "look.usdc").read_bytes()}
    assert ("usd-not-finite", "assets/obj_mug_0/look.usdc") in {(f.code, f.object) for f in report_of(scene).findings}
