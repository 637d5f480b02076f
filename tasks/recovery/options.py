"""A scene's own options: what its last successful execution of a workflow or job was asked for (tier, robot, ...).

A rerun with fixed options would make another scene than its owner ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic import JsonValue

from blocks.catalogue import Workflow
from blocks.environment import PipelineEnvironment
from blocks.execution import Execution
from tasks.actions.workflow_runs import meaning
from tasks.pipeline.activity import scene_of_argument
from tasks.recovery.rerun import Unit

SCENE = "SCENE_ID"
"""The variable by which every job of the pipeline is told its scene."""
LOOKED_AT = 2_000
"""Executions of one workflow or job that are looked through, newest first."""

Argument = dict[str, JsonValue]


def former_arguments(environment: PipelineEnvironment, scene_id: str, planned: Iterable[Unit]) -> dict[str, Argument]:
    """What the last successful execution on the scene was given, by workflow or job; without those that had none.

    Args:
        environment: The pipeline.
        scene_id: The scene.
        planned: What is to be run again.

    Returns:
        A workflow's argument; of a job the variables that the catalogue knows and that are not the job's own defaults.
    """
    found: dict[str, Argument] = {}
    for name, is_job in dict.fromkeys((unit.entry, unit.is_job) for unit in planned):
        former = variables(environment, scene_id, name) if is_job else argument_of(environment, scene_id, name)
        if former:
            found[name] = former
    return found


def argument_of(environment: PipelineEnvironment, scene_id: str, workflow: str) -> Argument:
    """The argument of the workflow's last success on the scene; empty when there was none."""
    spec = environment.catalogue.workflows[workflow]
    for execution in islice(environment.workflows.executions(workflow, state="SUCCEEDED"), LOOKED_AT):
        if scene_of_argument(execution, environment) == scene_id and did_something(execution, spec):
            return dict(execution.argument)
    return {}


def variables(environment: PipelineEnvironment, scene_id: str, job: str) -> Argument:
    """The variables of the job's last success on the scene that its deployment does not set to the same."""
    deployed, known = environment.jobs.get(job), environment.catalogue.jobs[job].env
    defaults = deployed.env if deployed is not None else {}
    for execution in islice(environment.jobs.executions(job), LOOKED_AT):
        if execution.state == "succeeded" and execution.env.get(SCENE) == scene_id:
            given = execution.env.items()
            return {name: value for name, value in given if name in known and defaults.get(name) != value}
    return {}


def did_something(execution: Execution, spec: Workflow) -> bool:
    """Whether the execution was a success by the workflow's own words, where it has any."""
    return meaning(execution.result, spec.result) in ("success", "partial", "unknown")


def with_former_options(
    template: Mapping[str, object], argument: Mapping[str, object], former: Mapping[str, JsonValue]
) -> dict[str, object]:
    """The argument for a rerun: the scene, the event and the run are this rerun's, everything else is the former one's.

    Args:
        template: The catalogue's argument, in which what belongs to one run is a placeholder.
        argument: The template filled in.
        former: The argument of the last successful execution.
    """
    own = {key for key, value in template.items() if "{" in str(value)}
    kept = {key: value for key, value in former.items() if key and key not in own}
    return {**argument, **kept}
