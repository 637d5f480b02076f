"""Plan: what a restore would do, from what was found. Pure.

Objects are not actions here, since there may be a million: a step is one action, and its list is part of the plan by
its SHA-256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import JsonValue

from blocks.policy import RemediationPolicy, Risk
from tasks.remediation.plan import Action, Plan
from tasks.delivery.listeners import Listener
from tasks.actions.object_lists import ListName, digest_of
from tasks.restore.rungs import RUNG_WORDS
from tasks.restore.survey import Found
from tasks.restore.wanted import Scope, Wanted
from tasks.sync.meter import human

PROCEDURE = "restore"
SUBJECT = "restore"
"""Of the lease and the journal: one restore at a time, because two would hold the same delivery."""


def plan_objects(
    scope: Scope, wanted: Wanted, found: Found, to_hold: Sequence[Listener], night: str, bucket: str
) -> Plan:
    """The steps that bring a scope back: hold, data, proof, markers, proof, removal, release."""
    steps: list[Action] = []
    if to_hold:
        steps.append(_hold(to_hold, scope))
    steps += _restore("data", scope, found, bucket)
    if found.in_list("markers"):
        steps += _restore("markers", scope, found, bucket)
    if found.in_list("extra"):
        steps.append(_remove(scope, found, bucket))
    if to_hold:
        steps.append(_release(to_hold))
    numbered = [one.model_copy(update={"step": f"{number} {one.step}"}) for number, one in enumerate(steps, 1)]
    return Plan(
        procedure=PROCEDURE,
        subject=scope.text,
        actions=tuple(numbered) if any(found.in_list(which) for which in ("data", "markers", "extra")) else (),
        risk=risk_of(wanted),
        fault=f"night {night}" if night else "the bucket's own history",
    )


def risk_of(wanted: Wanted) -> Risk:
    """A restore of everything, one that removes or replaces at will, and one of Terraform's state are high."""
    bold = wanted.kind in ("bucket", "terraform-state") or wanted.remove_extra or wanted.overwrite == "always"
    return "high" if bold else "medium"


def _hold(to_hold: Sequence[Listener], scope: Scope) -> Action:
    subscriptions: list[JsonValue] = [asdict(one) for one in to_hold]
    return Action(
        step="hold delivery",
        kind="hold_delivery",
        effect="write",
        target=", ".join(one.trigger for one in to_hold),
        precondition="it pushes now, and nobody else holds it",
        undo="the ticket in the ops bucket has what it was; the last step or hold-watch gives it back",
        why="every object written starts these workflows",
        params={"subscriptions": subscriptions, "scene": scope.scene_id or ""},
    )


def _restore(which: ListName, scope: Scope, found: Found, bucket: str) -> list[Action]:
    count = found.in_list(which)
    if not count:
        return []
    size, words = found.bytes[f"list:{which}"], "objects" if which == "data" else "markers and trigger objects"
    params = listed(which, found) | {"scene": (scope.scene_id or "") if scope.kind == "scene" else ""}
    target = f"{count:,} {words} of {scope.text} in gs://{bucket}"
    restore = Action(
        step=f"restore {which}",
        kind="restore_objects",
        effect="write",
        target=target,
        precondition="each only over the generation that was seen, or where nothing is",
        undo="what is replaced stays in the bucket's history, else is copied to the ops bucket first",
        why=rungs_sentence(found),
        bytes=size,
        params=params,
    )
    prove = Action(
        step=f"verify {which}",
        kind="verify_objects",
        effect="read",
        target=target,
        precondition="none",
        undo="nothing to undo",
        why="size and checksum of every restored object decide; of a whole scene its validation too",
        params=params,
    )
    return [restore, prove]


def _remove(scope: Scope, found: Found, bucket: str) -> Action:
    return Action(
        step="remove extra objects",
        kind="remove_objects",
        effect="delete",
        target=f"{found.in_list('extra'):,} objects of {scope.text} in gs://{bucket}",
        precondition="the generation that was seen",
        undo="they stay in the bucket's history, else are copied to the ops bucket first",
        why="they were not there at that time",
        bytes=found.bytes["list:extra"],
        params=listed("extra", found),
    )


def _release(to_hold: Sequence[Listener]) -> Action:
    return Action(
        step="release delivery",
        kind="release_delivery",
        effect="write",
        target=", ".join(one.trigger for one in to_hold),
        precondition="this run's ticket is not redeemed",
        undo="nothing to undo",
        why="the restore's own events are dropped, everybody else's delivered one by one, then it pushes as before",
    )


def listed(which: ListName, found: Found) -> dict[str, JsonValue]:
    """A list as parameters of an action."""
    files = found.lists.get(which, [])
    return {"list": which, "count": found.in_list(which), "sha256": digest_of(files)}


def rungs_sentence(found: Found) -> str:
    """Where the objects come from, as in `12 from soft-deleted objects of the bucket, 3 from the night's copy`."""
    words = [
        f"{found.objects[f'rung:{rung}']:,} from {where}"
        for rung, where in RUNG_WORDS.items()
        if found.objects[f"rung:{rung}"]
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


def caps(found: Found, policy: RemediationPolicy) -> list[str]:
    """The blast radius: live objects that would be replaced or removed, in number, percent and bytes."""
    removed, replaced = found.in_list("extra"), found.objects["overwritten"]
    size = found.bytes["list:extra"] + found.bytes["overwritten"]
    there, refused = found.objects["live"] + found.objects["missing"], []
    if removed + replaced > policy.max_objects:
        refused.append(
            f"It would replace {replaced:,} and remove {removed:,} live objects; the policy's max_objects is "
            f"{policy.max_objects:,}."
        )
    if removed and 100 * removed > policy.max_objects_percent * there:
        refused.append(
            f"It would remove {removed:,} of {there:,} objects ({100 * removed / there:.0f} %); the policy's "
            f"max_objects_percent is {policy.max_objects_percent:g}."
        )
    if size > policy.max_bytes:
        refused.append(
            f"It would replace or remove {human(size)} of live objects; the policy's max_bytes is "
            f"{human(policy.max_bytes)}."
        )
    return refused
