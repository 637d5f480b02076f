"""The Genie Sim export: scene graph, asset index and tasks, by themselves and against the manifest.

Source: genie-sim-export-job of the pipeline. The bundle's files and checksums are checked in `bundle`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tasks.validation.documents.agreement import Doubts
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.json_values import (
    at,
    close,
    coordinates,
    distance,
    entries,
    length,
    mapping,
    named_vector,
    number,
    sequence,
    text,
    vector,
)
from tasks.validation.documents.layout import check_box
from tasks.validation.documents.manifest import Manifest, check_quaternion
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.scene_under_test import Record, SceneUnderTest

SAME_METERS = 0.01


@dataclass
class Export:
    """The export's documents and what they list."""

    folder: str
    graph: Record | None = None
    index: Record | None = None
    tasks: Record | None = None
    variations: set[str] = field(default_factory=set)
    """Ids that the variation stage adds to the manifest's."""
    counts: dict[str, int] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """A document of the export."""
        return f"{self.folder}/{name}"


def check_export(view: SceneUnderTest, places: Places, manifest: Manifest, doubts: Doubts) -> Export:
    """Check the three documents Genie Sim reads. `doubts`: what the manifest is already contradicted in."""
    export = Export(places.export, variations=variation_ids(view, places))
    if not places.export:
        return export
    for name in ("scene_graph", "asset_index", "task_config"):
        path = export.path(f"{name}.json")
        record = view.record(path) if view.has(path) else None
        if record is not None:
            check(view, path, name, record)
        setattr(export, {"scene_graph": "graph", "asset_index": "index", "task_config": "tasks"}[name], record)
    for key, record in (("nodes", export.graph), ("edges", export.graph), ("assets", export.index)):
        if record is not None:
            export.counts[key] = len(sequence(record.get(key)))
    if export.tasks is not None:
        export.counts["tasks"] = len(sequence(export.tasks.get("suggested_tasks")))
    if export.graph is not None:
        _graph(view, export, manifest, doubts)
    if export.index is not None:
        _index(view, export)
    if export.tasks is not None:
        _tasks(view, export)
    return export


def variation_ids(view: SceneUnderTest, places: Places) -> set[str]:
    """Ids in the list of variation assets, empty without a usable one."""
    if view.has(places.variation):
        return {
            name for _, entry in entries(view.record(places.variation), "objects") if (name := text(entry.get("id")))
        }
    merged = f"{places.export}/merged_scene_manifest.json"  # the exporter's own word, when the list is lost
    listed = entries(view.record(merged), "objects") if view.has(merged) else iter(())
    return {name for _, entry in listed if entry.get("is_variation_asset") is True and (name := text(entry.get("id")))}


def plain_id(view: SceneUnderTest, name: str | None) -> str | None:
    """What the manifest calls an object that the export calls `name`: some exports put the scene's id before it."""
    for template in view.catalogue.export_ids:
        before, _, after = template.replace("{scene_id}", view.scene_id).partition("{object_id}")
        if name and (before or after) and name.startswith(before) and name.endswith(after):
            return name[len(before) : len(name) - len(after)]
    return name


def node_ids(export: Export) -> set[str]:
    """The ids of the scene graph's nodes."""
    return {name for _, node in entries(export.graph, "nodes") if (name := text(node.get("asset_id")))}


def check_ids(view: SceneUnderTest, path: str, record: Record, key: str, variations: set[str]) -> None:
    """Report ids that stand twice; variation assets do in every export, since the list of them repeats one name."""
    counts: Counter[str] = Counter()
    told = False
    for place, entry in entries(record, key):
        name = text(entry.get("asset_id")) or text(entry.get("id"))
        if not name:
            continue
        counts[name] += 1
        field_ = "asset_id" if "asset_id" in entry else "id"
        if counts[name] > 1 and name in variations and not told:
            told = True
            message = f"{path}: the variation asset {show(name)} stands more than once."
            view.add("dialect-variation-duplicates", path, message, at=(key, place, field_))
        elif counts[name] > 1 and name not in variations:
            message = f"{path}: the id {show(name)} stands more than once."
            view.add("id-duplicate", path, message, at=(key, place, field_))


