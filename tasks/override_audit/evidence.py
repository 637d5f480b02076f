"""What an address of the audit stands for, fetched: an object, a record, an execution with what it logged, a definition."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from blocks.errors import NotFound
from tasks.override_audit.finding import Finding
from tasks.override_audit.judge_records import CLOCKS
from tasks.override_audit.stored import MOST_BYTES
from tasks.pipeline.activity import scene_of_argument
from tasks.pipeline.pretty import pretty
from tasks.pipeline.redact import without_secrets
from tasks.remediation.context import Context

OBJECT = re.compile(r"gs://(?P<bucket>[^/]+)/(?P<name>.+?)(?:#(?P<generation>\d+))?(?: line \d+)?")
EXECUTION = re.compile(r"projects/[^/]+/locations/[^/]+/(?P<kind>workflows|jobs)/[^/]+/executions/(?P<id>[^/]+)")
DEFINITION = re.compile(r"(?P<kind>GPU Job|ConfigMap|job|workflow|scheduler) (?P<name>\S+)")
LINES = 1_000
"""Log lines that are kept of one execution, the newest."""
BEFORE = timedelta(minutes=5)
LOOKED_BACK = timedelta(days=1)
"""How long before a marker the execution that wrote it may have begun."""
PASSED = ("gate-passed-silently", "override-too-late", "report-contradicts", "report-edited", "dataset-bypassed")
"""Findings whose executions are looked for: what shows them is an object, which does not say who wrote it."""
LONGEST = 100
"""Characters of a file's name: an object's own may have 1,024."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of evidence."""

    name: str
    """As it is called in its folder."""
    what: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A ConfigMap of the cluster."""

    name: str
    data: dict[str, str]


def pieces_of(
    context: Context, places: Iterable[str], missing: list[str], raw: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Piece]:
    """The files that these addresses stand for.

    What is gone, too large or not ours is said in `missing`. `raw`: records that were read with a whole collection, by where
    they are. Raises the blocks' errors but `NotFound`: a permission may be given, so it is to be asked again.
    """
    for number, place in enumerate(places, 1):
        try:
            if found := EXECUTION.fullmatch(place):
                yield from _execution(context, place, found, number)
            elif found := OBJECT.fullmatch(place):
                yield from _object(context, place, found, number, missing)
            elif raw and place in raw:
                yield Piece(f"{number}-record.json", place, pretty(without_secrets(raw[place])))
            elif found := DEFINITION.fullmatch(place):
                yield from _definition(context, place, found, number, missing)
            else:
                missing.append(f"{place} is no place that evidence can be taken from.")
        except NotFound as error:
            missing.append(f"{place}: {error}")


def who_ran(context: Context, found: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    """By finding, the executions of its scene that were at work when it happened, of every workflow.

    One listing of each workflow, for all of them. Raises the block's errors.
    """
    wanted: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for each in found:
        if each.code in PASSED and each.scene and each.at is not None:
            wanted[each.scene].append((each.at, each.id))
    times = [at for pairs in wanted.values() for at, _ in pairs]
    ran: dict[str, list[str]] = defaultdict(list)
    environment = context.environment
    for name in environment.catalogue.workflows if times else ():
        for execution in environment.workflows.executions(name, since=min(times) - LOOKED_BACK):
            for at, id_ in wanted.get(scene_of_argument(execution, environment) or "", ()):
                if execution.created <= at <= (execution.ended or at) + CLOCKS:
                    ran[id_].append(execution.name)
    return {id_: tuple(names) for id_, names in ran.items()}


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
    yield Piece(f"{number}-{name.rpartition('/')[2][-LONGEST:]}", f"{stored.uri}#{stored.generation}", body)


def _execution(context: Context, place: str, found: re.Match[str], number: int) -> Iterator[Piece]:
    environment, workflow = context.environment, found["kind"] == "workflows"
    one = environment.workflows.execution(place) if workflow else environment.jobs.execution(place)
    yield Piece(f"{number}-execution.json", place, pretty(without_secrets(asdict(one))))
    label = "workflows.googleapis.com/execution_id" if workflow else "run.googleapis.com/execution_name"
    lines = _logged(context, f'labels."{label}"="{found["id"]}"', one.created)
    yield Piece(f"{number}-log.json", f"the log of {place}, the newest {LINES:,} lines at most", lines)


def _definition(context: Context, place: str, found: re.Match[str], number: int, missing: list[str]) -> Iterator[Piece]:
    """What is deployed, or in the cluster, as it is now."""
    environment, name = context.environment, found["name"]
    one: Any = None
    match found["kind"]:
        case "job":
            one = environment.jobs.get(name)
        case "workflow":
            one = environment.workflows.get(name)
        case "scheduler":
            one = next((each for each in environment.schedulers.list() if each.name == name), None)
        case "ConfigMap":
            data = environment.cluster.references.config_map(name)
            one = None if data is None else ConfigMap(name, data)
        case "GPU Job":
            one = next((each for each in environment.cluster.jobs(name) if each.name == name), None)
    if one is None:
        missing.append(f"{place} is gone.")
    else:
        yield Piece(f"{number}-definition.json", f"{place} as it is now", pretty(without_secrets(asdict(one))))


def _logged(context: Context, query: str, began: datetime) -> bytes:
    lines = context.environment.logs.newest(query, since=began - BEFORE, most=LINES)
    return pretty([without_secrets(asdict(one)) for one in lines])
