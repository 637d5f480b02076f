"""What retention will remove soon of scenes that somebody needs: an open incident names them, a restore holds them, or a
quality gate of theirs was let pass, or is asked to be, by an override that is recorded here, or was so in a way that is not settled."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_rules import kept_as
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.stored_object import StoredObject
from tasks.delivery.tickets import open_tickets
from tasks.incidents.incident import read_incident
from tasks.incidents.open_marks import open_marks
from tasks.pipeline.override_findings import read_known
from tasks.pipeline.override_ledger import Recorded, read_all
from tasks.remediation.context import Context
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Refused
from tasks.snapshots.nights import last_good, read_entries
from tasks.snapshots.summary import Summary

AHEAD = timedelta(days=7)
"""How long before its end an object is told of."""
NEWEST = 200
"""Incidents that are read, and overrides: each costs a call an entry."""
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
    """Who needs it, as in `incident inc-... is not closed`."""
    objects: int
    example: str
    first_at: datetime
    """When the first of them may be removed."""
    kept_in: str | None
    """The newest good night, when it has them all as they are; empty: it has not, or there is none; None: nobody knows."""


def needed_scenes(context: Context) -> Needed:
    """Scenes of incidents that are not closed, of restores that hold delivery, of overrides that are asked for or hold, and of unsettled
    findings about overrides."""
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
    _overridden(context, found)
    _disputed(context, found)
    return found


def _overridden(context: Context, found: Needed) -> None:
    """What was let pass must be there to be looked at until the override has ended (handbook: "Quality-gate override audit")."""
    now = datetime.now(UTC)
    try:
        for number, (id_, one) in enumerate(read_all(context, NEWEST + 1)):
            if number == NEWEST:
                found.unread.append(f"Older overrides than the newest {NEWEST} were not looked at.")
            elif not isinstance(one, Recorded):
                found.unread.append(f"The override {id_}: {one}")
            elif (word := one.word(now)) in ("requested", "approved") and SCENE_ID.fullmatch(one.asked.scene):
                found.why.setdefault(one.asked.scene, f"override {id_} of {one.asked.gate} is {word}")
    except OutsideError as error:
        found.unread.append(f"The overrides that are recorded here: {error}")


def _disputed(context: Context, found: Needed) -> None:
    """What the override audit has found and nobody has settled is looked at again by whoever settles it."""
    try:
        for one in read_known(context).open():
            if SCENE_ID.fullmatch(one.scene):
                found.why.setdefault(one.scene, f"the override audit's finding {one.id} ({one.code}) is not settled")
    except OutsideError as error:
        found.unread.append(f"The findings about overrides: {error}")


def _of_incident(context: Context, id_: str) -> tuple[dict[str, str], str]:
    try:
        incident = read_incident(context, id_)
    except (LedgerDamaged, Refused) as error:
        return {}, f"{id_}: {error} See `remediate incident verify {id_}`."
    if incident.closed is not None:
        return {}, ""
    scenes = [one for one in incident.first.scope.scenes if SCENE_ID.fullmatch(one)]
    return dict.fromkeys(scenes, f"incident {id_} is not closed"), ""


def leaving(context: Context, needed: Needed, now: datetime, days: Mapping[str, int]) -> list[Leaving]:
    """What of them is removed within the week, the soonest first.

    `days`: how long the clean-up itself said that it keeps a class; where it is shorter than the catalogue's, it counts. Asks
    for one listing a scene, and for the night's list of it when something is due; of a scene is held what is due, until it is
    compared, and then its numbers alone.
    """
    if not needed.why:
        return []
    environment = context.environment
    night, problem = _night(environment)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        looked = pool.map(lambda one: _leaving(environment, one, now + AHEAD, days, night), needed.why.items())
        found = [one for one in looked if one is not None]
    if found and problem:
        needed.unread.append(problem)
    needed.unread += [problem for _, problem in found if problem]
    return sorted((one for one, _ in found), key=lambda one: (one.first_at, one.scene))


def ends_at(catalogue: Catalogue, path: str, one: StoredObject, days: Mapping[str, int]) -> datetime | None:
    """When the clean-up may remove an object: its last write and the days its class is kept; None when it never does."""
    found = kept_as(catalogue.retention, path)
    if found is None:
        return None
    name, rule = found
    return one.updated + timedelta(days=min(rule.days, days.get(name, rule.days)))


def _night(environment: PipelineEnvironment) -> tuple[Summary | Literal["unknown"] | None, str]:
    """The newest good night, None when there is none; and a sentence when nobody can say."""
    try:
        return (last_good(environment) if environment.backup_bucket else None), ""
    except OutsideError as error:
        return "unknown", f"Whether a night has a copy is not known: {error}"


def _leaving(
    environment: PipelineEnvironment,
    needed: tuple[str, str],
    until: datetime,
    days: Mapping[str, int],
    night: Summary | Literal["unknown"] | None,
) -> tuple[Leaving, str] | None:
    """One scene, and a sentence when whether a night has it is not known; None when nothing of it is due."""
    scene, why = needed
    catalogue = environment.catalogue
    prefix = catalogue.scene_prefix(scene)
    due: dict[str, int] = {}
    first: tuple[datetime, str] | None = None
    for one in environment.storage.list(environment.data_bucket, prefix):
        end = ends_at(catalogue, one.name[len(prefix) :], one, days)
        if end is not None and end <= until:
            due[one.name] = one.generation
            first = min(first or (end, one.name), (end, one.name))
    if first is None:
        return None
    kept, problem = _kept(environment, night, scene, due)
    return Leaving(scene, why, len(due), first[1], first[0], kept), problem


def _kept(
    environment: PipelineEnvironment, night: Summary | Literal["unknown"] | None, scene: str, due: dict[str, int]
) -> tuple[str | None, str]:
    """The night when it has every one of those objects at its generation, empty when it has not, None: not known."""
    if night is None or night == "unknown":
        return ("" if night is None else None), ""
    lacking = set(due.items())
    try:
        for entry in read_entries(environment, night, environment.catalogue.scene_prefix(scene)):
            lacking.discard((entry.name, entry.generation))
    except OutsideError as error:
        return None, f"Whether night {night.night} has a copy of {scene} is not known: {error}"
    return ("" if lacking else night.night), ""
