"""SimReady and articulation: what their markers claim against what is there."""

from __future__ import annotations

import posixpath

from tasks.validation.documents.agreement import Doubts
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.json_values import at, close, entries, mapping, number, text
from tasks.validation.documents.layout import Listing
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.paths import report_target, resolve
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.scene_under_test import Record, SceneUnderTest
from tasks.validation.stages.markers import Markers

SIMREADY, REGEN3D, INTERACTIVE = "simready_complete", "regen3d_complete", "interactive_complete"
"""Names of markers in the catalogue."""


def check_simready(view: SceneUnderTest, places: Places, markers: Markers, manifest: Manifest, doubts: Doubts) -> bool:
    """Compare the marker with the objects. True when the local runner made the stage: physics in the manifest only."""
    paths = markers.filled(SIMREADY)
    if not paths or not manifest.usable:
        return False
    wrapped = [name for name in manifest.objects if view.has(places.simready.replace("{object_id}", name))]
    if not view.deep and len(wrapped) == len(manifest.objects):
        return False
    payload = markers.read(paths[0]).payload
    if isinstance(payload, dict):
        _count(view, paths[0], payload, manifest)
        _listed(view, paths[0], payload, manifest, places.simready, doubts)
    local = isinstance(payload, str) and not wrapped
    if local:
        message = f"{paths[0]} is the local runner's: physics is in the manifest, there are no physics wrappers."
        view.add("dialect-local-simready", paths[0], message)
    stage = view.stage_of(paths[0])
    for name in [name for name in manifest.objects if name not in doubts.lost]:
        index, entry = manifest.objects[name]
        if name not in wrapped and (local or isinstance(payload, dict)) and not _has_physics(entry):
            message = f"object {show(name)} has physics neither in {manifest.path} nor in a wrapper of its own."
            view.add("simready-no-physics", manifest.path, message, at=("objects", index, "physics"), stage=stage)
    return local


def check_adapter_marker(view: SceneUnderTest, markers: Markers, manifest: Manifest, layout: Listing) -> None:
    """The adapter's marker says how many objects it made and how it scaled them."""
    path = next(iter(markers.filled(REGEN3D)), None)
    payload = markers.read(path).payload if path and view.deep else None
    if path is None or not isinstance(payload, dict):
        return
    said = number(payload.get("objects_count"))
    if said is not None and manifest.usable and said not in (len(manifest.foreground()), len(manifest.objects)):
        message = f"{path} says {said:g} objects; {manifest.path} lists {len(manifest.foreground())} and the room."
        view.add("count-mismatch", path, message, at=("objects_count",))
    shell = payload.get("has_background")
    if isinstance(shell, bool) and manifest.usable and shell != (len(manifest.foreground()) < len(manifest.objects)):
        message = f"{path} says has_background {show(shell)}, which {manifest.path} does not bear out."
        view.add("count-mismatch", path, message, at=("has_background",))
    factor, used = number(payload.get("scale_factor")), number(layout.record.get("scale_factor"))
    if factor is not None and used is not None and not close(factor, used):
        message = f"{path} says scale_factor {factor:g}, {layout.path} says {used:g}."
        view.add("scale-factor-mismatch", path, message, at=("scale_factor",))


def check_interactive(view: SceneUnderTest, markers: Markers, manifest: Manifest, downstream: bool) -> None:
    """Objects that must be articulated need the interactive step; its marker may hide that nothing was done."""
    needed = [
        name
        for name, (_, entry) in manifest.objects.items()
        if at(entry, "articulation", "required") is True and at(entry, "articulation", "disabled") is not True
    ]
    path = next(iter(markers.filled(INTERACTIVE)), None)
    if not needed or (path is None and not downstream) or not view.deep:
        return
    if path is None and view.expired(manifest.path):
        return
    stage = next((name for name, s in view.catalogue.stages.items() if INTERACTIVE in s.markers), "")
    if path is None:
        index = manifest.objects[needed[0]][0]
        message = f"{len(needed)} objects must be articulated, {show(needed[0])} first, but the step never ran."
        place = ("objects", index, "articulation", "required")
        view.add("interactive-incomplete", manifest.path, message, at=place, stage=stage)
        return
    payload = mapping(markers.read(path).payload)
    _articulated(view, manifest, needed, path, stage)
    done = number(at(payload, "summary", "articulated_count"))
    results = f"{posixpath.dirname(path)}/interactive/interactive_results.json"
    if done is None and view.has(results):
        done = number(mapping(view.document(results).value).get("articulated_count"))
    if done is not None and done < len(needed):
        message = f"{path}: {done:g} of {len(needed)} objects that must be articulated were."
        view.add("interactive-incomplete", path, message, at=("summary", "articulated_count"), stage=stage)


