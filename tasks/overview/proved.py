"""When it was last proved that all of it works: the last night, the last drill, the watchdog's last heartbeat."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from blocks.errors import NotFound
from tasks.backup.calendar import STATES, ProvedNight, proved_nights
from tasks.backup.watch import late_or_partial
from tasks.overview.state import Item, State, Unknown
from tasks.remediation.context import Context
from tasks.restore.drill_record import past_drills
from tasks.snapshots.nights import NightDamaged, nights, read_summary
from tasks.survival.watchdog import HEARTBEAT

VERIFIED_BY = timedelta(hours=12)
"""A night that nobody has verified for so long was forgotten: it is verified two and a half hours after it begins."""
SILENT = timedelta(hours=1)
"""A heartbeat that is older is missed: four turns of the watchdog."""
DRILLS = 8
"""Records of drills that are read: of several runs of a moment the last one counts."""


def ask_nights(context: Context, state: State) -> None:
    """The last night and how it was proved; what is wrong with it is overdue."""
    environment = context.environment
    if not environment.backup_bucket:
        state.parts["proved"].unknown.append(
            Unknown("The environment names no backup bucket: nothing is known of any night.", "remediate doctor")
        )
        return
    state.nights = proved_nights(environment, state.at)
    known = nights(environment)
    if not known:
        state.parts["overdue"].items.append(Item("There is no backup at all.", next="remediate backup --apply"))
        return
    last = next((one for one in reversed(state.nights) if one.night == known[-1]), None)
    try:
        newest = read_summary(environment, known[-1], known)
    except NightDamaged as error:
        state.parts["overdue"].items.append(Item(str(error), next="remediate verify-backup"))
        return
    complaints = [
        Item(one, newest.begun_at, next="remediate backup --apply")
        for one in late_or_partial(environment, newest, state.at)
    ]
    state.parts["overdue"].items += complaints
    proof = last.proof if last is not None else "captured"
    if proof == "unread":
        sentence = f"Whether night {newest.night} is proved could not be read."
        state.parts["proved"].unknown.append(Unknown(sentence, f"remediate verify-backup {newest.night}"))
    words = STATES[proof].words
    state.parts["proved"].items.append(
        Item(
            f"Night {newest.night}: {newest.objects:,} objects; {words}.", newest.begun_at, "nightly-backup", acts=False
        )
    )
    state.parts["overdue"].items += unproved(last or ProvedNight(newest.night, newest.begun_at, "captured"), state.at)


def unproved(night: ProvedNight, now: datetime) -> list[Item]:
    """That nobody has looked at it in time, or that somebody has and it was not well."""
    if night.proof in ("captured", "partial") and now - night.begun_at > VERIFIED_BY:
        return [Item(f"Night {night.night} has not been verified.", night.begun_at, next="remediate verify-backup")]
    if night.proof == "findings":
        sentence = f"The verification of night {night.night} has found something."
        return [Item(sentence, night.begun_at, next=f"remediate verify-backup {night.night}")]
    return []


def ask_drills(context: Context, state: State) -> None:
    """The last restore drill."""
    part, found = state.parts["proved"], past_drills(context.environment, DRILLS)
    if not found:
        part.unknown.append(Unknown("No restore drill has been recorded yet.", "remediate restore-drill"))
        return
    last = found[-1]
    bad = bool(last.problems)
    command = "remediate restore-drill" if bad else ""
    part.items.append(Item(f"{last.sentence().rstrip('.')}.", last.at, "restore-drill", command, acts=bad))


def ask_heartbeat(context: Context, state: State) -> None:
    """When the watchdog last said that the remediation itself is alive."""
    environment, part = context.environment, state.parts["proved"]
    command = "prefect deployment run watchdog/watchdog"
    try:
        said = json.loads(environment.storage.read(environment.ops_bucket, HEARTBEAT))
        at = datetime.fromisoformat(said["at"])
        silent = state.at - at > SILENT
    except NotFound:
        part.unknown.append(Unknown("The watchdog has never said that all is well.", command))
        return
    except (ValueError, TypeError, KeyError):
        part.unknown.append(Unknown(f"gs://{environment.ops_bucket}/{HEARTBEAT} is no heartbeat.", command))
        return
    said_so = "The watchdog said that the remediation itself is well."
    part.items.append(Item(said_so, at, "watchdog", command if silent else "", acts=silent))
