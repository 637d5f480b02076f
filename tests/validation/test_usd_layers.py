"""USD: unset fields mean the format's defaults, references are followed as OpenUSD follows them, also where they are
binary or packaged, and odd layers that every reader takes are good."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.validation.usd import open as usd_open
from tasks.validation.usd.lexer import lex
from tasks.validation.usd.text import read_layer
from tests.validation.file_makers import packaged, png
from tests.validation.scene_builder import MANIFEST, Scene, errors_of, healthy, report_of
from tests.validation.scene_changes import cut, put, replace

USD, FOLDER = "usd/scene.usda", "assets/obj_mug_0"
WRAPPER, PACKAGE = f"{FOLDER}/simready.usda", f"{FOLDER}/asset.usdz"
HEAD = '#usda 1.0\n(\n    defaultPrim = "Asset"\n    metersPerUnit = 1\n)\n\n'


def wrapper(body: str = "", api: str = "", head: str = HEAD) -> bytes:
    """A physics wrapper with something in it."""
    schemas = f"prepend apiSchemas = [{api}]" if api else ""
    return f'{head}def Xform "Asset" (\n{schemas}\nprepend references = @./asset.usdz@\n)\n{{\n{body}\n}}\n'.encode()


def codes(scene: Scene) -> set[str]:
    """The codes of all errors and warnings."""
    return {f.code for f in report_of(scene).findings if f.severity in ("error", "warning", "unread")}


def with_wrapper(body: str = "", api: str = "", head: str = HEAD, **files: bytes) -> Scene:
    """A healthy scene in which the mug's wrapper is this one."""
    scene = healthy("usd")
    scene[WRAPPER] = wrapper(body, api, head)
    return scene | {f"{FOLDER}/{name}": data for name, data in files.items()}


