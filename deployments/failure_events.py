"""From what Google Cloud says to what Prefect hears: a failure marker or a failed execution becomes one event.

Two kinds of Pub/Sub message are understood: the notification that an object was written (Cloud Storage notifications,
JSON_API_V1), and the log entry of a failed workflow execution (through a log sink).
"""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel

from blocks.catalogue import SCENE_ID
from blocks.catalogue_query import class_of, split_scene, stage_of_failure_marker
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.pipeline.activity import scene_of_argument

EVENT = "pipeline.export.failed"


class BadMessage(ValueError):
    """The request is not a Pub/Sub push message: sending it again will not help."""


class Failure(BaseModel):
    """One failure of one scene, ready to be an event."""

    source: str
    """What says so: `gs://bucket/object#generation`, or the execution's name. The event's id is made from it."""
    scene_id: str
    stages: tuple[str, ...] = ()
    what: str

    def event(self, occurred: str) -> dict[str, Any]:
        """The body of Prefect's `POST /events`. The same failure always has the same id."""
        return {
            "id": str(uuid5(NAMESPACE_URL, self.source)),
            "event": EVENT,
            "occurred": occurred,
            "resource": {
                "prefect.resource.id": f"blueprint.scene.{self.scene_id}",
                "prefect.resource.name": self.scene_id,
            },
            "payload": self.model_dump(mode="json"),
        }


def decode(body: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """Attributes and data of a Pub/Sub push request. Raises `BadMessage`."""
    try:
        message = json.loads(body)["message"]
        data = json.loads(base64.b64decode(message.get("data") or "e30="))
        attributes = dict(message.get("attributes") or {})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadMessage("The request is not a Pub/Sub push message with JSON data.") from error
    if not isinstance(data, dict):
        raise BadMessage("The message's data is not a JSON object.")
    return attributes, data


def failure_in(environment: PipelineEnvironment, attributes: dict[str, str], data: dict[str, Any]) -> Failure | None:
    """The failure a message is about; None for everything else that is written to a bucket."""
    if attributes.get("eventType") == "OBJECT_FINALIZE":
        return failure_of_object(environment, attributes)
    if data.get("resource", {}).get("type") == "workflows.googleapis.com/Workflow":
        return failure_of_execution(environment, data)
    return None


def failure_of_object(environment: PipelineEnvironment, attributes: dict[str, str]) -> Failure | None:
    """A failure marker of a scene in the data bucket, by any of its names."""
    bucket, name = attributes.get("bucketId", ""), attributes.get("objectId", "")
    scene_id, path = split_scene(environment.catalogue, name)
    if bucket != environment.data_bucket or scene_id is None:
        return None
    if class_of(environment.catalogue, path) != "failure_marker":
        return None
    return Failure(
        source=f"gs://{bucket}/{name}#{attributes.get('objectGeneration', '')}",
        scene_id=scene_id,
        stages=stage_of_failure_marker(environment.catalogue, path),
        what=f"failure marker {path}",
    )


def failure_of_execution(environment: PipelineEnvironment, entry: dict[str, Any]) -> Failure | None:
    """A failed execution of a workflow that is in the catalogue; the scene is in the execution's argument."""
    payload, place = entry.get("jsonPayload", {}), entry["resource"].get("labels", {})
    workflow = place.get("workflow_id", "")
    execution_id = entry.get("labels", {}).get("workflows.googleapis.com/execution_id", "")
    if payload.get("state") != "FAILED" or workflow not in environment.catalogue.workflows or not execution_id:
        return None
    parent = f"projects/{environment.workflows.project}/locations/{environment.workflows.region}"
    try:
        execution = environment.workflows.execution(f"{parent}/workflows/{workflow}/executions/{execution_id}")
    except NotFound:
        return None
    scene_id = scene_of_argument(execution, environment)
    if scene_id is None or not SCENE_ID.fullmatch(scene_id):
        return None
    return Failure(
        source=execution.name,
        scene_id=scene_id,
        stages=environment.catalogue.workflows[workflow].stages,
        what=f"{workflow} failed",
    )
