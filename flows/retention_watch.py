"""Retention watch: keep a record of what the pipeline's own clean-up removed, and tell what it will remove too soon.

Every night after the clean-up. It changes nothing of the pipeline. Documentation for the person on call:
docs/operations/retention.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish
from tasks.retention.check import RetentionWatch


@flow(name="retention-watch", flow_run_name="retention watch")
def retention_watch(environment: str = "default") -> State[Any]:
    """Record removals from the clean-up's log; fails when what an open incident needs is removed soon and has no copy.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(RetentionWatch(), flow_context(environment, "retention-watch"), None, as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
