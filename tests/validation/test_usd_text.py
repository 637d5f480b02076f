"""USD as text, without OpenUSD: what a layer says, where it is cut, which numbers are none, and which paths are followed."""

from __future__ import annotations

import pytest

from tasks.validation.usd.lexer import lex
from tasks.validation.usd.package import inside_problem
from tasks.validation.usd.paths import resolve_asset, unresolvable
from tasks.validation.usd.text import Layer, check_layer, read_layer
from tasks.validation.usd.units import Units, check_units
from tests.validation.file_makers import packaged
from tests.validation.quick import codes, told, view_of

HEAD = '#usda 1.0\n(\n    defaultPrim = "World"\n    metersPerUnit = 1\n    upAxis = "Y"\n)\n\n'


def read(body: str, head: str = HEAD) -> tuple[Layer, list[str]]:
    layer, problems = read_layer("usd/scene.usda", f'{head}def Xform "World"\n{{\n{body}\n}}\n')
    return layer, [found.code for found in problems]


def test_what_a_layer_says_of_itself_is_read_from_its_head_alone() -> None:
    layer, problems = read('    def "obj_mug_0" (customData = {string upAxis = "Z"})\n{\n}\n    over "obj_table_0" {}')
    assert problems == []
    assert (layer.up_axis, layer.default_prim, layer.meters_per_unit) == ("Y", "World", "1")
    assert layer.objects == {"mug_0", "table_0"}
    assert layer.prims == {"World"}
    assert read("", "#usda 1.0\n")[0].up_axis == ""


@pytest.mark.parametrize("text", ["0.01", "1e-2", "100", ".5"])
def test_a_layer_may_write_its_unit_in_any_form_of_number(text: str) -> None:
    assert Units.of(read("", HEAD.replace("= 1\n", f"= {text}\n"))[0]).meters == float(text)


REFERENCES: list[tuple[str, list[tuple[str, str, bool]]]] = [
    ("def \"a\" (references = @a.usd@) {}", [("a.usd", "", True)]),
    ("def \"a\" (prepend references = @a.usd@</Root>) {}", [("a.usd", "/Root", True)]),
    ("def \"a\" (append payload = @a.usd@ </Root/B>) {}", [("a.usd", "/Root/B", True)]),
    ("def \"a\" (add references = [@a.usd@, @b.usd@</X>]) {}", [("a.usd", "", True), ("b.usd", "/X", True)]),
    ("def \"a\" (delete references = @a.usd@) {}", []),
    ("def \"a\" (delete payload = [@a.usd@, @b.usd@]) {}", []),
    ("def \"a\" (\n  delete references = @a.usd@\n  prepend references = @b.usd@\n) {}", [("b.usd", "", True)]),
    ("def \"a\" (references = </World/b>) {}", []),
    ("asset a = @a.png@", [("a.png", "", False)]),
    ("asset inputs:file = @@@a@b.png@@@", [("a@b.png", "", False)]),
    ("asset[] a = [@a.png@, @b.png@]", [("a.png", "", False), ("b.png", "", False)]),
    ("asset a.timeSamples = {\n 0: @a.png@,\n 1: @b.png@\n}", [("a.png", "", False), ("b.png", "", False)]),
    ("asset references_note = @a.png@", [("a.png", "", False)]),
    ("string a = \"@a.usd@\"", []),
    ("string a = '''\n@a.usd@\n'''", []),
    ("# @a.usd@", []),
    ("// @a.usd@", []),
    ("/* @a.usd@\n@b.usd@ */", []),
    ("asset a = @@", []),
    ("customData = { asset a = @a.usd@ }", []),
    ("def \"a\" (\n customData = {\n dictionary b = {\n asset c = @a@\n }\n }\n references = @b.usd@\n) {}", [("b.usd", "", True)]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), REFERENCES, ids=lambda part: str(part)[:50])
def test_the_paths_that_openusd_follows_are_followed_and_no_others(
    body: str, wanted: list[tuple[str, str, bool]]
) -> None:
    assert [(one.raw, one.prim, one.is_arc) for one in read(body)[0].references] == wanted


