"""The Genie Sim import: its manifest, the package and the LeRobot data set, and how they agree with the recordings.

Source: genie-sim-import-job of the pipeline.
"""

from __future__ import annotations

import posixpath
import re

from tasks.validation.bundles.bundle import Bundle, check_files, check_hash, check_table, own_checksum, sha256
from tasks.validation.bundles.lerobot import check_dataset
from tasks.validation.bundles.package import packaged_manifest
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.job import JobFacts
from tasks.validation.documents.json_values import at, entries, mapping, number, sequence, text
from tasks.validation.documents.paths import scene_in
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.scene_under_test import Record, SceneUnderTest

OWN = "import_manifest.json"
NEVER_WRITTEN = "lerobot/meta/info.json"
"""Every local import records this file as missing: nothing in the pipeline writes it."""


def check_imports(view: SceneUnderTest, places: Places, job: JobFacts) -> None:
    """Check the import of the job that `geniesim/job.json` names; of every job when it names none.

    What former jobs left is history: no stage would make it again.
    """
    if not places.import_manifest:
        return
    pattern = re.escape(places.import_manifest).replace(re.escape("{job_id}"), r"([^/]+)")
    for path in list(view.files):
        found = re.fullmatch(pattern, path)
        if found and job.job_id and found.group(1) != job.job_id:
            continue
        record = view.record(path) if found and view.has(path) else None
        if found and record is not None:
            _check(view, path, found.group(1), record)
    folder = posixpath.dirname(places.import_manifest).replace("{job_id}", job.job_id or "")
    _recordings(view, f"{folder}/recordings/" if job.job_id else "")


def _check(view: SceneUnderTest, path: str, job_id: str, record: Record) -> None:
    check(view, path, "import_manifest", record)
    bundle = Bundle(view, path, record)
    for place in (("job_id",), ("provenance", "job_id")):
        value = text(at(record, *place))
        if value is not None and value != job_id:
            bundle.add("job-id-mismatch", f"{path} is of job {show(value)}, but lies in the folder of {job_id}.", place)
    for owner_place in (("provenance", "scene_id"), ("output_dir",), ("gcs_output_path",)):
        stated = text(at(record, *owner_place))
        owner = scene_in(stated) if stated and "/" in stated else stated
        if owner not in (None, view.scene_id, "."):
            bundle.add("scene-id-mismatch", f"{path} is the import of {show(owner)}.", owner_place)
    _counts(bundle)
    _quality(bundle)
    check_files(bundle)
    _checksums(bundle)
    _package(bundle)
    check_dataset(bundle)


def _counts(bundle: Bundle) -> None:
    numbers = {key: number(at(bundle.record, "episodes", key)) or 0.0 for key in ("downloaded", "passed_validation")}
    downloaded, passed = numbers["downloaded"], numbers["passed_validation"]
    filtered = number(at(bundle.record, "episodes", "filtered")) or 0.0
    errors = number(at(bundle.record, "episodes", "download_errors")) or 0.0
    if passed + filtered > downloaded:
        message = f"{bundle.path}: {passed:g} passed and {filtered:g} filtered of {downloaded:g} downloaded episodes."
        bundle.add("count-mismatch", message, ("episodes", "passed_validation"))
    if mapping(bundle.record.get("episodes")) and not passed:
        bundle.add("import-no-episodes", f"{bundle.path}: no episode passed.", ("episodes", "passed_validation"))
    if errors:
        message = f"{bundle.path}: {errors:g} episodes could not be downloaded."
        bundle.add("import-incomplete", message, ("episodes", "download_errors"))
    listed = sequence(at(bundle.record, "checksums", "episodes"))
    if listed and downloaded and len(listed) != downloaded:
        message = f"{bundle.path} says {downloaded:g} episodes were downloaded and has checksums of {len(listed)}."
        bundle.add("count-mismatch", message, ("episodes", "downloaded"))
    folder = f"{bundle.folder}/recordings/"
    recordings = [path for path in bundle.view.files if path.startswith(folder) and path.endswith(".json")]
    if recordings and downloaded and len(recordings) < downloaded:
        message = f"{bundle.path} says {downloaded:g} episodes were downloaded; there are {len(recordings)} recordings."
        bundle.add("count-mismatch", message, ("episodes", "downloaded"))


def _quality(bundle: Bundle) -> None:
    quality = mapping(bundle.record.get("quality"))
    average, low, high = (number(quality.get(key)) for key in ("average_score", "min_score", "max_score"))
    threshold = number(quality.get("threshold"))
    if average is not None and low is not None and high is not None and not low - 1e-9 <= average <= high + 1e-9:
        message = f"{bundle.path}: the average score {average:g} is not between {low:g} and {high:g}."
        bundle.add("count-mismatch", message, ("quality", "average_score"))
    if average is not None and threshold is not None and average < threshold:
        message = f"{bundle.path}: the average score {average:g} is below the threshold {threshold:g}."
        bundle.add("import-quality-low", message, ("quality", "average_score"))


