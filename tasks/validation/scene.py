"""Validate one scene: every check, in an order in which each can lean on the ones before."""

from __future__ import annotations

from blocks.catalogue import Catalogue
from blocks.patterns import matches, widen
from tasks.validation.bundles.export import Export, check_export
from tasks.validation.bundles.export_bundle import check_bundle, check_statistics
from tasks.validation.bundles.imported import check_imports
from tasks.validation.bundles.lerobot_meta import check_datasets
from tasks.validation.documents.agreement import Doubts, check_agreement
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.inputs import check_inputs
from tasks.validation.documents.job import JobFacts, check_job
from tasks.validation.documents.json_values import at, mapping, text
from tasks.validation.documents.layout import check_inventory, check_layout
from tasks.validation.documents.listed import check_listed
from tasks.validation.documents.manifest import Manifest, check_manifest
from tasks.validation.documents.paths import resolve
from tasks.validation.files.assets import check_assets, check_orphans
from tasks.validation.files.meshes import check_meshes
from tasks.validation.files.other_files import check_listing, check_others, check_owners, read_late
from tasks.validation.findings import SceneReport
from tasks.validation.scene_under_test import Depth, SceneUnderTest
from tasks.validation.source import MAX_OBJECTS, SceneSource
from tasks.validation.stages.always import check_always
from tasks.validation.stages.failures import check_failures, check_gates, locked_stages
from tasks.validation.stages.guards import check_guards
from tasks.validation.stages.markers import Markers
from tasks.validation.stages.physics import check_adapter_marker, check_interactive, check_simready, check_variation
from tasks.validation.stages.stage_times import StageTimes
from tasks.validation.stages.stages import Line, judge, observe, states
from tasks.validation.stages.undecided import undecided
from tasks.validation.usd.check import UsdFacts, check_stage, check_usd, compare_units
from tasks.validation.usd.open import open_usd
from tasks.validation.usd.text import check_layer


def validate_scene(source: SceneSource, catalogue: Catalogue, depth: Depth = "full") -> SceneReport:
    """Read one scene and say what is wrong with it. Nothing is ever written.

    `depth`: "full" reads everything; "documents" makes one listing and reads the manifest, the layout, the inventory
    and the assembled stage, and markers only where the state of a stage depends on what they say. Raises
    `OutsideError` when the source cannot be read at all.
    """
    view = SceneUnderTest(source, catalogue, depth)
    places = Places(catalogue)
    if view.source.cut:
        where = ", ".join(sorted(folder or "the whole scene" for folder in view.source.cut)[:3])
        message = f"The scene has more than {MAX_OBJECTS:,} objects; not all were listed of {where}."
        view.add("too-many-objects", places.manifest, message)
    if view.deep:
        view.source.prefetch(path for path in view.files if not read_late(path))
    check_listing(view)
    check_guards(view)
    manifest = check_manifest(view, places.manifest)
    layout, inventory = check_layout(view, places.layout), check_inventory(view, places.inventory)
    doubts = check_agreement(view, manifest, layout, inventory)
    check_assets(view, manifest)
    check_orphans(view, manifest)
    check_inputs(view, manifest, layout.scale_factor)
    markers = Markers(view)
    usd = _check_usd(view, places, manifest, doubts)
    job = check_job(view, places) if view.deep or _needs_job(view, places, markers) else JobFacts()
    if view.deep:
        _contents(view, places, manifest, markers, doubts)
        check_adapter_marker(view, markers, manifest, layout)
        check_imports(view, places, job)
        check_listed(view)
        check_datasets(view, lambda path: not of_former_job(path, places.import_manifest, job.job_id))
        if not view.expired(places.scene_usd):  # what is left of an expired scene cannot be put together any more
            open_usd(view, places, manifest, usd)
            compare_units(view, places, manifest, usd)
    return _report(view, places, markers, manifest, (usd, job, doubts))


def _contents(view: SceneUnderTest, places: Places, manifest: Manifest, markers: Markers, doubts: Doubts) -> None:
    check_meshes(view)
    check_variation(view, places)
    export = check_export(view, places, manifest, doubts)
    if export.folder:
        check_bundle(view, export, manifest)
    markers.read_all()
    for path in markers.filled("geniesim_export_complete"):
        _export_marker(view, export, manifest, path, markers)