def test_a_sublayer_is_an_arc_and_a_comment_of_the_local_runner_is_none() -> None:
    layer, _ = read(
        "# Reference to: assets/obj_mug_0/asset.glb", HEAD.replace("(\n", "(\n    subLayers = [@a.usda@]\n", 1)
    )
    assert [(one.raw, one.is_arc) for one in layer.references] == [("a.usda", True)]
    assert [one.raw for one in layer.comment_references] == ["assets/obj_mug_0/asset.glb"]


def test_lines_are_counted_through_comments_and_long_texts() -> None:
    body = 'string a = """one\ntwo"""\n/* three\nfour */\nasset b = @b.png@'
    assert [one.line for one in lex(body).references] == [5]


CUT = ["def {", "}", "double3 a = (1, 2", "int[] a = [1, 2", 'string a = "never', "string a = '''never", "asset a = @never",
       "/* never"]  # fmt: skip


@pytest.mark.parametrize("body", CUT)
def test_a_layer_whose_brackets_or_texts_do_not_close_is_cut_off(body: str) -> None:
    layer, problems = read(body)
    assert "usd-truncated" in problems
    assert not layer.whole


@pytest.mark.parametrize("body", ['string a = "{ ( ["', "# { (", "asset a = @{.png@", 'string a = "\\"{"'])
def test_brackets_within_texts_close_nothing(body: str) -> None:
    assert read(body)[1] == []


NUMBERS: list[tuple[str, list[str]]] = [
    ("float a = nan", ["usd-not-finite"]),
    ("float a = -nan", ["usd-not-finite"]),
    ("point3f[] points = [(0, 0, inf)]", ["usd-not-finite"]),
    ("point3f[] points = [(0, 0, nan), (nan, 0, 0)]\nfloat b = 1", ["usd-not-finite"]),
    ("double3 xformOp:translate = (-inf, 0, 0)", ["usd-not-finite"]),
    ("float physics:mass = inf", ["usd-not-finite"]),
    ("float physics:lowerLimit = -inf", []),
    ("float own = inf", []),
    ("token nan = \"a\"", ["usd-not-finite"]),
    ("token a:nan = \"a\"", []),
    ("string a = \"nan inf\"", []),
    ("float nano = 1", []),
    ("float physics:mass = 0", []),
    ("float physics:mass = -0.1", ["physics-out-of-range"]),
    ("float physics:density = -1", ["physics-out-of-range"]),
    ("float physics:staticFriction = -1", ["physics-out-of-range"]),
    ("float physics:dynamicFriction = heavy", ["physics-out-of-range"]),
    ("float physics:restitution = -1", []),
]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), NUMBERS, ids=lambda part: str(part)[:40])
def test_numbers_that_are_none_or_of_no_material(body: str, wanted: list[str]) -> None:
    assert read(body)[1] == wanted


@pytest.mark.parametrize(("name", "data", "wanted"), [
    ("a.usda", b"#usda 1.0\n", []), ("a.usd", b"#usda 1.0\n", []), ("a.usd", b"PXR-USDC" + bytes(80), []),
    ("a.usda", b"PXR-USDC" + bytes(80), ["usd-bad-header"]), ("a.usdc", b"#usda 1.0\n", ["usd-bad-header"]),
    ("a.usda", b"\xef\xbb\xbf#usda 1.0\n", ["usd-bad-header"]), ("a.usda", b"# usda 1.0\n", ["usd-bad-header"]),
    ("a.USDA", b"#usda 1.0\n", []), ("a.usdz", b"#usda 1.0\n", ["usd-bad-header"]), ("a.usda", b"\x1f\x8b\x08", ["usd-bad-header"]),
    ("a.usda", b"#usda 1.0\n# caf\xe9\n", ["document-not-utf8"]), ("a.usda", b"<!doctype html>", ["usd-bad-header"]),
    ("a.usda", b"#usda 1.0\r\ndef \"a\"\r\n{\r\n}\r\n", []),
])  # fmt: skip
def test_a_layer_begins_as_its_ending_says(name: str, data: bytes, wanted: list[str]) -> None:
    path = f"usd/{name}"
    view = view_of({path: data})
    check_layer(view, path)
    assert codes(view) == wanted


FILES = {
    "usd/a.usda": b"x",
    "usd/t/wood.1012.png": b"x",
    "usd/p.usdz": packaged({"m.usda": b"#usda 1.0\n", "t/a.png": b"x"}),
}


