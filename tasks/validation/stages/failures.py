"""Failure markers, gate reports and locks: what speaks against a stage, and whether it is newer than its completion.

Nothing in the pipeline removes a failure marker after a later success, several stages share a path, and there are
three shapes of payload; so each is read for its time and for hints at the stage it means.
"""

from __future__ import annotations

import posixpath
import re
from datetime import datetime

from blocks.catalogue import Catalogue
from blocks.catalogue_query import lock_of, stage_of_failure_marker
from tasks.validation.documents.documents import parse_json
from tasks.validation.documents.json_values import at, entries, mapping, number, sequence, text
from tasks.validation.documents.quoting import show
from tasks.validation.documents.schemas import check
from tasks.validation.documents.times import parse_time, payload_time, shown
from tasks.validation.scene_under_test import Record, SceneUnderTest
from tasks.validation.stages.stage_times import StageTimes

SUMMARY = ".summary"


def check_failures(view: SceneUnderTest, times: StageTimes) -> None:
    """Judge every failure marker of the scene."""
    for path in view.files:
        if view.attribution.class_of(path) != "failure_marker" or path.removesuffix(SUMMARY) != path:
            continue
        stages = stage_of_failure_marker(view.catalogue, path)
        if stages:
            _judge(view, times, path, stages)
        else:
            _unowned(view, path)


def _unowned(view: SceneUnderTest, path: str) -> None:
    """A failure marker of no stage that the catalogue knows: somebody must look, and no rerun follows from it."""
    data = view.data(path)
    document = parse_json(data) if data else None
    record = mapping(document.value) if document else {}
    when = payload_time(record) or view.files[path].updated
    said = f" at {shown(when)}" if when else ""
    view.add("failure-unowned", path, f"{path} records a failure{said} of no known stage: {_reason(record)}.")


def check_gates(view: SceneUnderTest, times: StageTimes) -> None:
    """Check every gate report and whether it blocks its stage."""
    for path in view.files:
        if posixpath.basename(path) == "quality_gate_report.json" and view.has(path) and _matters(view, times, path):
            record = view.record(path)
            if record is not None:
                check(view, path, "gate_report", record)
                _gate(view, times, path, record)


def locked_stages(view: SceneUnderTest) -> set[str]:
    """The stages some lock says are being worked on; each lock is reported."""
    found = set()
    for path in view.files:
        lock = lock_of(view.catalogue, path)
        if lock is None:
            continue
        if lock.stage:
            found.add(lock.stage)
        who, what = lock.workflow or "something", f"on {lock.stage}" if lock.stage else "on this scene"
        view.add("lock-present", path, f"{path} says that {who} is at work {what}.", stage=lock.stage)
    return found


def _judge(view: SceneUnderTest, times: StageTimes, path: str, stages: tuple[str, ...]) -> None:
    data = view.data(path)
    document = parse_json(data) if data else None
    record = mapping(document.value) if document else {}
    if not record:
        view.add("failure-record-unreadable", path, f"{path} is there but cannot be read.", stage=stages[0])
    failed = payload_time(record) or view.files[path].updated
    stage = _meant(view.catalogue, times, stages, _words(path, record), failed)
    owner = record.get("scene_id")
    if owner is not None and owner != view.scene_id:
        message = f"{path} is the failure of {show(owner)}, not of {view.scene_id}."
        view.add("scene-id-mismatch", path, message, at=("scene_id",), stage=stage)
    completed, done = times.completed(stage), times.is_done(stage)
    reason, made = _reason(record), times.made(stage)
    if not done and failed and made and made > failed:
        message = f"{path} is older than what {stage} has made since, at {shown(made)}."
        view.add("failure-superseded", path, message, stage=stage)
    elif not done:
        view.add("stage-failed", path, f"{stage} failed and was not completed since: {reason}.", stage=stage)
    elif failed is None or completed is None:
        message = f"{path} and the completion of {stage} do not both say when: {reason}."
        view.add("failure-order-unknown", path, message, stage=stage)
    elif failed > completed:
        message = f"{stage} failed at {shown(failed)}, after it had been completed at {shown(completed)}: {reason}."
        view.add("stage-failed", path, message, stage=stage)
    else:
        message = f"{path} is older than the completion of {stage} at {shown(completed)}."
        view.add("failure-superseded", path, message, stage=stage)


