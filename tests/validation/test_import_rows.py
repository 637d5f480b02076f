"""What an import and an export say of their own files, one statement at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.validation.bundles.bundle import Bundle, check_files, check_hash, own_checksum, unlisted
from tasks.validation.bundles.imported import check_imports
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.job import JobFacts
from tests.validation.quick import GONE, Keys, codes, told, view_of, with_value
from tests.validation.scene_builder import IMPORT, JOB_ID, SCENE_ID, Scene, dump, healthy, sha256

MANIFEST = f"{IMPORT}/import_manifest.json"
WHOLE = {path: data for path, data in healthy().items() if path.startswith(f"{IMPORT}/")}
RECORD: dict[str, Any] = json.loads(WHOLE[MANIFEST])


def of_import(keys: Keys, value: object) -> list[tuple[str, str]]:
    """What is told of an import whose manifest has another value at a place; not that its checksum does not fit."""
    view = view_of(WHOLE | {MANIFEST: dump(with_value(RECORD, keys, value))})
    check_imports(view, Places(view.catalogue), JobFacts(JOB_ID, True))
    ours = ("own-checksum-mismatch", "manifest-differs-from-package")
    return [(code, place) for code, place in told(view) if code not in ours]


EPISODES, QUALITY = ("episodes",), ("quality",)
ROWS: list[tuple[Keys, object, list[tuple[str, str]]]] = [
    (("note",), "of a tool", []),
    ((*EPISODES, "passed_validation"), 1, []),
    ((*EPISODES, "passed_validation"), 0, [("import-no-episodes", "$.episodes.passed_validation")]),
    ((*EPISODES, "passed_validation"), 3, [("count-mismatch", "$.episodes.passed_validation")]),
    ((*EPISODES, "filtered"), 1, [("count-mismatch", "$.episodes.passed_validation")]),
    ((*EPISODES, "download_errors"), 1, [("import-incomplete", "$.episodes.download_errors")]),
    ((*QUALITY, "average_score"), 0.85, [("count-mismatch", "$.quality.average_score")]),
    ((*QUALITY, "average_score"), 0.95, [("count-mismatch", "$.quality.average_score")]),
    ((*QUALITY, "threshold"), 0.9, []),
    ((*QUALITY, "threshold"), 0.91, [("import-quality-low", "$.quality.average_score")]),
    ((*QUALITY, "min_score"), GONE, []),
    (("job_id",), "other", [("job-id-mismatch", "$.job_id")]),
    (("provenance",), {"job_id": "other"}, [("job-id-mismatch", "$.provenance.job_id")]),
    (("provenance",), {"job_id": JOB_ID, "scene_id": SCENE_ID}, []),
    (("provenance",), {"scene_id": "other"}, [("scene-id-mismatch", "$.provenance.scene_id")]),
    (("gcs_output_path",), f"gs://b/scenes/{SCENE_ID}/episodes/x", []),
    (("gcs_output_path",), "gs://b/scenes/other/episodes/x", [("scene-id-mismatch", "$.gcs_output_path")]),
    (("output_dir",), "/tmp/anywhere", []),
    (("checksums", "missing_episode_ids"), ["e"], [("import-incomplete", "$.checksums.missing_episode_ids[0]")]),
    (("checksums", "missing_metadata_files"), ["lerobot/meta/info.json"],
     [("dialect-lerobot-meta-missing", "$.checksums.missing_metadata_files[0]")]),
    (("checksums", "missing_metadata_files"), ["lerobot/episodes.jsonl"],
     [("import-incomplete", "$.checksums.missing_metadata_files[0]")]),
    (("checksums", "episodes", 0, "sha256"), "0" * 64, [("checksum-mismatch", "")]),
    (("file_inventory", 0, "size_bytes"), 1, [("inventory-size-mismatch", "")]),
    (("file_inventory", 0, "path"), "../other.json", [("path-leaves-scene", "$.file_inventory[0].size_bytes")]),
    (("file_inventory", 0, "path"), "gone.json", [("inventory-file-missing", "$.file_inventory[0].size_bytes")]),
    (("file_inventory", 0, "path"), "README.md", [("dialect-documentation-missing", "$.file_inventory[0].size_bytes")]),
    (("file_inventory", 1), RECORD["file_inventory"][0], [("inventory-duplicate", "$.file_inventory[1].path")]),
    (("package", "sha256"), "0" * 64, [("checksum-mismatch", "")]),
    (("package", "includes"), ["import_manifest.json"], []),
    (("package", "includes"), ["recordings"], [("package-damaged", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "value", "wanted"), ROWS, ids=lambda part: str(part)[:45])
def test_what_an_import_says_of_itself_and_its_files(keys: Keys, value: object, wanted: list[tuple[str, str]]) -> None:
    assert of_import(keys, value) == wanted


def test_an_import_that_was_changed_after_it_was_sealed_is_told() -> None:
    view = view_of(WHOLE | {MANIFEST: dump(with_value(RECORD, ("note",), 1))})
    check_imports(view, Places(view.catalogue), JobFacts(JOB_ID, True))
    assert codes(view) == ["own-checksum-mismatch"]


def test_an_import_of_a_former_job_is_history() -> None:
    view = view_of(WHOLE | {MANIFEST: dump(with_value(RECORD, ("job_id",), "other"))})
    check_imports(view, Places(view.catalogue), JobFacts("another-job", True))
    assert codes(view) == []


def test_a_recording_is_of_the_episode_that_its_name_says() -> None:
    for data, wanted in (
        (b'{"episode_id": "episode_000000"}', []), (b"{}", []), (b'{"episode_id": 7}', []),
        (b'{"episode_id": "episode_000009"}', ["episode-id-mismatch"]), (b"[]", ["document-wrong-type"]),
        (b"7", ["document-wrong-type"]), (b'{"episode_id": "epi', ["document-truncated"]),
    ):  # fmt: skip
        view = view_of({f"{IMPORT}/recordings/episode_000000.json": data})
        check_imports(view, Places(view.catalogue), JobFacts(JOB_ID, True))
        assert codes(view) == wanted


# ------------------------------------------------------------------------------------------------- one bundle
FILES: Scene = {"geniesim/a.json": b"{}", "geniesim/b.py": b"x = 1\n", "geniesim/sub/c.usda": b"#usda 1.0\n"}


def bundle(record: dict[str, Any]) -> Bundle:
    """A bundle in the export's folder."""
    return Bundle(view_of(FILES), "geniesim/export_manifest.json", record)


