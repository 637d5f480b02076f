"""The links of a glTF mesh: what every reader trips over is an error, what readers differ in is a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.validation.files.gltf_links import link_problems
from tasks.validation.finding_codes import CODES
from tests.validation.file_makers import triangle

Change = Callable[[dict[str, Any]], object]


def part(mesh: dict[str, Any]) -> dict[str, Any]:
    """The one part of the triangle's mesh."""
    found: dict[str, Any] = mesh["meshes"][0]["primitives"][0]
    return found


def animated(**channel: object) -> Change:
    """An animation of the one node, with this in its channel."""
    target = {"node": 0, "path": "translation"}
    return lambda mesh: mesh.update(
        animations=[{"channels": [{"sampler": 0, "target": target} | channel], "samplers": [{"input": 0, "output": 0}]}]
    )


def textured(index: int, **texture: object) -> Change:
    """A material of one texture."""
    return lambda mesh: mesh.update(
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": index}}}],
        textures=[texture],
        images=[{"uri": "a.png"}],
        samplers=[{}],
    )


GOOD: dict[str, Change] = {
    "the triangle": lambda m: None,
    "no scene at all": lambda m: (m.pop("scene"), m.pop("scenes")),
    "points": lambda m: part(m).update(mode=0),
    "a fan": lambda m: part(m).update(mode=6),
    "a scale of 0 hides a node": lambda m: m["nodes"][0].update(scale=[0, 0, 0]),
    "a mirrored node": lambda m: m["nodes"][0].update(scale=[-1, 1, 1]),
    "a matrix": lambda m: m["nodes"][0].update(matrix=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    "a turn": lambda m: m["nodes"][0].update(rotation=[0, 0, 0.7071, 0.7071]),
    "a turn a little off": lambda m: m["nodes"][0].update(rotation=[0, 0, 0, 1.09]),
    "a chain of nodes": lambda m: m.update(nodes=[{"children": [1]}, {"children": [2]}, {"mesh": 0}]),
    "siblings": lambda m: m.update(nodes=[{"children": [1, 2]}, {"mesh": 0}, {"mesh": 0}]),
    "a skin": lambda m: m.update(skins=[{"joints": [0], "skeleton": 0}]),
    "a camera": lambda m: (m.update(cameras=[{"type": "perspective"}]), m["nodes"][0].update(camera=0)),
    "an animation": animated(),
    "an animation of no node": animated(target={"path": "pointer"}),
    "a texture": textured(0, source=0, sampler=0),
    "a texture of an extension": textured(0, extensions={"KHR_texture_basisu": {"source": 9}}),
    "a picture in a buffer": lambda m: m.update(images=[{"bufferView": 0, "mimeType": "image/png"}]),
    "a picture in the JSON": lambda m: m.update(images=[{"uri": "data:image/png;base64,iVBORw0KGgo="}]),
    "a picture in the JSON, unpadded": lambda m: m.update(images=[{"uri": "data:image/png;base64,iVBORw0KGgo"}]),
    "a morph": lambda m: part(m).update(targets=[{"POSITION": 0}]),
    "whole numbers as 0.0": lambda m: m.update(scene=0.0),
    "extras": lambda m: m.update(extras={"animations": 7}),
}
ODD: dict[str, Change] = {
    "a scene that is not there": lambda m: m.update(scene=1),
    "a scene below 0": lambda m: m.update(scene=-1),
    "a scene of text": lambda m: m.update(scene="0"),
    "half a scene": lambda m: m.update(scene=0.5),
    "two parents": lambda m: m.update(nodes=[{"children": [2]}, {"children": [2]}, {"mesh": 0}]),
    "a joint that is not there": lambda m: m.update(skins=[{"joints": [1]}]),
    "a skeleton that is not there": lambda m: m.update(skins=[{"joints": [0], "skeleton": 1}]),
    "bind matrices that are not there": lambda m: m.update(skins=[{"joints": [0], "inverseBindMatrices": 2}]),
    "a skin that is not there": lambda m: m["nodes"][0].update(skin=0),
    "a camera that is not there": lambda m: m["nodes"][0].update(camera=0),
    "a channel of no sampler": animated(sampler=1),
    "a channel of no node": animated(target={"node": 1, "path": "scale"}),
    "a sampler of no accessor": lambda m: m.update(
        animations=[{"channels": [], "samplers": [{"input": 9, "output": 0}]}]
    ),
    "a sampler without output": lambda m: m.update(
        animations=[{"channels": [], "samplers": [{"input": 0, "output": 9}]}]
    ),
    "a texture that is not there": textured(1, source=0),
    "a texture of no picture": textured(0, source=1),
    "a texture of no sampler": textured(0, source=0, sampler=1),
    "a texture of an extension's material": lambda m: m.update(
        materials=[{"extensions": {"KHR_materials_clearcoat": {"clearcoatTexture": {"index": 0}}}}]
    ),
    "a morph that is not there": lambda m: part(m).update(targets=[{"POSITION": 2}]),
    "a mode that is not known": lambda m: part(m).update(mode=7),
    "a mode of text": lambda m: part(m).update(mode="TRIANGLES"),
    "two corners of a triangle": lambda m: m["accessors"][1].update(count=2),
    "two vertices and no indices": lambda m: (part(m).pop("indices"), m["accessors"][0].update(count=2)),
    "fewer normals than vertices": lambda m: (
        m["accessors"].append({"componentType": 5126, "count": 2, "type": "VEC3"}),
        part(m)["attributes"].update(NORMAL=2),
    ),
    "a turn of no length": lambda m: m["nodes"][0].update(rotation=[0, 0, 0, 0]),
    "a turn too long": lambda m: m["nodes"][0].update(rotation=[0, 0, 0, 1.2]),
    "a picture of no kind": lambda m: m.update(images=[{"bufferView": 0}]),
}
BROKEN: dict[str, Change] = {
    "a node within itself": lambda m: m.update(nodes=[{"mesh": 0, "children": [0]}]),
    "two nodes within each other": lambda m: m.update(nodes=[{"children": [1]}, {"children": [0]}]),
    "a circle behind a chain": lambda m: m.update(nodes=[{"children": [1]}, {"children": [2]}, {"children": [0]}]),
    "a matrix of 15": lambda m: m["nodes"][0].update(matrix=[1] * 15),
    "a matrix of texts": lambda m: m["nodes"][0].update(matrix=["1"] * 16),
    "a place of two": lambda m: m["nodes"][0].update(translation=[1, 2]),
    "a scale of one number": lambda m: m["nodes"][0].update(scale=2),
    "a turn of three": lambda m: m["nodes"][0].update(rotation=[0, 0, 1]),
    "a place of nothing": lambda m: m["nodes"][0].update(translation=None),
}


def problems(change: Change) -> list[str]:
    mesh = triangle()
    change(mesh)
    return [found.code for found in link_problems(mesh)]


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_links_that_lead_somewhere_are_no_finding(change: Change) -> None:
    assert problems(change) == []


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_a_link_that_leads_nowhere_is_a_warning(change: Change) -> None:
    assert set(problems(change)) == {"glb-odd"}
    assert CODES["glb-odd"].severity == "warning"


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_nodes_that_no_reader_can_place_are_an_error(change: Change) -> None:
    assert problems(change) == ["glb-damaged"]


def test_a_picture_in_the_json_that_cannot_be_unpacked_is_a_texture_that_is_missing() -> None:
    for data in ("!!!", "aGVs bG8=", "====a"):
        assert problems(lambda m, d=data: m.update(images=[{"uri": f"data:image/png;base64,{d}"}])) == [
            "texture-missing"
        ]


def test_a_chain_of_a_hundred_thousand_nodes_is_followed_once() -> None:
    count = 100_000
    chain = {"nodes": [{"children": [n + 1]} for n in range(count)] + [{}]}
    assert list(link_problems(chain)) == []
    chain["nodes"][count] = {"children": [0]}
    assert [found.code for found in link_problems(chain)] == ["glb-damaged"]


def test_nothing_of_any_kind_makes_the_reader_raise() -> None:
    for name in ("scene", "nodes", "skins", "animations", "materials", "textures", "images", "meshes", "accessors"):
        for value in (
            None,
            7,
            "x",
            [],
            [None],
            [7],
            [[]],
            [{}],
            {"a": 1},
            [{"children": "x", "joints": 3, "targets": [1]}],
        ):
            list(link_problems({name: value}))
