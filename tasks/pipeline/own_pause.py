"""The pipeline's own pause of its daily automation: two objects of the data bucket, of which either is enough.

The pipeline sets both when too many days have failed. A pause of intake sets them too and says so: in their metadata, which
whoever writes them anew leaves off, and in their content, by which a recovery knows that it is not stopped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.pipeline.labels import RUN_LABEL


@dataclass(frozen=True, slots=True)
class PauseObject:
    """One of the two objects as it is now."""

    name: str
    generation: int
    """0: it is not there."""
    text: str | None
    """What it holds; None: it is not there, or is no text."""
    pauses: bool
    """Whether it stops the automation."""
    run: str = ""
    """The remediation run that wrote it; empty: the pipeline, or a person."""
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether it can be put back byte by byte from what was read."""
        return self.generation == 0 or self.text is not None


def own_pause(environment: PipelineEnvironment) -> tuple[PauseObject, ...]:
    """The marker and the state; none when the catalogue knows of no such switch."""
    known = environment.catalogue.own_pause
    if known is None:
        return ()
    return look(environment, known.marker, by_being_there=True), look(environment, known.state, by_being_there=False)


def look(environment: PipelineEnvironment, name: str, *, by_being_there: bool) -> PauseObject:
    """One object, generation and content of the same moment."""
    storage, bucket = environment.storage, environment.data_bucket
    while (stored := storage.stat(bucket, name)) is not None:
        try:
            body = storage.read(bucket, name, generation=stored.generation)
        except NotFound:
            continue  # replaced between the two: look again
        said = record(body)
        return PauseObject(
            name,
            stored.generation,
            decoded(body),
            pauses=by_being_there or said.get("paused") is True,
            run=stored.metadata.get(RUN_LABEL, ""),
            reason=str(said.get("reason") or ""),
        )
    return PauseObject(name, 0, None, pauses=False)


def record(body: bytes) -> dict[str, Any]:
    """The JSON object that is in it; an empty one when there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def decoded(body: bytes) -> str | None:
    """The bytes as text; None when they are none."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def paused_by_others(seen: tuple[PauseObject, ...]) -> str:
    """Who else has paused it, as a sentence; empty when nobody has. A pause of a remediation run is none of others."""
    found = [one for one in seen if one.pauses and not one.run]
    if not found:
        return ""
    reason = next((f" ({one.reason})" for one in found if one.reason), "")
    return (
        f"The pipeline, or a person, has paused its daily automation itself{reason}, by {' and '.join(o.name for o in found)}; "
        "a resume does not lift that: find the cause, then delete .paused and set paused to false in state.json."
    )
