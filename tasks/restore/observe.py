"""Observe: what a scope is and was, what it would set off, and who works there. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.stored_object import Protection
from tasks.delivery.hold import work_on
from tasks.delivery.listeners import Listener, by_catalogue, listeners
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.report import counted
from tasks.remediation.run import Run
from tasks.restore.request import RestoreRequest, Scope, scope_of
from tasks.restore.survey import Found, Looking, look
from tasks.restore.workers import workers
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import last_of, night_at, nights
from tasks.snapshots.summary import Summary


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """Everything that a restore of objects depends on."""

    scope: Scope
    night: Summary | None
    found: Found
    to_hold: tuple[Listener, ...]
    """Triggers that the restore would fire, and whose delivery is held."""
    unlisted: tuple[str, ...]
    """Why no delivery can be held: the triggers cannot be asked for."""
    at_work: tuple[str, ...]
    """Who or what works on the scope."""


def observe_objects(run: Run, request: RestoreRequest) -> ObjectFacts:
    """Survey the scope. Its notes go to the run. Raises `Refused`, `OutsideError`."""
    environment = run.context.environment
    scope = scope_of(environment, request)
    night = night_of(environment, request, scope)
    firing, unlisted = triggers(environment)
    layout = layout_of(environment) if night is not None else None
    found = look(Looking(environment, scope, request, protection_of(environment), layout, night, firing, run.folder))
    refuse_the_unknown(environment, request, scope, found, night)
    held = () if request.without_hold or unlisted else tuple(one for one in firing if found.fires[one.trigger])
    busy, damaged = at_work(run.context, scope)
    run.notes += [*night_notes(environment, request, night), *found_notes(request, found), *damaged]
    return ObjectFacts(scope, night, found, held, tuple(unlisted), tuple(busy))


def at_work(context: Context, scope: Scope) -> tuple[list[str], list[str]]:
    """What works on a scope, one phrase each, and what else should be known of that."""
    busy = [f"{work.what} on {work.scene_id}" for work in work_on(context, scope.scene_id or "")]
    if scope.scene_id is not None:
        return busy, []  # the scene's own lease is held
    holders, notes = workers(context)
    return [*busy, *holders], notes


def refuse_the_unknown(
    environment: PipelineEnvironment, request: RestoreRequest, scope: Scope, found: Found, night: Summary | None
) -> None:
    """Nothing known of a time or of a name is no reason to think that nothing was there. Raises `Refused`."""
    if not any(found.objects[kind] for kind in ("live", "missing", "lost", "withheld", "never")):
        where, hint = (f"night {night.night}", "") if night else ("any night begun by then", ", or give a later time")
        raise Refused(f"Neither gs://{environment.data_bucket} nor {where} holds {scope.text}; check its name{hint}.")
    if request.remove_extra and (why := not_comparable(environment, scope, night)):
        raise Refused(f"{why}; leave remove_extra out.")
    there = ("same", "missing", "overwritten", "left_alone", "withheld")
    if night is None and not any(found.objects[kind] for kind in there):
        raise Refused(
            f"Nothing is known of {scope.text} at that time: no night had begun by then, and the bucket's history does "
            "not go back so far; give a later time."
        )


def not_comparable(environment: PipelineEnvironment, scope: Scope, night: Summary | None) -> str:
    """Why nobody can tell what is extra; empty when somebody can."""
    if night is None:
        return "No night had begun by that time, so nobody can tell what is extra"
    if not scope.prefix.startswith(night.prefix):
        return (
            f"Night {night.night} recorded only what is below {night.prefix}, so nobody can tell what is extra in "
            f"{scope.text}"
        )
    if night.data_bucket != environment.data_bucket:
        return (
            f"Night {night.night} is of gs://{night.data_bucket}, so nobody can tell what is extra in "
            f"gs://{environment.data_bucket}"
        )
    return ""


def protection_of(environment: PipelineEnvironment) -> Protection:
    """What the data bucket keeps of deleted objects. Raises `NotFound` when there is no such bucket."""
    protection = environment.storage.protection(environment.data_bucket)
    if not protection.exists:
        raise NotFound(f"There is no bucket {environment.data_bucket}; check the environment's data_bucket.")
    return protection


def night_of(environment: PipelineEnvironment, request: RestoreRequest, scope: Scope | None = None) -> Summary | None:
    """The night to restore from: of a scope the newest that has all of it, though another scene's object be missing.

    Raises `Refused` when one is needed and there is none, `NightDamaged`.
    """
    if request.at is not None:
        return night_at(environment, request.at) if environment.backup_bucket else None

    def enough(summary: Summary) -> bool:
        return summary.good or (scope is not None and summary.has_all(scope.holds))

    night = last_of(environment, enough) if environment.backup_bucket else None
    if night is None:
        raise Refused("There is no good night to restore from; give a time, and the bucket's history is used.")
    return night


def triggers(environment: PipelineEnvironment) -> tuple[tuple[Listener, ...], list[str]]:
    """The triggers that listen, and why they cannot be held when they cannot be asked for."""
    try:
        return listeners(environment), []
    except OutsideError as error:
        return by_catalogue(environment), [f"The deployed triggers cannot be listed, so none can be held: {error}"]


def night_notes(environment: PipelineEnvironment, request: RestoreRequest, night: Summary | None) -> Iterator[str]:
    """What should be known of the night."""
    if night is None:
        return
    if not night.good:
        yield f"Night {night.night} is {night.outcome}: {night.missing_count} objects are not in it."
    newer = [one for one in nights(environment) if one > night.night] if request.at is None else []
    if newer:
        yield f"{counted(len(newer), 'newer night')} captured not everything, the last {newer[-1]}: give `at` to use one."
    if night.data_bucket != environment.data_bucket:
        yield f"Night {night.night} is of another bucket, gs://{night.data_bucket}."


def found_notes(request: RestoreRequest, found: Found) -> Iterator[str]:
    """What is not restored, and how it would be."""
    objects = found.objects
    if objects["withheld"]:
        yield f"{objects['withheld']:,} markers and trigger objects are not restored; run with markers to do so, last."
    if objects["left_alone"]:
        yield (
            f"{objects['left_alone']:,} objects differ and are newer: they are left alone; overwrite 'always' replaces "
            "them."
        )
    for kind, count in objects.items():
        if kind.startswith("class:") and count:
            was = kind.removeprefix("class:")
            yield (
                f"{counted(count, 'object')} of storage class {was} will have the bucket's default class; to change that "
                f"afterwards: `gcloud storage objects update --storage-class={was}`."
            )
    if objects["lost"]:
        yield f"{objects['lost']:,} objects cannot be brought back: no good copy is left."
    if objects["extra"] and not request.remove_extra:
        yield f"{objects['extra']:,} objects were not there then: they stay (see remove_extra)."
