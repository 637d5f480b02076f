"""`remediate validate`: what it prints, its exit codes, and that one bad target does not stop the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from deployments.cli_validate import _stream, loaded, validate
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.pipeline.scenes import make_scene, make_text_scene
from deployments.sandbox.server import Sandbox
from tasks.validation.scene import validate_scene
from tasks.validation.source import FolderSource
from tests.validation.scene_builder import MANIFEST, healthy
from tests.validation.scene_changes import put
from tests.validation.test_sources import BUCKET, folder

FIELDS = {"code", "severity", "object", "path", "message", "fix"}


@pytest.fixture
def bucket(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox's bucket, found through the variable that Google's own clients use."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", sandbox.endpoints.storage)
    return f"gs://{BUCKET}/scenes/"


def test_a_healthy_folder_gives_0_and_one_json_object_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate([str(folder(tmp_path, healthy()))], True) == 0
    lines = capsys.readouterr().out.splitlines()
    report = json.loads(lines[0])
    assert len(lines) == 1
    assert set(report) == {"scene_id", "healthy", "stages", "findings"}
    assert (report["scene_id"], report["healthy"]) == ("kitchen_7", True)
    assert all(set(finding) == FIELDS for finding in report["findings"])


def test_a_scene_with_errors_gives_1_and_the_table_says_what_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = healthy()
    put(MANIFEST, ("version",), 1)(scene)
    assert validate([str(folder(tmp_path, scene))], False) == 1
    shown = capsys.readouterr().out
    assert "not healthy" in shown
    assert "field-wrong-type" in shown
    assert "run regen3d again" in " ".join(shown.split())


def test_a_folder_that_holds_scenes_is_looked_at_scene_by_scene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path / "scenes", healthy())
    folder(tmp_path / "scenes", healthy("regen3d")).parent.joinpath("kitchen_7").rename(tmp_path / "scenes" / "other")
    folder(tmp_path / "scenes", healthy())
    assert validate([str(tmp_path)], True) == 1
    ids = [json.loads(line)["scene_id"] for line in capsys.readouterr().out.splitlines()]
    assert ids == ["kitchen_7", "other"]
    assert validate([str(tmp_path / "scenes")], True) == 1


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nowhere", "does not exist"),
        ("file.txt", "is a file"),
        ("empty", "holds nothing"),
        ("bad id", "is not a scene id"),
        ("s3://bucket/scenes/a", "is no scene's address"),
        ("gs://bucket/other/a", "is no scene's address"),
        ("gs://", "is no scene's address"),
    ],
)
def test_what_cannot_be_looked_at_gives_2_and_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, sentence: str
) -> None:
    (tmp_path / "file.txt").write_text("x")
    for name in ("empty", "bad id"):
        (tmp_path / name).mkdir()
    named = target if "://" in target else str(tmp_path / target)
    assert validate([named], True) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1


def test_one_bad_target_does_not_stop_the_others_and_the_worst_code_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = healthy()
    put(MANIFEST, ("version",), 1)(scene)
    targets = [str(tmp_path / "nowhere"), str(folder(tmp_path / "a", scene)), str(folder(tmp_path / "b", healthy()))]
    assert validate(targets, True) == 2
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert validate(targets[1:], True) == 1
    assert validate(targets[2:], True) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_gives_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path, healthy())
    root.chmod(0)
    try:
        assert validate([str(root)], True) == 2
        assert "may not be read" in capsys.readouterr().err
    finally:
        root.chmod(0o755)


def test_scenes_of_a_bucket_are_found_through_the_emulators_variable(
    sandbox: Sandbox, bucket: str, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_scene(sandbox.store, BUCKET, "office_2", "office", objects=3, upto="regen3d")
    assert validate([f"{bucket}{kitchen}"], True) == 0
    assert validate([bucket], True) == 0
    ids = [json.loads(line)["scene_id"] for line in capsys.readouterr().out.splitlines()]
    assert ids == [kitchen, kitchen, "office_2"]


def test_an_environment_brings_its_own_storage(
    environment: PipelineEnvironment, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate([f"gs://{BUCKET}/scenes/{kitchen}/"], True, environment) == 0
    assert json.loads(capsys.readouterr().out)["scene_id"] == kitchen


def test_an_unknown_scene_or_bucket_gives_2_and_says_so(
    bucket: str, capsys: pytest.CaptureFixture[str], kitchen: str
) -> None:
    assert validate([f"{bucket}nobody"], True) == 2
    assert "There is no scene nobody" in capsys.readouterr().err
    assert validate(["gs://no-such-bucket/scenes/a"], True) == 2
    assert "no-such-bucket" in capsys.readouterr().err


def test_a_bucket_that_may_not_be_listed_gives_2(
    sandbox: Sandbox, bucket: str, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.list", kind="status", status=403))
    assert validate([f"{bucket}{kitchen}"], True) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_temporary_refusal_is_waited_for(
    sandbox: Sandbox, environment: PipelineEnvironment, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.faults.add(FaultRule(service="storage", method="objects.media", kind="status", status=503, times=3))
    assert validate([f"gs://{BUCKET}/scenes/{kitchen}"], True, environment) == 0


def test_an_empty_folder_among_the_scenes_of_a_bucket_is_passed_over(
    sandbox: Sandbox, bucket: str, kitchen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.store.put(BUCKET, "scenes/New folder/", b"", quiet=True)
    assert validate([bucket], True) == 0
    said = capsys.readouterr()
    assert [json.loads(line)["scene_id"] for line in said.out.splitlines()] == [kitchen]
    assert "New folder" in said.err
    assert "passed over" in said.err


def test_an_overlay_is_a_shipped_name_or_a_file(
    sandbox: Sandbox, tmp_path: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_text_scene(sandbox.store, BUCKET, "text_1", "kitchen", objects=1, upto="usd")
    assert validate([f"{bucket}text_1"], True) == 1
    assert validate([f"{bucket}text_1"], True, None, Path("2026-06")) == 0
    own = tmp_path / "own.yaml"
    own.write_text('manifest_versions: ["7.0"]\n')
    capsys.readouterr()
    assert validate([str(folder(tmp_path / "a", healthy()))], True, None, own) == 0
    assert "manifest-version-unknown" in capsys.readouterr().out
    own.write_text("stages: {usd: {nedds: []}}\n")
    assert validate([str(tmp_path)], True, None, own) == 2
    assert "nedds" in capsys.readouterr().err


def test_an_environment_block_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="nvironment block 'nobody'"):
        loaded("nobody")
    assert loaded("") is None


def test_what_nobody_foresaw_in_one_scene_is_one_sentence_and_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("surprise")

    good = folder(tmp_path / "a", healthy("regen3d"))
    answers = list(_stream([lambda: broken() or None, lambda: validated(good)]))  # type: ignore[func-returns-value, list-item, return-value]
    assert "surprise" in str(answers[0])
    assert getattr(answers[1], "healthy", False)


def validated(scene: Path) -> object:
    return validate_scene(FolderSource(scene), load_catalogue())


def test_an_unforeseen_error_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    script = "import deployments.cli as cli\ncli.app = lambda: {}['surprise']\ncli.main()\n"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "nobody foresaw" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
