"""A scene's own options: what its last successful execution of a workflow was asked for (tier, robot, tasks, ...).

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
from tasks.recovery.units import Unit

LOOKED_AT = 2_000
"""Executions of one workflow that are looked through, newest first."""

Argument = dict[str, JsonValue]


def former_arguments(environment: PipelineEnvironment, scene_id: str, planned: Iterable[Unit]) -> dict[str, Argument]:
    """The argument of the last successful execution on the scene, by workflow; without those that had none."""
    found = {}
    for name in dict.fromkeys(unit.entry for unit in planned if not unit.is_job):
        spec = environment.catalogue.workflows[name]
        for execution in islice(environment.workflows.executions(name, state="SUCCEEDED"), LOOKED_AT):
            if scene_of_argument(execution, environment) == scene_id and did_something(execution, spec):
                found[name] = dict(execution.argument)
                break
    return found


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
