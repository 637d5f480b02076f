"""Delivering one event by hand: an execution is started with it once, and known again by a label that names the event."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import UnknownOutcome
from blocks.held_event import HeldEvent

EVENT_LABEL = "remediation-event"
"""Label of an execution that delivers an event: which event. By it a start without an answer is found again."""


def label_for(subscription: str, event: str) -> str:
    """The identity of one event of one subscription as a label's value."""
    return hashlib.sha256(f"{subscription}/{event}".encode()).hexdigest()[:40]


def delivered_since(environment: PipelineEnvironment, workflow: str, since: datetime) -> set[str]:
    """The labels of the events of which executions were started by hand since then."""
    found = environment.workflows.executions(workflow, since=since)
    return {one.labels[EVENT_LABEL] for one in found if EVENT_LABEL in one.labels}


def deliver_once(
    environment: PipelineEnvironment, workflow: str, argument: dict[str, Any], label: str, since: datetime
) -> None:
    """Start one execution; after an unknown outcome look for it.

    Raises:
        NotFound: the workflow is not deployed.
        UnknownOutcome: it may have been started, and cannot be found within the policy's `settle_seconds`.
    """
    policy = environment.policy
    try:
        environment.workflows.start(workflow, argument, labels={EVENT_LABEL: label})
    except UnknownOutcome:
        until = time.monotonic() + policy.settle_seconds
        while label not in delivered_since(environment, workflow, since):
            if time.monotonic() > until:
                raise
            time.sleep(policy.poll_seconds)


def argument_of(event: HeldEvent) -> dict[str, Any]:
    """What the trigger would have started the workflow with, of a message that waited."""
    try:
        data: object = json.loads(event.data or b"{}")
    except ValueError:
        data = {}
    when = event.attributes.get("eventTime") or event.publish_time.isoformat()
    return cloud_event(event.message_id, event.bucket, event.name, when, data)


def cloud_event(id_: str, bucket: str, name: str, when: str, data: object | Mapping[str, object]) -> dict[str, Any]:
    """The CloudEvent of an object that was written.

    Google: Eventarc, "Cloud Storage events" (`google.cloud.storage.object.v1.finalized`, source, subject, data).
    """
    return {
        "specversion": "1.0",
        "id": id_,
        "source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        "subject": f"objects/{name}",
        "type": "google.cloud.storage.object.v1.finalized",
        "time": when,
        "datacontenttype": "application/json",
        "bucket": bucket,
        "data": data,
    }
