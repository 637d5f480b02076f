"""Simulator check: say whether Genie Sim and the services beside it are well, and whether the simulation is real. Read-only.

Handbook: 'Isaac Sim or Genie Sim outage'. Documentation for the person on call: docs/operations/simulator-outage.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.simulator_outage.check import SimulatorCheck
from tasks.simulator_outage.look import HealthQuestion


@flow(name="simulator-check", flow_run_name="simulator check")
def simulator_check(wake: bool = False, environment: str = "default") -> State[Any]:
    """Say of each service that simulates how it is, and by what; fail when one is out.

    Args:
        wake: Also ask services that are scaled to nothing when nobody calls: a look starts them, and that costs.
        environment: Name of the Remediation Environment block, which says whose services they are.
    """
    one = check(SimulatorCheck(), flow_context(environment, ""), HealthQuestion(wake=wake), as_task_run)
    if not one.good:
        publish(one, sections_of(one), "check")
    return state_of(one)
