"""Simulator check: say whether Genie Sim and the services beside it are well, and whether the simulation is real.

It changes nothing. By its schedule it has `simulator-outage` started for what is out, as the receiver does for an event.
Handbook: 'Isaac Sim or Genie Sim outage'. Documentation for the person on call: docs/operations/simulator-outage.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, runtime

from flows.running import as_task_run, flow_context, start_run, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.simulator_outage.check import SimulatorCheck
from tasks.simulator_outage.look import HealthQuestion

ANSWER = "simulator-outage/simulator-outage-on-event"
"""The deployment that answers an outage, whoever finds it."""


@flow(name="simulator-check", flow_run_name="simulator check")
def simulator_check(
    wake: bool = False, mode: Literal["look", "answer"] = "look", environment: str = "default"
) -> State[Any]:
    """Say of each service that simulates how it is, and by what; fail when one is out, or a restart was not proved.

    Args:
        wake: Also ask services that are scaled to nothing when nobody calls: a look starts them, and that costs.
        mode: "look" only tells; "answer", as scheduled, also has simulator-outage started for what is out or owed.
        environment: Name of the Remediation Environment block, which says whose services they are.
    """
    one = check(SimulatorCheck(), flow_context(environment, ""), HealthQuestion(wake=wake), as_task_run)
    if mode == "answer" and one.facts is not None:
        answer(one, one.facts.facts.answers, environment)
    if not one.good:
        publish(one, sections_of(one), "check")
    return state_of(one)


def answer(one: Run, due: dict[str, str], environment: str) -> None:
    """Have a run created for each service, once for this look; what cannot be started, a person must."""
    for service, why in due.items():
        asked = {"service": service, "reason": why, "environment": environment, "requested_by": "simulator-check"}
        try:
            start_run(ANSWER, asked, f"simulator-check:{service}:{runtime.flow_run.id}")
            one.notes.append(f"simulator-outage was started for {service}.")
        except Exception as error:  # no such deployment, no server: whatever it is, the look itself is told
            by_hand = f"remediate simulator restart {service}"
            one.reasons.append(f"simulator-outage could not be started for {service} ({error}): {by_hand}")
