"""The Genie Sim job's record (`geniesim/job.json`): what became of the run, and whether that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.validation.documents.document_paths import Places, usable_job_id
from tasks.validation.documents.json_values import at, mapping, number, text
from tasks.validation.documents.paths import scene_in
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.documents.times import parse_time
from tasks.validation.scene_under_test import Record, SceneUnderTest

DONE, FAILED = ("completed", "complete", "success"), ("failed", "failure", "error", "cancelled", "timeout")
UNDER_WAY = ("submitted", "running", "pending", "queued", "processing", "in_progress")
MOCK = "mock"


@dataclass(frozen=True)
class JobFacts:
    """What later checks need of the record."""

    job_id: str | None = None
    done: bool = False
    mock: bool = False
    under_way: bool = False
    ended: datetime | None = None


def check_job(view: SceneUnderTest, places: Places) -> JobFacts:
    """Check the record, if there is one."""
    path = places.job
    record = view.record(path) if path and view.has(path) else None
    if record is None:
        return JobFacts()
    check(view, path, "job", record)
    status = (text(record.get("status")) or "").lower()
    mock = text(record.get("submission_mode")) == MOCK
    facts = JobFacts(usable_job_id(record.get("job_id")), status in DONE, mock, status in UNDER_WAY, _ended(record))
    _status(view, path, record, status)
    _agreement(view, path, record, facts)
    if "submitted_at" in record and parse_time(record["submitted_at"]) is None:
        message = f"{path}: submitted_at is {show(record['submitted_at'])}, not a time."
        view.add("time-malformed", path, message, at=("submitted_at",))
    if mock:
        message = f"{path}: the run was a mock one, so there are no episodes to import."
        view.add("dialect-mock-job", path, message, at=("submission_mode",))
    return facts


def _ended(record: Record) -> datetime | None:
    for value in (at(record, "job_metrics", "completed_at"), record.get("completed_at"), record.get("submitted_at")):
        when = parse_time(value)
        if when is not None:
            return when
    return None


def _status(view: SceneUnderTest, path: str, record: Record, status: str) -> None:
    if status in FAILED:
        reason = text(record.get("failure_reason")) or text(record.get("message")) or "no reason is given"
        view.add("job-failed", path, f"{path}: the run failed: {show(reason, 160)}.", at=("status",))
    elif status in UNDER_WAY:
        view.add("job-under-way", path, f"{path}: the run is {status}.", at=("status",))
    elif status not in DONE and isinstance(record.get("status"), str):
        view.add("job-status-unknown", path, f"{path}: the status is {show(record['status'])}.", at=("status",))
    if status not in DONE:
        return
    local = mapping(record.get("local_execution"))
    metrics = text(at(record, "job_metrics", "status"))
    if local.get("success") is False:
        message = f"{path} says completed, but its local execution did not succeed."
        view.add("job-contradicts-itself", path, message, at=("local_execution", "success"))
    if metrics is not None and metrics.lower() not in DONE:
        message = f"{path} says completed, but its metrics say {show(metrics)}."
        view.add("job-contradicts-itself", path, message, at=("job_metrics", "status"))


def _agreement(view: SceneUnderTest, path: str, record: Record, facts: JobFacts) -> None:
    other = text(at(record, "job_metrics", "job_id"))
    if other is not None and facts.job_id is not None and other != facts.job_id:
        message = f"{path} is of job {facts.job_id}, its metrics are of {show(other)}."
        view.add("job-id-mismatch", path, message, at=("job_metrics", "job_id"))
    for section in ("local_execution", "job_metrics"):
        collected = number(at(record, section, "episodes_collected"))
        passed = number(at(record, section, "episodes_passed"))
        if collected is not None and passed is not None and passed > collected:
            message = f"{path}: {passed:g} episodes passed of {collected:g} collected."
            view.add("count-mismatch", path, message, at=(section, "episodes_passed"))
    for section in ("bundle", "artifacts"):
        for name, value in mapping(record.get(section)).items():
            owner = scene_in(value) if isinstance(value, str) else None
            if owner not in (None, view.scene_id):
                message = f"{path}: {section}.{name} belongs to the scene {show(owner)}."
                view.add("path-of-other-scene", path, message, at=(section, name))
            ours = isinstance(value, str) and f"/geniesim_{facts.job_id}" in value
            if section == "artifacts" and name.startswith(("episodes_", "lerobot_")) and value and not ours:
                message = f"{path}: {section}.{name} is not the folder of job {facts.job_id}."
                view.add("job-id-mismatch", path, message, at=(section, name))
