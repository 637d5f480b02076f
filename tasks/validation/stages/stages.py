"""The state of every stage: what it left, what it should have left, and what the findings say of it.

A stage is broken exactly when it has an error among the findings; a lock alone blocks it without one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from blocks.catalogue import Catalogue, Output
from blocks.catalogue_query import expand, expected_outputs
from blocks.patterns import matches, widen
from tasks.validation.findings import StageState
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.stages.markers import Markers
from tasks.validation.stages.retention import all_expired

FAILED_CODES = {"stage-failed", "job-failed"}
MISSING_CODES = {"stage-missing", "output-missing", "marker-missing"}
BLOCKED_CODES = {"gate-blocks"}
STALE_CODES = {"stage-stale"}


@dataclass
class Line:
    """What the scene shows of the stages."""

    object_ids: list[str]
    job_id: str | None
    local: set[str]
    """Stages that the local runner made, by what they left."""
    mock: set[str]
    """Stages that had nothing to do because the run was a mock one."""
    have_asset: set[str]
    """Objects whose asset lies where the manifest says."""
    ran: set[str] = field(default_factory=set)
    unfinished: set[str] = field(default_factory=set)
    made: dict[str, list[str]] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    """Stages of whose outputs retention has removed some."""
    promised: set[str] = field(default_factory=set)
    """Optional stages that the scene's own settings promise."""


def observe(view: SceneUnderTest, markers: Markers, line: Line) -> None:
    """Find which stages ran: each left a marker, an object of its own, or the local runner's checkpoint."""
    for path in view.files:
        maker = view.attribution.maker_of(path)
        if maker:
            line.made.setdefault(maker, []).append(path)
    for name, stage in view.catalogue.stages.items():
        if markers.of(name) or line.made.get(name) or (stage.local_checkpoint or "") in view.files:
            line.ran.add(name)


def judge(view: SceneUnderTest, markers: Markers, line: Line) -> None:
    """Report outputs, markers and whole stages that should be there and are not."""
    for name, stage in view.catalogue.stages.items():
        later = has_run_after(view, line, name)
        if name not in line.ran:
            if later:
                _stage_missing(view, line, name, sorted(later, key=list(view.catalogue.stages).index)[0])
            elif name in line.promised:
                _promise_open(view, name)
            continue
        missing = [] if name in line.mock else _without_expired(view, line, name, _missing(view, line, name))
        claimed = bool(markers.of(name)) or bool(later) or _started(view, line, name)
        for path in missing:
            code = "output-missing" if claimed else "output-not-yet"
            reason = "has its completion marker" if markers.of(name) else "is expected to have made it"
            view.add(code, path, f"{path} is not there, though {name} {reason}.", stage=name)
        if missing and not claimed:
            line.unfinished.add(name)
        ran_here = (stage.local_checkpoint or "") in view.files and any(output.required for output in stage.outputs)
        complete = not missing and bool(line.made.get(name) or stage.outputs == () or ran_here)
        reason = "a later stage ran" if later else f"{name} has made its outputs" if complete else ""
        _markers_missing(view, markers, line, name, reason)


def states(view: SceneUnderTest, line: Line, locked: set[str]) -> dict[str, StageState]:
    """The state of every stage of the catalogue."""
    return {name: _state(view, line, name, name in locked) for name in view.catalogue.stages}


def _state(view: SceneUnderTest, line: Line, name: str, locked: bool) -> StageState:
    errors = view.findings.errors_of(name)
    if errors & FAILED_CODES:
        return "failed"
    if errors & BLOCKED_CODES:
        return "blocked"
    rest = errors - STALE_CODES
    if rest:
        return "missing" if rest <= MISSING_CODES else "corrupt"
    if errors:
        return "stale"
    if locked:
        return "blocked"
    if name in line.expired and name not in line.unfinished:
        return "expired"
    return "never_ran" if name not in line.ran or name in line.unfinished else "complete"


@cache
def _needed_by(stages: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, set[str]]:
    """Every stage with all that need it, directly or not. The stages are in topological order."""
    above: dict[str, set[str]] = {}
    for name, needs in stages:
        above[name] = set(needs).union(*(above.get(need, set()) for need in needs))
    return {name: {other for other in above if name in above[other]} for name in above}


def _later(catalogue: Catalogue, name: str) -> set[str]:
    return _needed_by(tuple((other, stage.needs) for other, stage in catalogue.stages.items()))[name]


def has_run_after(view: SceneUnderTest, line: Line, name: str) -> set[str]:
    """The stages that ran and need this one, directly or not."""
    return _later(view.catalogue, name) & line.ran


def _started(view: SceneUnderTest, line: Line, name: str) -> bool:
    """A stage that writes its first document last has made all of them; the adapter's manifest is such a one."""
    first = next((output for output in view.catalogue.stages[name].outputs if output.check == "manifest"), None)
    return first is not None and first.path in view.files


def _missing(view: SceneUnderTest, line: Line, name: str) -> list[str]:
    stage = view.catalogue.stages[name]
    found = []
    for output in expected_outputs(stage, locally=ran_locally(view, line, name)):
        for path, *others in zip(*(_expanded(line, p) for p in (output.path, *output.or_paths)), strict=True):
            if not any(is_there(view, candidate) for candidate in (path, *others)) and not _elsewhere(
                line, output, path
            ):
                found.append(path)
    return found


