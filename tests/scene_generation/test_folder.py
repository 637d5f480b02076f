"""`remediate scene generate` into a folder: only into a new one, and what is in it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app


def typed(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["scene", "generate", *words])
    return done.exit_code, done.output


def test_a_new_folder_gets_a_scene_that_validates(tmp_path: Path) -> None:
    folder = tmp_path / "scenes" / "test_office"
    code, said = typed(str(folder), "--kind", "office", "--objects", "3")
    assert (code, "3 objects" in said) == (0, True), said
    looked = CliRunner().invoke(app, ["validate", str(folder)])
    assert looked.exit_code == 0, looked.output


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "test_office"
    folder.mkdir()
    code, said = typed(str(folder))
    assert (code, "is there already" in said) == (3, True), said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("wish", [("--kind", "garage"), ("--objects", "0"), ("--objects", "201")])
def test_what_cannot_be_made_leaves_no_folder(tmp_path: Path, wish: tuple[str, str]) -> None:
    code, _ = typed(str(tmp_path / "test_x"), *wish)
    assert code in (2, 3)
    assert not (tmp_path / "test_x").exists()


def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = typed(str(tmp_path / "file" / "test_x"))
    assert (code, "was not written" in said) == (3, True), said
