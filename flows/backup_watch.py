"""Notice a missed night the next morning, and one that is only partial, damaged or not verified.

Prefect shows runs that failed; a run that never began shows nowhere. This flow fails on purpose, so that it is seen.
Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.backup.watch import BackupWatch, WatchQuestion
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


@flow(name="backup-watch", flow_run_name="backup watch")
def backup_watch(environment: str = "default") -> State[Any]:
    """Fail when the last night is missing, too old, partial, damaged or not verified. Changes nothing.

    Args:
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    one = check(BackupWatch(), flow_context(environment, ""), WatchQuestion(), as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
