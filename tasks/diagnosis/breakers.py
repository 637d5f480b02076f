"""What stops work on purpose: a person's stop, the pipeline's own pause, circuit breakers, a pause of intake.

It is named, with who can end it. Nothing here is ever proposed to be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from blocks.catalogue_rules import Guard
from blocks.errors import NotFound
from tasks.delivery.tickets import open_tickets, ticket_name
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import scope_of
from tasks.diagnosis.signs import tag, tags, utc
from tasks.diagnosis.symptoms import Nothing, Params
from tasks.diagnosis.world import World
from tasks.pipeline.stops import of_the_scene, read
from tasks.validation.stages.guards import Stop, bucket_guards, judge


class Kind(Params):
    """Of something that stops work."""

    kind: Literal["stop", "pause", "breaker"]
    """As the catalogue's guards have it."""


def look_at_stops(world: World, asked: list[Asked[Kind]], found: Found) -> None:
    """Guards of each scene, then those that stand outside every scene."""
    for scene in scope_of(world).scenes:
        with found.asking(f"stops of scene {scene}"):
            _of_scene(world, asked, scene, found)
    for name, guard in bucket_guards(world.catalogue):
        with found.asking(f"gs://{world.environment.data_bucket}/{name}"):
            _of_bucket(world, asked, name, guard, found)


def _of_scene(world: World, asked: list[Asked[Kind]], scene: str, found: Found) -> None:
    view = world.view(scene)
    for path, guard in of_the_scene(world.environment, view, ()):
        if stop := read(view, path, guard):
            file = view.files()[path]
            name = f"gs://{world.environment.data_bucket}/{world.catalogue.scene_prefix(scene)}{path}"
            _say(asked, guard, stop, f"{name}#{file.generation} ({utc(file.updated)})", scene, found)


def _of_bucket(world: World, asked: list[Asked[Kind]], name: str, guard: Guard, found: Found) -> None:
    storage, bucket = world.environment.storage, world.environment.data_bucket
    stored = storage.stat(bucket, name)
    if stored is None:
        return
    try:
        data = storage.read(bucket, name, generation=stored.generation)
    except NotFound:
        return
    if stop := judge(guard, name, data):
        _say(asked, guard, stop, f"{stored.uri}#{stored.generation} ({utc(stored.updated)})", "", found)


def _say(asked: Iterable[Asked[Kind]], guard: Guard, stop: Stop, where: str, scene: str, found: Found) -> None:
    """What stops something now; a breaker that lets a probe through does not."""
    subject = f"{stop.path}{f' of {scene}' if scene else ''}"
    for one in asked:
        if stop.active and one.params.kind == guard.kind:
            found.say(
                one.row,
                subject,
                f"{f'Scene {scene}: ' if scene else ''}{stop.sentence}",
                evidence=[where],
                tags=tags(scene=scene),
                values={"scene": scene or "SCENE", "object": where},
            )


def look_at_holds(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """Delivery that a remediation holds: a pause of intake, or a restore."""
    if not world.environment.ops_bucket:
        return
    tickets, damaged = open_tickets(world.environment)
    found.unknown += damaged
    for ticket in tickets:
        for one in asked:
            found.say(
                one.row,
                f"hold of run {ticket.run}",
                f"Markers start nothing: {ticket.sentence()}.",
                evidence=[f"gs://{world.environment.ops_bucket}/{ticket_name(ticket.run)}"],
                tags=frozenset(tag("trigger", held.trigger) for held in ticket.held),
                values={"run": ticket.run, "procedure": ticket.procedure},
                since=ticket.made_at,
            )


PROBES: tuple[Probe[Kind] | Probe[Nothing], ...] = (
    Probe("stops", Kind, frozenset({"scene", "object"}), look_at_stops),
    Probe("held_delivery", Nothing, frozenset({"run", "procedure"}), look_at_holds),
)
