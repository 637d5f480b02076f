"""Which gates were passed without a record, and where a scene went after one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from blocks.catalogue import Catalogue
from blocks.catalogue_query import closure
from tasks.override_audit.facts import Decision, Report, Scene
from tasks.override_audit.finding import Finding, finding
from tasks.override_audit.judge_records import CLOCKS
from tasks.remediation.report import listed

SILENT = "gate-passed-silently"
EXPIRED, REVOKED = "override-expired", "went-on-after-revoke"
"""Both say that an override was over: a silent passing says more than the first, the second more than a silent passing."""


def judge_scene(scene: Scene, decisions: Sequence[Decision], catalogue: Catalogue, now: datetime) -> Iterator[Finding]:
    """What its reports and markers say, beside its decisions."""
    after = [found for one in decisions if one.granted for found in _after(scene, one, catalogue, now)]
    revoked = {one.override for one in after if one.code == REVOKED}
    at_the_gate = [one for one in _at_the_gates(scene, decisions, catalogue, now) if one.override not in revoked]
    silent = {one.override for one in at_the_gate if one.code == SILENT}
    yield from at_the_gate
    yield from (one for one in after if one.code != EXPIRED or one.override not in silent)


def _at_the_gates(
    scene: Scene, decisions: Sequence[Decision], catalogue: Catalogue, now: datetime
) -> Iterator[Finding]:
    for report in scene.reports:
        passed = passed_at(scene, report, catalogue) if report.blocks else None
        for gate in report.failed:
            mine = [one for one in decisions if one.gate == gate and one.granted]
            if passed is not None:
                bad = failed_since(scene, later(report.stage, catalogue), passed[0])
                yield from _passed(scene, report, gate, mine, (*passed, bad), now)
            elif not report.blocks and not mine:
                sentence = (
                    f"{gate} of {scene.id} failed as an error, and the same report says that the scene can go on."
                )
                known = {"scene": scene.id, "gate": gate, "detail": report.run, "settled_by": report.where}
                yield finding("report-contradicts", now, report.where, sentence, report.updated, **known)


def _passed(
    scene: Scene,
    report: Report,
    gate: str,
    mine: list[Decision],
    passed: tuple[datetime, str, list[str]],
    now: datetime,
) -> Iterator[Finding]:
    when, path, bad = passed
    known = {"scene": scene.id, "gate": gate, "detail": report.run, "settled_by": report.where}
    in_time = [one for one in mine if one.at is None or one.at - when <= CLOCKS]
    if any(one.holds(max(when, one.at or when)) for one in in_time):
        return
    if late := [one for one in mine if one not in in_time]:
        sentence = f"{scene.id} passed {gate} at {when:%Y-%m-%d %H:%M} UTC ({path}), before {late[0].id} was decided."
        yield finding("override-too-late", now, report.where, sentence, when, override=late[0].id, **known)
    else:
        why = f"{mine[0].id} did not hold at that time" if mine else "nobody recorded why"
        sentence = (
            f"{gate} of {scene.id} failed, and {path} was written at {when:%Y-%m-%d %H:%M} UTC all the same; {why}."
            + (f" Since then {listed(bad)} failed." if bad else "")
        )
        yield finding(SILENT, now, report.where, sentence, when, override=mine[0].id if mine else "", **known)


def _after(scene: Scene, one: Decision, catalogue: Catalogue, now: datetime) -> Iterator[Finding]:
    known = {"scene": scene.id, "gate": one.gate, "override": one.id, "settled_by": f"after {one.id}"}
    known["detail"] = ", ".join(
        sorted(each.run for each in scene.reports if one.gate in (*each.all_failed, *each.passed))
    )
    failing = any(one.gate in report.all_failed for report in scene.reports)
    passes = not failing and any(one.gate in report.passed for report in scene.reports)
    if one.until is not None and one.until < now and one.revoked is None and not passes:
        sentence = (
            f"{one.id} ended at {one.until:%Y-%m-%d %H:%M} UTC, and {one.gate} of {scene.id} still does not pass."
        )
        yield finding(EXPIRED, now, one.where, sentence, one.at, **known)
    if one.revoked is not None and (went := went_on(scene, one, catalogue, one.revoked)) and failing:
        sentence = (
            f"{one.id} was revoked at {one.revoked:%Y-%m-%d %H:%M} UTC, and {scene.id} went on to {listed(went)}."
        )
        yield finding(REVOKED, now, one.where, sentence, one.at, **known)
    if bad := regressed(scene, one, catalogue):
        sentence = f"{scene.id} was let past {one.gate}, and then {listed(bad)} failed."
        yield finding("regressed-downstream", now, one.where, sentence, one.at, **known)


def stage_of_decision(scene: Scene, one: Decision, catalogue: Catalogue) -> str:
    """The stage whose gate was let pass; empty when nothing tells."""
    reports = (report for report in scene.reports if one.gate in (*report.all_failed, *report.passed))
    return next((one.stage for one in reports if one.stage), "") or catalogue.gates.checkpoints.get(one.checkpoint, "")


def went_on(scene: Scene, one: Decision, catalogue: Catalogue, since: datetime) -> list[str]:
    """The later stages that were completed since then, in the order of the line."""
    below = _below(scene, one, catalogue)
    done = {stage for mark in scene.written if not mark.failure and scene.when(mark) > since for stage in mark.stages}
    return [name for name in below if name in done]


def regressed(scene: Scene, one: Decision, catalogue: Catalogue) -> list[str]:
    """The later stages that failed after the decision and were not completed since. One that may be an earlier stage's
    failure is none."""
    return [] if one.at is None else failed_since(scene, _below(scene, one, catalogue), one.at)


def failed_since(scene: Scene, below: Sequence[str], since: datetime) -> list[str]:
    """Of these stages those that failed since then and were not completed afterwards, in their order."""
    bad = set[str]()
    for mark in scene.written:
        if mark.failure and scene.when(mark) > since and set(mark.stages) <= set(below):
            bad |= {stage for stage in mark.stages if not _done_since(scene, stage, scene.when(mark))}
    return [name for name in below if name in bad]


def _below(scene: Scene, one: Decision, catalogue: Catalogue) -> tuple[str, ...]:
    return later(stage_of_decision(scene, one, catalogue), catalogue)


def later(stage: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The stages that come after one; none for one that the catalogue does not know."""
    return tuple(name for name in closure(catalogue, [stage]) if name != stage) if stage in catalogue.stages else ()


def _done_since(scene: Scene, stage: str, since: datetime) -> bool:
    return any(stage in one.stages and not one.failure and scene.when(one) >= since for one in scene.written)


def passed_at(scene: Scene, report: Report, catalogue: Catalogue) -> tuple[datetime, str] | None:
    """When the scene went on after a report that blocks, and by which marker; None: it did not, or nothing tells.

    What the texts say is compared where both say it, else when the objects were written: a scene that was restored has new
    times on old objects.
    """
    if report.stage not in catalogue.stages:
        return None
    stages = set(closure(catalogue, [report.stage]))
    passed = []
    for mark in scene.written:
        if not mark.failure and stages & set(mark.stages):
            said = scene.payload_times.get(mark.path)
            mine, gate = (said, report.at) if said and report.at else (mark.updated, report.updated)
            if mine > gate:
                passed.append((mine, mark.path))
    return min(passed, default=None)
