"""The Genie Sim export and import: their documents, their files, and what they say of themselves."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable

import pytest

from tests.validation.scene_builder import IMPORT, JOB_ID, SCENE_ID, Scene, dump, errors_of, healthy, report_of, sha256
from tests.validation.scene_bundles import seal_export, seal_import
from tests.validation.scene_changes import Case, cut, drop, edit, put, remove, write

GRAPH, INDEX, TASKS = (f"geniesim/{name}.json" for name in ("scene_graph", "asset_index", "task_config"))
EXPORTED, IMPORTED = "geniesim/export_manifest.json", f"{IMPORT}/import_manifest.json"
PACKAGE = f"{IMPORT}/lerobot_bundle_{JOB_ID}.tar.gz"
DATASET, LINES = f"{IMPORT}/lerobot/dataset_info.json", f"{IMPORT}/lerobot/episodes.jsonl"
RECORDING = f"{IMPORT}/recordings/episode_000001.json"
NODE, TASK = ("nodes", 0), ("suggested_tasks", 0)

EXPORT: list[Case] = [
    ("node renamed", put(GRAPH, (*NODE, "asset_id"), "cup"), "id-not-in-manifest", GRAPH, "$.nodes[0].asset_id"),
    ("node twice", edit(GRAPH, lambda d: d["nodes"].append(d["nodes"][0])), "id-duplicate", GRAPH, "$.nodes[2].asset_id"),
    ("no nodes", put(GRAPH, ("nodes",), []), "nodes-empty", GRAPH, "$.nodes"),
    ("node moved", put(GRAPH, (*NODE, "pose", "position", 0), 9.0), "export-place-differs", GRAPH,
     "$.nodes[0].pose.position"),
    ("node turned", put(GRAPH, (*NODE, "pose", "orientation"), [2, 0, 0, 0]), "quaternion-not-unit", GRAPH,
     "$.nodes[0].pose.orientation"),
    ("node flat", put(GRAPH, (*NODE, "size", 1), 0), "dimension-out-of-range", GRAPH, "$.nodes[0].size[1]"),
    ("path of other scene", put(GRAPH, (*NODE, "usd_path"), "/mnt/gcs/scenes/office/usd/a.usda"), "path-of-other-scene",
     GRAPH, "$.nodes[0].usd_path"),
    ("path to nothing", put(GRAPH, (*NODE, "usd_path"), "assets/obj_cup/simready.usda"), "path-dangling", GRAPH,
     "$.nodes[0].usd_path"),
    ("path empty", put(GRAPH, (*NODE, "usd_path"), ""), "path-dangling", GRAPH, "$.nodes[0].usd_path"),
    ("edge to nothing", put(GRAPH, ("edges", 0, "target"), "sofa"), "reference-unknown-object", GRAPH,
     "$.edges[0].target"),
    ("edge relation", put(GRAPH, ("edges", 0, "relation"), "near"), "edge-relation-unknown", GRAPH,
     "$.edges[0].relation"),
    ("graph metres", put(GRAPH, ("meters_per_unit",), 0.01), "meters-per-unit-mismatch", GRAPH, "$.meters_per_unit"),
    ("graph frame", put(GRAPH, ("coordinate_system",), "z_up"), "coordinate-frame-mismatch", GRAPH,
     "$.coordinate_system"),
    ("graph of other scene", put(GRAPH, ("scene_id",), "x"), "scene-id-mismatch", GRAPH, "$.scene_id"),
    ("asset renamed", put(INDEX, ("assets", 0, "asset_id"), "cup"), "reference-unknown-object", INDEX,
     "$.assets[0].asset_id"),
    ("asset lost", edit(INDEX, lambda d: d["assets"].pop() and None), "object-not-listed", INDEX, "$.assets"),
    ("target unknown", put(TASKS, (*TASK, "target_object"), "sofa"), "reference-unknown-object", TASKS,
     "$.suggested_tasks[0].target_object"),
    ("difficulty", put(TASKS, (*TASK, "difficulty"), "mad"), "task-malformed", TASKS,
     "$.suggested_tasks[0].difficulty"),
    ("priority", put(TASKS, (*TASK, "priority"), "high"), "field-wrong-type", TASKS, "$.suggested_tasks[0].priority"),
    ("no tasks", put(TASKS, ("suggested_tasks",), []), "tasks-empty", TASKS, "$.suggested_tasks"),
    ("workspace", put(TASKS, ("robot_config", "workspace_bounds"), [[1, 1, 2], [-1, -1, 0]]), "bounds-inverted", TASKS,
     "$.robot_config.workspace_bounds.min[0]"),
    ("robot", drop(TASKS, ("robot_config", "type")), "field-missing", TASKS, "$.robot_config.type"),
    ("errors", put(EXPORTED, ("result", "errors"), ["no mesh"]), "export-reported-errors", EXPORTED, "$.result.errors"),
    ("statistics", put(EXPORTED, ("result", "statistics", "edges"), 5), "count-mismatch", EXPORTED,
     "$.result.statistics.edges"),
    ("schema version", put(EXPORTED, ("schema_version",), "1.0"), "field-bad-value", EXPORTED, "$.schema_version"),
    ("result of other scene", put(EXPORTED, ("result", "scene_id"), "x"), "scene-id-mismatch", EXPORTED,
     "$.result.scene_id"),
]  # fmt: skip


@pytest.mark.parametrize("case", EXPORT, ids=lambda case: case[0])
def test_a_damage_to_the_export_is_named_even_when_its_checksums_fit(case: Case) -> None:
    _, change, code, path, place = case
    scene = healthy("export")
    change(scene)
    if path != EXPORTED:
        seal_export(scene)
    report = report_of(scene)
    assert (code, path, place) in {(f.code, f.object, f.path) for f in report.findings if f.severity == "error"}
    assert report.stages["genie-sim-export"] == "corrupt"


FILES: list[Case] = [
    ("content", cut(GRAPH, lambda d: d.replace(b"object", b"obJect")), "checksum-mismatch", GRAPH, ""),
    ("size", cut(GRAPH, lambda d: d + b"\n"), "inventory-size-mismatch", GRAPH, ""),
    ("lost", edit(EXPORTED, lambda d: d["file_inventory"].append({"path": "x.json", "size_bytes": 1})),
     "inventory-file-missing", EXPORTED, "$.file_inventory[3].size_bytes"),
    ("escape", put(EXPORTED, ("file_inventory", 0, "path"), "../../x"), "path-leaves-scene", EXPORTED,
     "$.file_inventory[0].size_bytes"),
    ("own", put(EXPORTED, ("config",), {"max_tasks": 1}), "own-checksum-mismatch", EXPORTED,
     '$.checksums.files["export_manifest.json"]'),
    ("malformed", put(EXPORTED, ("checksums", "files", "scene_graph.json", "sha256"), "abc"), "checksum-malformed",
     EXPORTED, '$.checksums.files["scene_graph.json"].sha256'),
    ("recording", cut(RECORDING, lambda d: d.replace(b'"step": 0', b'"step": 9')), "checksum-mismatch", RECORDING, ""),
    ("recording's id", put(RECORDING, ("episode_id",), "other"), "episode-id-mismatch", RECORDING, "$.episode_id"),
    ("data set", cut(DATASET, lambda d: d[: len(d) // 2]), "document-truncated", DATASET, "$"),
    ("no import manifest", remove(IMPORTED), "output-missing", IMPORTED, ""),
    ("no package", remove(PACKAGE), "inventory-file-missing", IMPORTED, "$.file_inventory[4].size_bytes"),
    ("package", write(PACKAGE, b"\x1f\x8bnothing"), "package-damaged", PACKAGE, ""),
    ("average", put(IMPORTED, ("quality", "average_score"), 0.86), "manifest-differs-from-package", IMPORTED,
     "$.quality.average_score"),
    ("job", put(IMPORTED, ("job_id",), "other"), "job-id-mismatch", IMPORTED, "$.job_id"),
    ("other scene", put(IMPORTED, ("output_dir",), "/mnt/gcs/scenes/x/episodes"), "scene-id-mismatch", IMPORTED,
     "$.output_dir"),
    ("job's metrics", put("geniesim/job.json", ("job_metrics",), {"job_id": "x", "status": "failed"}),
     "job-contradicts-itself", "geniesim/job.json", "$.job_metrics.status"),
    ("job's folder", put("geniesim/job.json", ("artifacts",), {"episodes_prefix": "/mnt/episodes/geniesim_x"}),
     "job-id-mismatch", "geniesim/job.json", "$.artifacts.episodes_prefix"),
    ("job's status", put("geniesim/job.json", ("status",), "vanished"), "job-status-unknown", "geniesim/job.json",
     "$.status"),
]  # fmt: skip


@pytest.mark.parametrize("case", FILES, ids=lambda case: case[0])
def test_a_changed_file_of_a_bundle_is_named(case: Case) -> None:
    _, change, code, path, place = case
    scene = healthy()
    change(scene)
    assert (code, path, place) in {(f.code, f.object, f.path) for f in errors_of(scene)}


NUMBERS: list[tuple[str, tuple[str, ...], object, str]] = [
    ("none passed", ("episodes", "passed_validation"), 0, "import-no-episodes"),
    ("more passed", ("episodes", "passed_validation"), 9, "count-mismatch"),
    ("more downloaded", ("episodes", "downloaded"), 9, "count-mismatch"),
    ("download errors", ("episodes", "download_errors"), 1, "import-incomplete"),
    ("below threshold", ("quality", "threshold"), 0.95, "import-quality-low"),
    ("average too high", ("quality", "average_score"), 0.99, "count-mismatch"),
    ("score of 2", ("quality", "max_score"), 2, "field-bad-value"),
    ("missing episode", ("checksums", "missing_episode_ids"), ["episode_000009"], "import-incomplete"),
]


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case[0])
def test_an_import_whose_own_numbers_do_not_hold_is_an_error(case: tuple[str, tuple[str, ...], object, str]) -> None:
    _, keys, value, code = case
    scene = healthy()
    put(IMPORTED, keys, value)(scene)
    assert code in {f.code for f in errors_of(scene)}


def test_an_import_that_was_moved_since_is_recognised_by_its_package() -> None:
    scene = healthy()
    moved = json.loads(scene[IMPORTED])
    moved["output_dir"] = moved["output_dir"].replace("/mnt/gcs", "/mnt/b")
    scene[IMPORTED] = dump(moved)
    report = report_of(scene)
    assert report.healthy
    assert "dialect-import-moved" in {f.code for f in report.findings}


def test_a_moved_import_that_was_also_changed_is_not_excused() -> None:
    scene = healthy()
    moved = json.loads(scene[IMPORTED])
    moved["output_dir"] = moved["output_dir"].replace("/mnt/gcs", "/mnt/b")
    moved["gcs_output_path"] = f"gs://elsewhere/scenes/{SCENE_ID}"
    scene[IMPORTED] = dump(moved)
    assert {f.code for f in errors_of(scene)} == {"own-checksum-mismatch"}


def test_what_local_imports_always_record_as_missing_is_no_error() -> None:
    scene = healthy()
    put(IMPORTED, ("checksums", "missing_metadata_files"), ["lerobot/meta/info.json"])(scene)
    codes = {f.code for f in report_of(scene).findings if f.severity == "info"}
    assert "dialect-lerobot-meta-missing" in codes
    assert "import-incomplete" not in {f.code for f in errors_of(scene)}


def test_a_page_of_documentation_that_is_missing_from_a_bundle_is_no_error() -> None:
    scene = healthy()
    scene[f"{IMPORT}/README.md"] = b"# Episodes\n"
    seal_import(scene)
    del scene[f"{IMPORT}/README.md"]
    report = report_of(scene)
    assert report.healthy
    assert "dialect-documentation-missing" in {f.code for f in report.findings}


def test_a_package_that_unpacks_without_end_is_not_looked_at_to_its_end() -> None:
    scene = healthy()
    header = tarfile.TarInfo("filler")
    header.size = 300 * 1024 * 1024
    scene[PACKAGE] = gzip.compress(header.tobuf() + bytes(header.size), 1)
    found = [
        (f.code, f.severity) for f in report_of(scene).findings if f.object == PACKAGE and "more than" in f.message
    ]
    assert found == [("not-all-read", "unread")]


@pytest.mark.parametrize(
    "form",
    [
        lambda data: b"".join(gzip.compress(part) for part in (data[:700], data[700:])),
        lambda data: gzip.compress(data) + bytes(64),
    ],
)
def test_a_package_of_several_gzip_members_or_with_zeros_at_its_end_is_whole(form: Callable[[bytes], bytes]) -> None:
    scene = healthy()
    scene[PACKAGE] = form(gzip.decompress(scene[PACKAGE]))
    assert "package-damaged" not in {f.code for f in report_of(scene).findings}


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: b"PK" + data[2:], lambda data: b""])
def test_a_package_that_gzip_does_not_unpack_is_damaged(spoil: Callable[[bytes], bytes]) -> None:
    scene = healthy()
    scene[PACKAGE] = spoil(scene[PACKAGE])
    codes = {f.code for f in report_of(scene).findings if f.object == PACKAGE}
    assert codes & {"package-damaged", "object-empty"}


def test_duplicates_of_variation_assets_are_a_dialect_and_of_other_nodes_an_error() -> None:
    scene = healthy("export")
    _vary(scene)
    report = report_of(scene)
    assert report.healthy
    assert {"dialect-variation-duplicates", "dialect-empty-usd-path"} <= {f.code for f in report.findings}


def _vary(scene: Scene) -> None:
    """Add the same variation asset twice, as the variation stage does."""
    entry = {"id": "variation_object"}
    scene["variation_assets/variation_assets.json"] = dump({"scene_id": SCENE_ID, "objects": [entry, entry]})

    def add(document: dict[str, list[dict[str, object]]], key: str) -> None:
        extra = document[key][0] | {"asset_id": "variation_object", "usd_path": ""}
        document[key] += [extra, extra]

    edit(GRAPH, lambda d: add(d, "nodes"))(scene)
    edit(INDEX, lambda d: add(d, "assets"))(scene)
    seal_export(scene)

    def recount(document: dict[str, dict[str, dict[str, object]]]) -> None:
        document["result"]["statistics"].update(nodes=4, assets=4)
        document["checksums"]["files"].pop("export_manifest.json")
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        document["checksums"]["files"]["export_manifest.json"] = {"sha256": sha256(canonical)}

    edit(EXPORTED, recount)(scene)
    edit("geniesim/_GENIESIM_EXPORT_COMPLETE", lambda d: d["stats"].update(nodes=4, assets=4))(scene)


def test_what_a_former_job_left_is_history_and_no_fault_of_the_scene() -> None:
    scene = healthy()
    former = IMPORT.rpartition("_")[0] + "_former"
    scene[f"{former}/lerobot/dataset_info.json"] = b'{"cut'
    scene[f"{former}/import_manifest.json"] = b"not json"
    assert errors_of(scene) == []


def test_a_changed_recording_is_the_simulations_fault_and_not_the_imports() -> None:
    scene = healthy()
    cut(RECORDING, lambda data: data.replace(b'"step": 0', b'"step": 9'))(scene)
    assert {finding.stage for finding in errors_of(scene)} == {"genie-sim-run"}