def _checksums(bundle: Bundle) -> None:
    checksums = mapping(bundle.record.get("checksums"))
    for place, entry in entries(checksums, "episodes"):
        file_name = text(entry.get("file_name"))
        if file_name:
            check_hash(bundle, file_name, entry, ("checksums", "episodes", place, "sha256"))
    for key in ("episode_files", "metadata"):
        check_table(bundle, checksums.get(key), ("checksums", key), OWN)
    dataset = text(at(checksums, "lerobot", "dataset_info"))
    if dataset:
        check_hash(bundle, "lerobot/dataset_info.json", dataset, ("checksums", "lerobot", "dataset_info"))
    for key in ("missing_episode_ids", "missing_metadata_files"):
        for place, name in enumerate(sequence(checksums.get(key))):
            known = name == NEVER_WRITTEN
            code = "dialect-lerobot-meta-missing" if known else "import-incomplete"
            bundle.add(code, f"{bundle.path} records {show(name)} as missing.", ("checksums", key, place))
    _page(bundle)


def _page(bundle: Bundle) -> None:
    """The separate page of checksums, which the manifest names."""
    name = text(bundle.record.get("checksums_path"))
    path = posixpath.normpath(f"{bundle.folder}/{name}") if name else ""
    record = bundle.view.record(path) if path in bundle.view.files and bundle.view.has(path) else None
    if record is not None:
        page = Bundle(bundle.view, path, record, bundle.hashes, bundle.hashed_bytes, bundle.told)
        check_table(page, record.get("files"), ("files",), OWN)


def _package(bundle: Bundle) -> None:
    package = mapping(bundle.record.get("package"))
    name = text(package.get("path"))
    copy = None
    if name:
        check_hash(bundle, name, package, ("package", "path"))
        path = posixpath.normpath(f"{bundle.folder}/{name}")
        if bundle.view.deep and path.startswith(f"{bundle.folder}/") and path in bundle.view.files:
            copy = packaged_manifest(bundle, path)
    if bundle.view.deep:
        _own(bundle, copy)


def _own(bundle: Bundle, copy: Record | None) -> None:
    """The checksum of itself holds for the place where the import ran; a scene that was moved since is recognised
    by the copy in the package, which still names that place."""
    stated, canonical = own_checksum(bundle.record, ("checksums", "metadata"), OWN)
    place = ("checksums", "metadata", OWN)
    if stated is None:
        bundle.add("own-checksum-missing", f"{bundle.path} holds no checksum of itself.", place)
        return
    if stated.lower() == sha256(canonical):
        return
    if copy is None and "package" in bundle.record:
        message = f"{bundle.path} does not fit its own checksum; without its package it is not known why."
        bundle.add("own-checksum-unproven", message, place)
        return
    moved = _moved(text(bundle.record.get("output_dir")), text((copy or {}).get("output_dir")))
    if moved and stated.lower() == sha256(canonical.replace(*moved)):
        message = f"{bundle.path} was made at {show(moved[1])} and moved since."
        bundle.add("dialect-import-moved", message, ("output_dir",))
    else:
        message = f"{bundle.path} does not fit the checksum it holds of itself; it was changed after the import."
        bundle.add("own-checksum-mismatch", message, place)


def _moved(here: str | None, there: str | None) -> tuple[str, str] | None:
    """What to replace by what to undo the move of a folder: the parts before their common end."""
    if not here or not there or here == there:
        return None
    tail = posixpath.commonprefix([here[::-1], there[::-1]])[::-1]
    tail = tail[tail.find("/") :] if "/" in tail else ""
    old, new = there.removesuffix(tail), here.removesuffix(tail)
    return (new, old) if tail and new else None


def _recordings(view: SceneUnderTest, folder: str) -> None:
    """A recording's id is its file's name."""
    if not folder or not view.deep:
        return
    for path in [path for path in view.files if path.startswith(folder) and path.endswith(".json")]:
        value = view.passing(path).value if view.has(path) else None
        if isinstance(value, list | str | int | float | bool):
            view.add("document-wrong-type", path, f"{path} is no object, as a recording is.", at=())
        stated = text(mapping(value).get("episode_id"))
        if stated is not None and stated != posixpath.basename(path).removesuffix(".json"):
            view.add("episode-id-mismatch", path, f"{path} is of episode {show(stated)}.", at=("episode_id",))