def _words(path: str, record: Record) -> set[str]:
    """What a record and its path say that may tell the stage."""
    hints = [path, *(text(record.get(key)) or "" for key in ("job_name", "reason", "status", "stage"))]
    hints += [text(at(record, "error", "code")) or "", text(at(record, "context", "failed_step")) or ""]
    return set(re.split(r"[^a-z0-9]+", " ".join(hints).lower()))


def _meant(
    catalogue: Catalogue, times: StageTimes, stages: tuple[str, ...], words: set[str], failed: datetime | None
) -> str:
    """Of the stages that share a path, the one whose name or job is mentioned; else the first that is not complete."""
    names = {stage: _names(catalogue, stage) for stage in stages}
    for stage in stages:
        others = set().union(*(names[other] for other in stages if other != stage))
        if (names[stage] - others) & words:
            return stage
    unfinished = [stage for stage in stages if not times.is_done(stage)]
    older = [stage for stage in stages if failed and (when := times.completed(stage)) and when < failed]
    return (unfinished or older or list(stages))[0]


def _names(catalogue: Catalogue, stage: str) -> set[str]:
    jobs = [name for name, job in catalogue.jobs.items() if job.stage == stage]
    words = set(re.split(r"[^a-z0-9]+", " ".join([stage, *jobs]).lower())) - {"job", ""}
    return words | {"articulation", "particulate"} if stage == "interactive" else words


def _reason(record: Record) -> str:
    error = mapping(record.get("error"))
    found = [text(error.get("code")), text(error.get("message")), text(record.get("reason")), text(record.get("error"))]
    said = ", ".join(part for part in found if part)
    return show(said, 160) if said else "it does not say why"


def _matters(view: SceneUnderTest, times: StageTimes, path: str) -> bool:
    """Without the full depth, a report that was written before its stage was completed is not read."""
    reported, completed = view.files[path].updated, times.written(view.stage_of(path))
    return view.deep or reported is None or completed is None or reported > completed


def _gate_counts(view: SceneUnderTest, path: str, record: Record, failed: int) -> None:
    summary, results = mapping(record.get("summary")), sequence(record.get("results"))
    counts = {"total_gates": len(results), "failed": failed, "passed": len(results) - failed}
    for key, count in counts.items():
        stated = number(summary.get(key))
        if stated is not None and "results" in record and stated != count:
            message = f"{path}: the summary says {stated:g} {key}; there are {count}."
            view.add("gate-report-odd", path, message, at=("summary", key))
    if summary.get("can_proceed") is False and not failed and "results" in record:
        view.add(
            "gate-report-contradicts", path, f"{path} blocks though no gate failed.", at=("summary", "can_proceed")
        )
    if "timestamp" in record and parse_time(record["timestamp"]) is None:
        message = f"{path}: the time is {show(record['timestamp'])}."
        view.add("time-malformed", path, message, at=("timestamp",))


def _gate(view: SceneUnderTest, times: StageTimes, path: str, record: Record) -> None:
    summary = mapping(record.get("summary"))
    blocking, proceed = number(summary.get("blocking_failures")) or 0, summary.get("can_proceed")
    failed = [entry for _, entry in entries(record, "results") if entry.get("passed") is False]
    grave = [text(entry.get("gate_id")) or "?" for entry in failed if entry.get("severity") == "error"]
    if (proceed is True and blocking) or len(grave) > blocking:
        message = f"{path}: the summary says {blocking:g} blocking failures and can_proceed {show(proceed)}, while "
        message += f"{len(grave)} gates of severity error failed."
        view.add("gate-report-contradicts", path, message, at=("summary",))
    _gate_counts(view, path, record, len(failed))
    if proceed is not False and not blocking:
        return
    stage = view.stage_of(path)
    if not stage:
        return
    when = parse_time(record.get("timestamp")) or view.files[path].updated
    completed = times.completed(stage)
    gates = ", ".join(grave) or "unnamed gates"
    if not times.is_done(stage) or (when and completed and when > completed):
        view.add("gate-blocks", path, f"{stage} is blocked by {gates}.", at=("summary", "can_proceed"))
    else:
        message = f"{stage} was completed although {gates} had blocked it."
        view.add("gate-overridden", path, message, at=("summary", "can_proceed"))
