"""Back up the pipeline every night: scenes by object class, what is deployed, Terraform's state; then let old nights go.

Handbook: 'Backup'. Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from flows.progress import show_bytes
from flows.running import call_task, flow_context
from tasks.backup.backup import back_up
from tasks.backup.expiry import expire
from tasks.backup.outcome import Result
from tasks.backup.present import publish_backup, publish_result


@flow(name="nightly-backup", flow_run_name="{what} ({mode})")
def nightly_backup(
    mode: Literal["plan", "apply"] = "plan",
    what: Literal["backup and expiry", "backup", "expiry"] = "backup and expiry",
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Record one night, and remove nights that are too old.

    Args:
        mode: "plan" changes nothing and shows what would be copied and removed; "apply" does it and proves the night.
        what: The backup, the expiry of old nights, or one after the other. Expiry only follows a backup that is good.
        environment: Name of the Remediation Environment block.
        requested_by: Who asks; recorded.
    """
    logger = get_run_logger()
    context = flow_context(PipelineEnvironment.load(environment), environment, requested_by)
    results: list[Result] = []
    if what != "expiry":
        night = back_up(context, mode, call_task, show_bytes("backup"))
        publish_backup(night)
        results.append(night)
    if what != "backup" and all(result.good for result in results):
        expired = expire(context, mode, call_task)
        publish_result(expired, "expiry")
        results.append(expired)
    for result in results:
        logger.info(result.sentence())
    good = all(result.good for result in results)
    return (Completed if good else Failed)(message="; ".join(result.sentence() for result in results))
