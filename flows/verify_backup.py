"""Verify a backup: everything it names is there and unchanged, and a part of its bytes is read again each time.

Handbook: 'Verifying a backup'. Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow, runtime

from flows.progress import show_bytes
from flows.running import as_task_run, flow_context, state_of
from tasks.backup.verify import VerifyBackup, VerifyQuestion
from tasks.remediation.check import check, sections_of
from tasks.remediation.report import publish


def run_name() -> str:
    """What the flow run is called in lists, e.g. `verify the newest backup`."""
    night = runtime.flow_run.parameters.get("night")
    return f"verify backup {night}" if night else "verify the newest backup"


@flow(name="verify-backup", flow_run_name=run_name)
def verify_backup(night: str = "", environment: str = "default", requested_by: str = "") -> State[Any]:
    """Compare a night's record with what is in the backup, and publish the scorecard. Changes nothing.

    Args:
        night: Which night, as in 20261123T020000Z. Empty: the newest.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded.
    """
    question = VerifyQuestion(night=night, report=show_bytes("verification"))
    one = check(VerifyBackup(), flow_context(environment, requested_by), question, as_task_run)
    publish(one, sections_of(one), "check")
    return state_of(one)
