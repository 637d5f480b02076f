"""The drill: restore some scenes of the newest good night to a place where nothing listens, and prove them.

Everything below `drill_prefix` of the ops bucket belongs to drills: what a killed one left there is removed by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.catalogue_query import split_scene
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.restore.drill_kinds import (
    ClearScratch,
    DrillScene,
    clear_scratch,
    drill_scene,
    problems_of,
    records_of,
    scenes_drilled,
)
from tasks.restore.drill_record import past_drills, scorecard, summarise, write_record
from tasks.restore.night_source import was_whole
from tasks.snapshots.nights import last_good, read_entries, read_summary
from tasks.snapshots.summary import Summary

SUBJECT = "@restore-drill"
"""Two drills at once would measure each other."""
LOOKED_AT = 20
"""Scenes of the night that are looked at, at most, to find some that were whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest(Request):
    """Which scenes; none: those whose last drill is the longest ago."""

    scene_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What is restored."""

    night: Summary
    scenes: tuple[str, ...]


class RestoreDrill(Procedure[DrillRequest, DrillFacts]):
    """Handbook: 'Backup and restore', the test of it. Touches nothing but the drills' own folder."""

    name = "restore-drill"
    kinds = (clear_scratch, drill_scene)
    unfinished = "replan"
    additive = True

    def subjects(self, context: Context, request: DrillRequest) -> tuple[str, ...]:
        """Drills."""
        return (SUBJECT,)

    def observe(self, run: Run, request: DrillRequest) -> DrillFacts:
        """The newest good night, and the scenes of it that are due."""
        environment = run.context.environment
        night = last_good(environment) if environment.backup_bucket else None
        if night is None:
            raise PermanentError("There is no good night to restore from: find out why no backup has succeeded.")
        return DrillFacts(night, tuple(choose(environment, night, list(request.scene_ids))))

    def plan(self, run: Run, facts: DrillFacts, request: DrillRequest) -> Plan:
        """Clear what an earlier drill left, restore and prove each scene, clear again."""
        run.summary = f"night {facts.night.night}"
        place = f"gs://{run.context.environment.ops_bucket}/{run.context.environment.backup.drill_prefix}"
        steps = [self.clearing("1 clear what is left", place, always=False)]
        steps += [
            drill_scene.action(
                DrillScene(night=facts.night.night, scene=scene_id),
                step=f"{number} restore {scene_id}",
                target=scene_id,
                precondition="nothing listens there",
                undo="the last step removes it",
                why="the longest without a drill",
            )
            for number, scene_id in enumerate(facts.scenes, 2)
        ]
        steps.append(self.clearing(f"{len(steps) + 1} clear up", place, always=True))
        details = {"night": facts.night.night}
        return Plan(
            procedure=self.name, subject=SUBJECT, actions=tuple(steps) if facts.scenes else (), details={**details}
        )

    def clearing(self, step: str, place: str, *, always: bool) -> Action:
        """Empty the drills' folder."""
        return clear_scratch.action(
            ClearScratch(),
            step=step,
            target=f"{place} {'after' if always else 'before'}",
            precondition="it belongs to drills alone",
            undo="nothing to undo",
            why="a drill leaves nothing behind" if always else "a drill that was killed may have left something",
            objects=0,
            always=always,
        )

    def verify(self, run: Run, facts: DrillFacts | None) -> Verdict:
        """Keep the record; any problem is a failure."""
        environment = run.context.environment
        night = read_summary(environment, str(run.journal.plan().details["night"]))
        record = summarise(run.id, night, scenes_drilled(run.journal), problems_of(run.journal))
        write_record(environment, record)
        run.summary, run.details["scorecard"] = record.sentence(), scorecard(record, environment.backup)
        return Verdict("failed", record.problems) if record.problems else Verdict()

    def sections(self, run: Run) -> Iterable[Section]:
        """The scorecard."""
        if card := run.details.get("scorecard"):
            yield Section("", str(card))


def choose(environment: PipelineEnvironment, night: Summary, asked: list[str]) -> list[str]:
    """The scenes to restore: those asked for, else whole ones whose last drill is the longest ago."""
    known = list(scenes_of(environment, night))
    if unknown := [one for one in asked if one not in known]:
        raise Refused(f"Night {night.night} holds no scene {', '.join(unknown)}; it has {len(known)} others.")
    if asked:
        return list(dict.fromkeys(asked))
    last = {one.scene_id: record.at for record in past_drills(environment) for one in record.scenes}
    never = datetime.min.replace(tzinfo=night.begun_at.tzinfo)
    in_turn = sorted(known, key=lambda scene_id: (last.get(scene_id, never), scene_id))
    return whole_ones_first(environment, night, in_turn)[: environment.backup.drill_scenes]


def whole_ones_first(environment: PipelineEnvironment, night: Summary, in_turn: list[str]) -> list[str]:
    """Scenes that were whole before those that were broken already: only the former prove that a scene comes back.

    Where most are broken these are drilled too, so that each has its turn.
    """
    whole: list[str] = []
    broken: list[str] = []
    for scene_id in in_turn[:LOOKED_AT]:
        good = was_whole(environment, scene_id, records_of(environment, night, scene_id))
        (whole if good else broken).append(scene_id)
        if len(whole) == environment.backup.drill_scenes:
            break
    return [*whole, *broken]


def scenes_of(environment: PipelineEnvironment, night: Summary) -> Iterator[str]:
    """The scenes a night holds, each once."""
    last: str | None = None
    for entry in read_entries(environment, night):
        scene_id, _ = split_scene(environment.catalogue, entry.name)
        if scene_id is not None and scene_id != last:
            yield scene_id
            last = scene_id