@pytest.mark.parametrize(("raw", "code"), [
    ("a.usda", ""), ("./a.usda", ""), ("a.usda:SDF_FORMAT_ARGS:a=b", ""), ("t/wood.<UDIM>.png", ""), ("p.usdz[m.usda]", ""),
    ("p.usdz[t/a.png]", ""), ("p.usdz[gone.usda]", "path-dangling"), ("q.usdz[m.usda]", "path-dangling"),
    ("t/stone.<UDIM>.png", "path-dangling"), ("A.usda", "path-wrong-case"), ("/a.usda", "path-is-absolute"),
    ("../../a.usda", "path-leaves-scene"),
])  # fmt: skip
def test_an_asset_path_leads_where_openusd_would_look(raw: str, code: str) -> None:
    assert resolve_asset(view_of(FILES), raw, "usd").code == code


@pytest.mark.parametrize(("raw", "only_renderer"), [
    ("OmniPBR.mdl", True), ("gltf/pbr.MDL", True), ("./OmniPBR.mdl", False), ("../a.mdl", False), ("/a.mdl", False),
    ('`"${A}/a.png"`', True), ("a.png", False), ("a.mdl:SDF_FORMAT_ARGS:x=y", True),
])  # fmt: skip
def test_what_only_a_renderer_can_find(raw: str, only_renderer: bool) -> None:
    assert unresolvable(raw) is only_renderer


NAMES = frozenset({"m.usda", "t/a.png", "t/tile.1001.png", "x/n.usda"})


@pytest.mark.parametrize(("layer", "raw", "arc", "code"), [
    ("m.usda", "t/a.png", False, ""), ("m.usda", "./t/a.png", False, ""), ("x/n.usda", "../t/a.png", False, ""),
    ("m.usda", "t/tile.<UDIM>.png", False, ""), ("m.usda", "x/n.usda:SDF_FORMAT_ARGS:a=b", True, ""),
    ("m.usda", "gone.png", False, "texture-missing"), ("m.usda", "gone.usda", True, "path-dangling"),
    ("m.usda", "/a.png", False, "path-is-absolute"), ("m.usda", "https://a/b.png", False, "path-is-uri"),
    ("m.usda", "t/none.<UDIM>.png", False, "texture-missing"), ("x/n.usda", "t/a.png", False, "texture-missing"),
])  # fmt: skip
def test_a_path_in_a_package_leads_within_it(layer: str, raw: str, arc: bool, code: str) -> None:
    found = inside_problem(NAMES, layer, raw, arc)
    assert (found.code if found else "") == code


STAGE = "usd/scene.usda"


@pytest.mark.parametrize(("stage", "below", "wanted", "found"), [
    (Units("Y", 1.0), Units("Y", 1.0), 1.0, []), (Units("", 1.0), Units("Y", 1.0), None, []),
    (Units("Y", 1.0), Units("Y_UP", 1.0), 1.0, []), (Units("Y", 0.01), Units("Y", 0.01), 0.01, []),
    (Units("Y", 0.01), Units("Y", 0.01), 1.0, ["usd-units-differ"]), (Units("Y", None), Units("Y", None), 1.0, ["usd-units-unset"]),
    (Units("Y", 1.0), Units("Y", None), 1.0, ["usd-units-unset"]), (Units("Y", 1.0), Units("Y", 0.01), 1.0, ["usd-units-differ"]),
    (Units("Y", 1.0), Units("Z", 1.0), 1.0, ["usd-up-axis-differs"]), (Units("Z", 1.0), Units("", 1.0), 1.0, ["usd-up-axis-differs"]),
    (Units("Y", 1.0), Units("Y", 0.0), 1.0, []), (Units("Y", 1.0), Units("Y", 1.0), 0.15, []),
    (Units("Y", None), Units("Y", None), 0.01, []),
])  # fmt: skip
def test_units_hold_for_everything_the_stage_is_made_of(
    stage: Units, below: Units, wanted: float | None, found: list[str]
) -> None:
    view = view_of({})
    check_units(view, STAGE, {STAGE: stage, "b.usda": below}, {STAGE: {"a.usda"}, "a.usda": {"b.usda", STAGE}}, wanted)
    assert codes(view) == found
    assert len(told(view)) == len(found)
