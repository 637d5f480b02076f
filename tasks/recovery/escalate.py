"""When a rerun would not help: reasons that a person must act on, each one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from blocks.catalogue import Catalogue
from blocks.patterns import matches, widen
from tasks.recovery.candidates import Candidate
from tasks.recovery.observe import SceneFacts
from tasks.recovery.records import undecided
from tasks.recovery.rerun import needs_job_id, without_a_way

MAX_UNMENDED = 3
"""Errors that no rerun mends are named up to this number; the report has them all."""


def escalations(
    facts: SceneFacts, catalogue: Catalogue, stages: Iterable[str], restored: Iterable[Candidate]
) -> Iterator[str]:
    """Why a rerun would not help, each one sentence that says what a person should do."""
    mended = {candidate.object for candidate in restored}
    made = {stage for unit in facts.units for stage in unit.stages}
    prefix = catalogue.scene_prefix(facts.scene_id)
    offered = {candidate.object: candidate for candidate in facts.candidates}
    if facts.incomplete and facts.units:
        yield f"{facts.scene_id} has more objects than were listed; nothing is planned from a part of a scene."
    yield from (stop.sentence for stop in facts.stops if stop.stops(made))
    yield from undecided(facts.records, made)
    for finding in facts.bad_inputs:
        name = prefix + finding.object
        if name in mended:
            continue
        copy = offered.get(name)
        hint = (
            f"a good copy is in {copy.source.replace('_', ' ')} (generation {copy.generation}): run with restore_inputs"
            if copy
            else "no good copy was found; export it again from the reconstruction"
        )
        yield f"Input {finding.object} is bad ({finding.code}): {hint}."
    if facts.genie_sim is not None and facts.genie_sim.state in ("down", "not_serving"):
        yield f"Genie Sim is {facts.genie_sim.state.replace('_', ' ')} ({facts.genie_sim.detail}); heal it first."
    for entry in facts.not_deployed:
        yield f"{entry} is not deployed in this project and region; deploy it or correct the catalogue."
    there = {*facts.files, *(name.removeprefix(prefix) for name in mended)}
    for stage, path in absent_inputs(facts, catalogue, there):
        yield f"Stage {stage} needs {path}, which is not there; bring it back first."
    for stage in without_a_way(stages, facts.units):
        yield f"Stage {stage} is {facts.report.stages.get(stage)} and the catalogue knows no way to run it again."
    if facts.job_id is None and not any(catalogue.stages[stage].genie_sim for stage in made):
        for unit in (unit for unit in facts.units if needs_job_id(unit, catalogue)):
            yield f"geniesim/job.json names no job_id, so {unit.entry} cannot be started; run the export again instead."
    yield from unmended(facts, {*stages, *made})
    for path in facts.report.undecided[:MAX_UNMENDED] if facts.report.healthy is None else ():
        yield f"{path} could not be read, so nobody knows whether the scene is whole; look at it with another tool."


def unmended(facts: SceneFacts, made: Collection[str]) -> Iterator[str]:
    """The first errors in stages that no rerun of this plan makes: a gate that says no, or an object of no stage."""
    bad = {finding.object for finding in facts.bad_inputs}
    errors = [found for found in facts.report.findings if found.severity == "error" and found.object not in bad]
    for finding in [found for found in errors if found.stage not in made][:MAX_UNMENDED]:
        yield f"{finding.object}: {finding.message.rstrip('.')}, and no rerun mends that. {finding.fix}"


def absent_inputs(facts: SceneFacts, catalogue: Catalogue, there: Collection[str]) -> Iterator[tuple[str, str]]:
    """Required inputs of the stages to be run of which none at all will be `there`, by any of their names."""
    for stage in (stage for unit in facts.units for stage in unit.stages):
        for output in (found for found in catalogue.stages[stage].inputs if found.required):
            names = [widen(path) for path in (output.path, *output.or_paths)]
            if not any(matches(name, path) for name in names for path in there):
                yield stage, output.path
