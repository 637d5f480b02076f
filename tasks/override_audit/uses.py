"""Switches that pass a gate, wherever one can be set: on a job, in one run of it, on a GPU Job in the cluster, in an execution's
argument, in a workflow's variables or source, in what a scheduler sends.

A run of a job has the job's own variables too. Runs that only have what the job still has are told with the job.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from blocks.catalogue import Catalogue
from blocks.catalogue_gates import GateSwitch
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.gke_manifests import config_maps
from tasks.override_audit.facts import Facts, Use, Way
from tasks.override_audit.source import flat, in_source, passed_in
from tasks.pipeline.activity import scene_of_argument

PARALLEL = 8
"""Services' lists that are asked at the same time."""


def look_at_switches(environment: PipelineEnvironment, facts: Facts) -> None:
    """Put every use of the window into `facts.uses`; what cannot be asked is in `facts.unknown`.

    `blocks.clients.load_libraries` must have been called: several services are asked from several threads.
    """
    catalogue = environment.catalogue
    looks: list[tuple[str, Callable[[], list[Use]]]] = [("schedulers", partial(_schedulers, environment))]
    looks += [("GPU Jobs of the cluster", partial(_gpu_jobs, environment, facts.since))]
    looks += [(f"job {one}", partial(_job, environment, one, facts.since)) for one in catalogue.jobs]
    if environment.cluster.enabled and catalogue.gpu_job is not None:
        names = sorted(config_maps(catalogue.gpu_job.manifest))
        looks += [(f"ConfigMap {one}", partial(_config_map, environment, one)) for one in names]
    looks += [(f"workflow {one}", partial(_workflow, environment, one, facts.since)) for one in catalogue.workflows]
    with ThreadPoolExecutor(PARALLEL) as pool:
        for name, future in [(name, pool.submit(look)) for name, look in looks]:
            try:
                facts.uses += future.result()
                facts.looked.add(name)
            except OutsideError as error:
                facts.unknown.append(f"The {name}: {error}")


def _job(environment: PipelineEnvironment, name: str, since: datetime) -> list[Use]:
    gates = environment.catalogue.gates
    job = environment.jobs.get(name)
    own = job.env if job is not None else {}
    found = [_use(one, "job", f"job {name}") for one in gates.passed_by(own)]
    for run in environment.jobs.executions(name, since=since):
        differs = {key: value for key, value in run.env.items() if own.get(key) != value}
        for one in gates.passed_by(differs):
            found.append(_use(one, "run", run.name, run.created, run.env.get("SCENE_ID", "")))
    return found


def _gpu_jobs(environment: PipelineEnvironment, since: datetime) -> list[Use]:
    """Jobs of the pipeline in the cluster: each is one run, of the scene that its name has. One listing, of whatever is there."""
    catalogue = environment.catalogue
    heads = tuple(rule.name.partition("{scene_id}")[0] for rule in catalogue.gke_jobs)
    return [
        _use(one, "run", f"GPU Job {job.name}", job.created, scene_of_job(catalogue, job.name, job.envs))
        for job in (environment.cluster.jobs() if heads else ())
        if job.name.startswith(heads) and job.created >= since
        for one in passed_in(catalogue.gates, (pair for env in job.envs for pair in env.items()))
    ]


def _config_map(environment: PipelineEnvironment, name: str) -> list[Use]:
    """Variables that every GPU Job of the catalogue gets."""
    found = environment.cluster.references.config_map(name) or {}
    return [_use(one, "job", f"ConfigMap {name}") for one in environment.catalogue.gates.passed_by(found)]


def scene_of_job(catalogue: Catalogue, name: str, envs: Sequence[Mapping[str, str]]) -> str:
    """The scene that a GPU Job is for: as its variable says, else as its name does; empty: neither says it.

    Names of the cluster have no underscores, which scenes have: so the variable, where there is one, is the better witness.
    """
    if said := next((said for env in envs if (said := env.get("SCENE_ID", ""))), ""):
        return said
    for rule in catalogue.gke_jobs:
        head, _, tail = rule.name.partition("{scene_id}")
        if name.startswith(head) and tail:
            return name.removeprefix(head).rpartition(tail)[0]
    return ""


def _workflow(environment: PipelineEnvironment, name: str, since: datetime) -> list[Use]:
    gates = environment.catalogue.gates
    workflow = environment.workflows.get(name)
    if workflow is None:
        return []
    where = f"workflow {name}, revision {workflow.revision}"
    found = [_use(one, "variables", where) for one in gates.passed_by(workflow.environment)]
    found += [_use(one, "definition", where) for one in in_source(gates, workflow.source)]
    for execution in environment.workflows.executions(name, since=since):
        scene = scene_of_argument(execution, environment) or ""
        for one in passed_in(gates, flat(execution.argument)):
            found.append(_use(one, "argument", execution.name, execution.created, scene))
    return found


def _schedulers(environment: PipelineEnvironment) -> list[Use]:
    gates = environment.catalogue.gates
    return [
        _use(one, "schedule", f"scheduler {job.name}")
        for job in environment.schedulers.list()
        if job.name in environment.catalogue.schedulers
        for one in passed_in(gates, flat(sent_by(job.definition)))
    ]


def sent_by(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The argument that a scheduler starts its workflow with; empty when it sends none that can be read."""
    target = definition.get("httpTarget")
    body = target.get("body") if isinstance(target, Mapping) else None
    value = _decoded(body) if isinstance(body, str) else None
    argument = value.get("argument") if isinstance(value, dict) else None
    inner = _json(argument) if isinstance(argument, str) else argument
    return inner if isinstance(inner, dict) else value if isinstance(value, dict) else {}


def _decoded(body: str) -> object:
    try:
        return _json(base64.b64decode(body))
    except ValueError:
        return None


def _json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _use(passed: tuple[GateSwitch, str, str], way: Way, where: str, at: datetime | None = None, scene: str = "") -> Use:
    switch, name, value = passed
    return Use(name.upper(), value, way, where, switch.meaning, switch.gates, at, scene)
