"""The Job of one scene, rendered from the catalogue's manifest or from one that a person gives. Pure functions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from blocks.catalogue_rules import GPU_JOB_VALUES
from blocks.gke_manifests import Json, as_new, containers
from tasks.pipeline.gpu_jobs import SCENE_LABEL
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import canonical
from tasks.remediation.report import counted, listed

MOST_BYTES = 100_000
"""Of a manifest that is given: the pipeline's own has 4 kB."""
DEEPEST = 40
"""Levels of a manifest that is given: the deepest field of a Pod is not half as deep."""
RENDERED = "blueprint-remediation/rendered"
"""Annotation by which a Job of the same manifest is known again."""
_PLACEHOLDER = re.compile(r"\$\{(\w*)\}")
_OPEN = "JOB_NAME"
"""The value that is filled in last: until then the same manifest is the same for every name."""


def job_in(text: str) -> tuple[Json, tuple[str, ...]]:
    """The one Job of a YAML text, and what else is in it, as in `ConfigMap x`. Raises `Refused`."""
    if len(text.encode()) > MOST_BYTES:
        raise Refused(f"The manifest has more than {MOST_BYTES // 1000} kB; name the file of one Job.")
    try:
        check_events(text)
        documents = [json.loads(json.dumps(one, default=str)) for one in yaml.safe_load_all(text)]
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        why = (str(error).splitlines() or [""])[0]
        raise Refused(f"The manifest cannot be read as YAML ({why}); correct it.") from error
    jobs = [one for one in documents if isinstance(one, dict) and one.get("kind") == "Job"]
    if len(jobs) != 1:
        raise Refused(f"The manifest holds {counted(len(jobs), 'Job')}; give one with exactly one.")
    others = [one for one in documents if isinstance(one, dict) and one.get("kind") != "Job"]
    return jobs[0], tuple(f"{one.get('kind')} {name_in(one)}" for one in others)


def check_events(text: str) -> None:
    """Refuse what would be much more than it looks: references to its own parts, and nesting without an end."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Refused("The manifest refers to its own parts (`*name`); write them out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Refused(f"The manifest is nested deeper than {DEEPEST} levels, as no Job is; correct it.")


def name_in(document: Json) -> str:
    """The name of an object; empty where it has none."""
    meta = document.get("metadata")
    return str(meta.get("name") or "") if isinstance(meta, dict) else ""


def rendered(manifest: Json, values: Mapping[str, str], scene: str, image: str = "") -> Json:
    """The Job as it is to be created, but for its name.

    Args:
        manifest: With placeholders like `${SCENE_ID}`.
        values: What they stand for.
        scene: Whose Job it is, which its label says.
        image: What its one container runs; empty: what the manifest says.

    Raises:
        Refused: a placeholder that nobody fills in, another namespace, or what is no Job at all.
    """
    given = filled(manifest, {**values, _OPEN: f"${{{_OPEN}}}"})
    check_shape(given)
    made = as_new(given)
    meta = made["metadata"]
    if meta.get("namespace", values["NAMESPACE"]) != values["NAMESPACE"]:
        raise Refused(
            f"The manifest is for namespace {meta['namespace']}, and the pipeline's is {values['NAMESPACE']}."
        )
    for name in ("name", "generateName"):
        meta.pop(name, None)
    if image:
        only_container(made)["image"] = image
    meta["namespace"] = values["NAMESPACE"]
    meta["labels"] = (meta.get("labels") or {}) | {SCENE_LABEL: scene}
    digest = hashlib.sha256(canonical(made)).hexdigest()
    meta["annotations"] = (meta.get("annotations") or {}) | {RENDERED: digest}
    return made


def named(job: Json, name: str) -> Json:
    """The rendered Job with its name."""
    made: Json = filled(job, {_OPEN: name})
    return made | {"metadata": made["metadata"] | {"name": name}}


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """A value with every `${NAME}` in it filled in. Raises `Refused` for one that stands for nothing."""
    if isinstance(value, dict):
        return {key: filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    for name in _PLACEHOLDER.findall(value):
        if name not in values:
            known = ", ".join(GPU_JOB_VALUES)
            raise Refused(
                f"The manifest asks for ${{{name}}}, which nobody fills in. There are {known}; what a shell shall fill in is "
                "written $NAME."
            )
    return _PLACEHOLDER.sub(lambda found: values[found[1]], value)


def check_shape(job: Json) -> None:
    """That it is a Job as far as it is read here; the rest the API server judges. Raises `Refused`."""
    meta, spec = job.get("metadata") or {}, job.get("spec")
    job["metadata"] = meta
    template = spec.get("template") if isinstance(spec, dict) else None
    pod = template.get("spec") if isinstance(template, dict) else None
    own = (template.get("metadata") or {}) if isinstance(template, dict) else {}
    holds = [
        found
        for place in (meta, own)
        if isinstance(place, dict)
        for found in (place.get("labels"), place.get("annotations"))
    ]
    every = pod.get("containers") if isinstance(pod, dict) else None
    wrong = {
        'its apiVersion is not "batch/v1"': job.get("apiVersion") != "batch/v1",
        "its metadata are no mapping": not isinstance(meta, dict) or not isinstance(own, dict),
        "its labels and annotations are no mappings": not all(one is None or isinstance(one, dict) for one in holds),
        "spec.template.spec has no containers": not isinstance(every, list) or not every,
        "a container has no name or no image": not all(map(is_container, every if isinstance(every, list) else ())),
    }
    if found := [why for why, is_so in wrong.items() if is_so]:
        raise Refused(f"The manifest is no Job of Kubernetes: {listed(found)}.")


def is_container(value: Any) -> bool:
    """Whether it has a name and an image."""
    return isinstance(value, dict) and all(isinstance(value.get(key), str) and value[key] for key in ("name", "image"))


def only_container(job: Json) -> Json:
    """Its one container. Raises `Refused` when it has several."""
    every = containers(job["spec"]["template"])
    if len(every) != 1:
        names = listed([str(one["name"]) for one in every])
        raise Refused(f"The Job has {len(every)} containers ({names}): write their images into the manifest.")
    return every[0]
