"""The messages a Pub/Sub push subscription delivers, in Google's own form."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

from deployments.sandbox.names import GOOGLEAPIS, PROJECT, REGION
from deployments.sandbox.services.executions import Execution
from deployments.sandbox.storage.resource import object_resource, stamp
from deployments.sandbox.storage.store import StoredVersion

Message = tuple[dict[str, str], dict[str, object]]
"""The attributes and the data of a message."""


def push_body(subscription: str, number: int, message: Message) -> bytes:
    """What is POSTed (Google: "Push subscriptions", wrapped messages; the snake_case twins are Google's)."""
    attributes, data = message
    published = stamp(datetime.now(UTC))
    wrapped = {
        "attributes": attributes,
        "data": b64encode(json.dumps(data).encode()).decode(),
        "messageId": str(number),
        "message_id": str(number),
        "publishTime": published,
        "publish_time": published,
    }
    body = {"message": wrapped, "subscription": f"projects/{PROJECT}/subscriptions/{subscription}"}
    return json.dumps(body).encode()


def finalize_message(version: StoredVersion) -> Message:
    """A new object (Google: "Pub/Sub notifications for Cloud Storage": OBJECT_FINALIZE, JSON_API_V1)."""
    attributes = {
        "notificationConfig": f"projects/_/buckets/{version.bucket}/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": version.bucket,
        "objectId": version.name,
        "objectGeneration": str(version.generation),
        "eventTime": stamp(version.updated),
    }
    return attributes, object_resource(version, GOOGLEAPIS)


def failure_message(execution: Execution, revision: str) -> Message:
    """A failed workflow execution: the LogEntry that a log sink sends to its topic."""
    entry = execution_entry(execution, revision)
    return {"logging.googleapis.com/timestamp": str(entry["timestamp"])}, entry


def execution_entry(execution: Execution, revision: str) -> dict[str, object]:
    """What Workflows logs of an execution that begins or ends, as a LogEntry in JSON.

    Google: `google/cloud/workflows/type/executions_system.proto` for the payload, "Google Cloud platform logs" for log
    id, resource type, labels and severity. The entry does not hold the execution's argument.
    """
    at = stamp(execution.ended or execution.created)
    payload: dict[str, object] = {
        "@type": "type.googleapis.com/google.cloud.workflows.type.ExecutionsSystemLog",
        "activityTime": at,
        "state": execution.state,
    }
    if execution.state == "FAILED":
        payload["failure"] = {"exception": execution.error, "source": "main.raise"}
    return {
        "insertId": execution.id if execution.ended else f"{execution.id}-start",
        "logName": f"projects/{PROJECT}/logs/workflows.googleapis.com%2Fexecutions_system",
        "resource": {
            "type": "workflows.googleapis.com/Workflow",
            "labels": {"resource_container": PROJECT, "location": REGION, "workflow_id": execution.parent},
        },
        "severity": "ERROR" if execution.state == "FAILED" else "INFO",
        "labels": {
            "workflows.googleapis.com/execution_id": execution.id,
            "workflows.googleapis.com/revision_id": revision,
        },
        "jsonPayload": payload,
        "timestamp": at,
        "receiveTimestamp": at,
    }
