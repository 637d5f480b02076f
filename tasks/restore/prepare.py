"""Observe and plan the restore of objects: everything up to the decision, with nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from blocks.catalogue import SCENE_ID
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.object_protection import NAMED
from blocks.stored_object import Protection
from tasks.recovery.present import counted
from tasks.remediation.context import Context
from tasks.remediation.guard import Surroundings, refusals
from tasks.remediation.lease import ROOT as LEASES
from tasks.remediation.lease import read_holder
from tasks.remediation.plan import Plan
from tasks.delivery.listeners import Listener, by_catalogue, listeners
from tasks.delivery.hold import cannot_hold, work_on
from tasks.actions.object_lists import send
from tasks.restore.outcome import RestoreResult
from tasks.restore.plan import caps, plan_objects, time_sentence
from tasks.restore.survey import Found, Looking, look
from tasks.restore.wanted import BadRequest, Scope, Wanted, scope_of
from tasks.snapshots.layout import layout_of
from tasks.snapshots.nights import last_of, night_at, nights
from tasks.snapshots.summary import Summary


@dataclass(slots=True)
class Prepared:
    """A plan, why it may not be carried out, and what must be kept to carry it out."""

    plan: Plan
    refused: list[str] = field(default_factory=list)
    lost: int = 0
    """Objects that cannot be brought back by anybody."""
    send: Callable[[str], None] = lambda _: None
    """Puts the plan's lists into the ops bucket, for that run."""


def prepare_objects(context: Context, wanted: Wanted, folder: Path, result: RestoreResult) -> Prepared:
    """Survey the scope and plan. Fills in the result. Raises `BadRequest`, `OutsideError`."""
    environment = context.environment
    scope = scope_of(environment, wanted)
    night = night_of(environment, wanted, scope)
    firing, why_not = triggers(environment)
    layout = layout_of(environment) if night is not None else None
    found = look(Looking(environment, scope, wanted, protection_of(environment), layout, night, firing, folder))
    refuse_the_unknown(environment, scope, wanted, found, night)
    to_hold = [] if wanted.without_hold or why_not else [one for one in firing if found.fires[one.trigger]]
    plan = plan_objects(scope, wanted, found, to_hold, night.night if night else "", environment.data_bucket)
    tell(environment, result, plan, found, wanted, night)
    prepared = Prepared(plan, lost=found.objects["lost"])
    prepared.refused = [] if not plan.actions else guard(context, scope, wanted, found, plan)
    if plan.actions and not wanted.without_hold:
        held = why_not or cannot_hold(environment, to_hold)
        prepared.refused += [f"{one} Or run it with without_hold, which lets every event through." for one in held]

    def put_lists(run: str) -> None:
        for which, files in found.lists.items():
            send(environment, run, which, files)

    prepared.send = put_lists
    return prepared


def refuse_the_unknown(
    environment: PipelineEnvironment, scope: Scope, wanted: Wanted, found: Found, night: Summary | None
) -> None:
    """Nothing known of a time or of a name is no reason to think that nothing was there. Raises `BadRequest`."""
    if not any(found.objects[kind] for kind in ("live", "missing", "lost", "withheld", "never")):
        where, hint = (f"night {night.night}", "") if night else ("any night begun by then", ", or give a later time")
        raise BadRequest(
            f"Neither gs://{environment.data_bucket} nor {where} holds {scope.text}; check its name{hint}."
        )
    if night is not None:
        if wanted.remove_extra and not scope.prefix.startswith(night.prefix):
            raise BadRequest(
                f"Night {night.night} recorded only what is below {night.prefix}, so nobody can tell what is extra in "
                f"{scope.text}; leave remove_extra out."
            )
        if wanted.remove_extra and night.data_bucket != environment.data_bucket:
            raise BadRequest(
                f"Night {night.night} is of gs://{night.data_bucket}, so nobody can tell what is extra in "
                f"gs://{environment.data_bucket}; leave remove_extra out."
            )
        return
    there = ("same", "missing", "overwritten", "left_alone", "withheld")
    if wanted.remove_extra:
        raise BadRequest("No night had begun by that time, so nobody can tell what is extra; leave remove_extra out.")
    if not any(found.objects[kind] for kind in there):
        raise BadRequest(
            f"Nothing is known of {scope.text} at that time: no night had begun by then, and the bucket's history does "
            "not go back so far; give a later time."
        )


def guard(context: Context, scope: Scope, wanted: Wanted, found: Found, plan: Plan) -> list[str]:
    """Every reason not to do it: switches, caps, and what is at work on the scope."""
    policy = context.environment.policy
    live = tuple(f"{work.what} on {work.scene_id}" for work in work_on(context, scope.scene_id or ""))
    if scope.scene_id is None:
        live += tuple(recoveries(context))
    around = Surroundings(found.objects["live"] + found.objects["missing"], live=live)
    return [*kept(context.environment, found), *refusals(plan, policy, around), *caps(found, policy)]


