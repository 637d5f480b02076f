"""What an address of the audit stands for, fetched: an object, an execution of a workflow or of a job with what it logged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from blocks.errors import PermanentError
from tasks.override_audit.stored import MOST_BYTES
from tasks.pipeline.pretty import pretty
from tasks.pipeline.redact import without_secrets
from tasks.remediation.context import Context

OBJECT = re.compile(r"gs://(?P<bucket>[^/]+)/(?P<name>.+?)(?:#(?P<generation>\d+))?(?: line \d+)?")
EXECUTION = re.compile(r"projects/[^/]+/locations/[^/]+/(?P<kind>workflows|jobs)/[^/]+/executions/(?P<id>[^/]+)")
LINES = 1_000
"""Log lines that are kept of one execution, the newest."""
BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of evidence."""

    name: str
    """As it is called in its folder."""
    what: str
    body: bytes


def pieces_of(context: Context, places: Iterable[str], missing: list[str]) -> Iterator[Piece]:
    """The files that these addresses stand for; others, as the name of a job, stand for none.

    What is gone, too large or not ours to read is said in `missing`. Raises `TemporaryError`: it is to be asked again.
    """
    for number, place in enumerate(places, 1):
        try:
            if found := EXECUTION.fullmatch(place):
                yield from _execution(context, place, found, number)
            elif found := OBJECT.fullmatch(place):
                yield from _object(context, place, found, number, missing)
        except PermanentError as error:
            missing.append(f"{place}: {error}")


def _object(context: Context, place: str, found: re.Match[str], number: int, missing: list[str]) -> Iterator[Piece]:
    environment, bucket, name = context.environment, found["bucket"], found["name"]
    if name.endswith("/"):
        return  # a record that is made here: it is kept in the ops bucket anyway
    if bucket not in (environment.data_bucket, environment.ops_bucket):
        missing.append(f"{place} is not in the buckets of this installation, and was not read.")
        return
    stored = environment.storage.stat(bucket, name, int(found["generation"]) if found["generation"] else None)
    if stored is None or stored.size > MOST_BYTES:
        missing.append(f"{place} is {'gone' if stored is None else f'too large ({stored.size:,} bytes)'}.")
        return
    body = environment.storage.read(bucket, name, generation=stored.generation)
    yield Piece(f"{number}-{name.rpartition('/')[2]}", f"{stored.uri}#{stored.generation}", body)


def _execution(context: Context, place: str, found: re.Match[str], number: int) -> Iterator[Piece]:
    environment, workflow = context.environment, found["kind"] == "workflows"
    one = environment.workflows.execution(place) if workflow else environment.jobs.execution(place)
    yield Piece(f"{number}-execution.json", place, pretty(without_secrets(asdict(one))))
    label = "workflows.googleapis.com/execution_id" if workflow else "run.googleapis.com/execution_name"
    lines = _logged(context, f'labels."{label}"="{found["id"]}"', one.created)
    yield Piece(f"{number}-log.json", f"the log of {place}, the newest {LINES:,} lines at most", lines)


def _logged(context: Context, query: str, began: datetime) -> bytes:
    lines = context.environment.logs.newest(query, since=began - BEFORE, most=LINES)
    return pretty([without_secrets(asdict(one)) for one in lines])
