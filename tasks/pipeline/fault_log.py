"""How many scenes broke the same way lately: one small object for each scene and fault in the ops bucket.

    remediation/faults/<hour>/<fault>/<scene>

The same fault on many scenes is not many faults. A rerun of each would spend a lot and mend nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from blocks.errors import PreconditionFailed

ROOT = "remediation/faults/"


def record_fault(environment: PipelineEnvironment, fault: str, scene_id: str) -> None:
    """Remember that the scene shows the fault now. Once an hour is enough."""
    name = f"{ROOT}{hour(datetime.now(UTC))}/{fault}/{scene_id}"
    try:
        environment.storage.create(environment.ops_bucket, name, b"")
    except PreconditionFailed:
        return


def scenes_with_fault(environment: PipelineEnvironment, fault: str, but: str) -> int:
    """How many other scenes showed the fault within the policy's `systematic_minutes`."""
    since = datetime.now(UTC) - timedelta(minutes=environment.policy.systematic_minutes)
    found: set[str] = set()
    moment = since
    while hour(moment) <= hour(datetime.now(UTC)):
        prefix = f"{ROOT}{hour(moment)}/{fault}/"
        for stored in environment.storage.list(environment.ops_bucket, prefix):
            if stored.created >= since:
                found.add(stored.name.removeprefix(prefix))
        moment += timedelta(hours=1)
    return len(found - {but})


def scenes_lately(environment: PipelineEnvironment, minutes: float, but: str) -> int:
    """How many other scenes a recovery was to work on in the last minutes, whatever their fault."""
    since, found = datetime.now(UTC) - timedelta(minutes=minutes), set()
    moment = since
    while hour(moment) <= hour(datetime.now(UTC)):
        for stored in environment.storage.list(environment.ops_bucket, f"{ROOT}{hour(moment)}/"):
            if stored.created >= since:
                found.add(stored.name.rpartition("/")[2])
        moment += timedelta(hours=1)
    return len(found - {but})


def hour(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H")
