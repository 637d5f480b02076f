"""What the jobs and workflows have logged: known words of trouble, by job and workflow. Lines are never kept whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import Field

from blocks.logs import LogLine
from tasks.diagnosis.attempts import MOST_READ, Attempt, cut, service_tags
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import concerns
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import JOB_EXECUTION, WORKFLOW_EXECUTION, World
from tasks.remediation.report import counted

MOST_SAID = 120
"""Characters of a line that are said; its evidence has more."""


class Words(Params):
    """Which lines a row is about: all that is given must hold. The first row that fits has a line."""

    words: str = ""
    """A regular expression that the line must hold."""
    fields: dict[str, str | bool] = Field(default_factory=dict)
    """Fields of the line's JSON with their values."""
    per: Literal["job", "scene"] = "job"
    """Whose fault it is: mended by the next success of the job, or only by one on the same scene."""

    def fits(self, line: Line) -> bool:
        """Whether a line is of this row."""
        fields = all(line.data.get(key) == value for key, value in self.fields.items())
        return fields and (not self.words or compiled(self.words).search(line.text) is not None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line with what it is about."""

    line: LogLine
    text: str
    data: dict[str, object]
    job: str
    workflow: str
    scene: str
    execution: str

    @property
    def who(self) -> str:
        """The job, else the workflow, else whatever logged it."""
        return self.job or self.workflow or self.line.resource or "something"


@lru_cache(maxsize=256)
def compiled(words: str) -> re.Pattern[str]:
    """A row's expression."""
    return re.compile(words)


def look_at_lines(world: World, asked: list[Asked[Words]], found: Found) -> None:
    """Lines by row and by who wrote them; what has succeeded since is no fault any more."""
    known = world.log()
    if known.cut:
        found.notes.append("Only the newest 1,000 lines of the log were looked at; there are more.")
    attempts = world.attempts()
    scenes = {one.id: one for one in attempts}
    groups: dict[tuple[str, str, str], list[Line]] = {}
    rows = {one.row.id: one for one in asked}
    for entry in known.newest:
        line = about(entry, scenes)
        one = next((each for each in asked if each.params.fits(line)), None)
        if one is not None and concerns(world, line.scene):
            scene = line.scene if one.params.per == "scene" else ""
            groups.setdefault((one.row.id, line.who, scene), []).append(line)
    for (row, who, scene), lines in groups.items():
        if not over(world, attempts, lines, scene):
            say(world, rows[row], who, scene, lines, found)


def about(entry: LogLine, known: dict[str, Attempt]) -> Line:
    """What a line is about: its labels and its JSON say it, else the execution that it names."""
    data, labels = entry.data, entry.labels
    execution = next((labels[name] for name in (JOB_EXECUTION, WORKFLOW_EXECUTION) if name in labels), "")
    attempt = known.get(execution)
    job = str(data.get("job") or labels.get("job_name") or "")
    workflow = str(data.get("workflow") or labels.get("workflow_id") or "")
    scene = str(data.get("scene_id") or (attempt.scene if attempt else ""))
    text = (entry.text or json.dumps(data, sort_keys=True, default=str))[:MOST_READ]
    return Line(entry, text, data, job, workflow, scene, execution)


def over(world: World, attempts: Iterable[Attempt], lines: list[Line], scene: str) -> bool:
    """Whether who wrote them has succeeded since the newest of them, on the same scene where that matters."""
    newest = lines[0]
    names = {newest.job} if newest.job else {newest.workflow}
    for one in attempts:
        good = one.outcome == "success" and (one.ended or one.created) > newest.line.at
        runs = {one.entry, *(() if one.is_job else world.catalogue.workflows[one.entry].jobs)}
        if good and names & runs and scene in ("", one.scene):
            return True
    if not scene:
        return False
    report = world.report(scene)
    stages = stages_of(world, newest)
    return report is None or (bool(stages) and world.whole(report, stages))


def stages_of(world: World, line: Line) -> tuple[str, ...]:
    """What the job, or else the workflow, makes."""
    job, workflow = world.catalogue.jobs.get(line.job), world.catalogue.workflows.get(line.workflow)
    if job is not None and job.stage:
        return (job.stage,)
    return workflow.stages if workflow is not None else ()


def say(world: World, one: Asked[Words], who: str, scene: str, lines: list[Line], found: Found) -> None:
    """One row of one writer."""
    newest, oldest = lines[0], lines[-1]
    shown = [newest] if newest is oldest else [newest, oldest]
    what = f'"{shortened(newest.text)}"' if one.params.words else one.row.symptom.symptom
    found.say(
        one.row,
        f"{who}{f' on {scene}' if scene else ''}",
        f"{who} logged {what} ({counted(len(lines), 'line')}{f', scene {scene}' if scene else ''}), and has not "
        "succeeded since.",
        evidence=[f"{utc(each.line.at)} {each.execution or who}: {cut(each.text)}" for each in shown],
        tags=frozenset().union(*(tags_of(world, line) for line in lines)),
        values={
            "job": newest.job or "JOB",
            "workflow": newest.workflow or "WORKFLOW",
            "scene": newest.scene or "SCENE",
        },
        since=oldest.line.at,
    )


def shortened(text: str) -> str:
    """The beginning of a line, which mostly says it."""
    said = cut(text)
    return said if len(said) <= MOST_SAID else f"{said[:MOST_SAID]}…"


def tags_of(world: World, line: Line) -> frozenset[str]:
    """What a line concerns; a job or workflow that the catalogue does not know is nobody's."""
    job = line.job if line.job in world.catalogue.jobs else ""
    workflow = line.workflow if line.workflow in world.catalogue.workflows else ""
    named = tags(job=job, workflow=workflow, scene=line.scene, execution=line.execution)
    return named | service_tags(line.text)


PROBES = (Probe("log_lines", Words, frozenset({"job", "workflow", "scene"}), look_at_lines),)