@pytest.mark.parametrize(("name", "size", "wanted"), [
    ("a.json", 2, []), ("./a.json", 2, []), ("sub/c.usda", 10, []), ("a.json", 3, ["inventory-size-mismatch"]),
    ("a.json", 1, ["inventory-size-mismatch"]), ("b.py", 9, ["inventory-script-differs"]), ("gone.json", 2, ["inventory-file-missing"]),
    ("notes.txt", 2, ["dialect-documentation-missing"]), ("GUIDE.MD", 2, ["dialect-documentation-missing"]),
    ("../assets/x", 2, ["path-leaves-scene"]), ("..", 2, ["path-leaves-scene"]), ("sub", 2, ["inventory-file-missing"]),
])  # fmt: skip
def test_every_file_of_an_inventory_is_there_with_its_size(name: str, size: int, wanted: list[str]) -> None:
    one = bundle({"file_inventory": [{"path": name, "size_bytes": size}]})
    check_files(one)
    assert codes(one.view) == wanted


@pytest.mark.parametrize(("name", "stated", "wanted"), [
    ("a.json", sha256(b"{}"), []), ("a.json", sha256(b"{}").upper(), []), ("a.json", {"sha256": sha256(b"{}"), "size_bytes": 2}, []),
    ("a.json", sha256(b"{ }"), ["checksum-mismatch"]), ("a.json", {"sha256": sha256(b"{}"), "size_bytes": 9}, ["inventory-size-mismatch"]),
    ("b.py", sha256(b"y"), []), ("a.json", None, []), ("a.json", {"size_bytes": 2}, []), ("gone.json", "x", ["inventory-file-missing"]),
])  # fmt: skip
def test_every_checksum_fits_its_file(name: str, stated: object, wanted: list[str]) -> None:
    one = bundle({})
    check_hash(one, name, stated, ("checksums", name))
    assert codes(one.view) == wanted


def test_one_file_that_is_wrong_is_one_finding_however_often_it_is_named() -> None:
    one = bundle({"file_inventory": [{"path": "a.json", "size_bytes": 9}, {"path": "gone.json", "size_bytes": 1}]})
    check_files(one)
    check_hash(one, "a.json", "0" * 64, ("checksums", "a.json"))
    check_hash(one, "gone.json", "0" * 64, ("checksums", "gone.json"))
    assert codes(one.view) == ["inventory-size-mismatch", "inventory-file-missing"]


def test_what_an_inventory_does_not_name_is_found_below_its_folder_only() -> None:
    one = bundle({"file_inventory": [{"path": "a.json"}]})
    assert set(unlisted(one, {"b.py"})) == {"sub/c.usda"}


def test_a_manifests_own_checksum_is_of_everything_but_itself() -> None:
    record = {"b": 1, "a": {"files": {"own": {"sha256": "x"}, "other": {"sha256": "y"}}}}
    assert own_checksum(record, ("a", "files"), "own") == ("x", '{"a":{"files":{"other":{"sha256":"y"}}},"b":1}')
    assert own_checksum(record, ("a", "files"), "none")[0] is None
    assert "own" in record["a"]["files"]  # type: ignore[index]
