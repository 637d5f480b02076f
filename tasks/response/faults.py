"""What was wrong, and from when to when: each fault is looked at again after whatever was done, until it is right.

When one has ended is asked of the service that has it: a job and a trigger say when they were changed, an object when it was
written, one that was deleted when that was, and Kubernetes has when a pod of the simulator became ready. Where no service says
it, it is the moment of the look, and told so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.stored_object import StoredObject
from tasks.diagnosis.check import MOST_HOURS, Question, look_again
from tasks.diagnosis.scope import MOST_SCENES
from tasks.incidents.entries import Noted
from tasks.incidents.fault_entries import Fault, Mended
from tasks.incidents.incident import Incident
from tasks.pipeline.simulator_pods import back_since, server_pods
from tasks.remediation.context import Context
from tasks.remediation.outcome import outcome_of
from tasks.remediation.report import counted
from tasks.remediation.times import clock
from tasks.response.acting import age_hours
from tasks.response.response import Response

HOURS = Question().hours
"""How far back the diagnosis looks that finds the faults."""


def look_again_once(response: Response, key: str) -> None:
    """See which faults are right again, once under this key, and say it. What cannot be asked is not taken to be right."""
    incident = response.incident
    left = incident.still_wrong
    if not left or incident.case.find(Noted.kind, key) is not None:
        return
    response.context.say(f"{response.id}: looking again")
    try:
        right = right_again(response.context, left, HOURS + age_hours(incident, datetime.now(UTC)))
    except Exception as error:  # a look that fails stops no response
        response.say_once(key, Noted(text=f"Looked again, in vain: {outcome_of(error)[1]}"))
        return
    for one in right:
        response.say_once(f"{key}:{one.key}", one)
    said = f"Looked again: of {counted(len(left), 'fault')} {len(right)} right again, {len(left) - len(right)} not yet"
    response.say_once(key, Noted(text=said))


def right_again(context: Context, faults: Iterable[Fault], hours: float = HOURS) -> list[Mended]:
    """Those that are not seen any more, and when they ended.

    `hours`: how far back is looked: as far as when they were found, else a fault would be right by growing old.
    """
    asked = list(faults)
    scenes = tuple(sorted({scene for one in asked for scene in one.scenes}))[:MOST_SCENES]
    seen, silent = look_again(context, Question(scenes, min(hours, MOST_HOURS)), {one.row for one in asked})
    now = datetime.now(UTC)
    gone = [one for one in asked if one.key not in seen and one.row not in silent]
    return [mended(context, one, now) for one in gone if set(one.scenes) <= set(scenes)]


def mended(context: Context, fault: Fault, now: datetime) -> Mended:
    """The end of one fault: its service's word if that can be, else the moment of the look."""
    try:
        at = told_by_service(context, fault)
    except OutsideError:
        at = None
    exact = at is not None and (fault.began_at or at) <= at <= now
    return Mended(row=fault.row, subject=fault.subject, ended_at=at if exact and at else now, exact=exact)


def told_by_service(context: Context, fault: Fault) -> datetime | None:
    """When what was wrong was last changed, as its service says; None: it does not. Raises `OutsideError`."""
    environment, (kind, _, name) = context.environment, fault.subject.partition(" ")
    if fault.object:
        return end_of_object(context, fault.object)
    if fault.subject == environment.genie_sim.address:
        return end_of_simulator(environment, fault.began_at)
    if kind == "job":
        job = environment.jobs.get(name)
        return job.updated if job is not None else None
    if kind == "trigger":
        return next((one.created for one in environment.triggers.list() if one.name == name), None)
    return None


def end_of_simulator(environment: PipelineEnvironment, began: datetime | None) -> datetime | None:
    """When a pod of it became ready; None also where no pod told when it went: none tells then that it is back."""
    if began is None or not environment.cluster.enabled:
        return None
    return back_since(server_pods(environment, environment.cluster.pods()), began)


def end_of_object(context: Context, uri: str) -> datetime | None:
    """When a generation was replaced by the one that is live, or was deleted."""
    bucket, _, rest = uri.removeprefix("gs://").partition("/")
    name, _, generation = rest.rpartition("#")
    storage = context.environment.storage
    live = storage.stat(bucket, name)
    if live is not None:
        return live.created if live.generation != int(generation) else None
    return next((when_deleted(one) for one in kept(context, bucket, name) if one.generation == int(generation)), None)


def kept(context: Context, bucket: str, name: str) -> Iterable[StoredObject]:
    """What the bucket has kept of a deleted object, by whichever means it keeps such."""
    storage = context.environment.storage
    protection = storage.protection(bucket)
    if protection.versioning:
        yield from (one for one in storage.list(bucket, name, versions=True) if one.name == name)
    if protection.soft_delete_seconds:
        yield from (one for one in storage.list(bucket, name, soft_deleted=True) if one.name == name)


def when_deleted(one: StoredObject) -> datetime | None:
    """When a kept version stopped being the live one."""
    return one.noncurrent_at or one.soft_deleted_at


def still_wrong(incident: Incident) -> list[str]:
    """One line for each fault that nobody has seen to be right again."""
    return [f"{one.row}: {one.subject} (since {clock(one.began_at)})" for one in incident.still_wrong]
