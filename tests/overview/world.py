"""What the tests of the overview share: a world in which all is well, and what the overview says of one."""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.overview.ask import look_at_all
from tasks.overview.state import Item, State
from tasks.recovery.sweep import look_at_all as sweep_all
from tasks.recovery.sweep import scene_ids
from tasks.recovery.sweep_record import now, write_sweep
from tasks.remediation.context import Context
from tasks.survival.watchdog import beat
from tests.backup.world import verified
from tests.restore.world import DATA, drill, make_night

PREFECT = {"approvals", "schedules and the doctor", "Prefect's slots"}
"""What cannot be asked without Prefect."""


def swept(environment: PipelineEnvironment, at: datetime | None = None) -> None:
    """What the flow keeps of one sweep."""
    found = sweep_all(environment, list(scene_ids(environment)))
    told = [one for one in found if not one.healthy or one.stopped]
    write_sweep(environment, at or now(), len(found), told)


def well(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """Two scenes that are whole, a night that is verified and drilled, a sweep, and a watchdog that has nothing to say."""
    for name in ("kitchen_001", "office_001"):
        make_scene(sandbox.store, DATA, name, "office", objects=2)
    make_night(environment, sandbox.store)
    assert verified(environment).outcome == "nothing_to_do"
    assert drill(environment).outcome == "done"
    swept(environment)
    assert beat(Context(environment, "watchdog")) == []


def seen(environment: PipelineEnvironment, now: datetime | None = None) -> State:
    """What the overview sees, by a process that knows that killed ones are gone."""
    return look_at_all(Context(environment, "look", gone=lambda _: True), now or datetime.now(UTC))


def items(state: State, part: str) -> list[Item]:
    return state.parts[part].items


def only(state: State, part: str) -> Item:
    """The one item of a part."""
    (item,) = items(state, part)
    return item


def unknown(state: State, part: str) -> str:
    """What is unknown of a part, but for what only Prefect knows."""
    return " ".join(f"{one.what} {one.next}" for one in state.parts[part].unknown if "Prefect" not in one.what)
