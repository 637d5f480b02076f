"""GPU check: say whether GPUs are short, of which class the shortage is, and who waits. Every 15 minutes.

It changes nothing but its own record of the looks, which is drawn over time.

Handbook: 'GPU capacity exhaustion'. Documentation for the person on call: docs/operations/gpu-capacity.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.gpu_capacity.capacity_record import capacity_over_time
from tasks.gpu_capacity.check import GpuCheck
from tasks.remediation.check import check, sections_of
from tasks.remediation.latest_page import keep_report
from tasks.remediation.report import publish


@flow(name="gpu-check", flow_run_name="gpu check")
def gpu_check(environment: str = "default") -> State[Any]:
    """Say why work waits for GPUs, with the pod, event, node or quota that says so; fail when something waits.

    Args:
        environment: Name of the Remediation Environment block, which says whose cluster it is.
    """
    context = flow_context(environment, "")
    one = check(GpuCheck(), context, None, as_task_run)
    sections = list(sections_of(one))
    if one.facts is not None:
        facts, _ = one.facts.facts
        sections.append(capacity_over_time(context.environment, facts))
    if one.good:
        keep_report(one, sections)
    else:
        publish(one, sections, "check")
    return state_of(one)
