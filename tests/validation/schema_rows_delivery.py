"""The forms of export, run, import and markers, field by field: the last value that is right and the first that is not.

The readers that decide: Genie Sim (the three documents of the export), the import job, the workflows' checks of markers.
"""

from __future__ import annotations

import json
from typing import Any

from tests.validation.quick import GONE, Keys
from tests.validation.scene_builder import IMPORT, SCENE_ID, healthy, put_gate

SCENE = healthy()
put_gate(SCENE, "simready-job")


def loaded(path: str) -> Any:
    """A document of the healthy scene."""
    return json.loads(SCENE[path])


SHA = "a" * 64
DOCUMENTS: dict[str, Any] = {
    "scene_graph": loaded("geniesim/scene_graph.json"),
    "asset_index": loaded("geniesim/asset_index.json"),
    "task_config": loaded("geniesim/task_config.json"),
    "export_manifest": loaded("geniesim/export_manifest.json"),
    "import_manifest": loaded(f"{IMPORT}/import_manifest.json"),
    "dataset_info": loaded(f"{IMPORT}/lerobot/dataset_info.json"),
    "job": loaded("geniesim/job.json"),
    "gate_report": loaded("simready-job/quality_gate_report.json"),
    "variation": {"scene_id": SCENE_ID, "objects": [{"id": "a"}], "metadata": {"total_objects": 1}},
    "variation_manifest": {"scene_id": SCENE_ID, "assets": [{"name": "a"}]},
    "bundle_metadata": loaded("replicator/bundle_metadata.json"),
    "generation_metadata": {"scene_id": SCENE_ID, "files": ["env_cfg.py"], "num_envs": 1},
    "marker_regen3d_complete": loaded("assets/.regen3d_complete"),
    "marker_simready_complete": loaded("assets/.simready_complete"),
    "marker_geniesim_export_complete": loaded("geniesim/_GENIESIM_EXPORT_COMPLETE"),
    "marker_isaac_lab_complete": {"status": "complete", "validation_errors": []},
}
NODE: Keys = ("nodes", 0)
TASK: Keys = ("suggested_tasks", 0)
RIGHT: list[tuple[str, Keys, object]] = [
    *(("scene_graph", ("edges", 0, "relation"), word) for word in ("on", "in", "adjacent", "aligned", "stacked")),
    ("scene_graph", (*NODE, "size", 0), 1000),
    ("scene_graph", (*NODE, "pose", "position", 0), -1e10),
    ("scene_graph", (*NODE, "usd_path"), ""),
    ("scene_graph", (*NODE, "task_tag"), GONE),
    ("scene_graph", (*NODE, "properties"), {"mass": 0.1, "friction": 0, "restitution": 1}),
    ("asset_index", ("assets", 0, "categories"), []),
    ("asset_index", ("assets", 0, "material"), {"friction": 0, "restitution": 0, "density": 1}),
    *(("task_config", (*TASK, "difficulty"), word) for word in ("easy", "medium", "hard")),
    ("task_config", (*TASK, "priority"), -3),
    ("export_manifest", ("result", "statistics", "nodes"), 0),
    ("export_manifest", ("asset_provenance_path",), None),
    ("export_manifest", ("file_inventory",), []),
    ("import_manifest", ("quality", "average_score"), 1),
    ("import_manifest", ("lerobot",), {"conversion_success": None, "converted_count": None}),
    ("dataset_info", ("episodes",), 2),
    ("dataset_info", ("episodes", 0, "quality_score"), 0),
    ("job", ("job_id",), "x" * 128),
    ("job", ("message",), None),
    ("job", ("job_metrics",), {"duration_seconds": None, "quality_pass_rate": 1}),
    ("gate_report", ("results",), GONE),
    ("gate_report", ("report_version",), "2.0"),
    ("variation", ("objects",), []),
    ("variation_manifest", ("assets",), []),
    ("bundle_metadata", ("policies",), GONE),
    ("generation_metadata", ("num_envs",), GONE),
    ("marker_regen3d_complete", ("objects_count",), 0),
    ("marker_simready_complete", ("simready_assets",), {}),
    ("marker_geniesim_export_complete", ("success",), False),
    ("marker_isaac_lab_complete", ("validation_errors",), ["one"]),
]
WRONG: list[tuple[str, Keys, object, str]] = [
    *(("scene_graph", keys, GONE, "field-missing") for keys in (
        ("nodes",), (*NODE, "asset_id"), (*NODE, "semantic"), (*NODE, "size"), (*NODE, "pose"), (*NODE, "usd_path"),
        (*NODE, "pose", "position"), (*NODE, "pose", "orientation"))),
    ("scene_graph", ("nodes",), [], "nodes-empty"),
    ("scene_graph", ("coordinate_system",), "y", "coordinate-frame-unknown"),
    ("scene_graph", ("meters_per_unit",), 0, "meters-per-unit-out-of-range"),
    ("scene_graph", (*NODE, "asset_id"), "", "field-bad-value"),
    ("scene_graph", (*NODE, "size", 0), 0, "dimension-out-of-range"),
    ("scene_graph", (*NODE, "size", 0), 1000.1, "dimension-out-of-range"),
    ("scene_graph", (*NODE, "pose", "position", 0), 1.1e10, "position-absurd"),
    ("scene_graph", (*NODE, "pose", "orientation"), [1, 0, 0], "field-bad-value"),
    ("scene_graph", (*NODE, "properties"), {"mass": 0}, "physics-out-of-range"),
    ("scene_graph", (*NODE, "properties"), {"restitution": 1.1}, "physics-out-of-range"),
    ("scene_graph", ("edges", 0, "relation"), "under", "edge-relation-unknown"),
    ("asset_index", ("assets",), [], "nodes-empty"),
    *(("asset_index", ("assets", 0, key), GONE, "field-missing") for key in (
        "asset_id", "usd_path", "semantic_description", "categories")),
    ("asset_index", ("assets", 0, "categories"), "mug", "field-wrong-type"),
    ("asset_index", ("assets", 0, "mass"), 0, "physics-out-of-range"),
    ("asset_index", ("assets", 0, "material"), {"density": 0}, "physics-out-of-range"),
    ("asset_index", ("assets", 0, "commercial_ok"), "yes", "field-wrong-type"),
    *(("task_config", (key,), GONE, "field-missing") for key in ("scene_id", "suggested_tasks", "robot_config")),
    *(("task_config", (*TASK, key), GONE, "field-missing") for key in (
        "task_type", "target_object", "difficulty", "priority")),
    *(("task_config", ("robot_config", key), GONE, "field-missing") for key in (
        "type", "base_position", "workspace_bounds")),
    ("task_config", ("suggested_tasks",), [], "tasks-empty"),
    ("task_config", (*TASK, "difficulty"), "EASY", "task-malformed"),
    ("task_config", (*TASK, "priority"), 1.5, "field-wrong-type"),
    ("task_config", ("robot_config", "workspace_bounds"), [[0, 0, 0]], "field-bad-value"),
    *(("export_manifest", keys, GONE, "field-missing") for keys in (
        ("schema_version",), ("result",), ("file_inventory",), ("checksums",), ("result", "success"),
        ("result", "scene_id"), ("result", "statistics"), ("file_inventory", 0, "size_bytes"), ("checksums", "files"))),
    ("export_manifest", ("schema_version",), "3.0", "field-bad-value"),
    ("export_manifest", ("result", "statistics", "nodes"), -1, "field-bad-value"),
    ("export_manifest", ("file_inventory", 0, "path"), "", "field-bad-value"),
    ("export_manifest", ("file_inventory", 0, "size_bytes"), -1, "field-bad-value"),
    *(("export_manifest", ("checksums", "files", "asset_index.json", "sha256"), bad, "checksum-malformed")
      for bad in ("", "a" * 63, "a" * 65, "g" * 64)),
    ("import_manifest", ("episodes", "downloaded"), GONE, "field-missing"),
    ("import_manifest", ("episodes", "passed_validation"), -1, "field-bad-value"),
    ("import_manifest", ("quality", "average_score"), 1.01, "field-bad-value"),
    ("import_manifest", ("package", "sha256"), SHA[1:], "checksum-malformed"),
    ("import_manifest", ("package", "path"), GONE, "field-missing"),
    ("dataset_info", ("episodes",), [], "episodes-empty"),
    ("dataset_info", ("episodes",), 0, "episodes-empty"),
    ("dataset_info", ("episodes",), "2", "field-wrong-type"),
    ("dataset_info", ("episodes", 0, "num_frames"), 0, "field-bad-value"),
    ("dataset_info", ("total_frames",), -1, "field-bad-value"),
    *(("job", (key,), GONE, "field-missing") for key in ("job_id", "scene_id", "status")),
    *(("job", ("job_id",), bad, "id-bad-characters") for bad in ("", "a/b", "x" * 129, "a b")),
    ("job", ("bundle",), {"a": 1}, "field-wrong-type"),
    ("job", ("job_metrics",), {"quality_pass_rate": 1.1}, "field-bad-value"),
    ("job", ("generation_params",), {"episodes_per_task": 0}, "field-bad-value"),
    *(("gate_report", keys, GONE, "field-missing") for keys in (
        ("scene_id",), ("summary",), ("summary", "can_proceed"), ("summary", "blocking_failures"),
        ("results", 0, "gate_id"), ("results", 0, "passed"))),
    ("gate_report", ("summary", "can_proceed"), "yes", "field-wrong-type"),
    ("gate_report", ("summary", "failed"), -1, "field-bad-value"),
    ("variation", ("objects",), GONE, "field-missing"),
    ("variation", ("objects", 0, "id"), "", "field-bad-value"),
    ("variation_manifest", ("assets",), GONE, "field-missing"),
    ("variation_manifest", ("assets", 0, "name"), GONE, "field-missing"),
    ("bundle_metadata", ("scene_id",), GONE, "field-missing"),
    ("bundle_metadata", ("policies",), "pick", "field-wrong-type"),
    ("generation_metadata", ("files",), [], "field-bad-value"),
    ("generation_metadata", ("num_envs",), 0, "field-bad-value"),
    *(("marker_regen3d_complete", (key,), GONE, "field-missing") for key in (
        "status", "scene_id", "objects_count", "completed_at")),
    ("marker_regen3d_complete", ("objects_count",), -1, "field-bad-value"),
    *(("marker_simready_complete", (key,), GONE, "field-missing") for key in ("status", "simready_assets", "count")),
    ("marker_simready_complete", ("simready_assets",), [], "field-wrong-type"),
    *(("marker_geniesim_export_complete", (key,), GONE, "field-missing") for key in (
        "scene_id", "success", "export_timestamp", "stats")),
    ("marker_geniesim_export_complete", ("stats", "nodes"), GONE, "field-missing"),
    ("marker_isaac_lab_complete", ("status",), GONE, "field-missing"),
    ("marker_isaac_lab_complete", ("validation_errors",), "none", "field-wrong-type"),
]  # fmt: skip
