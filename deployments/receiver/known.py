"""What the catalogue says of a message, without asking anybody: rules read it under `known`."""

from __future__ import annotations

from typing import Any

from blocks.catalogue_query import class_of_object, split_scene, stage_of_failure_marker
from blocks.environment import PipelineEnvironment
from deployments.receiver.message import Message


def with_known(environment: PipelineEnvironment, message: Message) -> dict[str, Any]:
    """The message's data, and under `known` what the catalogue adds to it."""
    known: dict[str, Any] = {}
    if message.kind == "object" and message.data["bucket"] == environment.data_bucket:
        known = of_object(environment, message.data["name"])
    elif message.kind == "log":
        known = of_log(environment, message.data)
    return {**message.data, "known": known}


def of_object(environment: PipelineEnvironment, name: str) -> dict[str, Any]:
    """`bucket` (data), `class` of the object, and of a scene's object `scene_id`, `path` and `stages`."""
    catalogue = environment.catalogue
    known: dict[str, Any] = {"bucket": "data", "class": class_of_object(catalogue, name)}
    scene_id, path = split_scene(catalogue, name)
    if scene_id is None:
        return known
    stages = stage_of_failure_marker(catalogue, path) if known["class"] == "failure_marker" else ()
    return {**known, "scene_id": scene_id, "path": path, "stages": ", ".join(stages) or "unknown"}


def of_log(environment: PipelineEnvironment, entry: dict[str, Any]) -> dict[str, Any]:
    """`workflow` or `job`: the one the entry is about, if the catalogue knows it."""
    labels = entry["resource"].get("labels") or {}
    workflow, job = labels.get("workflow_id"), labels.get("job_name")
    known: dict[str, Any] = {}
    if isinstance(workflow, str) and workflow in environment.catalogue.workflows:
        known["workflow"] = workflow
    if isinstance(job, str) and job in environment.catalogue.jobs:
        known["job"] = job
    return known
