"""Locks whose holders have ended: everything that would work on the scene answers SKIPPED."""

from __future__ import annotations

from datetime import datetime

from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.scope import scope_of
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Nothing
from tasks.diagnosis.world import World
from tasks.pipeline.activity import short
from tasks.pipeline.stops import scene_locks


def look_at_locks(world: World, asked: list[Asked[Nothing]], found: Found) -> None:
    """The locks of each scene. One whose holder lives, or may live, is no fault."""
    for scene in scope_of(world).scenes:
        with found.asking(f"locks of scene {scene}"):
            view = world.view(scene)
            for lock in scene_locks(world.environment, view):
                name = f"gs://{world.environment.data_bucket}/{world.catalogue.scene_prefix(scene)}{lock.path}"
                updated = view.files()[lock.path].updated
                where = f"{name}#{lock.generation} ({utc(updated)})"
                if lock.alive is None:
                    who = f"names {lock.holder}" if lock.holder else "names nobody"
                    found.unknown.append(f"Whether somebody still holds {where} cannot be told: it {who}.")
                if lock.alive is not False:
                    continue
                for one in asked:
                    found.say(
                        one.row,
                        f"{lock.path} of {scene}",
                        f"Scene {scene} is locked by {lock.path}, whose holder has ended: work on it answers SKIPPED.",
                        evidence=[where, f"execution {lock.holder or '(none named)'} has ended"],
                        tags=tags(scene=scene),
                        values={"scene": scene, "lock": name, "generation": str(lock.generation)},
                        since=left_at(world, lock.holder, updated),
                    )


def left_at(world: World, holder: str, taken: datetime | None) -> datetime | None:
    """Since when nobody holds it: its holder's end, where that is known and later than the lock itself."""
    ends = [one.ended for one in world.attempts() if holder and one.id == short(holder) and one.ended]
    return max([*ends, *([taken] if taken else [])], default=None)


PROBES = (Probe("stale_locks", Nothing, frozenset({"scene", "lock", "generation"}), look_at_locks),)
