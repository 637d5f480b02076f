"""What Google Cloud sends, by every road, as its documentation shows it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

DATA = "sandbox-scenes"
MARKER = "scenes/kitchen_001/geniesim/.failed"
PROJECT = "sandbox-project"
Sent = tuple[str, dict[str, str], bytes]
"""Path, headers and body of one request."""
JSON = {"content-type": "application/json"}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def pubsub(data: Any = None, attributes: dict[str, Any] | None = None, number: str = "1") -> Sent:
    """A wrapped push."""
    message: dict[str, Any] = {"messageId": number, "publishTime": "2026-11-01T00:00:00Z"}
    if data is not None:
        message["data"] = b64encode(as_json(data)).decode()
    if attributes is not None:
        message["attributes"] = attributes
    return "/pubsub", JSON, as_json({"message": message, "subscription": "projects/p/subscriptions/s"})


def unwrapped(data: Any, **attributes: str) -> Sent:
    """A push without the wrapper, with metadata written to headers."""
    headers = {**JSON, "x-goog-pubsub-message-id": "1", "x-goog-pubsub-subscription-name": "projects/p/subscriptions/s"}
    return "/pubsub", headers | attributes, as_json(data)


def binary(kind: str, data: Any, number: str = "1") -> Sent:
    """A CloudEvent in binary mode."""
    headers = {"ce-specversion": "1.0", "ce-id": number, "ce-source": "//storage.googleapis.com/p", "ce-type": kind}
    return "/cloudevents", {**JSON, **headers}, as_json(data)


def structured(kind: str, data: Any, number: str = "1") -> Sent:
    """A CloudEvent in structured mode."""
    event = {"specversion": "1.0", "id": number, "source": "//storage.googleapis.com/p", "type": kind, "data": data}
    return "/cloudevents", {"content-type": "application/cloudevents+json; charset=utf-8"}, as_json(event)


def notification(name: str = MARKER, generation: str = "7", bucket: str = DATA, event: str = "OBJECT_FINALIZE") -> Sent:
    """What Cloud Storage tells of an object by Pub/Sub."""
    attributes = {"eventType": event, "bucketId": bucket, "objectId": name, "objectGeneration": generation}
    return pubsub({}, attributes | {"payloadFormat": "JSON_API_V1"})


def stored(name: str = MARKER, generation: str = "7", bucket: str = DATA) -> dict[str, str]:
    """An object's resource."""
    return {"kind": "storage#object", "bucket": bucket, "name": name, "generation": generation}


FINALIZED = "google.cloud.storage.object.v1.finalized"


def roads(name: str = MARKER, generation: str = "7", bucket: str = DATA) -> dict[str, Sent]:
    """The same written object by every road there is."""
    data = stored(name, generation, bucket)
    inner = json.loads(notification(name, generation, bucket)[2])
    return {
        "Pub/Sub, wrapped": notification(name, generation, bucket),
        "Pub/Sub, unwrapped": unwrapped(data, eventtype="OBJECT_FINALIZE"),
        "Eventarc, binary": binary(FINALIZED, data),
        "Eventarc, structured": structured(FINALIZED, data),
        "Eventarc from a topic": binary("google.cloud.pubsub.topic.v1.messagePublished", inner),
    }


def log(kind: str, about: dict[str, str], **more: Any) -> dict[str, Any]:
    """A log entry."""
    entry = {"logName": f"projects/{PROJECT}/logs/some", "insertId": "a1", "timestamp": "2026-11-01T00:00:00Z"}
    return {**entry, "severity": "ERROR", "resource": {"type": kind, "labels": about}, **more}


def workflow_failed(
    workflow: str = "usd-assembly-pipeline", execution: str = "e-1", state: str = "FAILED"
) -> dict[str, Any]:
    labels = {"workflow_id": workflow, "location": "us-central1", "resource_container": PROJECT}
    own = {"workflows.googleapis.com/execution_id": execution}
    return log("workflows.googleapis.com/Workflow", labels, labels=own, jsonPayload={"state": state})


def job_failed(
    job: str = "simready-job",
    execution: str = "simready-job-x1",
    said: str = "has failed to complete, 0/1 tasks were a success.",
) -> dict[str, Any]:
    labels = {"job_name": job, "location": "us-central1", "project_id": PROJECT}
    status = {"code": 10, "message": f"Execution {execution} {said}"}
    name = f"namespaces/{PROJECT}/executions/{execution}"
    entry = log(
        "cloud_run_job", labels, protoPayload={"methodName": "/Jobs.RunJob", "status": status, "resourceName": name}
    )
    return entry | {"logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Fsystem_event"}


def not_scaled_up(reason: str = "scale.up.error.out.of.resources") -> dict[str, Any]:
    payload = {
        "resultInfo": {
            "results": [{"eventId": "w"}, {"eventId": "x", "errorMsg": {"messageId": reason, "parameters": ["pool"]}}]
        }
    }
    entry = log("k8s_cluster", {"cluster_name": "blueprint-cluster", "location": "us-central1-a"}, jsonPayload=payload)
    return entry | {"logName": f"projects/{PROJECT}/logs/container.googleapis.com%2Fcluster-autoscaler-visibility"}


def pod_event(pod: str, reason: str, message: str = "says why") -> dict[str, Any]:
    labels = {"cluster_name": "blueprint-cluster", "pod_name": pod, "namespace_name": "blueprint"}
    return log("k8s_pod", labels, jsonPayload={"reason": reason, "message": message, "kind": "Event"})


def machine_refused(message: str = "ZONE_RESOURCE_POOL_EXHAUSTED") -> dict[str, Any]:
    payload = {"methodName": "v1.compute.instances.insert", "status": {"code": 8, "message": message}}
    return log("gce_instance", {"project_id": PROJECT, "zone": "us-central1-a"}, protoPayload=payload)


def incident(
    state: str = "open", number: str = "0.abc", policy: str = "[Blueprint] Workflow Execution Failed"
) -> dict[str, Any]:
    inner = {"incident_id": number, "state": state, "policy_name": policy, "condition_name": "finished FAILED > 0"}
    return {
        "version": "1.2",
        "incident": inner | {"resource_name": "w", "started_at": 1764000000, "summary": "It failed."},
    }


def alert(**options: str) -> Sent:
    return "/alerts", JSON, as_json(incident(**options))
