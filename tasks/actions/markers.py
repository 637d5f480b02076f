"""The action `write_object`: one small JSON object (a marker) where nothing is, with its time and its run."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pydantic import JsonValue

from blocks.errors import PreconditionFailed
from tasks.actions.objects import NEVER_DELETED, live_object, removal, within
from tasks.remediation.kind import Doing, Kind, Params
from tasks.remediation.plan import Action


class WriteObject(Params):
    """A small JSON object."""

    name: str
    payload: dict[str, JsonValue]
    dated_by: tuple[str, ...] = ()
    """The newest of these objects says when the work was completed."""


def apply_write(doing: Doing, params: WriteObject) -> str:
    """Create one small JSON object (a marker) if nothing is there; what is there already is left alone.

    The plan's payload gets the run's id, and as its time that of the newest object in `dated_by`: the marker says when
    the work was completed, not when somebody noticed.
    """
    environment, run = doing.context.environment, doing.journal.run
    within(doing, params.name, NEVER_DELETED)
    stamp = {"timestamp": completed_at(doing, params).isoformat().replace("+00:00", "Z"), "remediation_run": run}
    body = json.dumps({**params.payload, **stamp}).encode()
    try:
        environment.storage.create(environment.data_bucket, params.name, body, metadata={"remediation-run": run})
    except PreconditionFailed:
        return "already there"
    return "written"


def completed_at(doing: Doing, params: WriteObject) -> datetime:
    """When the newest of the objects that prove the work was written; now when there are none."""
    found = [live_object(doing, name) for name in params.dated_by]
    return max((stored.updated for stored in found if stored is not None), default=datetime.now(UTC))


def look_written(doing: Doing, params: WriteObject) -> str | None:
    """Whether there is such an object."""
    return None if live_object(doing, params.name) is None else "found there"


def inverse_of_write(doing: Doing, params: WriteObject, _result: str) -> Action | None:
    """Remove it while it is this run's own."""
    live = live_object(doing, params.name)
    if live is None or live.metadata.get("remediation-run") != doing.journal.run:
        return None
    return removal(doing, live)


write_object = Kind(
    name="write_object",
    params=WriteObject,
    effect="write",
    apply=apply_write,
    look=look_written,
    inverse=inverse_of_write,
    task="record_markers",
)
