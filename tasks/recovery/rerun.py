"""Where a rerun starts, what follows from it, and which workflows and jobs make it: pure functions of stage states."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from blocks.catalogue import Catalogue
from blocks.catalogue_query import closure
from tasks.validation.findings import StageState

BROKEN: tuple[StageState, ...] = ("missing", "corrupt", "stale", "failed")


@dataclass(frozen=True, slots=True)
class Unit:
    """One workflow or job to run again, and the stages it makes."""

    entry: str
    """Name of the workflow or job."""
    is_job: bool
    event_name: str | None
    """The marker name the workflow tests for, relative to the scene."""
    leading_stage: str
    stages: tuple[str, ...]


def earliest_broken(states: Mapping[str, StageState], catalogue: Catalogue) -> tuple[str, ...]:
    """The earliest broken stages: broken ones with no broken stage among all that they need."""
    broken = {stage for stage, state in states.items() if state in BROKEN}
    return tuple(stage for stage in catalogue.stages if stage in broken and not upstream(stage, catalogue) & broken)


def upstream(stage: str, catalogue: Catalogue) -> set[str]:
    """Every stage that `stage` needs, directly or not."""
    found: set[str] = set()
    ahead = list(catalogue.stages[stage].needs)
    while ahead:
        current = ahead.pop()
        if current not in found:
            found.add(current)
            ahead += catalogue.stages[current].needs
    return found


def never_made(stage: str, states: Mapping[str, StageState], catalogue: Catalogue) -> tuple[str, ...]:
    """A stage and all that it needs, of which nothing ever ran, in pipeline order."""
    wanted = {stage, *upstream(stage, catalogue)}
    return tuple(name for name in catalogue.stages if name in wanted and states.get(name) == "never_ran")


def stages_to_make(
    states: Mapping[str, StageState],
    catalogue: Catalogue,
    promised: Iterable[str] = (),
    files: Collection[str] | None = None,
) -> tuple[str, ...]:
    """The broken stages and all that was made from them: what has never run is not run now.

    `promised` are stages that an earlier, failed run has cleared and not made again, or that somebody asks for: they
    count as having run.
    `files`, when given, are the scene's objects: a stage whose outputs retention has removed is made again if, and only
    if, one of the stages to be made reads them.
    """
    broken = {stage for stage, state in states.items() if state in BROKEN}
    owed = set(promised)
    ran = {stage for stage, state in states.items() if state != "never_ran"} | owed
    unmade = {stage for stage in owed if states.get(stage) == "never_ran"}
    wanted = broken | unmade
    while True:
        made = tuple(stage for stage in closure(catalogue, wanted) if stage in ran)
        again = {*made, *(stage for unit in units(made, catalogue) for stage in unit.stages)}
        first = expired_needs(again, states, catalogue, files) if files is not None else set()
        if first <= wanted:
            return made
        wanted |= first


def expired_needs(
    made: Iterable[str], states: Mapping[str, StageState], catalogue: Catalogue, files: Collection[str]
) -> set[str]:
    """Stages whose outputs have expired and are read by a stage that is to be made."""
    made = set(made)
    read = {path for stage in made for path in catalogue.stages[stage].reads if path not in files}
    expired = (name for name in catalogue.stages if states.get(name) == "expired" and name not in made)
    return {name for name in expired if any(o.required and o.path in read for o in catalogue.stages[name].outputs)}


def units(stages: Iterable[str], catalogue: Catalogue) -> list[Unit]:
    """The workflows and jobs that make `stages`, in pipeline order. A workflow makes all the stages it covers."""
    wanted = list(stages)
    found: dict[str, Unit] = {}
    covered: set[str] = set()
    for stage in (s for s in wanted if (run := catalogue.stages[s].rerun) and run.workflow):
        run = catalogue.stages[stage].rerun
        assert run is not None and run.workflow is not None
        made = catalogue.workflows[run.workflow].stages or (stage,)
        if run.workflow not in found and stage not in covered:
            found[run.workflow] = Unit(run.workflow, False, run.event_name, stage, tuple(made))
            covered |= set(made)
    for stage in (s for s in wanted if s not in covered):
        run = catalogue.stages[stage].rerun
        if run is not None and run.job:
            found[f"{run.job}/{stage}"] = Unit(run.job, True, None, stage, (stage,))
    order = list(catalogue.stages)
    return sorted(found.values(), key=lambda unit: min(order.index(stage) for stage in unit.stages))


def needs_job_id(unit: Unit, catalogue: Catalogue) -> bool:
    """Whether the workflow's argument names the run of the simulation, as `geniesim/job.json` does."""
    return not unit.is_job and "{job_id}" in str(catalogue.workflows[unit.entry].argument)


def startable(planned: Iterable[Unit], catalogue: Catalogue, job_id: str | None) -> Iterator[Unit]:
    """The units whose arguments are known. A simulation that is run again has another id, known only afterwards."""
    known = job_id is not None
    for unit in planned:
        if known or not needs_job_id(unit, catalogue):
            yield unit
        known = known and not any(catalogue.stages[stage].genie_sim for stage in unit.stages)


def without_a_way(stages: Iterable[str], planned: Iterable[Unit]) -> list[str]:
    """Stages that nothing in the catalogue can run again."""
    covered = {stage for unit in planned for stage in unit.stages}
    return [stage for stage in stages if stage not in covered]


def fired_by(unit: Unit, earlier: Iterable[Unit], catalogue: Catalogue, deployed: Iterable[str]) -> str | None:
    """The deployed trigger that will start this unit by itself once an earlier unit writes its marker, if any."""
    if unit.is_job or unit.event_name is None:
        return None
    written = {
        path
        for other in earlier
        for stage in other.stages
        for marker in catalogue.stages[stage].markers
        if catalogue.markers[marker].writer in ("job", "workflow") or catalogue.markers[marker].rewrite
        for path in catalogue.markers[marker].paths[:1]
    }
    regex = catalogue.workflows[unit.entry].event_regex
    starts = {path for path in written if regex and re.search(regex, f"scenes/scene/{path}")}
    for name in deployed:
        trigger = catalogue.triggers.get(name)
        if trigger is not None and trigger.workflow == unit.entry:
            fires = {p for p in starts if not trigger.name_regex or re.search(trigger.name_regex, f"scenes/scene/{p}")}
            if fires:
                return name
    return None
