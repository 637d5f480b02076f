"""Opening USD files for real: on a copy, in another process, and only what stays within the scene."""

from __future__ import annotations

import pytest

from tasks.validation.usd import open as usd_open
from tests.validation.scene_builder import errors_of, healthy, report_of
from tests.validation.scene_changes import replace

USD, WRAPPER = "usd/scene.usda", "assets/obj_mug_0/simready.usda"


def test_without_the_usd_library_a_note_says_that_files_were_only_read_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usd_open, "find_spec", lambda name: None)
    report = report_of(healthy("usd"))
    assert report.healthy
    assert [f.severity for f in report.findings if f.code == "usd-not-opened"] == ["unread"]


def test_without_the_usd_library_dangling_references_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usd_open, "find_spec", lambda name: None)
    scene = healthy("usd")
    replace(USD, "obj_mug_0/simready", "obj_cup/simready")(scene)
    assert "path-dangling" in {f.code for f in errors_of(scene)}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("usd/extra.usdc", b"PXR-USDC" + bytes(200)),
        ("usd/extra.usda", b'#usda 1.0\n\ndef Xform "A"\n{\n    float x = "text"\n}\n'),
    ],
)
def test_a_layer_that_only_the_library_can_tell_is_damaged_is_an_error(path: str, data: bytes) -> None:
    pytest.importorskip("pxr")
    found = errors_of(healthy("usd") | {path: data})
    assert [(f.code, f.object, f.stage) for f in found] == [("usd-does-not-open", path, "")]


def test_a_reference_out_of_the_scene_is_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(usd_open, "_KNOWN", {})
    monkeypatch.setattr(usd_open, "_probe", lambda folder, work: opened.append(work.stages))
    scene = healthy("usd")
    replace(USD, "@../assets/obj_mug_0/simready.usda@", "@/etc/passwd@")(scene)
    assert "path-is-absolute" in {f.code for f in errors_of(scene)}
    assert opened == [[]]


def test_equal_files_are_opened_once_and_a_changed_byte_opens_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery looks at its scene three times."""
    pytest.importorskip("pxr")
    opened, probe = [], usd_open._probe
    monkeypatch.setattr(usd_open, "_KNOWN", {})
    monkeypatch.setattr(usd_open, "_probe", lambda folder, work: opened.append(1) or probe(folder, work))
    scene = healthy("usd") | {"usd/extra.usdc": b"PXR-USDC" + bytes(200)}
    first, again = errors_of(scene), errors_of(scene)
    assert [f.code for f in first] == ["usd-does-not-open"]
    assert again == first
    assert len(opened) == 1
    assert [f.code for f in errors_of(scene | {"usd/extra.usdc": b"PXR-USDC" + bytes(199) + b"x"})] == [first[0].code]
    assert len(opened) == 2


def test_what_did_not_come_to_its_end_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pxr")
    monkeypatch.setattr(usd_open, "_KNOWN", {})
    with monkeypatch.context() as slow:
        slow.setattr(usd_open, "TIMEOUT_SECONDS", 0.01)
        assert "usd-not-opened" in {f.code for f in report_of(healthy("usd")).findings}
    assert "usd-not-opened" not in {f.code for f in report_of(healthy("usd")).findings}


def test_only_so_many_scenes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usd_open, "_KNOWN", known := {})
    monkeypatch.setattr(usd_open, "REMEMBERED", 2)
    monkeypatch.setattr(usd_open, "_probe", lambda folder, work: None)
    for number in range(4):
        errors_of(healthy("usd") | {"usd/note.usda": f"#usda 1.0\n# {number}\n".encode()})
    assert len(known) == 2


def test_a_reference_within_a_comment_or_a_text_is_no_reference() -> None:
    scene = healthy("usd")
    replace(
        WRAPPER,
        "float physics:mass",
        '# see @nowhere.usda@\n    string note = "@nowhere.usda@"\n    float physics:mass',
    )(scene)
    assert errors_of(scene) == []


def test_a_material_of_the_renderers_own_library_is_no_dangling_reference() -> None:
    scene = healthy("usd")
    replace(WRAPPER, "float physics:mass", "asset source = @OmniPBR.mdl@\n    float physics:mass")(scene)
    assert errors_of(scene) == []


def test_numbers_are_only_looked_for_outside_of_texts() -> None:
    scene = healthy("usd")
    replace(WRAPPER, "float physics:mass", 'string note = "nan"\n    double inf_x = 1\n    float physics:mass')(scene)
    assert errors_of(scene) == []