def _articulated(view: SceneUnderTest, manifest: Manifest, needed: list[str], path: str, stage: str) -> None:
    """Whoever wrote the marker: an object that must be articulated needs something that answers to it."""
    outputs = [output.path for output in view.catalogue.stages[stage].outputs if "{object_id}" in output.path]
    made = {posixpath.dirname(known) for known in view.files}
    for name in needed if outputs else []:
        folder = posixpath.dirname(outputs[0].replace("{object_id}", name))
        if folder not in made and not view.source.unlisted(f"{folder}/*"):
            message = (
                f"object {show(name)} must be articulated, and nothing in {folder}/ answers to that, though {path} "
            )
            message += "is there."
            place = ("objects", manifest.objects[name][0], "articulation", "required")
            view.add("articulation-not-made", manifest.path, message, at=place, stage=stage)


def _has_physics(entry: Record) -> bool:
    physics = mapping(entry.get("physics"))
    return bool(physics) and ("mass_kg" in physics or "mass" in physics)


def _count(view: SceneUnderTest, path: str, payload: Record, manifest: Manifest) -> None:
    count, assets = number(payload.get("count")), mapping(payload.get("simready_assets"))
    total = len(manifest.objects)
    if count == 0:
        message = f"{path} says that none of the {total} objects was made ready for simulation."
        view.add("simready-none", path, message, at=("count",))
    elif count is not None and count != total:
        message = f"{path} says {count:g} objects were made ready; {manifest.path} lists {total}."
        view.add("count-mismatch", path, message, at=("count",))
    if count is not None and "simready_assets" in payload and count != len(assets):
        message = f"{path} says {count:g} objects and lists {len(assets)}."
        view.add("count-mismatch", path, message, at=("simready_assets",))


def _listed(
    view: SceneUnderTest, path: str, payload: Record, manifest: Manifest, template: str, doubts: Doubts
) -> None:
    for name, raw in mapping(payload.get("simready_assets")).items():
        if name not in manifest.objects and name not in doubts.unknown:
            message = f"{path} lists object {show(name)}, which {manifest.path} does not."
            view.add("id-not-in-manifest", path, message, at=("simready_assets", name))
        target = resolve(view, text(raw) or "")
        if target.path != template.replace("{object_id}", name):  # the stage's outputs are looked for anyway
            report_target(view, target, path, f"{path}: the wrapper of object {show(name)}", ("simready_assets", name))


def check_variation(view: SceneUnderTest, places: Places) -> None:
    """The list of variation assets, its count and its pictures."""
    path = places.variation
    record = view.record(path) if path and view.has(path) else None
    if record is None:
        return
    check(view, path, "variation", record)
    listed = [entry for _, entry in entries(record, "objects")]
    total = number(at(record, "metadata", "total_objects"))
    if total is not None and total != len(listed):
        message = f"{path} says it has {total:g} objects and lists {len(listed)}."
        view.add("count-mismatch", path, message, at=("metadata", "total_objects"))
    for index, entry in entries(record, "objects"):
        raw = text(entry.get("preferred_view"))
        if raw:
            name = f"{path}: the picture of {show(entry.get('id'))}"
            report_target(view, resolve(view, raw), path, name, ("objects", index, "preferred_view"))
