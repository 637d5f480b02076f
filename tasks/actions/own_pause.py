"""The kind `set_own_pause`: the pipeline's own pause is set in one of its objects, or that object is put back as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Literal

from blocks.errors import PermanentError, PreconditionFailed
from tasks.pipeline.labels import RUN_LABEL
from tasks.pipeline.own_pause import PauseObject, own_pause, record
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action
from tasks.validation.stages.guards import PAUSED_BY


class SetOwnPause(Params):
    """One object, what it held before the pause, and the generation that is replaced."""

    name: str
    want: Literal["paused", "as before"]
    former: str | None
    """Its text before the pause; None: it was not there."""
    generation: int
    """Of what is replaced; 0: nothing is there."""


def own_pause_action(params: SetOwnPause, why: str) -> Action:
    """The action that sets one object."""
    back = "removed again" if params.former is None else "written back as it was"
    return set_own_pause.action(
        params,
        step="set the pipeline's own pause" if params.want == "paused" else "lift the pipeline's own pause",
        target=params.name,
        precondition=f"generation {params.generation}" if params.generation else "absent",
        undo=f"it is {back}" if params.want == "paused" else "pause intake again",
        why=why,
    )


def live(doing: Doing, params: SetOwnPause) -> PauseObject:
    """The object now. Raises PermanentError for a name that is not one of the catalogue's two."""
    found = next((one for one in own_pause(doing.context.environment) if one.name == params.name), None)
    if found is None:
        raise PermanentError(
            f"{params.name} is no object of the pipeline's own pause in the catalogue; nothing was done to it. Correct "
            "own_pause of the overlay, or put it back by hand."
        )
    return found


def apply_own_pause(doing: Doing, params: SetOwnPause) -> str:
    """Write or remove the object, by the generation that was seen; one that somebody has changed since is left to them."""
    storage, bucket = doing.context.environment.storage, doing.context.environment.data_bucket
    if live(doing, params).generation != params.generation:
        return left(doing)
    pausing = params.want == "paused"
    body = paused_body(doing, params) if pausing else params.former
    metadata = {RUN_LABEL: doing.journal.run} if pausing else None
    try:
        if body is None:
            storage.delete(bucket, params.name, generation=params.generation)
        elif params.generation:
            storage.replace(bucket, params.name, body.encode(), generation=params.generation, metadata=metadata)
        else:
            storage.create(bucket, params.name, body.encode(), metadata=metadata)
    except PreconditionFailed:
        return left(doing)
    return params.want


def left(doing: Doing) -> str:
    """Somebody else's by now: noted, so that an undo does not touch it."""
    doing.note(found="changed")
    return "was changed by somebody else meanwhile, and is left as it is"


def paused_body(doing: Doing, params: SetOwnPause) -> str:
    """What the object holds meanwhile: what it held, and that a remediation run has paused it, with its reason."""
    said = record(params.former.encode()) if params.former is not None else {}
    reason = f"intake is paused: {doing.journal.begin.data.get('reason') or 'no reason was given'}"
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    paused = {"paused": True, "reason": reason, "timestamp": at, PAUSED_BY: doing.journal.run}
    return json.dumps({"schema_version": "v1", **said, **paused})


def look_own_pause(doing: Doing, params: SetOwnPause) -> str | None:
    """Whether it is as wanted: this run's own, or with its former content."""
    now = live(doing, params)
    if params.want == "paused":
        return "paused" if now.run == doing.journal.run else None
    return "as before" if now.text == params.former and bool(now.generation) == (params.former is not None) else None


def inverse_of_own_pause(doing: Doing, params: SetOwnPause, _result: str) -> Action | None:
    """What it held, while it is this run's own: what the pipeline or a person has written since is left to them.

    Raises NoWayBack for the undo of a resume.
    """
    if params.want != "paused":
        raise NoWayBack("The pipeline's own pause was lifted; to set it again, pause intake.")
    now = live(doing, params)
    if now.run != doing.journal.run:
        return None
    back = SetOwnPause(name=params.name, want="as before", former=params.former, generation=now.generation)
    return own_pause_action(back, "it was so before the pause")


set_own_pause = Kind(
    name="set_own_pause",
    params=SetOwnPause,
    effect="configure",
    apply=apply_own_pause,
    look=look_own_pause,
    inverse=inverse_of_own_pause,
    task="set_own_pause",
)
