"""What must hold between the parts of a catalogue: names, order, reruns, classes, and what a clearing may reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Final

from blocks.catalogue import Catalogue, Stage, Workflow
from blocks.catalogue_names import Problem, name_problems
from blocks.catalogue_query import class_of
from blocks.catalogue_rules import GPU_JOB_VALUES, ObjectClass
from blocks.catalogue_yaml import KeyPath
from blocks.patterns import matches, overlap, widen

OLD: Final = "it would speak of the old run"
_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
NEVER_CLEARED: Final[tuple[ObjectClass, ...]] = ("input", "trigger_object", "lock")
"""Classes nothing that reruns a stage may delete: nobody makes them again, or (locks) only their holder may."""


def problems_of(catalogue: Catalogue) -> list[Problem]:
    """Every problem of the names; when the names are right, every problem of what they refer to."""
    found = [*name_problems(catalogue), *_regexes(catalogue)]
    if found:
        return found
    return [
        *_order(catalogue),
        *_templates(catalogue),
        *_classes(catalogue),
        *(problem for name, stage in catalogue.stages.items() for problem in _rerun(catalogue, name, stage)),
        *(problem for name, stage in catalogue.stages.items() for problem in _clear(catalogue, name, stage)),
    ]


def _regexes(catalogue: Catalogue) -> Iterator[Problem]:
    for section, key, items in (
        ("workflows", "event_regex", {name: item.event_regex for name, item in catalogue.workflows.items()}),
        ("triggers", "name_regex", {name: item.name_regex for name, item in catalogue.triggers.items()}),
    ):
        for name, pattern in items.items():
            try:
                re.compile(pattern or "")
            except re.error as error:
                yield Problem(f"{section}.{name}.{key} is not a regular expression: {error}", (section, name, key))


def _order(catalogue: Catalogue) -> Iterator[Problem]:
    edges = [(need, name, "needs") for name, stage in catalogue.stages.items() for need in stage.needs]
    edges += [(name, below, "downstream") for name, stage in catalogue.stages.items() for below in stage.downstream]
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for first, then, _ in edges:
        sorter.add(then, first)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        keys = [("stages", name, key) for name in circle for key in ("needs", "downstream")]
        yield Problem(f"stages go round in a circle: {' before '.join(circle)}; break it in needs or downstream", *keys)
        return
    rank = {name: index for index, name in enumerate(catalogue.stages)}
    for first, then, key in edges:
        if rank[first] > rank[then]:
            owner = then if key == "needs" else first
            text = f"stages.{owner}.{key}: '{first}' comes before '{then}' in the line, but stands after it; move it up"
            yield Problem(text, ("stages", owner, key), ("stages", first), ("stages", then))


def _templates(catalogue: Catalogue) -> Iterator[Problem]:
    for name, workflow in catalogue.workflows.items():
        for path, text in _strings(workflow.argument, ("workflows", name, "argument")):
            yield from _placeholders(text, path, ("bucket", "scene_id", "event_name", "job_id"))
        yield from _event(name, workflow, workflow.event_name, ("workflows", name, "event_name"))
    for name, stage in catalogue.stages.items():
        for key, text in (stage.rerun.env if stage.rerun else {}).items():
            yield from _placeholders(text, ("stages", name, "rerun", "env", key), ("bucket", "scene_id"))
    for path, text in _strings(catalogue.gpu_job.manifest if catalogue.gpu_job else {}, ("gpu_job", "manifest")):
        yield from _placeholders(text, path, GPU_JOB_VALUES)


def _strings(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _placeholders(text: str, path: KeyPath, known: tuple[str, ...]) -> Iterator[Problem]:
    for name in _PLACEHOLDER.findall(text):
        if name not in known:
            where = ".".join(str(key) for key in path)
            can = ", ".join(f"{{{key}}}" for key in known)
            yield Problem(f"{where} asks for '{{{name}}}', but only {can} can be filled in", path)


def _event(name: str, workflow: Workflow, event_name: str | None, path: KeyPath) -> Iterator[Problem]:
    if event_name and workflow.event_regex and not re.search(workflow.event_regex, f"scenes/any-scene/{event_name}"):
        where = ".".join(str(key) for key in path)
        text = f"{where} is '{event_name}', which workflow {name} does not accept: {workflow.event_regex}"
        yield Problem(text, path, ("workflows", name, "event_regex"))


def _classes(catalogue: Catalogue) -> Iterator[Problem]:
    for path, kind, name, allowed in _classified(catalogue):
        found = class_of(catalogue, widen(name))
        if found not in allowed:
            where = ".".join(str(key) for key in path if not isinstance(key, int))
            text = f"{where}: '{name}' is of class {found} by object_classes, but {kind} must be {' or '.join(allowed)}"
            yield Problem(f"{text}; add a pattern for it", path, ("object_classes",))


def _classified(catalogue: Catalogue) -> Iterator[tuple[KeyPath, str, str, tuple[ObjectClass, ...]]]:
    for marker, spec in catalogue.markers.items():
        for index, path in enumerate(spec.paths):
            yield ("markers", marker, "paths", index), "a completion marker", path, ("completion_marker",)
    for name, stage in catalogue.stages.items():
        for index, path in enumerate(stage.failure_markers):
            yield ("stages", name, "failure_markers", index), "a failure marker", path, ("failure_marker",)
        for index, item in enumerate(stage.inputs):
            for path in (item.path, *item.or_paths):
                yield ("stages", name, "inputs", index), "a stage's input", path, ("input", "trigger_object")
        for index, path in enumerate(stage.reads):
            yield ("stages", name, "reads", index), "what a stage reads", path, ("data",)
    for index, lock in enumerate(catalogue.locks):
        yield ("locks", index, "path"), "a lock", lock.path, ("lock",)
    for index, record in enumerate(catalogue.work_records):
        yield ("work_records", index, "path"), "a work record", record.path, ("idempotency_record",)
    for index, guard in enumerate(catalogue.guards):
        for path in () if guard.bucket_wide else guard.paths:
            yield ("guards", index, "paths"), "a guard", path, ("guard",)


def _rerun(catalogue: Catalogue, name: str, stage: Stage) -> Iterator[Problem]:
    rerun, at = stage.rerun, ("stages", name, "rerun")
    if rerun is None:
        return
    if (rerun.workflow is None) == (rerun.job is None):
        yield Problem(f"stages.{name}.rerun must name either a workflow or a job", at)
    if rerun.workflow is None:
        return
    workflow = catalogue.workflows[rerun.workflow]
    if name not in workflow.stages:
        text = f"stages.{name}.rerun names workflow {rerun.workflow}, whose stages do not include {name}"
        yield Problem(text, (*at, "workflow"), ("workflows", rerun.workflow, "stages"))
    yield from _event(rerun.workflow, workflow, rerun.event_name, (*at, "event_name"))
    for marker in (marker for marker in workflow.skip_if if marker not in stage.markers):
        source = ("workflows", rerun.workflow, "skip_if")
        yield from _left(name, stage, catalogue.markers[marker].paths, source, f"{rerun.workflow} would only skip")


def _clear(catalogue: Catalogue, name: str, stage: Stage) -> Iterator[Problem]:
    for key, patterns in (("markers", stage.clear.markers), ("outputs", stage.clear.outputs)):
        for index, pattern in enumerate(patterns):
            if reached := _reached(catalogue, stage, pattern):
                text = f"stages.{name}.clear.{key} has '{pattern}', which reaches {reached}; make it narrower"
                causes = [("stages", name, cause) for cause in ("inputs", "needs", "rerun")]
                yield Problem(text, ("stages", name, "clear", key, index), *causes, ("object_classes",))
    for marker in stage.markers:
        yield from _left(name, stage, catalogue.markers[marker].paths, ("markers", marker, "paths"))
    yield from _left(name, stage, stage.failure_markers, ("stages", name, "failure_markers"))


def _left(name: str, stage: Stage, paths: Iterable[str], source: KeyPath, then: str = OLD) -> Iterator[Problem]:
    """Markers that the stage's clearing would leave behind."""
    for path in paths:
        if not any(pattern == path or matches(pattern, path) for pattern in stage.clear.markers):
            text = f"stages.{name}.clear.markers leaves '{path}', and then {then}; add it"
            yield Problem(text, ("stages", name, "clear", "markers"), source)


def _reached(catalogue: Catalogue, stage: Stage, pattern: str) -> str | None:
    """The first thing that `pattern` would delete although a rerun needs it or nobody can make it again."""
    for kind, kept in _untouchable(catalogue, stage):
        if overlap(widen(pattern), widen(kept)):
            return f"{kind} ('{kept}')"
    return None


def _untouchable(catalogue: Catalogue, stage: Stage) -> Iterator[tuple[str, str]]:
    for rule in catalogue.object_classes:
        if rule.object_class in NEVER_CLEARED:
            yield from ((f"objects of class {rule.object_class}", pattern) for pattern in rule.patterns)
    for item in stage.inputs:
        yield from (("the stage's own input", path) for path in (item.path, *item.or_paths))
    workflow = catalogue.workflows[stage.rerun.workflow] if stage.rerun and stage.rerun.workflow else None
    for need in stage.needs:
        if workflow is None or need not in workflow.stages:
            yield from ((f"an output of stage {need}", output.path) for output in catalogue.stages[need].outputs)