def kept(environment: PipelineEnvironment, found: Found) -> Iterator[str]:
    """Objects that the service would not let be replaced or removed: seen now, not when half of it is done."""
    shown, count = found.shown.get("kept", [])[:NAMED], found.objects["kept"]
    yield from (f"gs://{environment.data_bucket}/{one}; nothing was changed." for one in shown)
    if count > len(shown):
        yield f"{count - len(shown):,} more objects are kept likewise."


def recoveries(context: Context) -> Iterator[str]:
    """Whoever holds the lease on a scene: a restore of many scenes takes none of theirs."""
    environment, now = context.environment, datetime.now(UTC)
    storage, ops = environment.storage, environment.ops_bucket
    for found in storage.list(ops, LEASES):
        subject = found.name.removeprefix(LEASES).removesuffix(".json")
        if not SCENE_ID.fullmatch(subject) or not is_scene(environment, subject):
            continue
        held = read_holder(storage, ops, subject)
        if held is not None and held[0].expires_at > now and context.holder_is_alive(held[0]) is not False:
            yield f"{held[0].describe()} on {subject}"


def is_scene(environment: PipelineEnvironment, subject: str) -> bool:
    """Whether there is such a scene; a lease may be on something else."""
    prefix = environment.catalogue.scene_prefix(subject)
    return next(environment.storage.list(environment.data_bucket, prefix), None) is not None


def protection_of(environment: PipelineEnvironment) -> Protection:
    """What the data bucket keeps of deleted objects. Raises `NotFound` when there is no such bucket."""
    protection = environment.storage.protection(environment.data_bucket)
    if not protection.exists:
        raise NotFound(f"There is no bucket {environment.data_bucket}; check the environment's data_bucket.")
    return protection


def night_of(environment: PipelineEnvironment, wanted: Wanted, scope: Scope | None = None) -> Summary | None:
    """The night to restore from: of a scope the newest that has all of it, though another scene's object be missing.

    Raises `BadRequest` when one is needed and there is none, `NightDamaged`.
    """
    if wanted.at is not None:
        return night_at(environment, wanted.at) if environment.backup_bucket else None

    def enough(summary: Summary) -> bool:
        return summary.good or (scope is not None and summary.has_all(scope.holds))

    night = last_of(environment, enough) if environment.backup_bucket else None
    if night is None:
        raise BadRequest("There is no good night to restore from; give a time, and the bucket's history is used.")
    return night


def triggers(environment: PipelineEnvironment) -> tuple[tuple[Listener, ...], list[str]]:
    """The triggers that listen, and why they cannot be held when they cannot be asked for."""
    try:
        return listeners(environment), []
    except OutsideError as error:
        return by_catalogue(environment), [f"The deployed triggers cannot be listed, so none can be held: {error}"]


def tell(
    environment: PipelineEnvironment,
    result: RestoreResult,
    plan: Plan,
    found: Found,
    wanted: Wanted,
    night: Summary | None,
) -> None:
    """Fill in the result."""
    result.plan, result.counts, result.shown = plan, dict(found.objects), found.shown
    result.fires = dict(found.fires)
    result.night = night.night if night else ""
    result.achieved = time_sentence(wanted.at, night.begun_at if night else None, found)
    if night is not None and not night.good:
        result.notes.append(f"Night {night.night} is {night.outcome}: {night.missing_count} objects are not in it.")
    newer = [one for one in nights(environment) if one > night.night] if night and wanted.at is None else []
    if newer:
        result.notes.append(
            f"{counted(len(newer), 'newer night')} captured not everything, the last {newer[-1]}: give `at` to use one."
        )
    if night is not None and night.data_bucket != environment.data_bucket:
        result.notes.append(f"Night {night.night} is of another bucket, gs://{night.data_bucket}.")
    if found.objects["withheld"]:
        count = found.objects["withheld"]
        result.notes.append(f"{count:,} markers and trigger objects are not restored; run with markers to do so, last.")
    if found.objects["left_alone"]:
        result.notes.append(
            f"{found.objects['left_alone']:,} objects differ and are newer: they are left alone; overwrite "
            "'always' replaces them."
        )
    for kind, count in found.objects.items():
        if kind.startswith("class:") and count:
            was = kind.removeprefix("class:")
            result.notes.append(
                f"{counted(count, 'object')} of storage class {was} will have the bucket's default class; to change that "
                f"afterwards: `gcloud storage objects update --storage-class={was}`."
            )
    if found.objects["lost"]:
        result.notes.append(f"{found.objects['lost']:,} objects cannot be brought back: no good copy is left.")
    if found.objects["extra"] and not wanted.remove_extra:
        result.notes.append(f"{found.objects['extra']:,} objects were not there then: they stay (see remove_extra).")