def ran_locally(view: SceneUnderTest, line: Line, name: str) -> bool:
    """Whether the local runner, not the cloud, made a stage: its checkpoint says so, or what it left.

    Checkpoints expire: where retention has removed them, one stage of the local runner's tells of the others.
    """
    checkpoint = view.catalogue.stages[name].local_checkpoint
    if checkpoint is None:
        return False
    return checkpoint in view.files or name in line.local or (bool(line.local) and view.expired(checkpoint, name))


def _without_expired(view: SceneUnderTest, line: Line, name: str, missing: list[str]) -> list[str]:
    """What is lost; what retention has removed is told once."""
    lost = [path for path in missing if not view.expired(path, name)]
    if gone := [path for path in missing if path not in lost]:
        line.expired.add(name)
        _expired(view, name, gone[0], len(gone))
    return lost


def _expired(view: SceneUnderTest, name: str, path: str, count: int) -> None:
    rest = f" and {count - 1} more" if count > 1 else ""
    when = view.expired.removed_at(path) if view.deep else None
    proof = "" if when is None else f" The log of the pipeline's own clean-up says so: {when:%Y-%m-%d %H:%M} UTC."
    message = (
        f"{path}{rest} of {name} was kept as long as the pipeline keeps such objects, and was then removed.{proof}"
    )
    view.add("output-expired", path, message, stage=name)


def _promise_open(view: SceneUnderTest, name: str) -> None:
    message = f"{view.catalogue.settings} promises what {name} makes, and {name} has not run."
    view.add("promise-open", view.catalogue.settings, message, stage=name)


def _expanded(line: Line, template: str) -> list[str]:
    return expand(template, line.object_ids, line.job_id)


def is_there(view: SceneUnderTest, path: str) -> bool:
    """Whether something is there by that path or pattern: also what is empty, which has been reported as such, and
    what the listing left out, which may be there."""
    return not view.absent(path) or ("*" in path and any(matches(path, known) for known in view.files))


def _elsewhere(line: Line, output: Output, path: str) -> bool:
    """Whether an object's mesh lies where the manifest says instead of where the adapter puts it."""
    return output.check == "glb" and any(path == widen_one(output.path, name) for name in line.have_asset)


def widen_one(template: str, object_id: str) -> str:
    """The template for one object."""
    return template.replace("{object_id}", object_id)


def _stage_missing(view: SceneUnderTest, line: Line, name: str, later: str) -> None:
    stage = view.catalogue.stages[name]
    if all_expired(view.expired, view.catalogue, name):
        line.expired.add(name)
        _expired(view, name, widen(stage.outputs[0].path) if stage.outputs else name, 1)
        return
    where = [view.catalogue.markers[marker].paths[0] for marker in stage.markers]
    where = where or [output.path for output in stage.outputs]
    message = f"{name} left nothing, though {later}, which needs it, ran."
    view.add("stage-missing", widen(where[0]) if where else name, message, stage=name)


def _markers_missing(view: SceneUnderTest, markers: Markers, line: Line, name: str, reason: str) -> None:
    stage = view.catalogue.stages[name]
    asked = {marker for other, s in view.catalogue.stages.items() if other in line.ran for marker in s.needs_markers}
    for marker in stage.markers:
        kind, path = view.catalogue.markers[marker], view.catalogue.markers[marker].paths[0]
        if markers.has(marker) or not view.absent(path):
            continue
        if (marker in asked or kind.required) and view.expired(path, name):
            line.expired.add(name)
            continue
        if kind.required and _not_started(view, line, name, marker):
            message = f"{path} is not there: what it stands for was prepared and never started."
            view.add("marker-not-there", path, message, stage=name)
            line.unfinished.add(name)
            continue
        if marker in asked or (kind.required and reason):
            why = "a later stage that asks for it ran" if marker in asked else reason
            view.add("marker-missing", path, f"{path} is not there, though {why}.", stage=name)
        elif kind.required:
            message = f"{path} is not there; {name} has not finished, or left nothing else."
            view.add("marker-not-there", path, message, stage=name)
            line.unfinished.add(name)
        elif not markers.of(name) and not line.made.get(name) and (stage.local_checkpoint or "") in view.files:
            message = f"{path} is not there, though {stage.local_checkpoint} says that {name} ran."
            view.add("marker-not-there", path, message, stage=name)
        elif kind.rewrite:
            message = f"{path} is not there: no cloud job writes it, yet the Genie Sim export asks for it."
            view.add("marker-not-written", path, message, stage=name)


def _not_started(view: SceneUnderTest, line: Line, name: str, marker: str) -> bool:
    """Whether this marker is of a later step of an optional stage, and nobody was promised that step.

    Such a stage has several markers, one a step. A step that has left neither its marker nor an output of its own has
    not run; only when the scene was promised the stage is that a fault.
    """
    stage = view.catalogue.stages[name]
    required = [m for m in stage.markers if view.catalogue.markers[m].required]
    return (
        stage.optional and name not in line.promised and len(required) > 1 and not markers_of_step(view, name, marker)
    )


def markers_of_step(view: SceneUnderTest, name: str, marker: str) -> list[str]:
    """What the step that writes this marker has left, besides the marker."""
    patterns = view.catalogue.markers[marker].outputs
    return [path for path in view.files if any(matches(pattern, path) for pattern in patterns)]
