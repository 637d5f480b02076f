"""Whether the Genie Sim server says that it is well."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import Field

from tasks.diagnosis.attempts import GENIE_SIM
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.signs import tags
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World

ASKED = 3
"""How often it is asked before it is believed to be ill: one lost answer is no reason to call a person."""
WAIT_SECONDS = 0.5


class Health(Params):
    """Of a server that is not well."""

    states: tuple[Literal["down", "not_serving"], ...] = Field(min_length=1)


def look_at_genie_sim(world: World, asked: list[Asked[Health]], found: Found) -> None:
    """Its health, by gRPC's own service. It is never probed by a call of its own: a server without a robot crashes on it."""
    block = world.environment.genie_sim
    health = block.check()
    for _ in range(ASKED - 1):
        if health.state not in ("down", "not_serving"):
            break
        time.sleep(WAIT_SECONDS)
        health = block.check()
    if health.state == "unknown":
        found.notes.append(f"Whether Genie Sim is ready cannot be told: {health.detail}")
    for one in asked:
        if health.state in one.params.states:
            found.say(
                one.row,
                block.address,
                f"Genie Sim: {health.detail}",
                evidence=[f"asked {ASKED} times: {health.detail}"],
                tags=tags(service=GENIE_SIM),
                values={"address": block.address},
            )


PROBES = (Probe("genie_sim_health", Health, frozenset({"address"}), look_at_genie_sim),)
