"""Questions about the pipeline, answered from the catalogue alone. Pure functions; nothing here looks at the world."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from blocks.catalogue import SCENE_ID, Catalogue, Output, Stage
from blocks.catalogue_rules import Lock, ObjectClass, ObjectRule
from blocks.patterns import matches as matches
from blocks.patterns import matches_any, widen

T = TypeVar("T")

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_OBJECT_ID: Final = re.compile(r"[^*/{}]+")
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class TemplateError(ValueError):
    """An argument or an environment cannot be filled in. The message names what is missing or wrong."""


# ------------------------------------------------------------------------------------------------------------- paths
def expand(path: str, object_ids: Iterable[str], job_id: str | None) -> list[str]:
    """The paths a template stands for: one for each object, none when it asks for a job id and there is none.

    Patterns (`*`, `**`) stay as they are. Ids that would themselves be a pattern or a path are left out, because ids
    come from documents that may be damaged. An empty answer never means 'everything'.
    """
    if "{job_id}" in path:
        if not job_id or not _JOB_ID.fullmatch(job_id):
            return []
        path = path.replace("{job_id}", job_id)
    if "{object_id}" not in path:
        return [path]
    return [path.replace("{object_id}", object_id) for object_id in object_ids if _OBJECT_ID.fullmatch(object_id)]


def class_of(catalogue: Catalogue, scene_relative_path: str) -> ObjectClass:
    """The class of an object below a scene's root. What no rule of the catalogue names is data."""
    return _first_class(catalogue.object_classes, scene_relative_path)


def class_of_object(catalogue: Catalogue, name: str) -> ObjectClass:
    """The class of an object of the bucket by its full name, inside a scene or not."""
    scene_id, relative = split_scene(catalogue, name)
    if scene_id is None:
        return _first_class(catalogue.bucket_object_classes, name)
    return class_of(catalogue, relative)


def split_scene(catalogue: Catalogue, name: str) -> tuple[str | None, str]:
    """(scene id, path below its root) of an object's full name; (None, name) outside every scene."""
    before, _, after = catalogue.scene_root.partition("{scene_id}")
    if not name.startswith(before):
        return None, name
    scene_id, found, relative = name[len(before) :].partition(after)
    if not found or not relative or not SCENE_ID.fullmatch(scene_id):
        return None, name
    return scene_id, relative


def _first_class(rules: Iterable[ObjectRule], path: str) -> ObjectClass:
    for rule in rules:
        if matches_any(rule.patterns, path):
            return rule.object_class
    return "data"


# ------------------------------------------------------------------------------------------------------------- graph
def closure(catalogue: Catalogue, stages: Iterable[str]) -> tuple[str, ...]:
    """These stages and everything made from their outputs, in the order of the line. KeyError: no such stage."""
    open_names, found = list(stages), set[str]()
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names.extend(catalogue.stages[name].downstream)
    return tuple(name for name in catalogue.stages if name in found)


def fan_out(catalogue: Catalogue, scene_relative_path: str) -> tuple[str, ...]:
    """Names of the deployed triggers that fire when this object is written, i.e. created *or* overwritten."""
    name = catalogue.scene_root.format(scene_id="any-scene") + scene_relative_path
    return tuple(
        trigger_name
        for trigger_name, trigger in catalogue.triggers.items()
        if trigger.deployed
        and trigger.event == "object_finalized"
        and (trigger.name_regex is None or re.search(trigger.name_regex, name))
    )


def stage_of_failure_marker(catalogue: Catalogue, path: str) -> tuple[str, ...]:
    """The stages that may have written this failure marker: two or three where the pipeline shares the path."""
    return tuple(
        name
        for name, stage in catalogue.stages.items()
        if any(matches(widen(known), path) for known in stage.failure_markers)
    )


def writes(stage: Stage) -> tuple[str, ...]:
    """Templates of the objects this stage writes.

    A pattern whose last part is a mere wildcard only asks that something is there: what else lies in that folder is
    not the stage's.
    """
    return tuple(
        path for output in stage.outputs for path in (output.path, *output.or_paths) if not presence_only(path)
    )


