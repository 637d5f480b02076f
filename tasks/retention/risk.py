"""What retention will remove soon of scenes that somebody works on: an open incident names them, or a restore holds them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.patterns import matches_any
from blocks.stored_object import StoredObject
from tasks.delivery.tickets import open_tickets
from tasks.incidents.incident import read_incident
from tasks.incidents.open_marks import open_marks
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tasks.snapshots.nights import last_good, read_entries
from tasks.snapshots.summary import Summary

AHEAD = timedelta(days=7)
"""How long before its end an object is told of."""
NEWEST = 200
"""Incidents that are read: each costs a call an entry."""
AT_A_TIME = 8


@dataclass(slots=True)
class Needed:
    """Which scenes somebody needs, and why; a sentence for what could not be read, or was left out."""

    why: dict[str, str]
    unread: list[str]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Objects of one scene that retention removes within the week, although somebody needs the scene."""

    scene: str
    why: str
    """Who needs it, as in `incident inc-... is open`."""
    objects: int
    example: str
    first_at: datetime
    """When the first of them may be removed."""
    kept_in: str = ""
    """The newest good night, when it has them all as they are; empty: it has not, or there is none."""


def needed_scenes(context: Context) -> Needed:
    """Scenes of incidents that are not closed, and of restores that hold delivery."""
    found = Needed({}, [])
    marks = [id_ for id_, _ in open_marks(context.environment)]
    if len(marks) > NEWEST:
        found.unread.append(f"{len(marks) - NEWEST} older incidents were not looked at: only the newest {NEWEST} are.")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for scenes, problem in pool.map(lambda id_: _of_incident(context, id_), marks[:NEWEST]):
            found.why |= {scene: why for scene, why in scenes.items() if scene not in found.why}
            found.unread += [problem] if problem else []
    tickets, damaged = open_tickets(context.environment)
    found.unread += damaged
    for ticket in tickets:
        for word in ticket.subject.replace("/", " ").replace(",", " ").split() if ticket.lease == "@restore" else ():
            if SCENE_ID.fullmatch(word):  # words that are no scenes have no objects, and are passed over by that
                found.why.setdefault(word, f"restore {ticket.run} holds it")
    return found


def _of_incident(context: Context, id_: str) -> tuple[dict[str, str], str]:
    try:
        incident = read_incident(context, id_)
    except (LedgerDamaged, Refused) as error:
        return {}, f"{id_}: {error} See `remediate incident verify {id_}`."
    if incident.closed is not None:
        return {}, ""
    scenes = [one for one in incident.first.scope.scenes if SCENE_ID.fullmatch(one)]
    return dict.fromkeys(scenes, f"incident {id_} is not closed"), ""


def leaving(context: Context, needed: Needed, now: datetime) -> list[Leaving]:
    """What of them is removed within the week, the soonest first. Asks for one listing a scene; nothing is held of it."""
    environment = context.environment
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = list(pool.map(lambda scene: _soon(environment, scene, now + AHEAD), needed.why))
    due = {scene: objects for scene, objects in zip(needed.why, found, strict=True) if objects}
    nights = _copies(environment, due, needed) if due else {}
    told = [_leaving(scene, needed.why[scene], soon, nights.get(scene, "")) for scene, soon in due.items()]
    return sorted(told, key=lambda one: (one.first_at, one.scene))


Soon = dict[str, tuple[datetime, StoredObject]]
"""By its name in the bucket, when an object may be removed, and the object."""


def _soon(environment: PipelineEnvironment, scene: str, until: datetime) -> Soon:
    catalogue = environment.catalogue
    prefix = catalogue.scene_prefix(scene)
    listed = environment.storage.list(environment.data_bucket, prefix)
    ends = ((one, ends_at(catalogue, one.name[len(prefix) :], one)) for one in listed)
    return {one.name: (end, one) for one, end in ends if end is not None and end <= until}


def ends_at(catalogue: Catalogue, path: str, one: StoredObject) -> datetime | None:
    """When the clean-up may remove an object: its last write and the days its class is kept; None when it never does."""
    rule = next((rule for rule in catalogue.retention.values() if matches_any(rule.patterns, path)), None)
    return None if rule is None else one.updated + timedelta(days=rule.days)


def _leaving(scene: str, why: str, soon: Soon, night: str) -> Leaving:
    first, example = min((end, one.name) for end, one in soon.values())
    return Leaving(scene, why, len(soon), example, first, night)


def _copies(environment: PipelineEnvironment, due: dict[str, Soon], needed: Needed) -> dict[str, str]:
    """By scene, the newest good night when it has every one of those objects at its generation."""
    if not environment.backup_bucket:
        return {}
    try:
        night = last_good(environment)
        if night is None:
            return {}
        whole = [scene for scene, soon in due.items() if set(_wanted(soon)) <= set(_held(environment, night, scene))]
        return dict.fromkeys(whole, night.night)
    except PermanentError as error:
        needed.unread.append(f"Whether a night has a copy is not known: {error}")
        return {}


def _wanted(soon: Soon) -> Iterator[tuple[str, int]]:
    return ((name, one.generation) for name, (_, one) in soon.items())


def _held(environment: PipelineEnvironment, night: Summary, scene: str) -> Iterator[tuple[str, int]]:
    entries = read_entries(environment, night, environment.catalogue.scene_prefix(scene))
    return ((one.name, one.generation) for one in entries)
