"""Whether the Genie Sim server says that it is well."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import Literal

from pydantic import Field

from blocks.errors import OutsideError
from tasks.diagnosis.attempts import GENIE_SIM
from tasks.diagnosis.probe import Asked, Found, Probe
from tasks.diagnosis.signs import tags, utc
from tasks.diagnosis.symptoms import Params
from tasks.diagnosis.world import World
from tasks.pipeline.simulator_pods import out_since, server_pods

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
            since = since_when(world)
            pods = [f"Kubernetes has none of its pods ready since {utc(since)}"] if since else []
            found.say(
                one.row,
                block.address,
                f"Genie Sim: {health.detail}",
                evidence=[f"asked {ASKED} times: {health.detail}", *pods],
                tags=tags(service=GENIE_SIM),
                values={"address": block.address},
                since=since,
            )


def since_when(world: World) -> datetime | None:
    """When its pods ceased to be ready. Its own health says only how it is now; where no pod tells, it is unknown."""
    cluster = world.environment.cluster
    with suppress(OutsideError):  # the probes of pods say that the cluster could not be asked
        if cluster.enabled:
            return out_since(server_pods(world.environment, world.once(("pods",), cluster.pods)))
    return None


PROBES = (Probe("genie_sim_health", Health, frozenset({"address"}), look_at_genie_sim),)
