"""Plan: what a restore of objects would do, from what was found. Pure.

Objects are not actions here, since there may be a million: a step is one action, its list is part of the plan by the
SHA-256 of its parts, and its counts are what the policy's caps weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import JsonValue

from tasks.actions.object_lists import ListName, digests_of
from tasks.delivery.hold import HoldDelivery
from tasks.delivery.kinds import hold_delivery, release_action
from tasks.delivery.listeners import Listener
from tasks.delivery.release import ReleaseDelivery
from tasks.remediation.plan import Action, Plan, Risk
from tasks.restore.list_kinds import remove_list, restore_list, verify_list
from tasks.restore.list_parts import ObjectList
from tasks.restore.observe import ObjectFacts
from tasks.restore.request import RestoreRequest, Scope
from tasks.restore.sources import SOURCE_WORDS
from tasks.restore.survey import Found

OBJECTS_PROCEDURE = "restore-objects"


def plan_objects(facts: ObjectFacts, request: RestoreRequest, bucket: str) -> Plan:
    """The steps that bring a scope back: hold, data, proof, markers, proof, removal, release."""
    found, scope = facts.found, facts.scope
    steps = list(list_actions(facts, bucket))
    if steps and facts.to_hold:
        triggers = ", ".join(one.trigger for one in facts.to_hold)
        steps = [hold(facts.to_hold, scope, triggers), *steps, release_action(ReleaseDelivery(), triggers)]
    return Plan(
        procedure=OBJECTS_PROCEDURE,
        subject=scope.text,
        actions=tuple(one.model_copy(update={"step": f"{n} {one.step}"}) for n, one in enumerate(steps, 1)),
        risk=risk_of(request),
        lost=found.objects["lost"],
        details=details(facts, request),
    )


def risk_of(request: RestoreRequest) -> Risk:
    """A restore of everything, and one that removes or replaces at will, are high."""
    bold = request.kind == "bucket" or request.remove_extra or request.overwrite == "always"
    return "high" if bold else "medium"


def details(facts: ObjectFacts, request: RestoreRequest) -> dict[str, JsonValue]:
    """What the report shows, also of a run that is continued."""
    night = facts.night
    shown: dict[str, JsonValue] = {kind: list(names) for kind, names in facts.found.shown.items()}
    return {
        "night": night.night if night else "",
        "achieved": time_sentence(request.at, night.begun_at if night else None, facts.found),
        "counts": dict(facts.found.objects),
        "fires": dict(facts.found.fires),
        "shown": shown,
    }


def list_actions(facts: ObjectFacts, bucket: str) -> Iterator[Action]:
    """Restore and prove the data, then the markers, then remove what was not there: whatever of it there is."""
    if facts.found.in_list("data"):
        yield from restoring("data", "objects", facts, bucket)
    if facts.found.in_list("markers"):
        yield from restoring("markers", "markers and trigger objects", facts, bucket)
    if facts.found.in_list("extra"):
        yield removing(facts, bucket)


def hold(to_hold: Sequence[Listener], scope: Scope, triggers: str) -> Action:
    """Hold the delivery of what the restore would set off."""
    return hold_delivery.action(
        HoldDelivery(listeners=tuple(to_hold), scene=scope.scene_id or ""),
        step="hold delivery",
        target=triggers,
        precondition="it pushes now, and nobody else holds it",
        undo="the ticket in the ops bucket has what it was; the last step or hold-watch gives it back",
        why="every object written starts these workflows",
    )


def restoring(which: ListName, words: str, facts: ObjectFacts, bucket: str) -> Iterator[Action]:
    """Bring a list back, then prove it."""
    found, scope = facts.found, facts.scope
    count, size, params = found.in_list(which), found.bytes[f"list:{which}"], listed(which, facts)
    target = f"{count:,} {words} of {scope.text} in gs://{bucket}"
    yield restore_list.action(
        params,
        step=f"restore {which}",
        target=target,
        precondition="each only over the generation that was seen, or where nothing is",
        undo="what is replaced stays in the bucket's history, else is copied to the ops bucket first",
        why=sources_sentence(found),
        objects=count,
        bytes=size,
        replaced=found.objects[f"over:{which}"],
        replaced_bytes=found.bytes[f"over:{which}"],
    )
    yield verify_list.action(
        params,
        step=f"verify {which}",
        target=target,
        precondition="none",
        undo="nothing to undo",
        why="size and checksum of every restored object decide; of a whole scene its validation too",
        objects=count,
    )


def removing(facts: ObjectFacts, bucket: str) -> Action:
    """Remove what was not there at that time."""
    count = facts.found.in_list("extra")
    return remove_list.action(
        listed("extra", facts),
        step="remove extra objects",
        target=f"{count:,} objects of {facts.scope.text} in gs://{bucket}",
        precondition="the generation that was seen",
        undo="they stay in the bucket's history, else are copied to the ops bucket first",
        why="they were not there at that time",
        objects=count,
        bytes=facts.found.bytes["list:extra"],
    )


def listed(which: ListName, facts: ObjectFacts) -> ObjectList:
    """A list as parameters of an action."""
    scope = facts.scope
    return ObjectList(
        list=which,
        prefix=scope.prefix,
        count=facts.found.in_list(which),
        sha256=digests_of(facts.found.lists.get(which, [])),
        scene=scope.scene_id or "",
        whole_scene=scope.kind == "scene",
    )


def sources_sentence(found: Found) -> str:
    """Where the objects come from, as in `12 from soft-deleted objects of the bucket, 3 from the night's copy`."""
    words = [
        f"{found.objects[f'source:{source_kind}']:,} from {where}"
        for source_kind, where in SOURCE_WORDS.items()
        if found.objects[f"source:{source_kind}"]
    ]
    return ", ".join(words) or "nothing"


def time_sentence(asked: datetime | None, night_at: datetime | None, found: Found) -> str:
    """Which time is achieved; the night's may be earlier than what was asked for."""
    if asked is None:
        when = f"{night_at:%Y-%m-%d %H:%M:%S} UTC" if night_at else "no night"
        return f"Everything as the newest good night recorded it, begun {when}."
    sentence = f"As it was at {asked:%Y-%m-%d %H:%M:%S} UTC"
    if found.from_night and night_at is not None:
        minutes = (asked - night_at).total_seconds() / 60
        sentence += (
            f", but for {found.from_night:,} objects of which the bucket keeps no history: those are as the night begun "
            f"{night_at:%Y-%m-%d %H:%M:%S} UTC recorded them, {minutes:,.0f} minutes earlier"
        )
    return sentence + "."