def _graph(view: SceneUnderTest, export: Export, manifest: Manifest, doubts: Doubts) -> None:
    path, graph = export.path("scene_graph.json"), export.graph or {}
    check_ids(view, path, graph, "nodes", export.variations)
    known = set(manifest.objects) | export.variations | doubts.unknown
    for place, node in entries(graph, "nodes"):
        name = plain_id(view, text(node.get("asset_id")))
        if name and manifest.usable and name not in known:
            message = f"{path} has the node {show(name)}, which {manifest.path} does not list."
            view.add("id-not-in-manifest", path, message, at=("nodes", place, "asset_id"))
        quaternion = vector(at(node, "pose", "orientation"), 4)
        check_quaternion(view, path, show(name), ("nodes", place, "pose", "orientation"), quaternion)
        if name in manifest.objects and name not in doubts.places:
            assert name is not None
            _place(view, path, place, node, manifest, name)
    nodes = node_ids(export)
    exported = {plain_id(view, name) for name in nodes}
    for object_id in manifest.foreground():
        if object_id not in exported | doubts.lost:
            message = f"{path} has no node for object {show(object_id)} of {manifest.path}."
            view.add("object-not-exported", path, message, at=("nodes",))
    for place, edge in entries(graph, "edges"):
        for side in ("source", "target"):
            name = text(edge.get(side))
            if name is not None and name not in nodes:
                message = f"{path}: the {side} of an edge is {show(name)}, which is no node."
                view.add("reference-unknown-object", path, message, at=("edges", place, side))
    _frame(view, path, graph, manifest, doubts)


def _place(view: SceneUnderTest, path: str, place: int, node: Record, manifest: Manifest, name: str) -> None:
    there = vector(at(node, "pose", "position"))
    here = named_vector(at(manifest.objects[name][1], "transform", "position"))
    if there and here and distance(there, here) > SAME_METERS + 1e-3 * length(here):
        message = f"{path} has {show(name)} at {coordinates(there)}, {manifest.path} at {coordinates(here)}."
        view.add("export-place-differs", path, message, at=("nodes", place, "pose", "position"))


def _frame(view: SceneUnderTest, path: str, graph: Record, manifest: Manifest, doubts: Doubts) -> None:
    meters, stated = number(graph.get("meters_per_unit")), number(at(manifest.record, "scene", "meters_per_unit"))
    if not doubts.meters and meters is not None and stated is not None and not close(meters, stated):
        message = f"meters_per_unit is {meters:g} in {path} and {stated:g} in {manifest.path}."
        view.add("meters-per-unit-mismatch", path, message, at=("meters_per_unit",))
    system, frame = text(graph.get("coordinate_system")), text(at(manifest.record, "scene", "coordinate_frame"))
    if not doubts.frame and system and frame and system != frame:
        message = f"{path} says {show(system)}, {manifest.path} says {show(frame)}."
        view.add("coordinate-frame-mismatch", path, message, at=("coordinate_system",))


def _index(view: SceneUnderTest, export: Export) -> None:
    path, index = export.path("asset_index.json"), export.index or {}
    check_ids(view, path, index, "assets", export.variations)
    if export.graph is None:
        return
    nodes, listed = node_ids(export), set()
    for place, asset in entries(index, "assets"):
        name = text(asset.get("asset_id"))
        if name:
            listed.add(name)
        if name and name not in nodes:
            message = f"{path} has the asset {show(name)}, which is no node of the scene graph."
            view.add("reference-unknown-object", path, message, at=("assets", place, "asset_id"))
    for name in sorted(nodes - listed):
        message = f"{path} lacks the asset of the node {show(name)} of the scene graph."
        view.add("object-not-listed", path, message, at=("assets",))


def _tasks(view: SceneUnderTest, export: Export) -> None:
    path, tasks = export.path("task_config.json"), export.tasks or {}
    nodes = node_ids(export)
    for place, task in entries(tasks, "suggested_tasks"):
        name = text(task.get("target_object"))
        if export.graph is not None and name is not None and name not in nodes:
            message = f"{path}: the target of a task is {show(name)}, which is no node of the scene graph."
            view.add("reference-unknown-object", path, message, at=("suggested_tasks", place, "target_object"))
    corners = sequence(at(tasks, "robot_config", "workspace_bounds"))
    if len(corners) == 2:
        box = mapping({"min": corners[0], "max": corners[1]})
        check_box(view, path, "the robot's workspace", ("robot_config", "workspace_bounds"), box)
