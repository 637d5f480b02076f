"""GPU check: say whether GPUs are short, of which class the shortage is, and who waits. Read-only, every 15 minutes.

Handbook: 'GPU capacity exhaustion'. Documentation for the person on call: docs/operations/gpu-capacity.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.gpu_capacity.check import GpuCheck
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="gpu-check", flow_run_name="gpu check")
def gpu_check(environment: str = "default") -> State[Any]:
    """Say why work waits for GPUs, with the pod, event, node or quota that says so; fail when something waits.

    Args:
        environment: Name of the Remediation Environment block, which says whose cluster it is.
    """
    one = check(GpuCheck(), flow_context(environment, ""), None, as_task_run)
    if not one.good:
        publish(one, sections_of(one), "check")
    return state_of(one)
