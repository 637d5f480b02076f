"""What a data set says of the gates that it passed: whether they were left out, and which report it was made by.

The exporter writes it into `meta/info.json` under `lineage.quality_gates`: the variable BYPASS_QUALITY_GATES as it was, and
the report's own time and SHA-256 (the pipeline's episode-generation-job/lerobot_exporter.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tasks.override_audit.facts import Dataset, Decision, Report, Scene
from tasks.override_audit.finding import Finding, finding
from tasks.validation.documents.json_values import mapping, text

SWITCH = "BYPASS_QUALITY_GATES"
RUN = timedelta(seconds=23_400)
"""How long before its data set a run of the episodes may have begun: its timeout in the catalogue."""


def dataset_of(value: object, where: str, updated: datetime) -> Dataset:
    """What an `info.json` says; of one that says nothing of gates, nothing."""
    said = mapping(mapping(mapping(value).get("lineage")).get("quality_gates"))
    return Dataset(
        where=where,
        updated=updated,
        bypassed=said.get("bypass_enabled") is True,
        report_hash=(text(said.get("report_hash")) or "").lower(),
        report_time=text(said.get("report_timestamp")) or "",
        report_path=text(said.get("report_path")) or "",
    )


def edited_report(one: Dataset, reports: Sequence[Report]) -> Report | None:
    """The report that is not what it was when the data set was made, though it says the same time; None: there is none.

    A report of another time is a later one: the gates were asked again.
    """
    for report in reports:
        same = one.report_path.endswith(report.where.partition("/scenes/")[2] or "\0")
        if same and one.report_hash and one.report_time == report.stated and report.sha256 != one.report_hash:
            return report
    return None


def judge_datasets(scene: Scene, decisions: Sequence[Decision], now: datetime) -> Iterator[Finding]:
    """What the data sets of a scene tell that no record does."""
    for one in scene.datasets:
        known = {"scene": scene.id, "settled_by": one.where}
        if one.bypassed and not any(_allows(decision, one) for decision in decisions):
            sentence = (
                f"{one.where} says that it was made with {SWITCH}, and no override of {scene.id} names that switch."
            )
            yield finding(
                "dataset-bypassed", now, one.where, sentence, one.updated, detail=one.updated.isoformat(), **known
            )
        if (report := edited_report(one, scene.reports)) is not None:
            sentence = (
                f"{report.where} is not the report that {one.where} was made by, though both are of {one.report_time}."
            )
            yield finding("report-edited", now, report.where, sentence, report.updated, detail=one.report_time, **known)


def _allows(decision: Decision, one: Dataset) -> bool:
    """Whether that override names the switch and held while the data set was being made."""
    if decision.switch.strip().upper() != SWITCH or decision.at is None:
        return False
    return decision.at <= one.updated and decision.holds(max(decision.at, one.updated - RUN))