GOOD = {
    "mass of 0": "float physics:mass = 0",
    "density of 0": "float physics:density = 0",
    "limits without end": "float physics:lowerLimit = -inf\nfloat physics:upperLimit = inf",
    "a joint that never breaks": "float physics:breakForce = inf\nfloat physics:breakTorque = inf",
    "a drive without limit": "float drive:angular:physics:maxForce = inf",
    "gravity by default": "float physics:gravityMagnitude = -inf\nvector3f physics:gravityDirection = (0, 0, 0)",
    "centre of mass by default": "point3f physics:centerOfMass = (-inf, -inf, -inf)",
    "a material of the renderer": "asset a = @OmniPBR.mdl@\nasset b = @gltf/pbr.mdl@\nasset c = @nvidia/core.mdl@",
    "an expression": 'asset a = @`"${ASSET}/a.png"`@',
    "nothing": "asset a = @@",
    "format arguments": "asset a = @./asset.usdz:SDF_FORMAT_ARGS:a=b&c=d@",
    "a file in a package": "asset a = @./asset.usdz[model.usda]@",
    "marks in texts": 'string a = """a@b.c {[( # \'not\' a comment \\""" """\nstring b = \'@{"\'',
    "comments of all kinds": "# @a@ {\n// @b@ (\n/* @c@ [\n*/",
    "notes of a tool": "",
    "letters": 'def Xform "K\u00fcche_\u6771"\n{\n}',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_a_layer_that_every_reader_takes_is_no_finding(body: str) -> None:
    assert codes(with_wrapper(body)) == set()


def test_paths_in_notes_of_a_tool_are_followed_by_nobody() -> None:
    body = (
        'def Xform "a" (\n assetInfo = { asset identifier = @./gone.usd@ }\n customData = { asset b = @/x@ }\n)\n{\n}'
    )
    assert codes(with_wrapper(body)) == set()


@pytest.mark.parametrize(("body", "code"), [
    ("point3f[] points = [(0, inf, 0)]", "usd-not-finite"), ("double3 xformOp:translate = (inf, 0, 0)", "usd-not-finite"),
    ("float physics:mass = inf", "usd-not-finite"), ("float physics:upperLimit = nan", "usd-not-finite"),
    ("float physics:mass = -1", "physics-out-of-range"), ("asset a = @./gone.mdl@", "path-dangling"),
    ("asset a = @./gone.png@", "path-dangling"), ("asset a = @./asset.usdz[gone.usda]@", "path-dangling"),
    ("asset a = @C:/x/a.png@", "path-is-absolute"), ("asset a = @omniverse://host/a.png@", "path-is-uri"),
    ("asset[] a = [@./asset.usdz@, @./gone.png@]", "path-dangling"), ('string a = "never ends', "usd-truncated"),
    ("asset a = @@@./gone.png@@@", "path-dangling"),
])  # fmt: skip
def test_a_layer_that_names_what_is_not_there_is_an_error(body: str, code: str) -> None:
    assert code in {f.code for f in errors_of(with_wrapper(body))}


def test_one_tile_of_a_tiled_texture_is_enough() -> None:
    body = "asset a = @./t/wood.<UDIM>.png@"
    assert "path-dangling" in codes(with_wrapper(body))
    assert codes(with_wrapper(body, **{"t/wood.1012.png": png()})) == set()


def test_backslashes_and_letters_composed_otherwise_are_named() -> None:
    said = [f.message for f in errors_of(with_wrapper("asset a = @.\\t\\a.png@", **{"t/a.png": png()}))]
    assert len(said) == 1
    assert "backslashes" in said[0]
    said = [f.message for f in errors_of(with_wrapper("asset a = @./gr\u00fcn.png@", **{"gru\u0308n.png": png()}))]
    assert len(said) == 1
    assert "NFC" in said[0]


def test_a_stage_without_units_means_centimetres() -> None:
    scene = healthy("usd")
    replace(USD, "    metersPerUnit = 1\n", "")(scene)
    assert "usd-units-unset" in codes(scene)
    assert errors_of(scene) == []


def test_a_stage_without_an_axis_has_y_up() -> None:
    scene = healthy("usd")
    replace(USD, '    upAxis = "Y"\n', "")(scene)
    assert codes(scene) == set()
    for path in (MANIFEST, "layout/scene_layout_scaled.json", "regen3d/scene_info.json"):
        replace(path, '"y_up"', '"z_up"')(scene)
    assert ("coordinate-frame-mismatch", USD) in {(f.code, f.object) for f in errors_of(scene)}


def test_a_field_in_the_notes_of_a_prim_is_not_the_layers_own() -> None:
    layer, _ = read_layer(
        "a", '#usda 1.0\n\ndef "a" (\n customData = { string upAxis = "Z"\n metersPerUnit = 3 }\n)\n{\n}\n'
    )
    assert (layer.up_axis, layer.meters_per_unit) == ("", "")


def test_an_asset_in_other_units_or_with_another_axis_up_is_a_warning() -> None:
    for head, code in ((HEAD.replace("= 1\n", "= 0.01\n"), "usd-units-differ"),
                       (HEAD.replace("    metersPerUnit = 1\n", ""), "usd-units-unset"),
                       (HEAD.replace("= 1\n", '= 1\n    upAxis = "Z"\n'), "usd-up-axis-differs")):  # fmt: skip
        assert codes(with_wrapper(head=head)) == {code}


def test_a_package_in_other_units_is_a_warning() -> None:
    scene = healthy("usd")
    scene[PACKAGE] = packaged({"a.usda": b'#usda 1.0\n(\n    metersPerUnit = 0.01\n)\n\ndef Xform "Root"\n{\n}\n'})
    replace(WRAPPER, "@./asset.usdz@", "@./asset.usdz@</Root>")(scene)
    assert codes(scene) == {"usd-units-differ"}


BODY, MOVES = '"PhysicsRigidBodyAPI"', '"PhysicsRigidBodyAPI", "PhysicsMassAPI"'
PART = 'def Cube "part" ({more} prepend apiSchemas = [{api}])\n{{\n{body}\n}}'


def test_physics_that_a_simulator_cannot_use_is_a_warning() -> None:
    pytest.importorskip("pxr")
    nested = PART.format(more="", api=BODY, body="")
    assert codes(with_wrapper(nested, MOVES)) == {"usd-bodies-nested"}
    assert codes(with_wrapper(PART.format(more="", api=BODY, body="float physics:mass = 1"))) == set()
    assert codes(with_wrapper('def Xform "lid"\n{\nfloat physics:mass = 1\n}')) == {"usd-mass-unused"}
    root = '"PhysicsArticulationRootAPI"'
    assert codes(with_wrapper(PART.format(more="", api=root, body=""), root)) == {"usd-articulation-roots"}


def test_physics_within_an_instance_is_a_warning() -> None:
    pytest.importorskip("pxr")
    scene = with_wrapper(PART.format(more="", api=BODY, body=""))
    replace(WRAPPER, "prepend references", "instanceable = true\nprepend references")(scene)
    assert codes(scene) == {"usd-physics-instanced"}


def test_an_object_that_moves_needs_a_body_and_a_collider() -> None:
    pytest.importorskip("pxr")
    movable = put(MANIFEST, ("objects", 0, "physics", "dynamic"), True)
    collider = PART.format(more="", api='"PhysicsCollisionAPI"', body="")
    for scene, wanted in ((with_wrapper(), {"usd-no-physics"}), (with_wrapper(api=MOVES), {"usd-no-physics"}),
                          (with_wrapper(collider, MOVES), set())):  # fmt: skip
        movable(scene)
        assert codes(scene) == wanted


def binary(tmp_path: Path, texture: str, arc: str = "") -> bytes:
    """A binary layer with a texture, and perhaps a reference."""
    sdf: Any = pytest.importorskip("pxr.Sdf")
    layer = sdf.Layer.CreateNew(str(tmp_path / "made.usdc"))
    prim = sdf.CreatePrimInLayer(layer, "/Asset")
    prim.specifier = sdf.SpecifierDef
    prim.SetInfo("assetInfo", {"identifier": sdf.AssetPath("./nobody/follows.usd")})
    sdf.AttributeSpec(prim, "inputs:file", sdf.ValueTypeNames.Asset).default = sdf.AssetPath(texture)
    if arc:
        prim.referenceList.prependedItems.append(sdf.Reference(arc))
    layer.pseudoRoot.SetInfo("metersPerUnit", 1.0)
    layer.Save()
    return (tmp_path / "made.usdc").read_bytes()


@pytest.mark.parametrize(("texture", "arc", "wanted"), [
    ("./a.png", "", set()), ("OmniPBR.mdl", "", set()), ("./t.<UDIM>.png", "", set()), ("./gone.png", "", {"path-dangling"}),
    ("/mnt/a.png", "", {"path-is-absolute"}), ("./a.png", "./gone.usd", {"path-dangling"}),
    ("./a.png", "/etc/passwd", {"path-is-absolute"}),
])  # fmt: skip
def test_binary_layers_are_followed_as_text_is(tmp_path: Path, texture: str, arc: str, wanted: set[str]) -> None:
    scene = with_wrapper(**{"look.usdc": binary(tmp_path, texture, arc), "a.png": png(), "t.1001.png": png()})
    assert codes(scene) == wanted


def test_a_binary_layer_that_is_cut_is_an_error(tmp_path: Path) -> None:
    data = binary(tmp_path, "./a.png")
    found = errors_of(with_wrapper(**{"look.usdc": data[: len(data) * 2 // 3]}))
    assert [(f.code, f.object) for f in found] == [("usd-does-not-open", f"{FOLDER}/look.usdc")]


LAYER = b'#usda 1.0\n(\n    metersPerUnit = 1\n)\n\ndef Xform "Root"\n{\n    asset a = @./t/a.png@\n}\n'


@pytest.mark.parametrize(("files", "shift", "wanted"), [
    ({"a.usda": LAYER, "t/a.png": png()}, 0, set()),
    ({"x/a.usda": LAYER, "x/t/a.png": png()}, 0, set()),
    ({"a.usda": LAYER, "t/a.png": png()}, 1, {"usdz-unaligned"}),
    ({"a.usda": LAYER}, 0, {"texture-missing"}),
    ({"a.usda": LAYER.replace(b"./t/a.png", b"OmniPBR.mdl")}, 0, set()),
    ({"a.usda": LAYER.replace(b"./t/a.png", b"/tmp/a.png")}, 0, {"path-is-absolute"}),
    ({"a.usda": LAYER.replace(b"asset a = @./t/a.png@", b'def "b" (references = @./b.usda@) {}')}, 0, {"path-dangling"}),
    ({"t/a.png": png(), "a.usda": LAYER}, 0, {"usdz-damaged"}),
    ({"a.usda": b"<html>"}, 0, {"usdz-damaged"}),
    ({"a.usda": LAYER[:60], "t/a.png": png()}, 0, {"usd-truncated"}),
])  # fmt: skip
def test_packages_are_followed_inside(files: dict[str, bytes], shift: int, wanted: set[str]) -> None:
    scene = healthy("usd")
    scene[PACKAGE] = packaged(files, shift)
    replace(WRAPPER, "@./asset.usdz@", "@./asset.usdz@</Root>")(scene)
    assert codes(scene) - {"usd-does-not-open", "usd-does-not-compose"} == wanted


def test_two_files_of_a_package_cannot_share_a_place() -> None:
    whole = packaged({"a.usda": LAYER.replace(b"./t/a.png", b"OmniPBR.mdl")})
    end = whole.rfind(b"PK\x05\x06")
    first = whole.rfind(b"PK\x01\x02")
    twin = whole[first:end].replace(b"a.usda", b"b.usda")
    tail = bytearray(whole[end:])
    tail[8:10] = tail[10:12] = struct.pack("<H", 2)
    tail[12:16] = struct.pack("<I", 2 * (end - first))
    scene = healthy("usd")
    scene[PACKAGE] = whole[:end] + twin + bytes(tail)
    replace(WRAPPER, "@./asset.usdz@", "@./asset.usdz@</Root>")(scene)
    found = [f for f in report_of(scene).findings if f.code == "usdz-damaged"]
    assert [f.message for f in found] == [f"{PACKAGE}: a file in it claims to be larger than its place."]


def test_a_binary_layer_in_a_package_is_followed(tmp_path: Path) -> None:
    scene = healthy("usd")
    scene[PACKAGE] = packaged({"a.usdc": binary(tmp_path, "./gone.png")})
    replace(WRAPPER, "@./asset.usdz@", "@./asset.usdz@</Asset>")(scene)
    assert codes(scene) == {"texture-missing"}


def test_files_that_take_too_long_to_open_are_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pxr")
    monkeypatch.setattr(usd_open, "_KNOWN", {})
    monkeypatch.setattr(usd_open, "TIMEOUT_SECONDS", 0.01)
    report = report_of(healthy("usd"))
    assert report.healthy
    assert {f.code for f in report.findings if f.severity == "unread"} == {"usd-not-opened"}


def test_references_that_multiply_without_end_are_given_up() -> None:
    pytest.importorskip("pxr")
    prims = "".join(
        f'def "a{n}"\n{{\n def "x" (references = </a{n + 1}>) {{}}\n def "y" (references = </a{n + 1}>) {{}}\n}}\n'
        for n in range(40)
    )
    scene = healthy("usd")
    cut(USD, lambda data: data + f'{prims}def "a40"\n{{\n}}\n'.encode())(scene)
    report = report_of(scene)
    assert report.healthy
    assert {(f.code, f.object) for f in report.findings if f.severity == "unread"} == {("usd-not-opened", USD)}


@given(st.text(alphabet="@\"'#/*\\\n {}()=<>a", max_size=120))
def test_taking_a_text_apart_keeps_every_place(text: str) -> None:
    lexed = lex(text)
    assert len(lexed.bare) == len(lexed.code) == len(text)
    assert lexed.bare.count("\n") == text.count("\n")
    assert not set(lexed.bare) & set("@\"'#")


@pytest.mark.parametrize("part", ["@", "@a@", "@@@", '"', '"""', "'", '"\\', "/*", "#\n", "\n", "upAxis ", "{", "customData = {", "nan ",
                                  "float points = inf\n", "float physics:mass = -1\n", "def ", "@a@    "])  # fmt: skip
def test_a_megabyte_of_anything_is_read_in_one_pass(part: str) -> None:
    text = "#usda 1.0\n" + part * (1024**2 // len(part))
    _, problems = read_layer("a", text)
    assert len(problems) <= 50