def _export_marker(view: SceneUnderTest, export: Export, manifest: Manifest, path: str, markers: Markers) -> None:
    stats = mapping(mapping(markers.read(path).payload).get("stats"))
    check_statistics(view, export, path, ("stats",), stats)
    original = stats.get("original_objects")
    if isinstance(original, int) and manifest.usable and original != len(manifest.objects):
        message = f"{path} says {original} objects were exported; {manifest.path} lists {len(manifest.objects)}."
        view.add("count-mismatch", path, message, at=("stats", "original_objects"))


def _check_usd(view: SceneUnderTest, places: Places, manifest: Manifest, doubts: Doubts) -> UsdFacts:
    if view.deep:
        return check_usd(view, places, manifest, doubts)
    facts = UsdFacts()
    layer = check_layer(view, places.scene_usd) if view.has(places.scene_usd) else None
    if layer is not None:
        facts.local = check_stage(view, layer, manifest, doubts)
    return facts


def _needs_job(view: SceneUnderTest, places: Places, markers: Markers) -> bool:
    """Without the full depth the job's record is only read where some stage's state depends on it."""
    if not places.job or not view.has(places.job):
        return False
    imported = any(matches(widen(places.import_manifest), path) for path in view.files)
    failed = any(view.attribution.class_of(path) == "failure_marker" for path in view.files)
    return failed or not (imported and markers.has("geniesim_import_complete"))


def _run_not_ended(view: SceneUnderTest, places: Places, markers: Markers, line: Line, job: JobFacts) -> None:
    """A run that has not ended cannot have been imported."""
    if not job.under_way:
        return
    line.unfinished.add(view.attribution.stage_of(places.job))
    if markers.has("geniesim_import_complete"):
        message = f"{places.job} says that the run has not ended, but its import is marked as complete."
        view.add("job-contradicts-itself", places.job, message, at=("status",))


def _report(
    view: SceneUnderTest, places: Places, markers: Markers, manifest: Manifest, facts: tuple[UsdFacts, JobFacts, Doubts]
) -> SceneReport:
    usd, job, doubts = facts
    local = {view.attribution.stage_of(places.scene_usd)} if usd.local else set()
    if check_simready(view, places, markers, manifest, doubts):
        local.add(view.attribution.stage_of(places.simready.replace("{object_id}", "x")))
    mock = {view.attribution.stage_of(places.import_manifest.replace("{job_id}", "x"))} if job.mock else set()
    have = {
        name
        for name, (_, entry) in manifest.objects.items()
        if (raw := text(at(entry, "asset", "path"))) and not resolve(view, raw).code
    }
    names = [name for name in manifest.objects if name not in doubts.lost]
    line = Line(names, job.job_id or "*", local, mock, have, promised=promised(view))
    observe(view, markers, line)
    _run_not_ended(view, places, markers, line, job)
    times = StageTimes(view, places, markers, job)
    check_interactive(view, markers, manifest, bool({"simready", "usd"} & line.ran))
    judge(view, markers, line)
    check_always(view, markers, line, manifest)
    times.check_stale()
    check_failures(view, times)
    check_gates(view, times)
    locked = locked_stages(view)
    if view.deep:
        check_others(view, lambda path: of_former_job(path, places.import_manifest, job.job_id))
    check_owners(view, text(at(manifest.record, "scene", "environment_type")))
    found = states(view, line, locked)
    unknown = undecided(view, line)
    healthy = None if unknown and view.findings.healthy else view.findings.healthy
    return SceneReport(view.scene_id, healthy, found, view.findings.sorted(), unknown)


def promised(view: SceneUnderTest) -> set[str]:
    """The optional stages that the scene's settings promise to whoever gets the scene."""
    path = view.catalogue.settings
    settings = mapping(view.document(path).value) if view.has(path) else {}
    stages = view.catalogue.stages.items()
    return {name for name, s in stages if any(settings.get(key) in values for key, values in s.promised_by.items())}


def of_former_job(path: str, import_manifest: str, job_id: str | None) -> bool:
    """Whether an object lies in the folder of another job of the simulation than the current one."""
    before, _, _ = import_manifest.partition("{job_id}")
    return bool(job_id and before and path.startswith(before) and not path.startswith(f"{before}{job_id}/"))
