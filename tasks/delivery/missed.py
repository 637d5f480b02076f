"""The kind `deliver_missed`: the event of an object that started nothing is delivered by hand, once and at the rate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from blocks.execution import Execution
from blocks.stored_object import StoredObject
from tasks.actions.starting import begin
from tasks.delivery.deliver import EVENT_LABEL, cloud_event, label_for
from tasks.delivery.pace import Pace
from tasks.pipeline.labels import RUN_LABEL
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.plan import Action


class DeliverMissed(Params):
    """Which object, by which trigger, to which workflow."""

    name: str
    generation: int
    trigger: str
    workflow: str
    since: datetime
    """When the pause began: an execution of that event cannot be older."""


def missed_action(params: DeliverMissed, why: str) -> Action:
    """The action that delivers one event."""
    return deliver_missed.action(
        params,
        step="deliver what was missed",
        target=f"{params.workflow} for {params.name}",
        precondition=f"generation {params.generation}, and no execution with this event's label",
        undo="cancel the execution by hand",
        why=why,
    )


def pace_of(doing: Doing) -> Pace:
    """The rate, shared by all of a run's deliveries."""
    context = doing.context
    return context.remember(Pace, lambda: Pace(lambda: context.policy().release_per_minute))


def apply_missed(doing: Doing, params: DeliverMissed) -> str:
    """Start the workflow with the object's event, unless that was done or the object is another by now.

    Raises:
        NotFound: the workflow is not deployed.
        UnknownOutcome: it may have been started, and cannot be found.
    """
    environment = doing.context.environment
    live = environment.storage.stat(environment.data_bucket, params.name)
    if live is None or live.generation != params.generation:
        return "was replaced or removed meanwhile: left alone"
    pace_of(doing).wait()
    label = label_of(params)
    labels = {EVENT_LABEL: label, RUN_LABEL: doing.journal.run}
    argument = cloud_event(label, live.bucket, live.name, live.created.isoformat(), resource(live))
    started = begin(
        doing,
        lambda: environment.workflows.start(params.workflow, argument, labels=labels),
        lambda: found(doing, params),
    )
    doing.note(execution=started.name)
    return f"started: {started.name}"


def label_of(params: DeliverMissed) -> str:
    """The event's identity."""
    return label_for(params.trigger, f"{params.name}#{params.generation}")


def found(doing: Doing, params: DeliverMissed) -> Execution | None:
    """The execution that delivers this event, whoever has started it."""
    label, workflows = label_of(params), doing.context.environment.workflows
    ran = workflows.executions(params.workflow, since=params.since)
    return next((one for one in ran if one.labels.get(EVENT_LABEL) == label), None)


def look_missed(doing: Doing, params: DeliverMissed) -> str | None:
    """Whether it was delivered."""
    execution = found(doing, params)
    return None if execution is None else f"started: {execution.name}"


def resource(live: StoredObject) -> dict[str, Any]:
    """The object as Cloud Storage's JSON tells of it (Google: "Objects", the resource)."""
    return {
        "kind": "storage#object",
        "bucket": live.bucket,
        "name": live.name,
        "generation": str(live.generation),
        "metageneration": str(live.metageneration),
        "contentType": live.content_type,
        "timeCreated": live.created.isoformat(),
        "updated": live.updated.isoformat(),
        "size": str(live.size),
        "crc32c": live.crc32c,
        "storageClass": live.storage_class,
        "metadata": live.metadata,
    }


deliver_missed = Kind(
    name="deliver_missed",
    params=DeliverMissed,
    effect="start",
    apply=apply_missed,
    look=look_missed,
    task="deliver_missed",
)
