"""Watchdog: is the remediation itself alive? Every schedule, every run that has no end, every ticket and claim.

Every 15 minutes. When all is well it says so outside, so that its own silence is noticed. Documentation for the person on
call: docs/operations/survival.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.survival.watchdog import Watchdog, beat


@flow(name="watchdog", flow_run_name="watchdog")
def watchdog(environment: str = "default") -> State[Any]:
    """Say what of the remediation is dead, late or forgotten; when nothing is, say so outside.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    context = flow_context(environment, "watchdog")
    one = check(Watchdog(), context, None, as_task_run)
    if one.good and (unsaid := beat(context)):
        one.end("failed", *unsaid)
    publish(one, sections_of(one), "check")
    return state_of(one)
