"""Which incidents are open, found without reading those that were closed long ago.

    remediation/open-incidents/<id>.json

The mark is written before the record begins, and again before one is reopened. Whoever has looked at a closed incident and
finds nothing more to tell removes it (`tasks.escalation`). A mark says only "look here"; the record decides.
"""

from __future__ import annotations

from contextlib import suppress

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, PreconditionFailed
from blocks.storage import PipelineStorage
from blocks.stored_object import StoredObject
from tasks.remediation.plan import canonical

MARKS = "remediation/open-incidents/"


def mark_open(storage: PipelineStorage, bucket: str, id_: str) -> None:
    """Leave the mark, or write it anew: whoever is about to remove it has seen another generation, and fails."""
    name = f"{MARKS}{id_}.json"
    body = canonical({"incident": id_})
    while True:
        there = storage.stat(bucket, name)
        with suppress(PreconditionFailed):  # somebody was quicker: with a mark, or by removing it
            if there is None:
                storage.create(bucket, name, body)
            else:
                storage.replace(bucket, name, body, generation=there.generation)
            return


def open_marks(environment: PipelineEnvironment) -> list[tuple[str, StoredObject]]:
    """The id of every incident that has a mark, the newest first, and the mark."""
    found = environment.storage.list(environment.ops_bucket, MARKS)
    return sorted(
        ((one.name.removeprefix(MARKS).removesuffix(".json"), one) for one in found),
        key=lambda one: one[0],
        reverse=True,
    )


def remove_open_mark(environment: PipelineEnvironment, mark: StoredObject) -> None:
    """Remove a mark as it was seen. One that was written anew meanwhile stays."""
    with suppress(PreconditionFailed, NotFound):
        environment.storage.delete(environment.ops_bucket, mark.name, generation=mark.generation)