def presence_only(path: str) -> bool:
    """Whether a template asks for anything in a folder instead of naming an object."""
    return not path.rpartition("/")[2].strip("*")


def lock_of(catalogue: Catalogue, path: str) -> Lock | None:
    """The lock that an object of a scene is: the first rule whose pattern fits; None for everything else."""
    if class_of(catalogue, path) != "lock":
        return None
    return next((lock for lock in catalogue.locks if matches(lock.path, path)), None)


def expected_outputs(stage: Stage, *, locally: bool, required: bool = True) -> tuple[Output, ...]:
    """What this stage must have left, which is less when the local runner made it (`locally`).

    With `required` False: what it always leaves besides, though no reader refuses the lack of it.
    """
    wanted = (output for output in stage.outputs if output.required == required and (required or output.always))
    return tuple(output for output in wanted if not (output.cloud_only and locally))


# --------------------------------------------------------------------------------------------------------- templates
def workflow_argument(
    catalogue: Catalogue,
    workflow: str,
    *,
    bucket: str,
    scene_id: str,
    event_name: str | None = None,
    job_id: str | None = None,
) -> dict[str, object]:
    """The exact argument for starting `workflow` by hand.

    `event_name` is relative to the scene; without it the workflow's own is used. Raises TemplateError when something
    the template asks for is missing or malformed, or when the workflow would not accept the event's name.
    """
    spec = _named(catalogue.workflows, workflow, "workflow")
    event = event_name or spec.event_name
    if event and spec.event_regex:
        name = f"scenes/any-scene/{event}"
        if event.startswith("scenes/") or not re.search(spec.event_regex, name):
            raise TemplateError(
                f"workflow {workflow} does not accept the event '{event}': relative to the scene, it must match "
                f"{spec.event_regex}."
            )
    values = {"bucket": bucket, "scene_id": scene_id, "event_name": event, "job_id": job_id}
    return {key: _filled(value, values, f"workflow {workflow}") for key, value in spec.argument.items()}


def job_env(catalogue: Catalogue, stage: str, *, bucket: str, scene_id: str) -> dict[str, str]:
    """The environment for running the stage's Cloud Run job by hand. TemplateError when it is not run by a job."""
    rerun = _named(catalogue.stages, stage, "stage").rerun
    if rerun is None or rerun.job is None:
        raise TemplateError(
            f"stage {stage} is not rerun by a Cloud Run job; see stages.{stage}.rerun in the catalogue."
        )
    values = {"bucket": bucket, "scene_id": scene_id}
    return {key: _text(value, values, f"stage {stage}") for key, value in rerun.env.items()}


def _named(items: Mapping[str, T], name: str, kind: str) -> T:
    if name not in items:
        raise TemplateError(f"there is no {kind} '{name}' in the catalogue; it knows {', '.join(items)}.")
    return items[name]


def is_trial(catalogue: Catalogue, scene_id: str) -> bool:
    """Whether a scene is one for trials: it may be made up, and its faults may be meant."""
    return bool(scene_id) and matches_any(catalogue.test_scene_ids, scene_id)


def _filled(value: object, values: Mapping[str, str | None], owner: str) -> object:
    if isinstance(value, str):
        return _text(value, values, owner)
    if isinstance(value, Mapping):
        return {key: _filled(item, values, owner) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, values, owner) for item in value]
    return value


def _text(template: str, values: Mapping[str, str | None], owner: str) -> str:
    def fill(found: re.Match[str]) -> str:
        key = found.group(1)
        return _checked(key, values.get(key), owner)

    return _PLACEHOLDER.sub(fill, template)


def _checked(key: str, value: str | None, owner: str) -> str:
    if not value:
        raise TemplateError(f"{owner} needs {key}, which was not given.")
    if key == "scene_id" and not SCENE_ID.fullmatch(value):
        raise TemplateError(f"{owner}: {value!r} is not a scene id: use 1 to 128 letters, digits, '_' or '-'.")
    if key == "job_id" and not _JOB_ID.fullmatch(value):
        raise TemplateError(f"{owner}: {value!r} is not a job id: use 1 to 128 letters, digits, '_', '.' or '-'.")
    return value
