"""Every probe by its name, and the table of symptoms that asks them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tasks.diagnosis import (
    breakers,
    cluster,
    dead_letters,
    downstream,
    executions,
    genie_sim,
    jobs,
    locks,
    logs,
    scenes,
    triggers,
)
from tasks.diagnosis.probe import Probe
from tasks.diagnosis.symptoms import Row, load_symptoms

MODULES = (triggers, jobs, executions, downstream, scenes, locks, breakers, logs, cluster, genie_sim, dead_letters)
PROBES: dict[str, Probe[Any]] = {probe.name: probe for module in MODULES for probe in module.PROBES}


@lru_cache(maxsize=1)
def symptoms() -> tuple[Row, ...]:
    """The shipped table."""
    return load_symptoms(PROBES)
