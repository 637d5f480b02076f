"""Observe and plan the restore of objects: everything up to the decision, with nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound, OutsideError
from blocks.stored_object import Protection
from tasks.backup.layout import layout_of
from tasks.backup.nights import last_good, night_at
from tasks.backup.summary import Summary
from tasks.remediation.context import Context
from tasks.remediation.guard import Surroundings, refusals
from tasks.remediation.plan import Plan
from tasks.restore.firing import Firing, by_catalogue, listeners
from tasks.restore.hold import cannot_hold, work_on
from tasks.restore.items import send
from tasks.restore.outcome import RestoreResult
from tasks.restore.plan import caps, plan_objects, time_sentence
from tasks.restore.survey import Found, Looking, look
from tasks.restore.wanted import BadRequest, Scope, Wanted, scope_of


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
    night = night_of(environment, wanted)
    firing, why_not = triggers(environment)
    found = look(
        Looking(
            environment,
            scope,
            wanted,
            protection_of(environment),
            layout_of(environment) if night is not None else None,
            night,
            firing,
            folder,
        )
    )
    to_hold = [] if wanted.without_hold or why_not else [one for one in firing if found.fires[one.trigger]]
    plan = plan_objects(scope, wanted, found, to_hold, night.night if night else "", environment.data_bucket)
    tell(result, plan, found, wanted, night)
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


def guard(context: Context, scope: Scope, wanted: Wanted, found: Found, plan: Plan) -> list[str]:
    """Every reason not to do it: switches, caps, and what is at work on the scope."""
    policy = context.environment.policy
    live = tuple(f"{work.what} on {work.scene_id}" for work in work_on(context, scope.scene_id or ""))
    around = Surroundings(max(found.objects["live"], 1), live=live)
    return [*refusals(plan, policy, around), *caps(found, policy)]


def protection_of(environment: PipelineEnvironment) -> Protection:
    """What the data bucket keeps of deleted objects. Raises `NotFound` when there is no such bucket."""
    protection = environment.storage.protection(environment.data_bucket)
    if not protection.exists:
        raise NotFound(f"There is no bucket {environment.data_bucket}; check the environment's data_bucket.")
    return protection


def night_of(environment: PipelineEnvironment, wanted: Wanted) -> Summary | None:
    """The night to restore from. Raises `BadRequest` when one is needed and there is none, `NightDamaged`."""
    if wanted.at is None:
        night = last_good(environment) if environment.backup_bucket else None
        if night is None:
            raise BadRequest("There is no good night to restore from; give a time, and the bucket's history is used.")
        return night
    return night_at(environment, wanted.at) if environment.backup_bucket else None


def triggers(environment: PipelineEnvironment) -> tuple[tuple[Firing, ...], list[str]]:
    """The triggers that listen, and why they cannot be held when they cannot be asked for."""
    try:
        return listeners(environment), []
    except OutsideError as error:
        return by_catalogue(environment), [f"The deployed triggers cannot be listed, so none can be held: {error}"]


def tell(result: RestoreResult, plan: Plan, found: Found, wanted: Wanted, night: Summary | None) -> None:
    """Fill in the result."""
    result.plan, result.counts, result.shown = plan, dict(found.objects), found.shown
    result.fires = dict(found.fires)
    result.night = night.night if night else ""
    result.achieved = time_sentence(wanted.at, night.begun_at if night else None, found)
    if night is not None and not night.good:
        result.notes.append(f"Night {night.night} is {night.outcome}: {night.missing_count} objects are not in it.")
    if found.objects["withheld"]:
        count = found.objects["withheld"]
        result.notes.append(f"{count:,} markers and trigger objects are not restored; run with markers to do so, last.")
    if found.objects["left_alone"]:
        result.notes.append(
            f"{found.objects['left_alone']:,} objects differ and are newer: they are left alone; overwrite "
            "'always' replaces them."
        )
    if found.objects["lost"]:
        result.notes.append(f"{found.objects['lost']:,} objects cannot be brought back: no good copy is left.")
    if found.objects["extra"] and not wanted.remove_extra:
        result.notes.append(f"{found.objects['extra']:,} objects were not there then: they stay (see remove_extra).")
