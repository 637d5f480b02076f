"""What the validator says of the scenes, by rows of the table. Nothing is validated here again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from blocks.catalogue_query import closure, is_trial
from blocks.errors import OutsideError
from blocks.patterns import matches, matches_any, widen
from tasks.diagnosis.attempts import cut, service_tags
from tasks.diagnosis.executions import overdue
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import scope_of
from tasks.diagnosis.signs import Sign, tag, tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World
from tasks.remediation.report import listed
from tasks.validation.findings import Finding, SceneReport

SHOWN = 4
"""Findings of one row and scene that are shown."""


class Findings(Params):
    """Which errors of the validator a row is about: all that is given must fit. The first row that fits has it."""

    codes: tuple[str, ...] = ()
    """Codes of docs/validation.md; a name that ends in '*' is the beginning of codes."""
    objects: tuple[str, ...] = ()
    """Patterns of objects, relative to the scene."""
    stages: tuple[str, ...] = ()
    words: str = ""
    """A regular expression that the finding's message must hold."""

    def fits(self, finding: Finding) -> bool:
        """Whether a finding is of this row."""
        codes = tuple(code.removesuffix("*") for code in self.codes if code.endswith("*"))
        return (
            (not self.codes or finding.code in self.codes or (bool(codes) and finding.code.startswith(codes)))
            and (not self.objects or matches_any(self.objects, finding.object))
            and (not self.stages or finding.stage in self.stages)
            and (not self.words or re.search(self.words, finding.message) is not None)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one row in one stage of a scene."""

    asked: Asked[Findings]
    stage: str
    findings: tuple[Finding, ...]


def look_at_scenes(world: World, asked: list[Asked[Findings]], found: Found) -> None:
    """Each scene of the scope: the errors of the earliest stage are the cause, those of later stages come of it."""
    scope = scope_of(world)
    _say_scope(world, found)
    for scene, ask in world.reports(scope.scenes):
        try:
            report = ask()
        except OutsideError as error:
            found.unknown.append(f"Scene {scene} could not be looked at: {error}")
            continue
        if report is None:
            if scene in world.scenes:
                place = f"gs://{world.environment.data_bucket}/{world.catalogue.scene_prefix(scene)}"
                found.unknown.append(f"There is nothing at {place}: check the scene's id and the data bucket.")
            continue
        if report.healthy is None:
            found.unknown.append(f"Whether scene {scene} is whole is not known: {listed(report.undecided)} not read.")
        judge(world, asked, report, found)


def _say_scope(world: World, found: Found) -> None:
    scope = scope_of(world)
    found.unknown += [scope.unknown] if scope.unknown else []
    if scope.left_out:
        found.notes.append(
            f"Only the {len(scope.scenes)} scenes with the latest trouble were looked at; {scope.left_out} more had some. "
            "Name scenes to look at those."
        )
    if scope.trials:
        found.notes.append(f"Test scenes with trouble were not looked at: {listed(scope.trials)}. Name them to do so.")
    for scene in (scene for scene in world.scenes if is_trial(world.catalogue, scene)):
        found.notes.append(f"{scene} is a test scene: what is wrong with it may be meant.")


def judge(world: World, asked: list[Asked[Findings]], report: SceneReport, found: Found) -> None:
    """The errors of one scene."""
    errors = [one for one in report.findings if one.severity == "error" and not made_since(world, report.scene_id, one)]
    working = at_work(world, report.scene_id) | just_written(world, report.scene_id, {one.stage for one in errors})
    if working and errors:
        found.notes.append(f"{report.scene_id}: {listed(sorted(working))} is being made, so it was not judged.")
    groups = grouped(world, asked, [one for one in errors if one.stage not in working])
    roots: list[tuple[str, str]] = []
    for group in groups:
        root = next((key for key, stage in roots if group.stage in after(world, stage)), "")
        sign = say(world, report, group, found, because=root)
        if not root:
            roots.append((sign.key, group.stage))


def made_since(world: World, scene: str, finding: Finding) -> bool:
    """Whether a failure is older than a success of the same stage. Of a stage whose completion markers nobody in the cloud
    writes (usd) the scene itself does not tell, and nobody removes a failure marker."""
    file = world.view(scene).files().get(finding.object)
    if finding.code != "stage-failed" or file is None or file.updated is None:
        return False
    good = [one for one in world.attempts() if one.scene == scene and one.outcome in ("success", "partial")]
    return any((one.ended or one.created) > file.updated and finding.stage in world.stages_of(one) for one in good)


def at_work(world: World, scene: str) -> set[str]:
    """Stages that are being made right now, and what is made from them: their outputs come and go."""
    attempts = [one for one in world.attempts() if one.scene == scene and one.outcome == "running"]
    stages = [stage for one in attempts if not overdue(world, one, 0) for stage in world.stages_of(one)]
    return set(closure(world.catalogue, stages))


def just_written(world: World, scene: str, stages: set[str]) -> set[str]:
    """Of these stages those that somebody wrote to since the diagnosis began, and what is made from them."""
    late = [file.path for file in world.view(scene).files().values() if file.updated and file.updated > world.now]
    known = [stage for stage in stages if stage in world.catalogue.stages]
    outputs = {stage: [widen(output.path) for output in world.catalogue.stages[stage].outputs] for stage in known}
    written = [stage for stage in known if any(matches(one, path) for one in outputs[stage] for path in late)]
    return set(closure(world.catalogue, written))


def after(world: World, stage: str) -> set[str]:
    """A stage and what is made from it; of a finding that is of no stage, nothing but the same."""
    return set(closure(world.catalogue, [stage])) if stage in world.catalogue.stages else {stage}


def grouped(world: World, asked: list[Asked[Findings]], errors: Iterable[Finding]) -> list[Group]:
    """Errors by stage and row; the earliest stage first, and in it the heaviest row."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    rows = {one.row.id: one for one in asked}
    for finding in errors:
        row = next((one.row.id for one in asked if one.params.fits(finding)), "")
        if row:
            groups.setdefault((finding.stage, row), []).append(finding)
    order = list(world.catalogue.stages)

    def place(group: Group) -> tuple[int, int]:
        first = order.index(group.stage) if group.stage in order else -1
        return first, -group.asked.row.symptom.weight

    made = [Group(rows[row], stage, tuple(found)) for (stage, row), found in groups.items()]
    return sorted(made, key=place)


def say(world: World, report: SceneReport, group: Group, found: Found, *, because: str) -> Sign:
    """One row of one scene."""
    scene, first = report.scene_id, group.findings[0]
    text = " ".join(one.message for one in group.findings)
    jobs = {tag("job", name) for name, job in world.catalogue.jobs.items() if job.stage and job.stage == group.stage}
    more = f" ({len(group.findings)} findings like it)" if len(group.findings) > 1 else ""
    file = world.view(scene).files().get(first.object)
    return found.say(
        group.asked.row,
        f"{scene}: {group.stage or first.object}",
        f"Scene {scene}: {cut(first.message)}{more}",
        evidence=list(evidence(world, scene, group.findings)),
        tags=tags(scene=scene) | jobs | service_tags(text),
        values={"scene": scene, "stage": group.stage or "the stage", "object": first.object, "fix": first.fix},
        since=file.updated if file else None,
        because=because,
    )


def evidence(world: World, scene: str, findings: tuple[Finding, ...]) -> Iterable[str]:
    """The objects with their generations, and what the validator calls it."""
    files = world.view(scene).files()
    for one in findings[:SHOWN]:
        file = files.get(one.object)
        name = f"gs://{world.environment.data_bucket}/{world.catalogue.scene_prefix(scene)}{one.object}"
        where = f"{name}#{file.generation} ({utc(file.updated)})" if file else f"{name} (not there)"
        yield f"{where}: {one.code}{f' at {one.path}' if one.path else ''}"
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN} more findings: remediate validate shows them"


PROBES = (Probe("scene_findings", Findings, frozenset({"scene", "stage", "object", "fix"}), look_at_scenes),)
